#include "services/bus/log/durable_event_log.h"

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_log.h"

namespace concordat::testing {
namespace {

using bus::Staged;
using ::testing::ElementsAre;
using Kind = bus::Staged::Kind;

std::string Id(uint64_t number) { return absl::StrFormat("id-%06u", number); }

TestEvent::Fields Fields(uint64_t number) {
  TestEvent::Fields fields;
  fields.id = Id(number);
  fields.stream = absl::StrCat("referral/", number % 3);
  fields.person = static_cast<uint8_t>(number % 4);
  fields.groups = {absl::StrCat("routing ", number), "",
                   absl::StrCat("offence ", number), "clinical"};
  return fields;
}

class DurableEventLogTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_THAT(log_.Open(), IsOk()); }

  Staged AppendOne(const TestEvent& event) {
    const TestLog::Appended appended = log_.Append({&event});
    EXPECT_THAT(appended.written, IsOk());
    return appended.staged[0];
  }
  void AppendMany(uint64_t from, uint64_t to) {
    for (uint64_t i = from; i <= to; ++i) {
      const TestEvent event(Fields(i));
      ASSERT_EQ(AppendOne(event).kind, Kind::kNew);
    }
  }
  void ExpectMany(uint64_t count) {
    const auto events = log_.ReadAll();
    ASSERT_THAT(events, IsOk());
    ASSERT_EQ(events->size(), count);
    for (uint64_t i = 0; i < count; ++i) {
      EXPECT_EQ(Difference((*events)[i], TestEvent(Fields(i + 1))), "");
    }
  }

  TestLog log_;
};

TEST_F(DurableEventLogTest, ReadsBackWhatWasWritten) {
  AppendMany(1, 5);
  ExpectMany(5);
}

TEST_F(DurableEventLogTest, ReadsBackAfterReopeningOverManySegments) {
  AppendMany(1, 100);
  ASSERT_GT(log_.log().Status().segments, 2u);
  ASSERT_THAT(log_.Open(), IsOk());
  EXPECT_EQ(log_.log().Status().end, Sequence{100});
  ExpectMany(100);
  AppendMany(101, 110);
  ExpectMany(110);
}

TEST_F(DurableEventLogTest, ShowsNothingBeforeItIsWritten) {
  const TestEvent event(Fields(1));
  const bus::NewEvent staged = event.New();
  log_.log().Stage({&staged, 1}, 1);
  EXPECT_THAT(log_.log().Read({0}, 100), IsOk());
  EXPECT_TRUE((*log_.log().Read({0}, 100))->events.empty());
  EXPECT_THAT(log_.log().ReadOne({1}), HasCode(absl::StatusCode::kOutOfRange));
  EXPECT_EQ(*log_.log().StreamVersion(kTestSource, "referral/1"), Sequence{0});
  EXPECT_TRUE(log_.log().OfStream(kTestSource, "referral/1", {0}, 10)->empty());
  EXPECT_TRUE(log_.log().OfPerson(TestPerson(1), {0}, {10})->empty());
  ASSERT_THAT(log_.WriteStaged(), IsOk());
  EXPECT_EQ(*log_.log().StreamVersion(kTestSource, "referral/1"), Sequence{1});
}

TEST(DurableEventLogRegionsTest, PassesOverRegionsWithoutOnesOfInterestOnly) {
  TestLog::Options options;
  options.segment_bytes = 256 * 1024;
  options.recent_bytes = 1;
  TestLog log(options);
  ASSERT_THAT(log.Open(), IsOk());
  const std::set<uint64_t> rare = {150, 151, 390};
  for (uint64_t i = 1; i <= 600; ++i) {
    TestEvent::Fields fields = Fields(i);
    fields.person = rare.contains(i) ? 9 : 1;
    fields.groups = {std::string(2000, 'x'), "", "", ""};
    const TestEvent event(fields);
    ASSERT_THAT(log.Append({&event}).written, IsOk());
  }
  ASSERT_GT(log.log().Status().segments, 4u);
  const std::set<PersonKey> persons = {TestPerson(9)};
  bus::Interest interest;
  interest.persons = &persons;
  const auto expect_right = [&] {
    for (uint64_t after = 0; after < 600; ++after) {
      const uint64_t to = log.log().SkipFrom({after}, interest).value;
      EXPECT_GE(to, after);
      const auto next = rare.upper_bound(after);
      EXPECT_TRUE(next == rare.end() || to < *next) << after << " to " << to;
    }
  };
  expect_right();
  EXPECT_GT(log.log().SkipFrom({0}, interest).value, 60u);
  EXPECT_GT(log.log().SkipFrom({151 + 64}, interest).value, 230u);
  EXPECT_EQ(log.log().SkipFrom({599}, interest).value, 599u);
  EXPECT_EQ(log.log().SkipFrom({600}, interest).value, 600u);
  interest.type = [](absl::string_view) { return true; };
  expect_right();
  interest.persons = nullptr;
  EXPECT_EQ(log.log().SkipFrom({0}, interest).value, 0u);
  const std::set<std::string, std::less<>> agencies = {"of-nobody"};
  interest.agencies = &agencies;
  EXPECT_GT(log.log().SkipFrom({0}, interest).value, 60u);
  // Without its index a segment is read.
  interest = {};
  interest.persons = &persons;
  log.Close();
  log.disk().Overwrite(bus::SegmentIndexName(1), "no index");
  ASSERT_THAT(log.Open(), IsOk());
  expect_right();
}

TEST_F(DurableEventLogTest, AnswersARepeatWithTheOriginalForEver) {
  AppendMany(1, 100);
  for (int round = 0; round < 3; ++round) {
    for (const uint64_t number : {1, 40, 100}) {
      const TestEvent again(Fields(number));
      const Staged staged = AppendOne(again);
      EXPECT_EQ(staged.kind, Kind::kDuplicate);
      EXPECT_EQ(staged.sequence, Sequence{number});
      EXPECT_EQ(staged.digest, again.digest());
    }
    if (round == 1) log_.DropIndex();
    ASSERT_THAT(log_.Open(), IsOk());
  }
  EXPECT_EQ(log_.log().Status().end, Sequence{100});
}

TEST_F(DurableEventLogTest, FindsEventsByStreamAndPerson) {
  AppendMany(1, 100);
  for (int round = 0; round < 3; ++round) {
    std::vector<Sequence> of_stream;
    for (uint64_t i = 1; i <= 100; ++i) {
      if (i % 3 == 1) of_stream.push_back({i});
    }
    EXPECT_EQ(*log_.log().OfStream(kTestSource, "referral/1", {0}, 1000),
              of_stream);
    EXPECT_THAT(*log_.log().OfStream(kTestSource, "referral/1", {90}, 2),
                ElementsAre(Sequence{91}, Sequence{94}));
    EXPECT_THAT(*log_.log().OfPerson(TestPerson(2), {80}, {91}),
                ElementsAre(Sequence{82}, Sequence{86}, Sequence{90}));
    EXPECT_EQ(*log_.log().StreamVersion(kTestSource, "referral/1"),
              Sequence{100});
    if (round == 1) log_.DropIndex();
    ASSERT_THAT(log_.Open(), IsOk());
  }
}

TEST_F(DurableEventLogTest, AnIndexOfAnotherLogIsBuiltAnew) {
  AppendMany(1, 100);
  TestLog::Options options;
  options.seed = 2;
  TestLog other(options);
  ASSERT_THAT(other.Open(), IsOk());
  for (uint64_t i = 1; i <= 100; ++i) {
    TestEvent::Fields fields = Fields(i);
    fields.id = absl::StrCat("other-", i);
    const TestEvent event(fields);
    ASSERT_THAT(other.Append({&event}).written, IsOk());
  }
  ASSERT_EQ(other.log().Status().segments, log_.log().Status().segments);
  other.Close();
  log_.set_disk(other.disk().Copy());
  ASSERT_THAT(log_.Open(), IsOk());
  EXPECT_EQ(AppendOne(TestEvent(Fields(1))).kind, Kind::kNew);
  // The index it came with does not know this one.
  TestEvent::Fields known = Fields(2);
  known.id = "other-2";
  EXPECT_EQ(AppendOne(TestEvent(known)).kind, Kind::kDuplicate);
}

class CountingBackground : public bus::Background {
 public:
  explicit CountingBackground(int& posts) : posts_(posts) {}
  void Post(std::function<void()>) override { ++posts_; }

 private:
  int& posts_;
};

// What is posted uses what is gone when the opening has failed.
TEST_F(DurableEventLogTest, AnOpeningThatFailsLeavesNoWorkBehind) {
  AppendMany(1, 3);
  log_.Close();
  bus::EventLogOptions options;
  options.environment = bus::v1::ENVIRONMENT_LIVE;  // The log is a demo's.
  options.segments.segment_bytes = 32 * 1024;
  int posts = 0;
  SeededRandom random;
  EXPECT_THAT(bus::DurableEventLog::Open(
                  options, log_.disk(), log_.wrapping(),
                  std::make_unique<FakeIndexStore>(log_.index()),
                  std::make_unique<CountingBackground>(posts), random),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(posts, 0);
}

}  // namespace
}  // namespace concordat::testing
