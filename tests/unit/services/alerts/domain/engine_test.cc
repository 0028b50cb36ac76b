// Mutants that a test here catches:
//   an open alert is raised again            → TakesNewEvidenceInsteadOf…
//   another limb's alert takes the evidence  → AChargeIsNotLostInAnOpen…
//   window by log time, not event time       → CountsFactsByTheirOwnTime
//   judged over everything, not per audience → AFactHiddenFromAnAddressee…
//   open_case not asked                      → AChargeWithoutAnOpenCase…
//   excused counts as missed                 → ExcusedNeverCounts
//   anybody may retract                      → ARetractionByAnotherAgency…
//   effective date not asked                 → ActsOnlyAfterItsAdoption
//   retracted fact still counts              → ARetractedFactCountsNoMore
//   closed alert takes evidence              → AfterClosingANewFactRaisesAnew
//   level_min not asked                      → CopiesTheCoordinatorFromLevel2On
#include "tests/unit/services/alerts/domain/engine_fixture.h"

namespace concordat::alerts {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(EngineTest, RaisesR17FromAMissedContactAndADisengagement) {
  CaseOpens();
  EXPECT_THAT(Contact("MISSED", "2025-11-25 10:00", "2025-11-26 02:00"),
              IsEmpty());
  EXPECT_THAT(Engagement("DISENGAGED", "2025-11-27 11:20"), SizeIs(1));
  ASSERT_THAT(engine_->alerts(), SizeIs(1));
  const Alert& alert = *engine_->alerts()[0];
  EXPECT_EQ(alert.rule, "R17");
  EXPECT_EQ(alert.raised_us, At("2025-11-27 11:20"));
  EXPECT_THAT(To(alert), ElementsAre("dundee-city-council/supervising-officer",
                                     "dundee-city-council/senior",
                                     "mappa-tayside/co-ordinator (copy)"));
  EXPECT_THAT(Words(alert, "mappa-tayside", "co-ordinator"),
              ElementsAre("missed a supervision appointment on 25 November",
                          "NHS Tayside: not engaging with an agreed service, "
                          "27 November"));
  EXPECT_EQ(Words(alert, "dundee-city-council", "senior"),
            Words(alert, "mappa-tayside", "co-ordinator"));
}

TEST_F(EngineTest, TakesNewEvidenceInsteadOfASecondAlert) {
  CaseOpens();
  Contact("MISSED", "2025-11-25 10:00", "2025-11-26 02:00");
  Engagement("DISENGAGED", "2025-11-27 11:20");
  const auto drafts = Contact("MISSED", "2025-12-02 10:00", "2025-12-03 02:00");
  ASSERT_THAT(drafts, SizeIs(1));
  EXPECT_EQ(drafts[0].type, "concordat.alerts.v1.AlertEvidenceAdded");
  ASSERT_THAT(engine_->alerts(), SizeIs(1));
  for (const AlertMember& member : engine_->alerts()[0]->members) {
    EXPECT_THAT(member.evidence, SizeIs(3));
  }
}

TEST_F(EngineTest, AfterClosingANewFactRaisesAnew) {
  CaseOpens();
  Contact("MISSED", "2025-12-02 10:00", "2025-12-03 02:00");
  Engagement("DISENGAGED", "2025-12-03 11:20");
  Closes(*engine_->alerts()[0], "2025-12-05 08:45");
  EXPECT_TRUE(engine_->alerts()[0]->closed());
  EXPECT_THAT(Engagement("DISENGAGED", "2025-12-05 09:05"), SizeIs(1));
  ASSERT_THAT(engine_->alerts(), SizeIs(2));
  EXPECT_NE(engine_->alerts()[0]->ref, engine_->alerts()[1]->ref);
}

TEST_F(EngineTest, CountsFactsByTheirOwnTime) {
  CaseOpens();
  // Known within a day of each other, but weeks apart.
  Contact("MISSED", "2025-11-05 10:00", "2025-11-27 02:00");
  EXPECT_THAT(Engagement("DISENGAGED", "2025-11-27 11:20"), IsEmpty());
  // And the other way round: a late fact falls into the window.
  EXPECT_THAT(Contact("MISSED", "2025-11-21 10:00", "2025-12-20 02:00"),
              SizeIs(1));
}

TEST_F(EngineTest, ExcusedNeverCounts) {
  CaseOpens();
  Contact("EXCUSED", "2025-11-25 10:00");
  EXPECT_THAT(Engagement("DISENGAGED", "2025-11-27 11:20"), IsEmpty());
}

TEST_F(EngineTest, CopiesTheCoordinatorFromLevel2On) {
  CaseOpens(1);
  Contact("MISSED", "2025-11-25 10:00");
  Engagement("DISENGAGED", "2025-11-27 11:20");
  ASSERT_THAT(engine_->alerts(), SizeIs(1));
  EXPECT_FALSE(engine_->alerts()[0]->AddressedTo("mappa-tayside"));
}

TEST_F(EngineTest, AFactHiddenFromAnAddresseeChangesNothingForIt) {
  // No case: the council sees its own contacts and nothing of the hospital's.
  Contact("MISSED", "2025-11-25 10:00");
  EXPECT_THAT(Engagement("DISENGAGED", "2025-11-27 11:20"), IsEmpty());
}

TEST_F(EngineTest, RaisesR01ToTheDutySeniorForASeriousCharge) {
  CaseOpens();
  EXPECT_THAT(Charge("ROAD_TRAFFIC", "2025-11-20 20:10"), IsEmpty());
  EXPECT_THAT(Charge("GROUP_1", "2025-11-22 02:05"), SizeIs(1));
  ASSERT_THAT(engine_->alerts(), SizeIs(1));
  const Alert& alert = *engine_->alerts()[0];
  EXPECT_EQ(alert.severity, "CRITICAL");
  EXPECT_EQ(To(alert).front(), "dundee-city-council/duty-senior");
  EXPECT_EQ(alert.accept_by_us, At("2025-11-22 02:20"));
}

TEST_F(EngineTest, AChargeWithoutAnOpenCaseRaisesNothing) {
  EXPECT_THAT(Charge("GROUP_1", "2025-11-22 02:05"), IsEmpty());
}

TEST_F(EngineTest, ABreachGoesToTheCoordinatorFirst) {
  CaseOpens();
  socialwork::v1::BreachSubmitted breach;
  breach.set_authority("PAROLE");
  breach.add_reasons("FAILED_TO_REPORT");
  Happens(breach, "2025-12-05 08:40", kSocialWork, "dundee-city-council");
  ASSERT_THAT(engine_->alerts(), SizeIs(1));
  EXPECT_EQ(engine_->alerts()[0]->known_to.front().agency, "mappa-tayside");
  EXPECT_EQ(engine_->alerts()[0]->severity, "HIGH");
}

TEST_F(EngineTest, AChargeIsNotLostInAnOpenBreach) {
  CaseOpens();
  socialwork::v1::BreachSubmitted breach;
  breach.set_authority("PAROLE");
  breach.add_reasons("FAILED_TO_REPORT");
  Happens(breach, "2025-12-05 08:40", kSocialWork, "dundee-city-council");
  Charge("GROUP_1", "2025-12-05 09:00");
  ASSERT_THAT(engine_->alerts(), SizeIs(2));
  EXPECT_EQ(engine_->alerts()[1]->severity, "CRITICAL");
  EXPECT_THAT(engine_->alerts()[0]->members[0].evidence, SizeIs(1));
}

TEST_F(EngineTest, AbsenceWithoutLeaveReachesPoliceHospitalAndCoordinator) {
  mappa::v1::CaseOpened opened;
  opened.set_case_ref("C-4");
  opened.add_parties("nhs-tayside");
  opened.add_parties("police-scotland");
  opened.set_lead("nhs-tayside");
  Happens(opened, "2025-11-03 14:20", kMappa, "mappa-tayside", Person(4));
  nhs::v1::RestrictedPatientStatusChanged status;
  status.set_status("SUS_UNESCORTED");
  EXPECT_THAT(
      Happens(status, "2025-11-19 09:00", kNhs, "nhs-tayside", Person(4)),
      IsEmpty());
  status.set_status("AWOL");
  Happens(status, "2025-11-24 17:25", kNhs, "nhs-tayside", Person(4));
  ASSERT_THAT(engine_->alerts(), SizeIs(1));
  const Alert& alert = *engine_->alerts()[0];
  EXPECT_EQ(alert.known_to.front().agency, "police-scotland");
  EXPECT_TRUE(alert.AddressedTo("nhs-tayside"));
  EXPECT_TRUE(alert.AddressedTo("mappa-tayside"));
  EXPECT_FALSE(alert.AddressedTo("dundee-city-council"));
}

TEST_F(EngineTest, ActsOnlyAfterItsAdoption) {
  CaseOpens();
  // Accepted before the rule's effective date.
  police::v1::ChargeRecorded charge;
  charge.set_offence_group("GROUP_1");
  charge.set_disposal("LIBERATED");
  EXPECT_THAT(Happens(charge, "2025-09-01 10:00", kPolice, "police-scotland",
                      Person(2), "2025-09-01 10:00"),
              IsEmpty());
}

TEST_F(EngineTest, ARetractedFactCountsNoMore) {
  CaseOpens();
  Contact("MISSED", "2025-11-25 10:00");
  socialwork::v1::ContactRecorded kept;
  kept.set_mode("OFFICE");
  kept.set_outcome("KEPT");
  Happens(kept, "2025-11-25 10:00", kSocialWork, "dundee-city-council",
          Person(2), "2025-11-26 09:00", absl::StrCat("e-", sequence_));
  EXPECT_THAT(Engagement("DISENGAGED", "2025-11-27 11:20"), IsEmpty());
}

TEST_F(EngineTest, ARetractionByAnotherAgencyChangesNothing) {
  CaseOpens();
  Contact("MISSED", "2025-11-25 10:00");
  const std::string missed = absl::StrCat(kSocialWork, "#e-", sequence_);
  police::v1::VisitRecorded visit;
  visit.set_mode("HOME");
  Happens(visit, "2025-11-26 09:00", kPolice, "police-scotland", Person(2), "",
          missed);
  EXPECT_THAT(Engagement("DISENGAGED", "2025-11-27 11:20"), SizeIs(1));
}

TEST_F(EngineTest, TheSameFoldAsksForTheSameEvents) {
  CaseOpens();
  Contact("MISSED", "2025-11-25 10:00");
  const auto first = Engagement("DISENGAGED", "2025-11-27 11:20");
  ASSERT_THAT(first, SizeIs(1));
  sequence_ = 0;
  SetUp();
  CaseOpens();
  Contact("MISSED", "2025-11-25 10:00");
  const auto second = Engagement("DISENGAGED", "2025-11-27 11:20");
  ASSERT_THAT(second, SizeIs(1));
  EXPECT_EQ(first[0].key, second[0].key);
  EXPECT_EQ(first[0].data, second[0].data);
}

}  // namespace
}  // namespace concordat::alerts
