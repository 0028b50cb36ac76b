// What rests on a withdrawn fact, and until when it says so.
//
// Mutant                                         Caught by
// a decision made before the fact rests on it    OnlyWhatWasDecidedWhileItStood
// or one made after it was withdrawn             OnlyWhatWasDecidedWhileItStood
// a meeting held since changes nothing           AMeetingSinceIsTheAnswer
// the level waits for another level for ever     AMeetingSinceIsTheAnswer
// the case marked beside its plan                ACaseWithoutAMeetingIsMarkedItself
// a closed case asks for meetings                AClosedCaseAsksForNothing
// every referral marked, whatever it cites       AReferralRestsOnWhatItCites
// a referral decided since is marked             AReferralRestsOnWhatItCites
// what the reader may not see is named or told   OfWhatIsNotShownOneWordStandsForAll
//   apart
// a cut is as many marks as facts                WhatOneActWithdrewIsOneMark
#include "services/mappa/domain/look_again.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/mappa/domain/case_file.h"
#include "tests/support/history.h"

namespace concordat::mappa {
namespace {

using ::concordat::testing::History;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using How = WithdrawnFact::How;
using Item = LookAgain::Item;

// Places of the log are those of the history, with room between them.
constexpr uint64_t kApart = 10;

class LookAgainTest : public ::testing::Test {
 protected:
  // Each answers its place.
  uint64_t Open() {
    v1::CaseOpened opened;
    opened.set_case_ref("C-1");
    opened.add_parties("council");
    opened.set_lead("council");
    return Add(opened);
  }
  uint64_t Level(uint32_t to) {
    v1::LevelChanged level;
    level.set_case_ref("C-1");
    level.set_to_level(to);
    return Add(level);
  }
  uint64_t Meet() {
    v1::MeetingHeld held;
    held.set_case_ref("C-1");
    held.set_kind("REVIEW");
    return Add(held);
  }
  uint64_t Close() {
    v1::CaseClosed closed;
    closed.set_case_ref("C-1");
    closed.set_reason("ORDER_ENDED");
    return Add(closed);
  }
  uint64_t Refer(const std::string& ref, const std::string& assessment) {
    v1::ReferralSubmitted submitted;
    submitted.set_referral_ref(ref);
    submitted.add_assessment_refs(assessment);
    return Add(submitted);
  }
  uint64_t Decide(const std::string& ref, const std::string& decision) {
    v1::ReferralDecided decided;
    decided.set_referral_ref(ref);
    decided.set_decision(decision);
    return Add(decided);
  }
  uint64_t Add(const google::protobuf::Message& message) {
    history_.Add(message);
    return history_.views().size() * kApart;
  }

  static WithdrawnFact Fact(uint64_t fact, uint64_t by) {
    WithdrawnFact withdrawn;
    withdrawn.how = How::kTakenBack;
    withdrawn.fact = {fact};
    withdrawn.by = {by};
    withdrawn.withdrawn_us = 1000 * by;
    withdrawn.type = "concordat.police.v1.ConcernShared";
    withdrawn.agency = "police";
    withdrawn.shown = true;
    return withdrawn;
  }

  std::vector<LookAgain> Find(std::vector<WithdrawnFact> facts) const {
    std::vector<View> views = history_.views();
    for (View& view : views) {
      view.sequence.value *= kApart;
      view.header.time_us = view.sequence.value;
    }
    return FindToLookAgain(FoldCaseFile(views), facts);
  }
  std::vector<Item> Items(std::vector<WithdrawnFact> facts) const {
    std::vector<Item> items;
    for (const LookAgain& each : Find(std::move(facts))) {
      items.push_back(each.item);
    }
    return items;
  }

  History history_;
};

TEST_F(LookAgainTest, OnlyWhatWasDecidedWhileItStood) {
  Open();
  const uint64_t level = Level(2);
  const uint64_t met = Meet();
  EXPECT_THAT(Items({Fact(1, met + 1)}),
              ElementsAre(Item::kPlan, Item::kLevel));
  EXPECT_THAT(Items({Fact(level + 1, met + 1)}), ElementsAre(Item::kPlan));
  EXPECT_THAT(Items({Fact(met + 1, met + 2)}), IsEmpty());
  EXPECT_THAT(Items({Fact(1, 2)}), IsEmpty());
  // Withdrawn between the two: the level is another matter than the plan.
  EXPECT_THAT(Items({Fact(1, met - 1)}), IsEmpty());
}

TEST_F(LookAgainTest, AMeetingSinceIsTheAnswer) {
  Open();
  Level(2);
  const uint64_t met = Meet();
  const WithdrawnFact fact = Fact(1, met + 1);
  const auto before = Find({fact});
  ASSERT_THAT(before, SizeIs(2));
  EXPECT_EQ(before[0].ref, "C-1");
  EXPECT_EQ(before[0].fact.by, fact.by);
  EXPECT_EQ(before[0].fact.agency, "police");
  EXPECT_FALSE(before[0].undecided);
  Level(3);
  EXPECT_THAT(Items({fact}), ElementsAre(Item::kPlan));
  Meet();
  EXPECT_THAT(Items({fact}), IsEmpty());
}

TEST_F(LookAgainTest, AMeetingThatLeavesTheLevelAnswersForIt) {
  Open();
  const uint64_t level = Level(2);
  const WithdrawnFact fact = Fact(1, level + 1);
  EXPECT_THAT(Items({fact}), ElementsAre(Item::kCase, Item::kLevel));
  Meet();
  EXPECT_THAT(Items({fact}), IsEmpty());
}

TEST_F(LookAgainTest, ACaseWithoutAMeetingIsMarkedItself) {
  const uint64_t opened = Open();
  EXPECT_THAT(Items({Fact(1, opened + 1)}), ElementsAre(Item::kCase));
  const uint64_t met = Meet();
  EXPECT_THAT(Items({Fact(1, met + 1)}), ElementsAre(Item::kPlan));
}

TEST_F(LookAgainTest, AClosedCaseAsksForNothing) {
  Open();
  Level(2);
  const uint64_t met = Meet();
  Close();
  EXPECT_THAT(Items({Fact(1, met + 1)}), IsEmpty());
}

TEST_F(LookAgainTest, AReferralRestsOnWhatItCites) {
  const uint64_t first = Refer("R-1", "A-1");
  WithdrawnFact assessment = Fact(1, first + 1);
  EXPECT_THAT(Items({assessment}), IsEmpty());
  assessment.assessment_ref = "A-2";
  EXPECT_THAT(Items({assessment}), IsEmpty());
  assessment.assessment_ref = "A-1";
  const auto waits = Find({assessment});
  ASSERT_THAT(waits, SizeIs(1));
  EXPECT_EQ(waits[0].item, Item::kReferral);
  EXPECT_EQ(waits[0].ref, "R-1");
  EXPECT_TRUE(waits[0].undecided);
  const uint64_t decided = Decide("R-1", "ACCEPTED");
  EXPECT_THAT(Items({assessment}), IsEmpty());
  // Withdrawn after the decision: until there is another referral, or a meeting.
  assessment.by = {decided + 1};
  const auto stands = Find({assessment});
  ASSERT_THAT(stands, SizeIs(1));
  EXPECT_FALSE(stands[0].undecided);
  Refer("R-2", "A-3");
  EXPECT_THAT(Items({assessment}), IsEmpty());
}

TEST_F(LookAgainTest, OfWhatIsNotShownOneWordStandsForAll) {
  Open();
  const uint64_t met = Meet();
  WithdrawnFact one = Fact(1, met + 1);
  one.shown = false;
  WithdrawnFact another = Fact(2, met + 2);
  another.shown = false;
  const auto found = Find({one, another, Fact(3, met + 3)});
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_FALSE(found[0].fact.shown);
  EXPECT_EQ(found[0].fact.type, "");
  EXPECT_EQ(found[0].fact.agency, "");
  EXPECT_EQ(found[0].fact.fact, Sequence{});
  EXPECT_EQ(found[0].fact.by, Sequence{});
  EXPECT_EQ(found[0].facts, 0u);
  EXPECT_EQ(found[0].fact.withdrawn_us, 1000 * (met + 2));
  EXPECT_TRUE(found[1].fact.shown);
}

TEST_F(LookAgainTest, WhatOneActWithdrewIsOneMark) {
  Open();
  const uint64_t met = Meet();
  WithdrawnFact one = Fact(1, met + 1);
  one.how = How::kCut;
  WithdrawnFact another = one;
  another.fact = {2};
  const auto found = Find({one, another});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].facts, 2u);
  EXPECT_EQ(found[0].fact.fact, Sequence{1});
  EXPECT_EQ(found[0].fact.how, How::kCut);
}

}  // namespace
}  // namespace concordat::mappa
