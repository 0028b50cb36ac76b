// What becomes of deliveries that are settled singly.
//
// Mutant                                            Caught by
// floor past what is not done with                  TheFloorIsBelowTheFirstThatIsNotDoneWith
// done with, offered again after a restart          WhatIsDoneAboveTheFloorIsNotOfferedAgain
// the same, when that life ends early too           …AlsoAfterTwoRestarts
// key let go while one of it is out or failed       OneOfAKeyAtATime, AFailureHoldsItsKeyBack
// key held back by what is parked                   ParkingLetsTheKeyGo
// no back-off, or it never ends                     BacksOffTwiceAsLongEachTime
// delay of the member without bound                 ADelayIsAtMostTheLongestBackOff
// given up too soon, too late, or dropped           SetsAsideAfterSoManyAttempts
// attempts forgotten by a restart                   RowsGoOnWhereTheyWere
// all of a dead member's count as attempts          ADeadMembersFirstCostsAnAttempt
// takes more while its rows are full                TakesNoMoreWhileFull
// redrive counts the old attempts                   ARedrivenRowHasAllItsAttemptsAgain
// shown again by policy taken for the first showing ShownAgainIsAnotherItem
// passed over because live brings it, stored done   WhatLiveBringsIsNotDoneWith
// a row done with before its floor comes is forgot  ARowDoneWithAboveTheFloorIsNotOfferedAgain
// done with, and its back-fill begins again         WhatIsDoneOfABackfillThatIsNotComplete…
// what is remembered of a back-fill has no bound    SoMuchOfABackfillIsRememberedAndNoMore
// due by a wall clock that has stepped back         NobodyWaitsForAClockThatHasSteppedBack
// what is a row comes live too after a restart      AnEventThatIsARowIsNotOfferedLiveAgain
// what policy shows later is not, or is twice       AfterARestartOnlyWhatPolicyShowsSince
#include "services/bus/delivery/settlement.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/services/bus/delivery/settlement_fixture.h"

namespace concordat::bus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(SettlementTest, TheFloorIsBelowTheFirstThatIsNotDoneWith) {
  for (uint64_t i = 1; i <= 4; ++i) Offer(i * 10, 0);
  EXPECT_THAT(Send(), ElementsAre(10, 20, 30, 40));
  Done(20);
  Done(40);
  EXPECT_EQ(floor(), 0u);
  Done(10);
  EXPECT_EQ(floor(), 20u);
  Done(30);
  EXPECT_EQ(floor(), 40u);
  settlement_->Passed({55}, {2});
  EXPECT_EQ(floor(), 55u);
  EXPECT_FALSE(settlement_->Done(kOne, 1));
  EXPECT_FALSE(settlement_->Done(kTwo, 1));
}

TEST_F(SettlementTest, WhatIsDoneAboveTheFloorIsNotOfferedAgain) {
  for (uint64_t i = 1; i <= 4; ++i) Offer(i, 0);
  Send();
  Done(2);
  Done(4);
  Restart();
  EXPECT_EQ(floor(), 0u);
  Offer(1, 0);
  Offer(2, 0);
  // Dies again before it comes to 4.
  EXPECT_THAT(Send(), ElementsAre(1));
  Restart();
  for (uint64_t i = 1; i <= 5; ++i) Offer(i, 0);
  EXPECT_THAT(Send(), ElementsAre(1, 3, 5));
  Done(1);
  EXPECT_EQ(floor(), 2u);
  Done(3);
  EXPECT_EQ(floor(), 4u);
  EXPECT_THAT(settlement_->place({5}).settled, IsEmpty());
}

// The floor passes them, and the back-fill begins again.
TEST_F(SettlementTest,
       WhatIsDoneOfABackfillThatIsNotCompleteIsNotOfferedAgain) {
  Offer(30, 0);
  EXPECT_THAT(Send(), ElementsAre(30));
  Done(30);
  Backfill(10, 2);
  Backfill(20, 2);
  EXPECT_THAT(Send(), ElementsAre(10, 20));
  Done(10);
  for (int life = 0; life < 2; ++life) {
    Restart();
    EXPECT_EQ(floor(), 30u);
    Backfill(10, 2);
    Backfill(20, 2);
    EXPECT_THAT(Send(), ElementsAre(20));
  }
  Done(20);
  settlement_->Passed({30}, {2});
  EXPECT_THAT(settlement_->place({30}).settled, IsEmpty());
}

TEST_F(SettlementTest, SoMuchOfABackfillIsRememberedAndNoMore) {
  const size_t most = Settlement::kBackfilledMax + limits_.window;
  Offer(most + 20, 0);
  EXPECT_THAT(Send(), ElementsAre(most + 20));
  Done(most + 20);
  for (uint64_t i = 1; i <= most + 10; ++i) {
    Backfill(i, 2);
    EXPECT_THAT(Send(), ElementsAre(i));
    Done(i);
  }
  EXPECT_EQ(settlement_->place({0}).settled.size(), most);
}

TEST_F(SettlementTest, NobodyWaitsForAClockThatHasSteppedBack) {
  Offer(10, 0);
  EXPECT_THAT(Send(), ElementsAre(10));
  Nack(10);
  started_ -= absl::Hours(25);
  Restart();
  EXPECT_THAT(Send(), IsEmpty());
  After(limits_.backoff_max);
  EXPECT_THAT(Send(), ElementsAre(10));
}

TEST_F(SettlementTest, OneOfAKeyAtATime) {
  Offer(1, 7);
  Offer(2, 7);
  Offer(3, 8);
  EXPECT_THAT(Send(kOne), ElementsAre(1, 3));
  EXPECT_THAT(Send(kTwo), IsEmpty());
  Done(1);
  // It may go to the other one now.
  EXPECT_THAT(Send(kTwo), ElementsAre(2));
}

TEST_F(SettlementTest, AFailureHoldsItsKeyBack) {
  Offer(1, 7);
  Offer(2, 7);
  Offer(3, 8);
  Send();
  Nack(1);
  Offer(4, 7);
  EXPECT_THAT(Send(), IsEmpty());
  Done(3);
  // What waits behind it does not hold the floor.
  EXPECT_EQ(floor(), 4u);
  After(absl::Seconds(1));
  EXPECT_THAT(Send(), ElementsAre(1));
  EXPECT_EQ(attempt_, 2u);
  Done(1);
  EXPECT_THAT(Send(), ElementsAre(2));
  EXPECT_EQ(attempt_, 1u);
  Done(2);
  EXPECT_THAT(Send(), ElementsAre(4));
}

TEST_F(SettlementTest, BacksOffTwiceAsLongEachTime) {
  limits_.attempts = 10;
  Restart({});
  Offer(1, 0);
  Send();
  for (const int seconds : {1, 2, 4, 8, 8}) {
    Nack(1);
    After(absl::Seconds(seconds) - absl::Milliseconds(1));
    EXPECT_THAT(Send(), IsEmpty()) << seconds;
    After(absl::Milliseconds(1));
    EXPECT_THAT(Send(), ElementsAre(1)) << seconds;
  }
}

TEST_F(SettlementTest, ADelayIsAtMostTheLongestBackOff) {
  Offer(1, 0);
  Send();
  Nack(1, absl::Seconds(3));
  After(absl::Seconds(2));
  EXPECT_THAT(Send(), IsEmpty());
  After(absl::Seconds(1));
  EXPECT_THAT(Send(), ElementsAre(1));
  Nack(1, absl::Hours(24));
  After(limits_.backoff_max);
  EXPECT_THAT(Send(), ElementsAre(1));
}

TEST_F(SettlementTest, SetsAsideAfterSoManyAttempts) {
  Offer(1, 7);
  Offer(2, 7);
  SetAside(1);
  After(absl::Hours(24));
  EXPECT_THAT(Send(), IsEmpty());
  const std::vector<Row> rows = settlement_->Rows();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].state, RowState::kSetAside);
  EXPECT_EQ(rows[0].attempts, 3u);
  EXPECT_EQ(rows[0].reason, "why");
  EXPECT_EQ(rows[0].first_us, absl::ToUnixMicros(kStarted + absl::Seconds(9)));
  EXPECT_GT(rows[0].last_us, rows[0].first_us);
  EXPECT_EQ(rows[1].state, RowState::kWaiting);
  EXPECT_EQ(settlement_->counts().set_aside, 1u);
  EXPECT_EQ(settlement_->counts().waiting, 1u);
}

TEST_F(SettlementTest, ParkingLetsTheKeyGo) {
  Offer(1, 7);
  Offer(2, 7);
  SetAside(1);
  EXPECT_FALSE(settlement_->Park(2));
  EXPECT_TRUE(settlement_->Park(1));
  EXPECT_FALSE(settlement_->Park(1));
  EXPECT_THAT(Send(), ElementsAre(2));
  EXPECT_EQ(settlement_->counts().parked, 1u);
  Restart();
  EXPECT_THAT(Send(), ElementsAre(2));
  // A person has it delivered again, behind what is out of its key.
  EXPECT_TRUE(settlement_->Redrive(1, absl::ZeroDuration()));
  EXPECT_THAT(Send(), IsEmpty());
  Done(2);
  EXPECT_THAT(Send(), ElementsAre(1));
  Done(1);
  EXPECT_THAT(settlement_->Rows(), IsEmpty());
}

TEST_F(SettlementTest, ARedrivenRowHasAllItsAttemptsAgain) {
  Offer(1, 7);
  Offer(2, 7);
  SetAside(1);
  EXPECT_FALSE(settlement_->Redrive(2, absl::ZeroDuration()));
  EXPECT_TRUE(settlement_->Redrive(1, absl::Seconds(2)));
  EXPECT_THAT(Send(), IsEmpty());
  After(absl::Seconds(2));
  EXPECT_THAT(Send(), ElementsAre(1));
  EXPECT_EQ(attempt_, 4u);
  for (int more = 0; more < 2; ++more) {
    Nack(1);
    After(limits_.backoff_max);
    EXPECT_THAT(Send(), ElementsAre(1));
  }
  Nack(1);
  After(limits_.backoff_max);
  EXPECT_THAT(Send(), IsEmpty());
  EXPECT_EQ(settlement_->counts().set_aside, 1u);
}

TEST_F(SettlementTest, RowsGoOnWhereTheyWere) {
  Offer(1, 7);
  Offer(2, 7);
  Send();
  Nack(1);
  Restart();
  EXPECT_EQ(floor(), 2u);
  EXPECT_THAT(Send(), IsEmpty());
  After(absl::Seconds(1));
  EXPECT_THAT(Send(), ElementsAre(1));
  EXPECT_EQ(attempt_, 2u);
  // It is out when the bus dies: its attempts are known all the same.
  Restart();
  Offer(3, 7);
  EXPECT_THAT(Send(), ElementsAre(1));
  EXPECT_EQ(attempt_, 2u);
  Done(1);
  EXPECT_THAT(Send(), ElementsAre(2));
  Done(2);
  EXPECT_THAT(Send(), ElementsAre(3));
}

TEST_F(SettlementTest, ADeadMembersFirstCostsAnAttempt) {
  for (uint64_t i = 1; i <= 3; ++i) Offer(i, 0);
  Send(kOne);
  Done(1);
  settlement_->Gone(kOne);
  EXPECT_EQ(settlement_->out_to(kOne), 0u);
  EXPECT_THAT(Send(kTwo), ElementsAre(2, 3));
  const std::vector<Row> rows = settlement_->Rows();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].id.sequence.value, 2u);
  EXPECT_EQ(rows[0].attempts, 1u);
  EXPECT_EQ(settlement_->bytes_out_to(kTwo), 20u);
}

TEST_F(SettlementTest, TakesNoMoreWhileFull) {
  for (uint64_t i = 1; i <= 8; ++i) Offer(i, 0);
  EXPECT_FALSE(settlement_->TakesMore());  // Its window.
  Send();
  for (uint64_t i = 1; i <= 8; ++i) Nack(i);
  EXPECT_FALSE(settlement_->TakesMore());
  EXPECT_TRUE(settlement_->rows_full());
  // Nothing of what was under way is lost.
  EXPECT_EQ(settlement_->Rows().size(), 8u);
  After(absl::Seconds(8));
  EXPECT_EQ(Send().size(), 8u);
  for (uint64_t i = 1; i <= 5; ++i) Done(i);
  EXPECT_TRUE(settlement_->TakesMore());
}

TEST_F(SettlementTest, ShownAgainIsAnotherItem) {
  Offer(1, 0);
  Send();
  Done(1);
  Backfill(1, 9);
  EXPECT_THAT(Send(), ElementsAre(1));
}

TEST_F(SettlementTest, AnEventThatIsARowIsNotOfferedLiveAgain) {
  Offer(1, 0);
  Offer(2, 7);
  Offer(3, 0);
  Backfill(2, 9);
  Send();
  Done(3);
  EXPECT_TRUE(settlement_->Nack(kOne, 4, absl::ZeroDuration(), "why"));
  Restart();
  // Its policy event stands, so that it may be seen live now.
  Offer(1, 0);
  Offer(2, 7);
  EXPECT_THAT(Send(), ElementsAre(1));
  After(absl::Seconds(1));
  EXPECT_THAT(Send(), ElementsAre(2));
  EXPECT_EQ(attempt_, 2u);
}

TEST_F(SettlementTest, ARowDoneWithAboveTheFloorIsNotOfferedAgain) {
  Offer(1, 0);
  Offer(2, 0);
  Send();
  Nack(2);  // And 1 holds the floor.
  Restart();
  After(absl::Seconds(1));
  EXPECT_THAT(Send(), ElementsAre(2));
  Done(2);  // Before it is offered again.
  Restart();
  Offer(1, 0);
  Offer(2, 0);
  EXPECT_THAT(Send(), ElementsAre(1));
}

TEST_F(SettlementTest, WhatLiveBringsIsNotDoneWith) {
  Offer(1, 0);
  Offer(2, 0);
  Send();
  Restart();
  Backfill(2, 4);  // Live comes later: a life that ends before.
  EXPECT_THAT(settlement_->place({2}).settled, IsEmpty());
  Restart();
  Backfill(2, 4);
  Offer(1, 0);
  Offer(2, 0);
  EXPECT_THAT(Send(), ElementsAre(1, 2));
}

TEST_F(SettlementTest, AfterARestartOnlyWhatPolicyShowsSince) {
  for (uint64_t i = 1; i <= 3; ++i) Offer(i, 0);
  Send();
  Done(2);  // As position 5 showed it; 1 holds the floor.
  Nack(3);
  Restart();
  Backfill(2, 4);
  Backfill(1, 6);  // Live it comes in any case.
  Backfill(3, 6);  // And the row.
  Backfill(2, 6);
  EXPECT_THAT(Send(), ElementsAre(2));
  shown_ = 10;
  After(absl::Seconds(1));
  EXPECT_THAT(Send(), ElementsAre(3));
  Done(3);
  // More is shown before live has come so far again.
  Backfill(3, 9);
  Backfill(3, 11);
  Backfill(1, 11);
  EXPECT_THAT(Send(), ElementsAre(3));
  for (uint64_t i = 1; i <= 3; ++i) Offer(i, 0);
  EXPECT_THAT(Send(), ElementsAre(1));
}

}  // namespace
}  // namespace concordat::bus
