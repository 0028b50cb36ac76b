// Mutants, each with the test that catches it:
//   taken only in memory                    AWeekOffline, ARestartGoesOn
//   order lost after a passing refusal      WhatPassesIsWaitedFor
//   a passing refusal is kept as refused    WhatPassesIsWaitedFor
//   a refused set blocks those after it     WhatIsRefusedHoldsUpNothing
//   the answer is not told, or told twice   TellsEachAnswerOnce
//   everything at once to the bus           AWeekOffline
//   full spool drops, or blocks for ever    TheCallerIsToldThatItIsFull
#include "services/common/publish_spool/spooled_publisher.h"

#include <atomic>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_bus.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_disk.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using concordat::testing::FakeBus;
using concordat::testing::FakeClock;
using concordat::testing::FakeDisk;
using concordat::testing::HasCode;
using concordat::testing::IsOk;
using concordat::testing::SeededRandom;
using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Minutes(2);
const std::string kKey(32, 'k');

std::vector<Event> Set(uint64_t n, size_t events = 1) {
  std::vector<Event> set;
  for (size_t i = 0; i < events; ++i) {
    Event event;
    event.header.source = "urn:concordat:police-scotland:rms";
    event.header.type = "concordat.police.v1.AddressChanged";
    event.header.controller = "police-scotland";
    event.header.id = absl::StrCat("e-", n, "-", i);
    event.groups.push_back({1, "x"});
    set.push_back(std::move(event));
  }
  return set;
}

class SpooledPublisherTest : public ::testing::Test {
 protected:
  void Start() {
    publisher_.reset();
    client_ = bus_.Connect("police");
    auto spool = PublishSpool::Open(disk_, kKey, random_, limits_);
    ASSERT_THAT(spool, IsOk());
    publisher_ =
        std::make_unique<SpooledPublisher>(*std::move(spool), *client_, clock_);
    publisher_->Start();
  }
  void ExpectInLog(uint64_t sets, size_t events = 1) {
    const std::vector<View> log = bus_.events();
    ASSERT_EQ(log.size(), sets * events);
    for (size_t i = 0; i < log.size(); ++i) {
      ASSERT_EQ(log[i].header.id,
                absl::StrCat("e-", i / events, "-", i % events));
    }
  }

  FakeClock clock_;
  FakeDisk disk_;
  SeededRandom random_;
  SpoolLimits limits_;
  FakeBus bus_{clock_};
  std::unique_ptr<BusClient> client_;
  std::unique_ptr<SpooledPublisher> publisher_;
};

TEST_F(SpooledPublisherTest, TellsEachAnswerOnce) {
  Start();
  std::atomic<int> told = 0;
  for (uint64_t n = 0; n < 200; ++n) {
    ASSERT_THAT(publisher_->Publish(
                    Set(n, 2),
                    [&told](const std::vector<PublishOutcome>& outcomes) {
                      if (outcomes.size() == 2 && outcomes[1].accepted) ++told;
                    }),
                IsOk());
  }
  ASSERT_TRUE(publisher_->WaitUntilSent(kPatience));
  publisher_.reset();
  EXPECT_EQ(told, 200);
  ExpectInLog(200, 2);
}

// 500,000 events while nobody answers, the program restarted each day.
TEST_F(SpooledPublisherTest, AWeekOffline) {
  bus_.GoAway();
  uint64_t n = 0;
  for (int day = 0; day < 7; ++day) {
    Start();
    for (int i = 0; i < 286; ++i) {
      ASSERT_THAT(publisher_->Publish(Set(n++, 250), nullptr), IsOk());
    }
    clock_.Advance(absl::Hours(24));
  }
  EXPECT_EQ(publisher_->state().waiting_sets, n);
  EXPECT_LE(absl::FromUnixMicros(
                static_cast<int64_t>(publisher_->state().oldest_taken_us)),
            clock_.Now() - absl::Hours(7 * 24));
  bus_.ComeBack();
  ASSERT_TRUE(publisher_->WaitUntilSent(kPatience));
  ExpectInLog(n, 250);
  EXPECT_EQ(publisher_->state().refused_sets, 0);
}

TEST_F(SpooledPublisherTest, ARestartGoesOn) {
  limits_.file_bytes = 2000;
  Start();
  uint64_t n = 0;
  for (int round = 0; round < 10; ++round) {
    bus_.GoAwayBeforeNextAnswer();
    for (int i = 0; i < 20; ++i) {
      ASSERT_THAT(publisher_->Publish(Set(n++), nullptr), IsOk());
    }
    ASSERT_TRUE(bus_.WaitForEvents(n - 19, kPatience));
    Start();
    bus_.ComeBack();
    ASSERT_TRUE(publisher_->WaitUntilSent(kPatience));
  }
  ExpectInLog(n);
}

TEST_F(SpooledPublisherTest, WhatPassesIsWaitedFor) {
  Start();
  bus_.RefuseNext(bus::v1::REFUSAL_READ_ONLY, "the disk failed");
  bus_.GoAway();  // So that all of them are out when the first is refused.
  for (uint64_t n = 0; n < 30; ++n) {
    ASSERT_THAT(publisher_->Publish(Set(n), nullptr), IsOk());
  }
  bus_.ComeBack();
  ASSERT_TRUE(publisher_->WaitUntilSent(kPatience));
  EXPECT_EQ(publisher_->state().refused_sets, 0);
  EXPECT_EQ(publisher_->state().held_up_by, "");
  EXPECT_EQ(bus_.events().size(), 30);
}

TEST_F(SpooledPublisherTest, WhatIsRefusedHoldsUpNothing) {
  Start();
  bus_.RefuseNext(bus::v1::REFUSAL_FIELD_RULE, "address: missing");
  std::atomic<bool> was_refused = false;
  ASSERT_THAT(publisher_->Publish(
                  Set(1000),
                  [&was_refused](const std::vector<PublishOutcome>& outcomes) {
                    was_refused = !outcomes[0].accepted;
                  }),
              IsOk());
  ASSERT_TRUE(publisher_->WaitUntilSent(kPatience));
  for (uint64_t n = 0; n < 10; ++n) {
    ASSERT_THAT(publisher_->Publish(Set(n), nullptr), IsOk());
  }
  ASSERT_TRUE(publisher_->WaitUntilSent(kPatience));
  EXPECT_EQ(publisher_->state().refused_sets, 1);
  publisher_.reset();
  EXPECT_TRUE(was_refused);
  ExpectInLog(10);
}

TEST_F(SpooledPublisherTest, TheCallerIsToldThatItIsFull) {
  limits_.bytes_max = 20'000;
  bus_.GoAway();
  Start();
  uint64_t n = 0;
  absl::Status status;
  while (status.ok()) {
    status = publisher_->Publish(Set(n), nullptr);
    if (status.ok()) ++n;
  }
  EXPECT_THAT(status, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(std::string(status.message()), HasSubstr("full"));
  bus_.ComeBack();
  ASSERT_TRUE(publisher_->WaitUntilSent(kPatience));
  ExpectInLog(n);
}

}  // namespace
}  // namespace concordat
