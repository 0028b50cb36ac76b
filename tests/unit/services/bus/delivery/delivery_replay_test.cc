// A replay: a tail that ends at a position or a time.
//
// Mutant                                            Caught by
// ends one too early or too late                    AReplayEndsWhereItWasAskedTo
// what comes after the end goes out                 the same
// ends at the log's end, wherever that is           AReplayWaitsForAnEndThatIsToCome
// ends while back-fill is due                       AReplayHasWhatPolicyShowsOfIt…
// back-fill begins after the end was said           the same
// a durable name's place stands at an end for ever  OnlyATailHasAnEnd
// a region that reaches past the end is passed over PassesOverRegionsThatHoldNothingForIt
#include <array>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/bus/delivery/delivery_core.h"
#include "tests/unit/services/bus/delivery/delivery_fixture.h"

namespace concordat::bus {
namespace {

using ::testing::ElementsAre;

TEST_F(DeliveryCoreTest, AReplayEndsWhereItWasAskedTo) {
  AppendTwoAtEachMoment();
  Restart({});
  // After, through, before a time; and the last that comes of it.
  const std::vector<std::array<uint64_t, 4>> cases = {
      {0, 1, 0, 1},           {0, 5, 0, 5},           {3, 3, 0, 0},
      {5, 3, 0, 0},           {0, 0, kNowUs, 0},      {0, 0, kNowUs + 1, 2},
      {2, 0, kNowUs + 10, 0}, {0, 0, kNowUs + 40, 8}, {0, 3, kNowUs + 40, 3},
      {0, 9, kNowUs + 20, 4}};
  uint64_t session = 0;
  for (const auto& [after, through, before, last] : cases) {
    v1::Subscribe request = Ask("");
    request.set_after(after);
    request.set_through(through);
    request.set_to_time(before);
    Subscribe(++session, Named("red"), request);
    Work();
    const std::vector<uint64_t> got = Sequences(session);
    EXPECT_EQ(got.empty() ? 0 : got.back(), last) << session;
    EXPECT_EQ(got.size(), last == 0 ? 0 : last - after) << session;
    EXPECT_TRUE(ended_[session]) << session;
  }
  // What comes later is not for them.
  Event("a.v1.Fact", 0);
  Work();
  for (uint64_t each = 1; each <= session; ++each) {
    EXPECT_LT(Sequences(each).size(), 9u);
  }
}

TEST_F(DeliveryCoreTest, AReplayWaitsForAnEndThatIsToCome) {
  Event("a.v1.Fact", 0);
  v1::Subscribe request = Ask("");
  request.set_through(3);
  Subscribe(1, Named("red"), request);
  request.set_through(0);
  request.set_to_time(kNowUs + 1);
  Subscribe(2, Named("red"), request);
  Work();
  Event("a.v1.Fact", 0);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(1, 2));
  EXPECT_FALSE(ended_[1]);
  EXPECT_FALSE(ended_[2]);
  HeaderView header;
  header.type = "a.v1.Fact";
  header.source = "urn:concordat:elsewhere:x";
  header.id = "id";
  const Sequence next = log_.Append(header, "x", kNowUs + 1);
  Durable(next, next);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(1, 2, 3));
  EXPECT_TRUE(ended_[1]);
  EXPECT_THAT(Sequences(2), ElementsAre(1, 2));
  EXPECT_TRUE(ended_[2]);
}

TEST_F(DeliveryCoreTest, AReplayHasWhatPolicyShowsOfItBeforeItsEnd) {
  Event("a.v1.Fact", 1);
  Event("a.v1.Fact", 0);
  Event("a.v1.Fact", 0);
  v1::Subscribe request = Ask("");
  request.set_through(3);
  request.set_credit_events(1);
  Subscribe(1, Named("red"), request);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(2));
  Event("m.v1.Opened", 1, "red;red;0");
  for (uint64_t delivery = 1; delivery <= 2; ++delivery) {
    core_->Ack({1}, delivery);
    Work();
  }
  EXPECT_THAT(Sequences(1), ElementsAre(2, 1, 3));
  EXPECT_TRUE(ended_[1]);
  Event("m.v1.Left", 1, "red;;0");
  Event("m.v1.Joined", 1, "red;;0");
  core_->Ack({1}, 3);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(2, 1, 3));
  EXPECT_EQ(closed_.count(1), 0u);
}

TEST_F(DeliveryCoreTest, OnlyATailHasAnEnd) {
  Event("a.v1.Fact", 0);
  uint64_t session = 0;
  for (const bool by_time : {false, true}) {
    for (const bool own_place : {false, true}) {
      v1::Subscribe request = Ask("mine");
      request.set_own_place(own_place);
      request.set_through(by_time ? 0 : 1);
      request.set_to_time(by_time ? kNowUs : 0);
      Subscribe(++session, Named("red"), request);
      Work();
      EXPECT_EQ(closed_[session], v1::REFUSAL_MALFORMED);
    }
  }
}

}  // namespace
}  // namespace concordat::bus
