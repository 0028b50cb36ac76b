// How far a drain is.
//
// Mutant                                            Caught by
// done while something taken has no answer          WaitsForWhatWasTaken
// done while a reader lags, or a place is unstored  WaitsForWhoReads
// waits for those who are away or paused            WaitsForWhoReads
// one that stands still holds it up for ever        WhoStandsStillHoldsItUpNoLonger
// one that moves slowly is left behind              WhoStandsStillHoldsItUpNoLonger
// services of the hub leave with all others         LetsServicesOfTheHubAnswer
#include "services/bus/daemon/drain.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace concordat::bus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Phase = Drain::Phase;

constexpr absl::Duration kPatience = absl::Seconds(10);

class DrainTest : public ::testing::Test {
 protected:
  DrainTest() {
    view_.now = absl::Seconds(100);
    view_.end = view_.folded = {50};
    view_.stored = true;
    drain_.Begin(absl::FromUnixSeconds(1), "new disks");
  }
  SubscriptionInfo& Reader(uint64_t acknowledged) {
    SubscriptionInfo& info = view_.subscriptions.emplace_back();
    info.agency = "nhs-tayside";
    info.role = "reader";
    info.name = "r";
    info.connected = true;
    info.acknowledged = {acknowledged};
    return info;
  }
  Phase After(absl::Duration time) {
    view_.now += time;
    drain_.Step(view_);
    return drain_.phase();
  }

  Drain drain_{kPatience};
  Drain::View view_;
};

TEST_F(DrainTest, IsDoneWhenNothingIsUnderWay) {
  Reader(50);
  EXPECT_EQ(After(absl::ZeroDuration()), Phase::kDrained);
  EXPECT_EQ(drain_.state().why, "new disks");
  EXPECT_EQ(drain_.state().since, absl::FromUnixSeconds(1));
  drain_.End();
  EXPECT_EQ(After(absl::Hours(1)), Phase::kTaking);
}

TEST_F(DrainTest, WaitsForWhatWasTaken) {
  view_.owes = true;
  EXPECT_EQ(After(absl::Hours(1)), Phase::kDraining);
  EXPECT_EQ(After(absl::Hours(1)), Phase::kDraining);
  view_.owes = false;
  EXPECT_EQ(After(absl::ZeroDuration()), Phase::kDrained);
}

TEST_F(DrainTest, WaitsForWhoReads) {
  Reader(0).connected = false;
  Reader(0).paused = true;
  Reader(47);
  EXPECT_EQ(After(absl::Seconds(1)), Phase::kDraining);
  EXPECT_THAT(drain_.state().behind,
              ElementsAre("nhs-tayside/reader/r is behind by 3 events"));
  view_.subscriptions[2].acknowledged = {50};
  view_.stored = false;
  EXPECT_EQ(After(absl::Seconds(1)), Phase::kDraining);
  EXPECT_THAT(drain_.state().behind, IsEmpty());
  view_.stored = true;
  view_.folded = {49};
  EXPECT_EQ(After(absl::Seconds(1)), Phase::kDraining);
  view_.folded = {50};
  EXPECT_EQ(After(absl::Seconds(1)), Phase::kDrained);
}

TEST_F(DrainTest, WhoStandsStillHoldsItUpNoLonger) {
  Reader(10);
  for (uint64_t at = 11; at < 30; ++at) {
    EXPECT_EQ(After(kPatience - absl::Seconds(1)), Phase::kDraining);
    view_.subscriptions[0].acknowledged = {at};
  }
  EXPECT_EQ(After(absl::Seconds(1)), Phase::kDraining);
  EXPECT_EQ(After(kPatience), Phase::kDrained);
  EXPECT_THAT(drain_.state().behind,
              ElementsAre("nhs-tayside/reader/r is behind by 21 events"));
}

TEST_F(DrainTest, LetsServicesOfTheHubAnswer) {
  v1::Principal police;
  v1::Principal alerts;
  alerts.mutable_process();
  EXPECT_FALSE(Admits(drain_.ingest(), police));
  EXPECT_TRUE(Admits(drain_.ingest(), alerts));
  EXPECT_FALSE(Admits(drain_.delivery(), police));
  EXPECT_EQ(After(absl::ZeroDuration()), Phase::kDrained);
  EXPECT_FALSE(Admits(drain_.ingest(), alerts));
  EXPECT_TRUE(Admits(drain_.delivery(), alerts));
  drain_.End();
  EXPECT_TRUE(Admits(drain_.ingest(), police));
  EXPECT_TRUE(Admits(drain_.delivery(), police));
}

}  // namespace
}  // namespace concordat::bus
