// Subscriptions that settle singly, and their members, over a log in memory.
//
// Mutant                                            Caught by
// second member let in to an exclusive one          OneHolderUnlessItIsShared
// members with different filters                    MembersHaveOneFilter
// one member gets everything, or more than credit   SharesByCredit
// order of a stream broken between members          AStreamIsWithOneMemberAtATime
// what a dead member had is lost                    ADeadMembersDeliveriesGoToOthers
// attempt not judged anew                           WhatMayNoLongerBeSeenIsNotRepeated
// attempt not told                                  TellsTheAttempt
// nack answered before it is stored                 SaysSettledOnlyOnceStored
// restart forgets what is settled or set aside      ARestartLosesAndDoublesNothing
// back-fill lost when the floor is behind it        ShownLaterAlsoWhenSettledAboveTheFloor
// settles what it did not get                       RefusesToSettleWhatIsNotOut
// an operator reads an address in a reason          AReasonNamesNobody
// set aside skipped by a holder that cannot settle  UpToIsRefusedWhileEventsAreSetAside
// slow member holds up the others                   ASlowMemberHoldsUpNobody
// a row of an event that a restore has lost         AfterARestoreRowsAreOfTheLogThatIsThere

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/bus/delivery/delivery_core.h"
#include "tests/unit/services/bus/delivery/delivery_fixture.h"

namespace concordat::bus {
namespace {

class DeliverySinglyTest : public DeliveryCoreTest {
 protected:
  static v1::Subscribe Shared(std::string name, uint32_t credit = 0) {
    v1::Subscribe request;
    request.set_name(std::move(name));
    request.set_settlement(v1::SETTLEMENT_SHARED);
    request.set_credit_events(credit);
    return request;
  }
  // Of a stream of its own, unless it is named.
  Sequence OfStream(std::string stream = "") {
    if (stream.empty()) stream = absl::StrCat("own-", ++streams_);
    HeaderView header;
    header.type = "a.v1.Fact";
    header.source = "urn:concordat:elsewhere:x";
    header.controller = "elsewhere";
    header.id = "id";
    header.stream = stream;
    const Sequence sequence = log_.Append(header, "x", kNowUs);
    Durable(sequence, sequence);
    return sequence;
  }
  void Settle(uint64_t session, std::vector<uint64_t> done,
              std::vector<uint64_t> nacks = {}) {
    v1::Settle settle;
    for (const uint64_t number : done) settle.add_done(number);
    for (const uint64_t number : nacks) {
      v1::Nack& nack = *settle.add_nacks();
      nack.set_delivery(number);
      nack.set_reason("no answer");
    }
    core_->Settle({session}, settle);
  }
  void After(absl::Duration time) {
    now_ += time;
    Work();
  }
  SubscriptionInfo Info() { return core_->List().at(0); }

  int streams_ = 0;
};

TEST_F(DeliverySinglyTest, SettlesInAnyOrder) {
  for (int i = 0; i < 4; ++i) OfStream();
  v1::Subscribe request = Ask("mine");
  request.set_settlement(v1::SETTLEMENT_SINGLY);
  Subscribe(1, Named("red"), request);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(1, 2, 3, 4));
  Settle(1, {3, 2});
  Store();
  EXPECT_EQ(stored_["red/officer/mine"].acknowledged.value, 0u);
  Settle(1, {1});
  Store();
  EXPECT_EQ(stored_["red/officer/mine"].acknowledged.value, 3u);
  core_->Ack({1}, 4);  // Up to a number goes as well.
  Store();
  EXPECT_EQ(stored_["red/officer/mine"].acknowledged.value, 4u);
  EXPECT_THAT(stored_["red/officer/mine"].settled, IsEmpty());
}

TEST_F(DeliverySinglyTest, OneHolderUnlessItIsShared) {
  v1::Subscribe request = Ask("mine");
  request.set_settlement(v1::SETTLEMENT_SINGLY);
  Subscribe(1, Named("red"), request);
  Subscribe(2, Named("red"), request);
  EXPECT_EQ(closed_.count(1), 0u);
  Work();
  EXPECT_EQ(closed_[2], v1::REFUSAL_BUSY);
  Subscribe(3, Named("red"), Shared("mine"));
  Subscribe(4, Named("red"), Ask("mine"));
  Work();
  EXPECT_EQ(closed_[3], v1::REFUSAL_BUSY);
  EXPECT_EQ(closed_[4], v1::REFUSAL_BUSY);
  Subscribe(5, Named("red"), Ask("other"));
  Subscribe(6, Named("red"), Shared("other"));
  Work();
  EXPECT_EQ(closed_[6], v1::REFUSAL_BUSY);
  Subscribe(7, Named("red"), Shared(""));
  Work();
  EXPECT_EQ(closed_[7], v1::REFUSAL_MALFORMED);
}

TEST_F(DeliverySinglyTest, MembersHaveOneFilter) {
  Subscribe(1, Named("red"), Shared("ours"));
  v1::Subscribe request = Shared("ours");
  request.mutable_filter()->add_types("a.v1.Other");
  Subscribe(2, Named("red"), request);
  Work();
  EXPECT_EQ(closed_[2], v1::REFUSAL_BUSY);
  Subscribe(3, Named("red"), Shared("ours"));
  Work();
  EXPECT_EQ(closed_.count(3), 0u);
  EXPECT_EQ(Info().members, 2u);
}

TEST_F(DeliverySinglyTest, SharesByCredit) {
  Subscribe(1, Named("red"), Shared("ours", 2));
  Subscribe(2, Named("red"), Shared("ours", 20));
  for (int i = 0; i < 10; ++i) OfStream();
  Work();
  EXPECT_EQ(got_[1].size(), 2u);
  EXPECT_EQ(got_[2].size(), 8u);
  std::set<uint64_t> all;
  for (const uint64_t session : {1u, 2u}) {
    uint64_t number = 0;
    for (const Got& got : got_[session]) {
      EXPECT_EQ(got.number, ++number);
      EXPECT_TRUE(all.insert(got.sequence).second) << got.sequence;
    }
  }
  EXPECT_EQ(all.size(), 10u);
}

TEST_F(DeliverySinglyTest, AStreamIsWithOneMemberAtATime) {
  Subscribe(1, Named("red"), Shared("ours", 1));
  Subscribe(2, Named("red"), Shared("ours", 1));
  for (int i = 0; i < 3; ++i) OfStream("case/1");
  Work();
  EXPECT_EQ(got_[1].size() + got_[2].size(), 1u);
  const uint64_t first = got_[1].empty() ? 2 : 1;
  Settle(first, {1});
  Work();
  EXPECT_EQ(got_[1].size() + got_[2].size(), 2u);
}

TEST_F(DeliverySinglyTest, ASlowMemberHoldsUpNobody) {
  Subscribe(1, Named("red"), Shared("ours", 1));
  OfStream("case/1");
  Work();
  ASSERT_EQ(got_[1].size(), 1u);
  Subscribe(2, Named("red"), Shared("ours"));
  OfStream("case/1");  // Waits for the one that is out.
  for (int i = 0; i < 50; ++i) OfStream();
  Work();
  EXPECT_EQ(got_[2].size(), 50u);
}

TEST_F(DeliverySinglyTest, ADeadMembersDeliveriesGoToOthers) {
  Subscribe(1, Named("red"), Shared("ours"));
  OfStream("case/1");
  OfStream("case/2");
  Work();
  ASSERT_EQ(got_[1].size(), 2u);
  Subscribe(2, Named("red"), Shared("ours"));
  core_->Closed({1});
  Work();
  EXPECT_THAT(Sequences(2), ElementsAre(1, 2));
  Settle(2, {1, 2});
  OfStream("case/1");
  Work();
  EXPECT_THAT(Sequences(2), ElementsAre(1, 2, 3));
}

TEST_F(DeliverySinglyTest, TellsTheAttempt) {
  Subscribe(1, Named("red"), Shared("ours"));
  OfStream();
  OfStream();
  Work();
  EXPECT_THAT(attempts_[1], ElementsAre(1, 1));
  Settle(1, {2}, {1});
  Work();
  EXPECT_EQ(got_[1].size(), 2u);
  After(absl::Seconds(1));
  EXPECT_THAT(Sequences(1), ElementsAre(1, 2, 1));
  EXPECT_THAT(attempts_[1], ElementsAre(1, 1, 2));
}

TEST_F(DeliverySinglyTest, WhatMayNoLongerBeSeenIsNotRepeated) {
  Event("m.v1.Opened", 1, "red;red;0");
  Subscribe(1, Named("red"), Shared("ours"));
  const Sequence about = Event("a.v1.Fact", 1);
  Work();
  ASSERT_EQ(Sequences(1).back(), about.value);
  Settle(1, {}, {got_[1].back().number});
  Event("m.v1.Left", 1, "red;;0");
  After(absl::Seconds(2));
  EXPECT_THAT(Sequences(1), ElementsAre(about.value));
  EXPECT_EQ(Info().waiting, 0u);
}

TEST_F(DeliverySinglyTest, SaysSettledOnlyOnceStored) {
  Subscribe(1, Named("red"), Shared("ours"));
  OfStream();
  OfStream();
  Work();
  Settle(1, {1});
  const DirtyPlaces dirty = core_->TakeDirty();
  EXPECT_EQ(dirty.places.at("red/officer/ours").acknowledged.value, 1u);
  Settle(1, {}, {2});
  Work();
  EXPECT_EQ(stored_settles_.count(1), 0u);
  core_->Stored(dirty);
  Work();
  EXPECT_EQ(stored_settles_[1], 1u);
  Store();
  Work();
  EXPECT_EQ(stored_settles_[1], 2u);
}

TEST_F(DeliverySinglyTest, ARestartLosesAndDoublesNothing) {
  Subscribe(1, Named("red"), Shared("ours"));
  for (int i = 0; i < 6; ++i) OfStream();
  Work();
  // 1 stays out, 2 fails, 3 and 5 are done with.
  Settle(1, {3, 5}, {2});
  Store();
  Restart(stored_);
  Subscribe(2, Named("red"), Shared("ours"));
  Work();
  EXPECT_THAT(Sequences(2), ElementsAre(1, 4, 6));
  After(absl::Seconds(2));
  EXPECT_THAT(Sequences(2), ElementsAre(1, 4, 6, 2));
  for (size_t i = 0; i < got_[2].size(); ++i) {
    EXPECT_EQ(attempts_[2][i], got_[2][i].sequence == 2 ? 2u : 1u);
  }
  Settle(2, {1, 2, 3, 4});
  Store();
  EXPECT_EQ(stored_["red/officer/ours"].acknowledged.value, 6u);
  EXPECT_THAT(stored_["red/officer/ours"].rows, IsEmpty());
}

TEST_F(DeliverySinglyTest, AfterARestoreRowsAreOfTheLogThatIsThere) {
  OfStream();
  OfStream();
  log_.BeginEpoch(7);  // Events 3 and 4 of epoch 1 are lost.
  OfStream();
  OfStream();
  const std::string log(16, 'L');
  Place kept = {log, 1, {1}, {4}, {4}};
  kept.rows = {{.id = {{2}, {}}, .order = 1}};
  Place lost = {log, 1, {1}, {4}, {4}};
  lost.rows = {{.id = {{2}, {}}, .order = 1}, {.id = {{4}, {}}, .order = 2}};
  Place settled = {log, 1, {1}, {4}, {4}};
  settled.settled = {{{{3}, {}}, {}}};
  Restart({{"red/officer/kept", kept},
           {"red/officer/lost", lost},
           {"red/officer/settled", settled}});
  Subscribe(1, Named("red"), Shared("kept"));
  Subscribe(2, Named("red"), Shared("lost"));
  Subscribe(3, Named("red"), Shared("settled"));
  Work();
  EXPECT_THAT(Sequences(1), ::testing::UnorderedElementsAre(2, 3, 4));
  EXPECT_EQ(closed_[2], v1::REFUSAL_FORKED);
  EXPECT_EQ(closed_[3], v1::REFUSAL_FORKED);
  // Who begins anew has the row that is still about something, and no other.
  v1::Subscribe request = Shared("lost");
  request.set_log_id(log);
  request.set_epoch(7);
  request.set_after(2);
  Subscribe(4, Named("red"), request);
  Work();
  EXPECT_THAT(Sequences(4), ::testing::UnorderedElementsAre(2, 3, 4));
}

TEST_F(DeliverySinglyTest, ShownLaterAlsoWhenSettledAboveTheFloor) {
  // A person's event that it may not see, between two that it may.
  Subscribe(1, Named("red"), Shared("ours"));
  OfStream();
  const Sequence hidden = Event("a.v1.Fact", 1);
  OfStream();
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(1, 3));
  Settle(1, {2});  // The first holds the floor.
  Event("m.v1.Opened", 1, "red;red;0");
  Work();
  EXPECT_EQ(got_[1].at(2).sequence, hidden.value);
  EXPECT_NE(got_[1].at(2).cause, 0u);
  Store();
  Restart(stored_);
  Subscribe(2, Named("red"), Shared("ours"));
  Work();
  const std::vector<uint64_t> again = Sequences(2);
  EXPECT_EQ(std::count(again.begin(), again.end(), 3), 0);
  EXPECT_GE(std::count(again.begin(), again.end(), hidden.value), 1);
}

TEST_F(DeliverySinglyTest, RefusesToSettleWhatIsNotOut) {
  Subscribe(1, Named("red"), Shared("ours"));
  Subscribe(2, Named("red"), Ask("mine"));
  OfStream();
  Work();
  Settle(1, {7});
  Settle(2, {1});
  Settle(3, {1});
  Work();
  EXPECT_EQ(closed_[1], v1::REFUSAL_PROTOCOL);
  EXPECT_EQ(closed_[2], v1::REFUSAL_PROTOCOL);
  EXPECT_EQ(closed_[3], v1::REFUSAL_UNKNOWN_SUBSCRIPTION);
}

TEST_F(DeliverySinglyTest, AReasonNamesNobody) {
  Subscribe(1, Named("red"), Shared("ours"));
  OfStream();
  OfStream();
  Work();
  v1::Settle settle;
  settle.add_nacks()->set_delivery(1);
  settle.mutable_nacks(0)->set_reason("no door at DD1 4HN");
  settle.add_nacks()->set_delivery(2);
  settle.mutable_nacks(1)->set_reason("code 17");
  core_->Settle({1}, settle);
  const auto rows = core_->RowsOf("red/officer/ours");
  ASSERT_THAT(rows, IsOk());
  EXPECT_EQ(rows->at(0).reason,
            "withheld: it looked like a number or an address");
  EXPECT_EQ(rows->at(1).reason, "code 17");
  settle.mutable_nacks(0)->set_reason(std::string(129, 'x'));
  core_->Settle({1}, settle);
  Work();
  EXPECT_EQ(closed_[1], v1::REFUSAL_MALFORMED);
}

TEST_F(DeliverySinglyTest, UpToIsRefusedWhileEventsAreSetAside) {
  Subscribe(1, Named("red"), Shared("ours"));
  OfStream();
  Work();
  for (uint64_t number = 1; number <= 5; ++number) {
    ASSERT_EQ(got_[1].size(), number);
    Settle(1, {}, {number});
    After(absl::Minutes(5));
  }
  EXPECT_EQ(got_[1].size(), 5u);
  EXPECT_EQ(Info().set_aside, 1u);
  core_->Closed({1});
  EXPECT_EQ(Info().set_aside, 1u);
  EXPECT_FALSE(Info().connected);
  Subscribe(2, Named("red"), Ask("ours"));
  Work();
  EXPECT_EQ(closed_[2], v1::REFUSAL_SET_ASIDE);
}

}  // namespace
}  // namespace concordat::bus
