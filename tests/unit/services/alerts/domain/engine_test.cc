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
#include "services/alerts/domain/engine.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "concordat/hub/v1/events.pb.h"
#include "concordat/mappa/v1/events.pb.h"
#include "concordat/nhs/v1/events.pb.h"
#include "concordat/police/v1/events.pb.h"
#include "concordat/socialwork/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/demo_types.h"
#include "tests/support/status_matchers.h"

namespace concordat::alerts {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

uint64_t At(const std::string& text) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime("%Y-%m-%d %H:%M", text, absl::UTCTimeZone(),
                              &time, &error))
      << error;
  return static_cast<uint64_t>(absl::ToUnixMicros(time));
}

PersonKey Person(uint8_t n) {
  std::array<uint8_t, PersonKey::kBytes> bytes = {};
  bytes[0] = n;
  return PersonKey(bytes);
}

class EngineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto types = testing::DemoTypes();
    ASSERT_THAT(types, testing::IsOk());
    types_ = *types;
    const auto demo_rules = testing::DemoRules();
    ASSERT_THAT(demo_rules, testing::IsOk());
    absl::StatusOr<RuleBook> rules = RuleBook::Build(*demo_rules, *types_);
    ASSERT_THAT(rules, testing::IsOk());
    engine_ = std::make_unique<Engine>(
        types_, *std::move(rules), "mappa-tayside",
        std::map<std::string, std::string>{{"nhs-tayside", "NHS Tayside"}});
    hub::v1::AgreementAdopted adopted;
    const auto agreements = testing::DemoAgreements();
    ASSERT_THAT(agreements, testing::IsOk());
    const policy::v1::Agreement& agreement = agreements->front();
    adopted.set_name(agreement.name());
    adopted.set_version(agreement.version());
    adopted.set_agreement(agreement.SerializeAsString());
    Happens(adopted, "2025-11-03 02:00", "urn:concordat:hub:bus", "hub",
            PersonKey());
  }

  std::vector<AlertDraft> Happens(const google::protobuf::Message& message,
                                  const std::string& when,
                                  const std::string& source,
                                  const std::string& controller,
                                  const PersonKey& person = Person(2),
                                  const std::string& arrives = "",
                                  const std::string& retracts = "") {
    View view;
    view.sequence.value = ++sequence_;
    view.accepted_us = At(arrives.empty() ? when : arrives);
    view.header.source = source;
    view.header.controller = controller;
    view.header.type = std::string(message.GetDescriptor()->full_name());
    view.header.id = absl::StrCat("e-", sequence_);
    view.header.subject = person;
    view.header.time_us = At(when);
    view.header.retracts = retracts;
    auto groups =
        types_->Find(view.header.type)->Split(message.SerializeAsString());
    EXPECT_THAT(groups, testing::IsOk());
    for (auto& group : *groups) {
      view.groups.push_back({group.number, group.data, {}});
    }
    auto drafts = engine_->Apply(view);
    EXPECT_THAT(drafts, testing::IsOk());
    return drafts.ok() ? *drafts : std::vector<AlertDraft>();
  }

  void CaseOpens(uint32_t level = 2, const PersonKey& person = Person(2)) {
    mappa::v1::CaseOpened opened;
    opened.set_case_ref("C-2");
    opened.add_parties("dundee-city-council");
    opened.add_parties("police-scotland");
    opened.add_parties("nhs-tayside");
    opened.set_lead("dundee-city-council");
    Happens(opened, "2025-11-04 09:31", kMappa, "mappa-tayside", person);
    mappa::v1::LevelChanged changed;
    changed.set_case_ref("C-2");
    changed.set_to_level(level);
    Happens(changed, "2025-11-06 12:00", kMappa, "mappa-tayside", person);
  }

  std::vector<AlertDraft> Contact(const std::string& outcome,
                                  const std::string& when,
                                  const std::string& arrives = "") {
    socialwork::v1::ContactRecorded contact;
    contact.set_mode("OFFICE");
    contact.set_outcome(outcome);
    return Happens(contact, when, kSocialWork, "dundee-city-council", Person(2),
                   arrives);
  }
  std::vector<AlertDraft> Engagement(const std::string& engagement,
                                     const std::string& when) {
    nhs::v1::EngagementReported reported;
    reported.set_engagement(engagement);
    return Happens(reported, when, kNhs, "nhs-tayside");
  }
  std::vector<AlertDraft> Charge(const std::string& group,
                                 const std::string& when) {
    police::v1::ChargeRecorded charge;
    charge.set_offence_group(group);
    charge.set_disposal("LIBERATED");
    return Happens(charge, when, kPolice, "police-scotland");
  }
  void Closes(const Alert& alert, const std::string& when) {
    v1::AlertAccepted accepted;
    accepted.set_alert_ref(alert.ref);
    accepted.set_agency("dundee-city-council");
    accepted.set_by("socialwork");
    Happens(accepted, when, kAlerts, "mappa-tayside");
    v1::AlertClosed closed;
    closed.set_alert_ref(alert.ref);
    closed.set_agency("dundee-city-council");
    closed.set_by("socialwork");
    closed.set_outcome("breach report sent");
    Happens(closed, when, kAlerts, "mappa-tayside");
  }
  std::vector<std::string> Words(const Alert& alert,
                                 const std::string& agency) const {
    std::vector<std::string> words;
    for (const EvidenceWords& e : engine_->Evidence(alert, agency)) {
      words.push_back(e.words);
    }
    return words;
  }

  const std::string kMappa = "urn:concordat:mappa-tayside:mappa";
  const std::string kSocialWork = "urn:concordat:dundee-city-council:jsw";
  const std::string kNhs = "urn:concordat:nhs-tayside:concordat-nhs";
  const std::string kPolice = "urn:concordat:police-scotland:rms";
  const std::string kAlerts = "urn:concordat:mappa-tayside:alerts";
  std::shared_ptr<const TypeRegistry> types_;
  std::unique_ptr<Engine> engine_;
  uint64_t sequence_ = 0;
};

TEST_F(EngineTest, RaisesR17FromAMissedContactAndADisengagement) {
  CaseOpens();
  EXPECT_THAT(Contact("MISSED", "2025-11-25 10:00", "2025-11-26 02:00"),
              IsEmpty());
  EXPECT_THAT(Engagement("DISENGAGED", "2025-11-27 11:20"), SizeIs(1));
  ASSERT_THAT(engine_->alerts(), SizeIs(1));
  const Alert& alert = *engine_->alerts()[0];
  EXPECT_EQ(alert.rule, "R17");
  EXPECT_EQ(alert.raised_us, At("2025-11-27 11:20"));
  EXPECT_THAT(
      alert.to,
      ElementsAre(
          AlertAddressee{"dundee-city-council", "supervising-officer", false},
          AlertAddressee{"dundee-city-council", "senior", false},
          AlertAddressee{"mappa-tayside", "co-ordinator", true}));
  EXPECT_THAT(Words(alert, "mappa-tayside"),
              ElementsAre("missed a supervision appointment on 25 November",
                          "NHS Tayside: not engaging with an agreed service, "
                          "27 November"));
  EXPECT_EQ(Words(alert, "dundee-city-council"), Words(alert, "mappa-tayside"));
}

TEST_F(EngineTest, TakesNewEvidenceInsteadOfASecondAlert) {
  CaseOpens();
  Contact("MISSED", "2025-11-25 10:00", "2025-11-26 02:00");
  Engagement("DISENGAGED", "2025-11-27 11:20");
  const auto drafts = Contact("MISSED", "2025-12-02 10:00", "2025-12-03 02:00");
  ASSERT_THAT(drafts, SizeIs(1));
  EXPECT_EQ(drafts[0].type, "concordat.alerts.v1.AlertEvidenceAdded");
  ASSERT_THAT(engine_->alerts(), SizeIs(1));
  EXPECT_THAT(engine_->alerts()[0]->evidence, SizeIs(3));
}

TEST_F(EngineTest, AfterClosingANewFactRaisesAnew) {
  CaseOpens();
  Contact("MISSED", "2025-12-02 10:00", "2025-12-03 02:00");
  Engagement("DISENGAGED", "2025-12-03 11:20");
  Closes(*engine_->alerts()[0], "2025-12-05 08:45");
  EXPECT_FALSE(engine_->alerts()[0]->open());
  EXPECT_THAT(Engagement("DISENGAGED", "2025-12-05 09:05"), SizeIs(1));
  ASSERT_THAT(engine_->alerts(), SizeIs(2));
  EXPECT_NE(engine_->alerts()[0]->ref, engine_->alerts()[1]->ref);
}

TEST_F(EngineTest, CountsFactsByTheirOwnTime) {
  CaseOpens();
  // Known within a day of each other, but eight days apart.
  Contact("MISSED", "2025-11-19 10:00", "2025-11-27 02:00");
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
  EXPECT_EQ(alert.to.front(),
            (AlertAddressee{"dundee-city-council", "duty-senior", false}));
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
  EXPECT_EQ(engine_->alerts()[0]->to.front().agency, "mappa-tayside");
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
  EXPECT_THAT(engine_->alerts()[0]->evidence, SizeIs(1));
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
  EXPECT_EQ(alert.to.front().agency, "police-scotland");
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
