// Who knew what of a person: what the log and the access log give.
//
// Mutant                                              Caught by
// an erasure is told as what retention removed        TellsAnErasureFromRetention
// what was read by break-glass could not be seen      WhatWasReadByBreakGlassWasSeen
// or is seen by whoever opened otherwise, or later    WhatWasReadByBreakGlassWasSeen
// of several access logs one is told as all           SaysThatOtherProcessesHaveAccessLogsToo
#include "services/bus/oversight/who_knew.h"

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "concordat/access/v1/events.pb.h"
#include "concordat/hub/v1/events.pb.h"
#include "concordat/mappa/v1/events.pb.h"
#include "concordat/police/v1/events.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/support/demo_types.h"
#include "tests/support/fake_disk.h"
#include "tests/support/fake_event_log.h"
#include "tests/support/status_matchers.h"

namespace concordat::bus {
namespace {

using access::v1::WhoKnewReport;
using ::concordat::testing::FakeDisk;
using ::concordat::testing::FakeEventLog;
using ::concordat::testing::IsOk;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr uint64_t kNowUs = 1'764'000'000'000'000;  // 24 Nov 2025.
constexpr char kPolice[] = "urn:concordat:police-scotland:rms";
constexpr char kMappa[] = "urn:concordat:mappa-tayside:mappa";
const PersonKey kPerson({1});

// A case that police and health are parties to, by an agreement that gives health
// what police tell.
class WhoKnewQuestionTest : public ::testing::Test {
 protected:
  WhoKnewQuestionTest() {
    types_ = *concordat::testing::DemoTypes();
    v1::Registry proto;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        R"(environment: ENVIRONMENT_DEMO
           principals { name: "police" agency: "police-scotland" system: "rms"
                        role: "police"
                        default_purpose: "MAPPA_RISK_MANAGEMENT" }
           principals { name: "nhs" agency: "nhs-tayside" system: "liaison"
                        role: "nhs-liaison"
                        default_purpose: "MAPPA_RISK_MANAGEMENT" }
           principals { name: "duty-senior" agency: "dundee-city-council"
                        system: "desk" role: "duty-senior"
                        default_purpose: "MAPPA_RISK_MANAGEMENT" })",
        &proto));
    auto registry = PrincipalRegistry::Build(std::move(proto));
    EXPECT_THAT(registry, IsOk());
    registry_ = *registry;
    store_ = *AccessStore::Open(disk_);
    policy::v1::Agreement agreement;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        R"(name: "x" version: 1 parties: "police-scotland"
           parties: "nhs-tayside" parties: "mappa-tayside"
           valid_from: "2025-10-01" valid_to: "2026-09-30"
           purposes: "MAPPA_RISK_MANAGEMENT"
           see { to: "nhs-tayside" roles: "nhs-liaison"
                 types: "concordat.police.v1.*" audience: AUDIENCE_PARTY }
           see { to: "mappa-tayside" roles: "coordinator"
                 types: "concordat.police.v1.*" audience: AUDIENCE_PARTY }
           see { to: "police-scotland" roles: "police" roles: "guardian"
                 types: "concordat.police.v1.*" audience: AUDIENCE_OWN })",
        &agreement));
    hub::v1::AgreementAdopted adopted;
    adopted.set_name(agreement.name());
    adopted.set_version(agreement.version());
    adopted.set_agreement(agreement.SerializeAsString());
    Append("urn:concordat:concordat-operator:bus", "concordat-operator",
           adopted, PersonKey());
    mappa::v1::CaseOpened opened;
    opened.set_case_ref("C-1");
    opened.add_parties("police-scotland");
    opened.add_parties("nhs-tayside");
    opened.add_parties("mappa-tayside");
    opened.set_lead("police-scotland");
    Append(kMappa, "mappa-tayside", opened);
  }

  // Its time is the position's.
  template <typename Message>
  Sequence Append(const std::string& source, const std::string& controller,
                  const Message& message, PersonKey subject = kPerson) {
    const uint64_t next = log_.end().value + 1;
    const std::string id = absl::StrCat("e-", next);
    const std::string type = message.GetTypeName();
    HeaderView header;
    header.type = type;
    header.source = source;
    header.controller = controller;
    header.id = id;
    header.subject = subject;
    header.time_us = kNowUs + next;
    return log_.Append(header, message.SerializeAsString(), kNowUs + next);
  }
  Sequence Concern() {
    police::v1::ConcernShared concern;
    concern.set_concern_type("CHILDREN_AT_ADDRESS");
    concern.set_incident_ref("INC-1");
    return Append(kPolice, "police-scotland", concern);
  }
  static v1::Principal Who(std::string agency, std::string role) {
    v1::Principal principal;
    principal.set_name(role);
    principal.set_agency(std::move(agency));
    principal.set_role(std::move(role));
    return principal;
  }
  WhoKnewReport Ask(const v1::Principal& caller) {
    PersonLists lists(log_, PolicyFold(types_));
    WhoKnew who_knew(log_, types_, *store_, lists, missing_);
    access::v1::WhoKnewRequest request;
    request.set_subject(kPerson.ToString());
    const auto known =
        who_knew.Ask(*registry_, caller, "MAPPA_RISK_MANAGEMENT", request);
    EXPECT_THAT(known, IsOk());
    return known.ok() ? known->report : WhoKnewReport();
  }

  // Somebody of the council reads the person, just after the newest event.
  void Read(const char* staff, uint64_t real_us) {
    access::v1::Record record;
    record.set_time(real_us);
    record.set_log_time(kNowUs + log_.end().value);
    access::v1::Called& called = *record.mutable_called();
    called.set_principal("duty-senior");
    called.set_agency("dundee-city-council");
    called.set_role("duty-senior");
    called.set_staff(staff);
    called.set_purpose("MAPPA_RISK_MANAGEMENT");
    called.set_method("concordat.bus.v1.BusService/ReadPerson");
    called.set_outcome("OK");
    called.add_subjects(kPerson.ToString());
    ASSERT_THAT(store_->Add(absl::MakeConstSpan(&record, 1)), IsOk());
  }
  // What the event was to the council's.
  access::v1::Knowledge OfCouncil(Sequence sequence) {
    const WhoKnewReport report = Ask(coordinator_);
    for (const access::v1::Knower& knower : report.knowers()) {
      if (knower.agency() != "dundee-city-council") continue;
      for (const access::v1::Knowledge& each : knower.events()) {
        if (each.sequence() == sequence.value) return each;
      }
    }
    ADD_FAILURE() << "nothing is said of " << sequence.value;
    return {};
  }

  std::shared_ptr<const TypeRegistry> types_;
  std::shared_ptr<const PrincipalRegistry> registry_;
  FakeEventLog log_;
  FakeDisk disk_;
  std::unique_ptr<AccessStore> store_;
  std::string missing_;
  const v1::Principal guardian_ = Who("police-scotland", "guardian");
  const v1::Principal coordinator_ = Who("mappa-tayside", "coordinator");
};

TEST_F(WhoKnewQuestionTest, TellsAnErasureFromRetention) {
  const Sequence whole = Concern();
  const Sequence removed = Concern();
  const Sequence erased = Concern();
  log_.Remove(removed, kNowUs + 50);
  log_.Erase(erased, kNowUs + 60);
  const WhoKnewReport report = Ask(guardian_);
  ASSERT_THAT(report.events(), SizeIs(3));
  EXPECT_EQ(report.events(0).sequence(), whole.value);
  EXPECT_EQ(report.events(0).removed_time(), 0u);
  EXPECT_FALSE(report.events(0).erased());
  EXPECT_EQ(report.events(1).removed_time(), kNowUs + 50);
  EXPECT_FALSE(report.events(1).erased());
  EXPECT_EQ(report.events(2).removed_time(), 0u);
  EXPECT_TRUE(report.events(2).erased());
}

TEST_F(WhoKnewQuestionTest, WhatWasReadByBreakGlassWasSeen) {
  const Sequence before = Concern();
  Read("k.birnam", 500);
  EXPECT_FALSE(OfCouncil(before).could_see());
  access::v1::GlassBroken broken;
  broken.set_opening_ref("G-1");
  broken.set_by("duty-senior");
  broken.set_staff("k.birnam");
  broken.set_until(1000);
  Append("urn:concordat:dundee-city-council:access", "dundee-city-council",
         broken);
  Read("another", 900);
  Read("k.birnam", 1000);
  EXPECT_FALSE(OfCouncil(before).could_see());
  Read("k.birnam", 999);
  const Sequence after = Concern();
  const access::v1::Knowledge read = OfCouncil(before);
  EXPECT_TRUE(read.could_see());
  EXPECT_EQ(read.because(), "opened without an interest, G-1");
  EXPECT_THAT(read.shown(), Not(IsEmpty()));
  EXPECT_FALSE(OfCouncil(after).could_see());
}

TEST_F(WhoKnewQuestionTest, SaysThatOtherProcessesHaveAccessLogsToo) {
  Concern();
  EXPECT_THAT(Ask(guardian_).could_not_know(), IsEmpty());
  missing_ = "what others delivered";
  const WhoKnewReport report = Ask(guardian_);
  ASSERT_THAT(report.could_not_know(), SizeIs(1));
  EXPECT_EQ(report.could_not_know(0).what(), "other access logs");
  EXPECT_EQ(report.could_not_know(0).words(), missing_);
}

}  // namespace
}  // namespace concordat::bus
