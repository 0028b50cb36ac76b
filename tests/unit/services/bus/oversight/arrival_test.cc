// Why an event did not come to a subscription, in words.
//
// Mutant                                          Caught by
// what keeps it is not said, or the wrong thing   EachThatMayKeepItSaysSo
// what does not keep it is said to                NothingKeepsWhatIsSentNext
// acknowledged and said not to have come          TheRecordsCount
// passed and never sent, said to have come        WhatWasPassedDidNotArrive
// a line that is not to this role is named        TheNearestLineIsNamed
// lag not counted                                 EachThatMayKeepItSaysSo
// an erasure is told as the end of a period       EachThatMayKeepItSaysSo
// set aside, parked, behind another taken for lag OfWhatSettlesSingly
// a delivery counted as the wrong event           SaysWhenItWasSent
#include "services/bus/oversight/arrival.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_disk.h"
#include "tests/support/status_matchers.h"

namespace concordat::bus {
namespace {

using ::concordat::testing::FakeDisk;
using ::concordat::testing::IsOk;
using ::testing::HasSubstr;
using Standing = Settlement::Standing;

constexpr uint64_t kNowUs = 1'764'000'000'000'000;  // 24 Nov 2025.

class ArrivalTest : public ::testing::Test {
 protected:
  ArrivalTest() {
    event_.sequence = {50};
    event_.commitments.push_back({0, {}});
    event_.opened.push_back({0, {}, {}});
    view_.set_seen(true);
    v1::ExplainedLine& line = *view_.add_lines();
    line.set_agreement("mappa-tayside");
    line.set_version(3);
    line.set_line("see[4]");
    line.set_applies(true);
    line.set_because("nhs-tayside is a party");
    state_.exists = state_.connected = true;
    state_.acknowledged = {40};
    state_.sent = {45};
    state_.end = {90};
  }
  v1::Arrival Look() const {
    return ArrivalInWords("reads", event_, view_, state_, times_);
  }
  // The step that keeps it first.
  std::string Keeps() const {
    const v1::Arrival arrival = Look();
    EXPECT_FALSE(arrival.arrived());
    for (const v1::ArrivalStep& step : arrival.steps()) {
      if (!step.keeps()) continue;
      EXPECT_EQ(step.because(), arrival.because());
      return step.what();
    }
    return "";
  }

  StoredEvent event_;
  v1::ExplainViewResponse view_;
  ArrivalState state_;
  SentTimes times_;
};

TEST_F(ArrivalTest, EachThatMayKeepItSaysSo) {
  EXPECT_EQ(Keeps(), "place");
  EXPECT_EQ(Look().behind(), 50u);
  EXPECT_EQ(Look().before_event(), 10u);
  state_.without_credit = true;
  EXPECT_EQ(Keeps(), "credit");
  state_.paused = true;
  EXPECT_EQ(Keeps(), "paused");
  state_.refused_by = "agencies";
  EXPECT_EQ(Keeps(), "filter");
  EXPECT_THAT(Look().because(), HasSubstr("agencies"));
  state_.connected = false;
  EXPECT_EQ(Keeps(), "subscription");
  EXPECT_THAT(Look().because(), HasSubstr("nobody is connected"));
  state_.stopped_because = "as many events wait as may";
  EXPECT_EQ(Look().because(), "as many events wait as may");
  state_.exists = false;
  EXPECT_THAT(Look().because(), HasSubstr("no subscription"));
  view_.set_seen(false);
  view_.mutable_lines(0)->set_applies(false);
  view_.mutable_lines(0)->set_because("nhs-tayside is not a party");
  EXPECT_EQ(Keeps(), "agreement");
  view_.set_because("the type is internal to the hub and never granted");
  EXPECT_THAT(Look().because(), HasSubstr("internal"));
  event_.removed_us = kNowUs;
  EXPECT_EQ(Keeps(), "event");
  EXPECT_THAT(Look().because(), HasSubstr("24 November 2025"));
  EXPECT_THAT(Look().because(), HasSubstr("its period was over"));
  EXPECT_EQ(Look().steps(0).line(), "retention.textproto");
  event_.erased = true;
  EXPECT_EQ(Keeps(), "event");
  EXPECT_THAT(Look().because(), HasSubstr("erased on 24 November 2025"));
  EXPECT_EQ(Look().steps(0).line(), "concordat.hub.v1.PersonErased");
}

TEST_F(ArrivalTest, OfWhatSettlesSingly) {
  state_.singly = true;
  state_.sent = {90};
  Settlement::StandsAt& at = state_.stands;
  at.row.attempts = 5;
  at.row.reason = "no answer";
  at.behind = {33};
  at.standing = Standing::kSetAside;
  EXPECT_EQ(Keeps(), "set aside");
  EXPECT_THAT(Look().because(), HasSubstr("no answer"));
  at.standing = Standing::kParked;
  EXPECT_EQ(Keeps(), "parked");
  at.standing = Standing::kDelayed;
  EXPECT_EQ(Keeps(), "another attempt");
  at.standing = Standing::kBehindKey;
  EXPECT_EQ(Keeps(), "ordering key");
  EXPECT_THAT(Look().because(), HasSubstr("33"));
  at.standing = Standing::kOut;
  EXPECT_EQ(Keeps(), "sent");
  at.standing = Standing::kReady;
  EXPECT_EQ(Keeps(), "place");
}

TEST_F(ArrivalTest, NothingKeepsWhatIsSentNext) {
  state_.acknowledged = {49};
  state_.sent = {50};
  EXPECT_EQ(Keeps(), "");
  times_.sent_us = kNowUs;
  EXPECT_EQ(Keeps(), "");
  EXPECT_THAT(Look().because(), HasSubstr("not acknowledged"));
}

TEST_F(ArrivalTest, TheRecordsCount) {
  times_ = {kNowUs, kNowUs};
  view_.set_seen(false);  // Since then.
  EXPECT_TRUE(Look().arrived());
  EXPECT_THAT(Look().because(), HasSubstr("acknowledged on 24 November 2025"));
}

TEST_F(ArrivalTest, WhatWasPassedDidNotArrive) {
  state_.acknowledged = state_.sent = {60};
  EXPECT_EQ(Keeps(), "");
  EXPECT_THAT(Look().because(), HasSubstr("its place is past it"));
}

TEST_F(ArrivalTest, TheNearestLineIsNamed) {
  view_.set_seen(false);
  view_.clear_lines();
  for (const char* because :
       {"it is not to nhs-tayside", "the case is at Level 1",
        "it is not for the role nhs-liaison"}) {
    v1::ExplainedLine& line = *view_.add_lines();
    line.set_agreement("mappa-tayside");
    line.set_version(3);
    line.set_line(because);
    line.set_because(because);
  }
  const v1::Arrival arrival = Look();
  EXPECT_EQ(arrival.because(), "the case is at Level 1");
  EXPECT_EQ(arrival.steps(1).line(),
            "mappa-tayside version 3, the case is at Level 1");
}

TEST_F(ArrivalTest, SaysWhenItWasSent) {
  FakeDisk disk;
  auto store = AccessStore::Open(disk);
  ASSERT_THAT(store, IsOk());
  std::vector<access::v1::Record> records(3);
  records[0].set_log_time(5);
  access::v1::Delivered& delivered = *records[0].mutable_delivered();
  delivered.set_session(1);
  delivered.set_agency("nhs-tayside");
  delivered.set_role("nhs-liaison");
  delivered.set_name("reads");
  delivered.set_first_delivery(10);
  delivered.add_runs()->set_first(20);
  delivered.mutable_runs(0)->set_count(2);
  delivered.add_runs()->set_first(49);
  delivered.mutable_runs(1)->set_count(3);
  records[1].set_log_time(6);
  records[1].mutable_acknowledged()->set_session(1);
  records[1].mutable_acknowledged()->set_through_delivery(12);
  records[2] = records[1];
  records[2].set_log_time(7);
  records[2].mutable_acknowledged()->set_through_delivery(13);
  ASSERT_THAT((*store)->Add(records), IsOk());
  const auto times = SentTimesOf(**store, "nhs-tayside", "nhs-liaison", {50});
  ASSERT_THAT(times, IsOk());
  ASSERT_EQ(times->count("reads"), 1u);
  EXPECT_EQ(times->at("reads").sent_us, 5u);
  EXPECT_EQ(times->at("reads").acknowledged_us, 7u);
  const auto none = SentTimesOf(**store, "nhs-tayside", "nhs-liaison", {48});
  ASSERT_THAT(none, IsOk());
  EXPECT_TRUE(none->empty());
}

}  // namespace
}  // namespace concordat::bus
