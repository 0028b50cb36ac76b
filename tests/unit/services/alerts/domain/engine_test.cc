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
//   the reason of a retraction is not said   → AWithdrawalSaysWhyAs…
//   who joins is told of what is long past   → WhoJoinsIsToldOfWhatFollows…
//   its position moves when nothing is seen  → AStateOfIdentityChanges…
//   told of others' acts after a withdrawal  → WhoseAlertIsWithdrawnHears…
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

TEST_F(EngineTest, AWithdrawalSaysWhyAsTheRetractionDoes) {
  CaseOpens();
  police::v1::ChargeRecorded charge;
  charge.set_offence_group("GROUP_1");
  charge.set_disposal("LIBERATED");
  const auto take_back = [&](const std::string& reason) {
    charge.clear_amendment_reason();
    Happens(charge, "2025-12-05 09:10", kPolice, "police-scotland");
    const std::string id = absl::StrCat("e-", sequence_);
    charge.set_amendment_reason(reason);
    Happens(charge, "2025-12-05 09:12", kPolice, "police-scotland", Person(2),
            "", id);
    return engine_->alerts().back()->members.front().withdrawn_because;
  };
  EXPECT_EQ(take_back("ENTERED_TWICE"),
            "Police Scotland took this charge back: entered twice");
  EXPECT_EQ(take_back(""), "Police Scotland took this charge back");
}

TEST_F(EngineTest, ACorrectionThatCountsNoMoreSaysWhy) {
  CaseOpens();
  Contact("MISSED", "2025-11-25 10:00");
  Engagement("DISENGAGED", "2025-11-27 11:20");
  socialwork::v1::ContactRecorded kept;
  kept.set_mode("OFFICE");
  kept.set_outcome("KEPT");
  kept.set_amendment_reason("RECORDED_WITH_WRONG_DETAILS");
  const uint64_t missed = sequence_ - 1;
  Happens(kept, "2025-11-25 10:00", kSocialWork, "dundee-city-council",
          Person(2), "2025-11-28 09:00", "", absl::StrCat("e-", missed));
  EXPECT_EQ(engine_->alerts()[0]->members[0].withdrawn_because,
            "Dundee City Council took back that the appointment of 25 November "
            "was missed: recorded with wrong details");
}

TEST_F(EngineTest, WhoJoinsIsToldOfWhatFollowsAndNotOfWhatWasComplete) {
  mappa::v1::CaseOpened opened;
  opened.set_case_ref("C-2");
  opened.add_parties("police-scotland");
  opened.add_parties("nhs-tayside");
  opened.set_lead("police-scotland");
  Happens(opened, "2025-11-04 09:31", kMappa, "mappa-tayside");
  police::v1::ConcernShared concern;
  concern.set_concern_type("OTHER");
  const auto concerned = [&](const std::string& incident,
                             const std::string& when) {
    concern.set_incident_ref(incident);
    Happens(concern, when, kPolice, "police-scotland");
  };
  concerned("INC-1", "2025-11-10 10:00");
  concerned("INC-2", "2025-11-11 10:00");
  ASSERT_THAT(engine_->alerts(), SizeIs(1));
  const AlertCaller lead{"x", "dundee-city-council", {"lead-officer"}};
  // Social work takes the lead: it sees both now, and is not told of them.
  opened.add_parties("dundee-city-council");
  opened.set_lead("dundee-city-council");
  Happens(opened, "2025-11-11 12:00", kMappa, "mappa-tayside");
  EXPECT_THAT(engine_->alerts(), SizeIs(1));
  EXPECT_FALSE(MaySee(*engine_->alerts()[0], lead));
  // With the next one it is told of all that count with it.
  concerned("INC-3", "2025-11-12 09:00");
  ASSERT_THAT(engine_->alerts(), SizeIs(2));
  EXPECT_TRUE(MaySee(*engine_->alerts()[1], lead));
  EXPECT_THAT(
      engine_->alerts()[1]->Find({lead.agency, "lead-officer"})->evidence,
      SizeIs(3));
  EXPECT_THAT(
      engine_->alerts()[0]->Find({"mappa-tayside", "co-ordinator"})->evidence,
      SizeIs(3));
}

TEST_F(EngineTest, FaultsOfAnUrgentFactGoToWhoLooksAfterItsSource) {
  hub::v1::FaultsAccepted faults;
  faults.set_sequence(7);
  faults.set_type("concordat.police.v1.ChargeRecorded");
  faults.set_source(kPolice);
  faults.add_faults("offence_group: not in its code list");
  Happens(faults, "2025-11-24 10:00", "urn:concordat:hub:bus", "hub",
          PersonKey());
  ASSERT_THAT(engine_->alerts(), SizeIs(1));
  const Alert& alert = *engine_->alerts()[0];
  EXPECT_EQ(alert.rule, "R24");
  EXPECT_THAT(To(alert), ElementsAre("police-scotland/feed-contact"));
  EXPECT_EQ(Sight(alert, "police-scotland", "feed-contact").headline,
            "An urgent fact was accepted with faults.");
}

TEST_F(EngineTest, ANewerVersionTakesBackThatAnAgreementEnds) {
  const auto agreements = testing::DemoAgreements();
  ASSERT_THAT(agreements, testing::IsOk());
  policy::v1::Agreement next = agreements->front();
  hub::v1::AgreementEndWarned warned;
  warned.set_name(next.name());
  warned.set_version(next.version());
  warned.set_last_day("2025-12-08");
  warned.set_days_left(14);
  warned.add_parties("nhs-tayside");
  warned.set_words("The agreement ends.");
  Happens(warned, "2025-11-24 10:00", "urn:concordat:hub:bus", "hub",
          PersonKey());
  ASSERT_THAT(engine_->alerts(), SizeIs(1));
  const Alert& alert = *engine_->alerts()[0];
  EXPECT_EQ(alert.rule, "R23");
  // Of the guardians only those of its parties.
  EXPECT_THAT(To(alert), ElementsAre("mappa-tayside/co-ordinator",
                                     "nhs-tayside/guardian (copy)"));
  EXPECT_EQ(Sight(alert, "mappa-tayside", "co-ordinator").headline,
            "The agreement ends.");
  next.set_version(next.version() + 1);
  hub::v1::AgreementAdopted adopted;
  adopted.set_name(next.name());
  adopted.set_version(next.version());
  adopted.set_agreement(next.SerializeAsString());
  Happens(adopted, "2025-11-25 10:00", "urn:concordat:hub:bus", "hub",
          PersonKey());
  const AlertSight sight = Sight(alert, "mappa-tayside", "co-ordinator");
  EXPECT_EQ(sight.state, "withdrawn");
  EXPECT_EQ(sight.withdrawn_because, "a newer version is adopted");
}

TEST_F(EngineTest, AStateOfIdentityChangesWhereAnAlertStands) {
  CaseOpens();
  Charge("GROUP_1", "2025-11-22 02:05");
  const Alert& alert = *engine_->alerts()[0];
  const AlertCaller senior{"x", "dundee-city-council", {"duty-senior"}};
  EXPECT_EQ(engine_->PositionOf(alert, senior), Sequence());
  v1::AlertRaised raised;
  raised.set_alert_ref(alert.ref);
  Happens(raised, "2025-11-22 02:05", kAlerts, "mappa-tayside");
  EXPECT_EQ(engine_->PositionOf(alert, senior).value, sequence_);
  const uint64_t at = sequence_;
  Contact("KEPT", "2025-11-22 10:00");
  EXPECT_EQ(engine_->PositionOf(alert, senior).value, at);
  identity::v1::IdentityReviewOpened doubt;
  doubt.set_review_ref("IR-1");
  doubt.set_kind("LINK_DOUBTED");
  Happens(doubt, "2025-11-23 10:00", "urn:concordat:mappa-tayside:identity",
          "mappa-tayside");
  EXPECT_EQ(engine_->PositionOf(alert, senior).value, sequence_);
  EXPECT_TRUE(
      Sight(alert, "dundee-city-council", "duty-senior").identity_in_doubt);
}

TEST_F(EngineTest, WhoseAlertIsWithdrawnHearsNoMoreOfIt) {
  CaseOpens();
  police::v1::ConcernShared concern;
  concern.set_concern_type("OTHER");
  for (const char* incident : {"INC-1", "INC-2"}) {
    concern.set_incident_ref(incident);
    Happens(concern, "2025-11-24 10:00", kPolice, "police-scotland");
  }
  const std::string second = absl::StrCat("e-", sequence_);
  ASSERT_THAT(engine_->alerts(), SizeIs(1));
  const Alert& alert = *engine_->alerts()[0];
  // The co-ordinator sees these as well; social work does not.
  nhs::v1::RiskInformationDisclosed risk;
  risk.set_code("NEW_PARTNER_WITH_CHILD");
  risk.set_approved_by_role("CONSULTANT");
  Happens(risk, "2025-11-24 11:00", kNhs, "nhs-tayside");
  Happens(risk, "2025-11-24 12:00", kNhs, "nhs-tayside");
  // For social work that was all it rested on; for her it stands.
  Happens(concern, "2025-11-24 13:00", kPolice, "police-scotland", Person(2),
          "", second);
  v1::AlertAccepted accepted;
  accepted.set_alert_ref(alert.ref);
  accepted.set_agency("mappa-tayside");
  accepted.set_by("coordinator");
  Happens(accepted, "2025-11-24 14:00", kAlerts, "mappa-tayside");
  const AlertSight gone = Sight(alert, "dundee-city-council", "lead-officer");
  EXPECT_EQ(gone.state, "withdrawn");
  EXPECT_EQ(gone.withdrawn_because,
            "Police Scotland took back what was said of 24 November");
  EXPECT_THAT(gone.acceptances, IsEmpty());
  EXPECT_THAT(Sight(alert, "mappa-tayside", "co-ordinator").acceptances,
              SizeIs(1));
}

}  // namespace
}  // namespace concordat::alerts
