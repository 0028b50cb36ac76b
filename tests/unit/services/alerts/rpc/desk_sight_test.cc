// Who of those that an alert is for is answered.
//
// Mutants that a test here catches:
//   those of the same roles are told alike   → AFollowerWhomAListNamesIsTold…
//   the purpose of who asks is not asked     → NothingIsShownForAPurposeThat…
//   told again, or moved, by what an agreement
//     shows for another purpose              → WhatIsHiddenFromAPurposeMoves…
#include "concordat/mappa/v1/events.pb.h"
#include "concordat/police/v1/events.pb.h"
#include "concordat/policy/v1/agreement.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/services/alerts/rpc/desk_fixture.h"

namespace concordat::alerts {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::IsOk;
using ::testing::SizeIs;

TEST_F(DeskTest, AFollowerWhomAListNamesIsToldNothing) {
  mappa::v1::AccessRestricted access;
  access.set_case_ref("C-4");
  access.set_reason("RELATED_TO_STAFF");
  access.add_excluded("police-scotland/*/kin");
  Happens(access, "mappa-tayside", "mappa", person_);
  // Of the same agency and the same role.
  const AlertCaller kin = {"kin", "police-scotland", {"police"}};
  Written to_police, to_kin;
  desk_->Follow(kPolice, Sequence(), to_police.Writer());
  desk_->Follow(kin, Sequence(), to_kin.Writer());
  GoesAbsent();
  ASSERT_TRUE(to_police.Await(1));
  // Answered after everybody was told.
  EXPECT_THAT(ListAt(bus_.end().value, kin).alerts(), IsEmpty());
  EXPECT_THAT(to_police.States(), ElementsAre("raised"));
  EXPECT_THAT(to_kin.States(), IsEmpty());
}

TEST_F(DeskTest, NothingIsShownForAPurposeThatNoAgreementHas) {
  AlertCaller caller = kPolice;
  caller.purpose = "MAPPA_RISK_MANAGEMENT";
  Written for_it, for_another;
  desk_->Follow(caller, Sequence(), for_it.Writer());
  caller.purpose = "RESEARCH";
  desk_->Follow(caller, Sequence(), for_another.Writer());
  GoesAbsent();
  ASSERT_TRUE(for_it.Await(1));
  EXPECT_THAT(ListAt(bus_.end().value, caller).alerts(), IsEmpty());
  EXPECT_THAT(for_another.States(), IsEmpty());
  caller.purpose = "MAPPA_RISK_MANAGEMENT";
  EXPECT_THAT(ListAt(bus_.end().value, caller).alerts(), SizeIs(1));
}

TEST_F(DeskTest, WhatIsHiddenFromAPurposeMovesNothing) {
  // Shows who leads, for another purpose, what no other agreement does.
  policy::v1::Agreement agreement;
  agreement.set_name("children");
  agreement.set_version(1);
  for (const char* party :
       {"police-scotland", "nhs-tayside", "dundee-city-council"}) {
    agreement.add_parties(party);
  }
  agreement.set_valid_from("2025-10-01");
  agreement.set_valid_to("2026-09-30");
  agreement.set_contact("01632 960100");
  agreement.add_gateways("G1");
  agreement.add_purposes("CHILD_PROTECTION");
  policy::v1::SeeGrant& see = *agreement.add_see();
  see.set_to("dundee-city-council");
  see.add_roles("lead-officer");
  see.add_types("concordat.nhs.v1.RiskInformationDisclosed");
  see.set_audience(policy::v1::AUDIENCE_PARTY);
  hub::v1::AgreementAdopted adopted;
  adopted.set_name(agreement.name());
  adopted.set_version(agreement.version());
  adopted.set_agreement(agreement.SerializeAsString());
  Happens(adopted, "hub", "bus", PersonKey());
  const PersonKey other{std::array<uint8_t, PersonKey::kBytes>{7}};
  CaseOpens("C-7", "dundee-city-council",
            {"dundee-city-council", "nhs-tayside", "police-scotland"}, other);

  AlertCaller caller = kSocialWork;
  caller.purpose = "MAPPA_RISK_MANAGEMENT";
  Written for_any, for_one;
  desk_->Follow(kSocialWork, Sequence(), for_any.Writer());
  desk_->Follow(caller, Sequence(), for_one.Writer());
  police::v1::ConcernShared concern;
  concern.set_concern_type("NEIGHBOUR_COMPLAINT");
  for (const char* incident : {"INC-1", "INC-2"}) {
    concern.set_incident_ref(incident);
    Happens(concern, "police-scotland", "rms", other);
  }
  ASSERT_TRUE(for_any.Await(1));
  const v1::Alert raised = ListAt(bus_.end().value, caller).alerts(0);
  nhs::v1::RiskInformationDisclosed risk;
  risk.set_code("NEW_PARTNER_WITH_CHILD");
  risk.set_approved_by_role("CONSULTANT");
  Happens(risk, "nhs-tayside", "concordat-nhs", other);
  ASSERT_TRUE(for_any.Await(2));
  EXPECT_THAT(ListAt(0, kSocialWork).alerts(0).evidence(), SizeIs(3));
  const v1::Alert after = ListAt(0, caller).alerts(0);
  EXPECT_THAT(after.evidence(), SizeIs(2));
  EXPECT_EQ(after.position(), raised.position());
  v1::AcceptAlertRequest accept;
  accept.set_alert_ref(raised.alert_ref());
  accept.set_action("looking");
  accept.mutable_command()->set_request_id("q-1");
  ASSERT_THAT(desk_->Accept(caller, accept, Soon()), IsOk());
  ASSERT_TRUE(for_one.Await(2));
  EXPECT_THAT(for_one.States(), ElementsAre("raised", "accepted"));
}

}  // namespace
}  // namespace concordat::alerts
