// What goes before everything of other keys: what amends a fact.
//
// Mutant                                            Caught by
// it waits behind other keys                        GoesBeforeOtherKeys
// it overtakes its own key                          …AndAfterItsOwn
// those of its key before it wait behind others     …AndAfterItsOwn
// it is lost when a life ends                       WaitsOverARestart
// in the next life it overtakes its own key         WhatIsBeforeItOfItsKey…
// it comes once more when live gets there           …IsNotOfferedLive…, in each state
// the floor goes on to it                           TheFloorStaysWhereLiveIs
// what policy shows later of it is not shown        WhatPolicyShowsOfItLaterIsShown
// ahead without bound                               TakesSoManyAheadOfLive
#include "tests/unit/services/bus/delivery/settlement_fixture.h"

namespace concordat::bus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SettlementAheadTest : public SettlementTest {};

TEST_F(SettlementAheadTest, GoesBeforeOtherKeysAndAfterItsOwn) {
  Offer(1, 1);
  Offer(2, 2);
  Offer(3, 2);
  settlement_->Offer({{4}, {0}}, 2, {4}, {1}, /*goes_first=*/true);
  EXPECT_THAT(Send(), ElementsAre(2, 1));
  Done(2);
  Offer(5, 3);
  EXPECT_THAT(Send(), ElementsAre(3, 5));
  Offer(6, 4);
  Done(3);
  EXPECT_TRUE(settlement_->first_is_ready());
  EXPECT_THAT(Send(), ElementsAre(4, 6));
  EXPECT_FALSE(settlement_->first_is_ready());
}

TEST_F(SettlementAheadTest, AheadOfLiveToo) {
  Offer(1, 1);
  Offer(2, 2);
  OfferAhead(50, 2);
  OfferAhead(60, 2);
  EXPECT_THAT(Send(), ElementsAre(2, 1));
  Done(2);
  EXPECT_THAT(Send(), ElementsAre(50));
  Done(50);
  EXPECT_THAT(Send(), ElementsAre(60));
}

TEST_F(SettlementAheadTest, WhatIsDoneWithIsNotOfferedLive) {
  Offer(1, 1);
  OfferAhead(4, 0);
  EXPECT_THAT(Send(), ElementsAre(4, 1));
  Done(4);
  Done(1);
  for (uint64_t i = 2; i <= 5; ++i) Offer(i, 0);
  EXPECT_THAT(Send(), ElementsAre(2, 3, 5));
  for (const uint64_t i : {2, 3, 5}) Done(i);
  EXPECT_EQ(floor(), 5u);
  EXPECT_THAT(settlement_->place({5}).settled, IsEmpty());
}

TEST_F(SettlementAheadTest, NorWhatIsOutOrFailed) {
  OfferAhead(2, 0);
  OfferAhead(3, 0);
  EXPECT_THAT(Send(), ElementsAre(2, 3));
  Nack(3);
  for (uint64_t i = 1; i <= 4; ++i) Offer(i, 0);
  EXPECT_THAT(Send(), ElementsAre(1, 4));
  After(absl::Seconds(1));
  EXPECT_THAT(Send(), ElementsAre(3));
  for (uint64_t i = 1; i <= 4; ++i) Done(i);
  EXPECT_EQ(floor(), 4u);
  EXPECT_THAT(settlement_->Rows(), IsEmpty());
}

TEST_F(SettlementAheadTest, TheFloorStaysWhereLiveIs) {
  Offer(1, 1);
  Send();
  Done(1);
  OfferAhead(9, 2);
  Send();
  EXPECT_EQ(floor(), 1u);
  Done(9);
  EXPECT_EQ(floor(), 1u);
  EXPECT_THAT(settlement_->place({1}).settled, SizeIs(1));
}

TEST_F(SettlementAheadTest, WaitsOverARestart) {
  Offer(1, 1);
  OfferAhead(7, 2);
  OfferAhead(9, 2);
  Restart();
  EXPECT_THAT(Send(), ElementsAre(7));
  Done(7);
  Restart();
  OfferAhead(7, 2);
  OfferAhead(9, 2);
  Offer(1, 1);
  EXPECT_THAT(Send(), ElementsAre(9, 1));
  Done(9);
  Done(1);
  Restart();
  for (uint64_t i = 2; i <= 10; ++i) Offer(i, 0);
  EXPECT_THAT(Send(), ElementsAre(2, 3, 4, 5, 6, 8, 10));
}

TEST_F(SettlementAheadTest, WhatIsBeforeItOfItsKeyIsBeforeItInAnotherLifeToo) {
  Offer(1, 1);
  Offer(2, 2);
  OfferAhead(9, 2);
  Restart();
  for (uint64_t i = 1; i <= 3; ++i) Offer(i, i);
  EXPECT_THAT(Send(), ElementsAre(2, 1, 3));
  Done(2);
  EXPECT_THAT(Send(), ElementsAre(9));
}

TEST_F(SettlementAheadTest, WhatPolicyShowsOfItLaterIsShown) {
  OfferAhead(9, 0);
  OfferAhead(8, 0);
  EXPECT_EQ(settlement_->scanned(), Sequence{9});
  EXPECT_THAT(Send(), ElementsAre(9, 8));  // As position 5 has it.
  Done(9);
  Backfill(9, 4);
  Backfill(7, 6);  // Live brings it.
  Backfill(9, 6);
  EXPECT_THAT(Send(), ElementsAre(9));
  Restart();
  EXPECT_EQ(settlement_->scanned(), Sequence{9});
}

TEST_F(SettlementAheadTest, TakesSoManyAheadOfLive) {
  const size_t most = Settlement::kAheadMax;
  for (uint64_t i = 1; i <= most; ++i) {
    ASSERT_TRUE(settlement_->TakesAhead(1));
    OfferAhead(100 + i, 0);
  }
  EXPECT_FALSE(settlement_->TakesAhead(1));
  Offer(101, 0);
  EXPECT_TRUE(settlement_->TakesAhead(1));
}

}  // namespace
}  // namespace concordat::bus
