// Mutants, each with the test that catches it:
//   another person's or service's decision       IsForOnePersonAndService
//   last day not in, or a day too many           IsInForceFromItsTimeToItsLastDay
//   facts before the decision                    IsInForceFromItsTimeToItsLastDay
//   ended or retracted goes on                   EndsWhenItIsEndedOrTakenBack
//   someone else can end it                      EndsWhenItIsEndedOrTakenBack
//   oldest of two, or the greater reference      TheNewestCounts
//   what the log lost goes on being shared       WhatTheLogLostIsForgotten
//   the feed ends with the log's lost part       TheFeedReadsAnewAfterARestore
//   a decision folded after its end              TheFeedReadsAnewWhatIsShownLate
#include "adapters/core/sharing_decisions.h"

#include <atomic>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "adapters/core/decision_feed.h"
#include "concordat/nhs/v1/events.pb.h"
#include "gtest/gtest.h"
#include "tests/support/fake_bus.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"

namespace concordat::edge {
namespace {

using concordat::testing::HasCode;
using concordat::testing::IsOk;

const PersonKey kPerson(std::array<uint8_t, 16>{1});
const PersonKey kOther(std::array<uint8_t, 16>{2});
constexpr char kService[] = "ALCOHOL_TREATMENT";

absl::TimeZone London() {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone("Europe/London", &zone));
  return zone;
}
absl::Time At(int month, int day, int hour = 12) {
  return absl::FromCivil(absl::CivilHour(2025, month, day, hour),
                         absl::UTCTimeZone());
}

class SharingDecisionsTest : public ::testing::Test {
 protected:
  View Event(const std::string& type, const PersonKey& subject) {
    View view;
    view.sequence = Sequence{++sequence_};
    view.header.type = "concordat.nhs.v1." + type;
    view.header.id = "e" + std::to_string(sequence_);
    view.header.subject = subject;
    return view;
  }
  View Decided(const std::string& ref, absl::Time time,
               const std::string& until = "2025-11-30",
               const std::string& what = "ENGAGEMENT_ONLY",
               const PersonKey& subject = kPerson) {
    nhs::v1::SharingDecided decided;
    decided.set_decision_ref(ref);
    decided.set_what(what);
    decided.set_service_code(kService);
    decided.set_until(until);
    View view = Event("SharingDecided", subject);
    view.header.time_us = static_cast<uint64_t>(absl::ToUnixMicros(time));
    view.groups.push_back({1, decided.SerializeAsString(), {}});
    return view;
  }
  View Ended(const std::string& ref, const PersonKey& subject) {
    nhs::v1::SharingEnded ended;
    ended.set_decision_ref(ref);
    View view = Event("SharingEnded", subject);
    view.groups.push_back({0, ended.SerializeAsString(), {}});
    return view;
  }
  std::string InForce(absl::Time at) {
    const auto decision = decisions_.InForce(kPerson, kService, at);
    return decision.has_value() ? decision->decision_ref : "";
  }

  SharingDecisions decisions_{London()};
  uint64_t sequence_ = 0;
};

TEST_F(SharingDecisionsTest, IsForOnePersonAndService) {
  ASSERT_THAT(decisions_.Fold(Decided("D1", At(11, 7))), IsOk());
  ASSERT_THAT(decisions_.Fold(Event("AppointmentMissed", kPerson)), IsOk());
  EXPECT_EQ(InForce(At(11, 8)), "D1");
  EXPECT_FALSE(decisions_.InForce(kOther, kService, At(11, 8)).has_value());
  EXPECT_FALSE(
      decisions_.InForce(kPerson, "PSYCHOLOGY", At(11, 8)).has_value());
}

TEST_F(SharingDecisionsTest, IsInForceFromItsTimeToItsLastDay) {
  ASSERT_THAT(decisions_.Fold(Decided("D1", At(6, 7), "2025-06-30")), IsOk());
  EXPECT_EQ(InForce(At(6, 7) - absl::Seconds(1)), "");
  EXPECT_EQ(InForce(At(6, 7)), "D1");
  EXPECT_EQ(InForce(At(6, 30, 22)), "D1");
  EXPECT_EQ(InForce(At(6, 30, 23)), "");  // In London it is 1 July.
}

TEST_F(SharingDecisionsTest, EndsWhenItIsEndedOrTakenBack) {
  ASSERT_THAT(decisions_.Fold(Decided("D1", At(11, 7))), IsOk());
  ASSERT_THAT(decisions_.Fold(Ended("D1", kOther)), IsOk());
  ASSERT_THAT(decisions_.Fold(Ended("D9", kPerson)), IsOk());
  EXPECT_EQ(InForce(At(11, 8)), "D1");
  ASSERT_THAT(decisions_.Fold(Ended("D1", kPerson)), IsOk());
  EXPECT_EQ(InForce(At(11, 8)), "");

  const View second = Decided("D2", At(11, 7));
  ASSERT_THAT(decisions_.Fold(second), IsOk());
  View retraction = Event("SharingDecided", kPerson);
  retraction.header.retracts = second.header.id;
  ASSERT_THAT(decisions_.Fold(retraction), IsOk());
  EXPECT_EQ(InForce(At(11, 8)), "");
}

TEST_F(SharingDecisionsTest, TheNewestCounts) {
  ASSERT_THAT(decisions_.Fold(Decided("Z", At(11, 7))), IsOk());
  ASSERT_THAT(decisions_.Fold(Decided("A", At(11, 7), "2025-11-30", "NOTHING")),
              IsOk());
  EXPECT_EQ(InForce(At(11, 8)), "A");
  EXPECT_EQ(decisions_.InForce(kPerson, kService, At(11, 8))->what, "NOTHING");
}

TEST_F(SharingDecisionsTest, TakesNothingFromWhatItCannotRead) {
  View view = Decided("D1", At(11, 7), "soon");
  EXPECT_THAT(decisions_.Fold(view),
              HasCode(absl::StatusCode::kInvalidArgument));
  view = Decided("D1", At(11, 7), "2025-11-30", "X", PersonKey());
  EXPECT_THAT(decisions_.Fold(view),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(InForce(At(11, 8)), "");
  EXPECT_FALSE(decisions_.current());
  decisions_.SetCurrent(true, Sequence{9});
  EXPECT_TRUE(decisions_.current());
  EXPECT_EQ(decisions_.position(), Sequence{9});
}

TEST_F(SharingDecisionsTest, WhatTheLogLostIsForgotten) {
  ASSERT_THAT(decisions_.Fold(Decided("D-1", At(11, 1))), IsOk());
  decisions_.SetCurrent(true, Sequence{1});
  ASSERT_EQ(InForce(At(11, 2)), "D-1");
  decisions_.Forget();
  EXPECT_EQ(InForce(At(11, 2)), "");
  EXPECT_FALSE(decisions_.current());
  EXPECT_EQ(decisions_.position(), Sequence{});
}

TEST_F(SharingDecisionsTest, TheFeedReadsAnewAfterARestore) {
  const testing::FakeClock clock;
  testing::FakeBus bus(clock);
  const auto client = bus.Connect("edge");
  const Logger log("test");
  // Of the part of the log that is lost.
  ASSERT_THAT(decisions_.Fold(Decided("D-1", At(11, 1))), IsOk());
  const auto feed = DecisionFeed::Start(*client, decisions_, log);
  ASSERT_THAT(feed, IsOk());
  bus.EndSubscriptions("edge", absl::DataLossError("FORKED"));
  const auto publisher = bus.Connect("service-nhs");
  concordat::Event event;
  event.header.type = "concordat.nhs.v1.SharingDecided";
  event.header.source = "urn:concordat:nhs-tayside:nhs";
  event.header.id = "d-2";
  event.header.subject = kPerson;
  const View decided = Decided("D-2", At(11, 1));
  event.header.time_us = decided.header.time_us;
  event.groups.push_back({1, decided.groups[0].data});
  ASSERT_THAT(PublishAndWait(*publisher, {event}, absl::Seconds(10)), IsOk());
  ASSERT_TRUE(decisions_.AwaitPosition(Sequence{1}, absl::Seconds(10)));
  EXPECT_FALSE(decisions_.Find("D-1").has_value());
  EXPECT_TRUE(decisions_.Find("D-2").has_value());
}

// Else a decision that was ended would be in force again, when an agreement shows
// decisions to who saw their ends alone.
TEST_F(SharingDecisionsTest, TheFeedReadsAnewWhatIsShownLate) {
  const testing::FakeClock clock;
  testing::FakeBus bus(clock);
  std::atomic<bool> shows_decisions{false};
  const auto client = bus.Connect(
      "edge", [&shows_decisions](const View& whole) -> std::optional<View> {
        if (absl::EndsWith(whole.header.type, "Ended") || shows_decisions)
          return whole;
        return std::nullopt;
      });
  const Logger log("test");
  const auto publisher = bus.Connect("service-nhs");
  const auto publish = [&](const View& view) {
    concordat::Event event;
    event.header = view.header;
    event.header.source = "urn:concordat:nhs-tayside:nhs";
    event.groups.push_back({1, view.groups[0].data});
    ASSERT_THAT(PublishAndWait(*publisher, {event}, absl::Seconds(10)), IsOk());
  };
  publish(Decided("D-1", At(11, 1)));
  publish(Ended("D-1", kPerson));
  const auto feed = DecisionFeed::Start(*client, decisions_, log);
  ASSERT_THAT(feed, IsOk());
  ASSERT_TRUE(decisions_.AwaitPosition(Sequence{2}, absl::Seconds(10)));
  shows_decisions = true;
  bus.Backfill("edge", Sequence{2}, {Sequence{1}});
  publish(Ended("D-0", kPerson));
  ASSERT_TRUE(decisions_.AwaitPosition(Sequence{3}, absl::Seconds(10)));
  EXPECT_FALSE(decisions_.Find("D-1").has_value());
}

}  // namespace
}  // namespace concordat::edge
