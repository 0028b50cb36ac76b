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
// what is a row comes live too after a restart      AnEventThatIsARowIsNotOfferedLiveAgain
// what policy shows later is not, or is twice       AfterARestartOnlyWhatPolicyShowsSince
#include "services/bus/delivery/settlement.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace concordat::bus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr SessionId kOne = {1};
constexpr SessionId kTwo = {2};
const absl::Time kStarted = absl::FromUnixSeconds(1'764'000'000);

class SettlementTest : public ::testing::Test {
 protected:
  SettlementTest() { Restart({}); }

  void Restart(Place place) {
    settlement_ = std::make_unique<Settlement>(
        std::move(place), Sequence{policy_}, limits_, kStarted);
    numbers_.clear();
    settlement_->Tick(now_);
  }
  // As stored, and another life from it.
  void Restart() { Restart(settlement_->place({scanned_})); }
  void Offer(uint64_t sequence, uint64_t key, uint64_t cause = 0) {
    scanned_ = std::max(scanned_, sequence);
    settlement_->Offer({{sequence}, {cause}}, key, {sequence}, {1});
  }
  // Everything that may go out goes to `member`: the sequences.
  std::vector<uint64_t> Send(SessionId member = kOne) {
    std::vector<uint64_t> sent;
    while (const auto next = settlement_->ready()) {
      const uint64_t number = ++numbers_[member];
      settlement_->Sent(next->order, member, number, 10, {shown_});
      sent.push_back(next->id.sequence.value);
      number_of_[next->id.sequence.value] = number;
      attempt_ = next->attempt;
    }
    return sent;
  }
  void Done(uint64_t sequence, SessionId member = kOne) {
    EXPECT_TRUE(settlement_->Done(member, number_of_[sequence])) << sequence;
  }
  void Nack(uint64_t sequence, absl::Duration delay = absl::ZeroDuration(),
            SessionId member = kOne) {
    EXPECT_TRUE(settlement_->Nack(member, number_of_[sequence], delay, "why"));
  }
  void After(absl::Duration time) {
    now_ += time;
    settlement_->Tick(now_);
  }
  // Nacks it until it is set aside.
  void SetAside(uint64_t sequence) {
    for (uint32_t i = 0; i < limits_.attempts; ++i) {
      After(limits_.backoff_max);
      EXPECT_THAT(Send(), ElementsAre(sequence));
      Nack(sequence);
    }
  }
  uint64_t floor() const { return settlement_->acknowledged().value; }

  RedeliveryLimits limits_ = {3, absl::Seconds(1), absl::Seconds(8), 4, 8};
  std::unique_ptr<Settlement> settlement_;
  absl::Duration now_ = absl::Seconds(1);
  uint64_t scanned_ = 0;
  std::map<SessionId, uint64_t> numbers_;
  std::map<uint64_t, uint64_t> number_of_;
  uint32_t attempt_ = 0;
  uint64_t shown_ = 5;    // Policy position of what is sent.
  uint64_t policy_ = 10;  // And of a restart.
};

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
  Offer(1, 0, /*cause=*/9);
  EXPECT_THAT(Send(), ElementsAre(1));
}

TEST_F(SettlementTest, AnEventThatIsARowIsNotOfferedLiveAgain) {
  Offer(1, 0);
  Offer(2, 0, /*cause=*/9);
  EXPECT_THAT(Send(), ElementsAre(1, 2));
  Nack(2);
  Restart();
  // Its policy event stands, so that it may be seen live now.
  Offer(1, 0);
  Offer(2, 0);
  EXPECT_THAT(Send(), ElementsAre(1));
  After(absl::Seconds(1));
  EXPECT_THAT(Send(), ElementsAre(2));
  EXPECT_EQ(attempt_, 2u);
}

TEST_F(SettlementTest, AfterARestartOnlyWhatPolicyShowsSince) {
  Offer(1, 0);
  Offer(2, 0);
  Send();
  Done(2);  // As position 5 showed it; 1 holds the floor.
  Restart();
  Offer(2, 0, /*cause=*/4);
  Offer(1, 0, /*cause=*/6);  // Live it comes in any case.
  Offer(2, 0, /*cause=*/6);
  Offer(1, 0);
  Offer(2, 0);
  EXPECT_THAT(Send(), ElementsAre(2, 1));
  Offer(1, 0, /*cause=*/11);
  EXPECT_THAT(Send(), ElementsAre(1));
}

}  // namespace
}  // namespace concordat::bus
