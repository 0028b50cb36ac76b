// Mutants, and the test that catches each:
//   a rule uses what is restricted              NoRuleUsesWhatIsRestricted
//   ... for its controller's own roles          the same
//   another controller's facts are held too     OthersFactsGoOn
//   what came meanwhile is lost when lifted     LiftedItIsJudged
//   what was told before is told again          WhatWasToldIsNotToldAgain
//   an alert is gone without a word             AnAlertSaysThatItIsRestricted
//   ... or says what it rests on                the same
//   it goes up the chain all the same           StandsStillUntilLifted
//   ... or is said to who sees it no more       WhoLeftIsNotToldThatItIsRestricted
//   why it was withdrawn says what it was       AWithdrawalSaysNothingOfWhatIs…
#include "concordat/hub/v1/erasure.pb.h"
#include "tests/unit/services/alerts/domain/engine_fixture.h"

namespace concordat::alerts {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class RestrictionTest : public EngineTest {
 protected:
  std::vector<AlertDraft> Restrict(const std::vector<std::string>& controllers,
                                   const std::string& when) {
    hub::v1::ProcessingRestricted restricted;
    restricted.mutable_controllers()->Assign(controllers.begin(),
                                             controllers.end());
    restricted.set_reason("ACCURACY_CONTESTED");
    return Happens(restricted, when, "urn:concordat:hub:bus", "hub");
  }
  const std::string kCouncil = "dundee-city-council";
};

TEST_F(RestrictionTest, NoRuleUsesWhatIsRestricted) {
  CaseOpens();
  Restrict({kCouncil}, "2025-11-24 10:00");
  Contact("MISSED", "2025-11-25 10:00", "2025-11-26 02:00");
  Engagement("DISENGAGED", "2025-11-27 11:20");
  EXPECT_THAT(engine_->alerts(), IsEmpty());
}

TEST_F(RestrictionTest, OthersFactsGoOn) {
  CaseOpens();
  Restrict({"nhs-fife"}, "2025-11-24 10:00");
  Contact("MISSED", "2025-11-25 10:00", "2025-11-26 02:00");
  Engagement("DISENGAGED", "2025-11-27 11:20");
  EXPECT_THAT(engine_->alerts(), SizeIs(1));
}

TEST_F(RestrictionTest, LiftedItIsJudged) {
  CaseOpens();
  Restrict({kCouncil}, "2025-11-24 10:00");
  Contact("MISSED", "2025-11-25 10:00", "2025-11-26 02:00");
  Engagement("DISENGAGED", "2025-11-27 11:20");
  ASSERT_THAT(engine_->alerts(), IsEmpty());
  Restrict({}, "2025-11-28 09:00");
  EXPECT_THAT(engine_->alerts(), SizeIs(1));
}

TEST_F(RestrictionTest, WhatWasToldIsNotToldAgain) {
  CaseOpens();
  Contact("MISSED", "2025-11-25 10:00", "2025-11-26 02:00");
  Engagement("DISENGAGED", "2025-11-27 11:20");
  ASSERT_THAT(engine_->alerts(), SizeIs(1));
  Closes(*engine_->alerts()[0], "2025-11-27 12:00");
  Restrict({kCouncil}, "2025-11-27 13:00");
  EXPECT_THAT(Restrict({}, "2025-11-27 14:00"), IsEmpty());
  EXPECT_THAT(engine_->alerts(), SizeIs(1));
}

TEST_F(RestrictionTest, AnAlertSaysThatItIsRestricted) {
  CaseOpens();
  Contact("MISSED", "2025-11-25 10:00", "2025-11-26 02:00");
  Engagement("DISENGAGED", "2025-11-27 11:20");
  ASSERT_THAT(engine_->alerts(), SizeIs(1));
  const Alert& alert = *engine_->alerts()[0];
  const AlertAddressee owner = alert.members[0].who;
  const AlertSight before = Sight(alert, owner.agency, owner.role);
  Restrict({kCouncil, "nhs-tayside"}, "2025-11-27 13:00");
  const AlertSight held = Sight(alert, owner.agency, owner.role);
  EXPECT_EQ(held.state, "restricted");
  EXPECT_THAT(held.headline, HasSubstr("kept and not used"));
  EXPECT_THAT(held.headline, Not(HasSubstr("missed")));
  EXPECT_THAT(held.evidence, IsEmpty());
  Restrict({}, "2025-11-27 14:00");
  EXPECT_EQ(Sight(alert, owner.agency, owner.role).headline, before.headline);
}

TEST_F(RestrictionTest, StandsStillUntilLifted) {
  CaseOpens();
  Contact("MISSED", "2025-11-25 10:00", "2025-11-26 02:00");
  Engagement("DISENGAGED", "2025-11-27 11:20");
  ASSERT_THAT(engine_->alerts(), SizeIs(1));
  const Alert& alert = *engine_->alerts()[0];
  const uint32_t step = alert.step;
  Restrict({kCouncil, "nhs-tayside"}, "2025-11-27 13:00");
  hub::v1::TimePassed passed;
  Happens(passed, "2025-12-20 12:00", "urn:concordat:hub:bus", "hub",
          PersonKey());
  EXPECT_EQ(alert.step, step);
  Restrict({}, "2025-12-20 13:00");
  Happens(passed, "2025-12-22 13:00", "urn:concordat:hub:bus", "hub",
          PersonKey());
  EXPECT_GT(alert.step, step);
}

TEST_F(RestrictionTest, WhoLeftIsNotToldThatItIsRestricted) {
  CaseOpens();
  Contact("MISSED", "2025-11-25 10:00", "2025-11-26 02:00");
  Engagement("DISENGAGED", "2025-11-27 11:20");
  ASSERT_THAT(engine_->alerts(), SizeIs(1));
  const Alert& alert = *engine_->alerts()[0];
  const AlertCaller coordinator = {
      "coordinator", "mappa-tayside", {"co-ordinator"}};
  ASSERT_TRUE(engine_->See(alert, coordinator).has_value());
  Restrict({kCouncil, "nhs-tayside"}, "2025-11-27 13:00");
  ASSERT_TRUE(engine_->See(alert, coordinator).has_value());
  mappa::v1::CaseClosed closed;
  closed.set_case_ref("C-2");
  closed.set_reason("ORDER_ENDED");
  Happens(closed, "2025-11-27 14:00", kMappa, "mappa-tayside");
  EXPECT_FALSE(engine_->See(alert, coordinator).has_value());
}

TEST_F(RestrictionTest, AWithdrawalSaysNothingOfWhatIsRestricted) {
  CaseOpens();
  const uint64_t missed = sequence_ + 1;
  Contact("MISSED", "2025-11-25 10:00", "2025-11-26 02:00");
  Engagement("DISENGAGED", "2025-11-27 11:20");
  ASSERT_THAT(engine_->alerts(), SizeIs(1));
  const Alert& alert = *engine_->alerts()[0];
  const AlertAddressee owner = alert.members[0].who;
  socialwork::v1::ContactRecorded taken_back;
  Happens(taken_back, "2025-11-27 12:00", kSocialWork, kCouncil, Person(2), "",
          absl::StrCat("e-", missed));
  const std::string before =
      Sight(alert, owner.agency, owner.role).withdrawn_because;
  EXPECT_THAT(before, Not(IsEmpty()));
  EXPECT_NE(before, kTakenBack);
  Restrict({kCouncil}, "2025-11-27 13:00");
  EXPECT_EQ(Sight(alert, owner.agency, owner.role).withdrawn_because,
            kTakenBack);
}

}  // namespace
}  // namespace concordat::alerts
