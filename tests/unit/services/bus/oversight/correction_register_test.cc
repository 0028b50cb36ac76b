// Who had a fact and knows of its correction, and what was made of the fact.
//
// Mutant                                              Caught by
// who never had the original is asked, or told of it  ListsWhoHadItAlone
// complete before each has acknowledged               ListsWhoHadItAlone
// an agency sees what others have                     AnAgencySeesItsOwnPartAlone
// who left is waited for by delivery, or forgotten    WhoLeftIsToBeToldOutside
// who knows by its own word is not believed           AnAgencySaysThatItKnows
// opened since taken for not knowing                  WhoOpenedThePersonSinceKnows
// acknowledged in a session of another run            ASessionEndsWithItsRun
// a cut is about one event, or about all              ACutIsOfWhatCameByTheNumber
// an agency hears of facts that it did not have       OfACutAnAgencyHearsOfWhatItHad
// what the log does not have is about something       OfWhatTheLogDoesNotHave
// withdrawn is all, whoever knows of it               AnAlertIsSettledWhenEachKnows
// an alert that rests on the correction is open       AnAlertMayStandOnTheCorrection
// what was decided while it stood is not found        WhatWasDecidedIsLookedAtAgain
// what was decided before, or since, is               WhatWasDecidedIsLookedAtAgain
// told to whom the person's lists keep out             ToWhomIsKeptOutThereIsNone
#include "services/bus/oversight/correction_register.h"

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "concordat/alerts/v1/events.pb.h"
#include "concordat/hub/v1/correction.pb.h"
#include "concordat/identity/v1/events.pb.h"
#include "concordat/mappa/v1/events.pb.h"
#include "concordat/police/v1/events.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "services/bus/ingest/hub_records.h"
#include "services/bus/oversight/correction_uses.h"
#include "tests/support/demo_types.h"
#include "tests/support/fake_disk.h"
#include "tests/support/fake_event_log.h"
#include "tests/support/status_matchers.h"

namespace concordat::bus {
namespace {

using ::concordat::testing::FakeDisk;
using ::concordat::testing::FakeEventLog;
using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint64_t kNowUs = 1'764'000'000'000'000;  // 24 Nov 2025.
constexpr char kPolice[] = "urn:concordat:police-scotland:rms";
constexpr char kMappa[] = "urn:concordat:mappa-tayside:mappa";
constexpr char kAlerts[] = "urn:concordat:mappa-tayside:alerts";
const PersonKey kPerson({1});

class CorrectionRegisterTest : public ::testing::Test {
 protected:
  CorrectionRegisterTest() {
    types_ = *concordat::testing::DemoTypes();
    bus::v1::Registry proto;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        R"(environment: ENVIRONMENT_DEMO
           principals { name: "police" agency: "police-scotland" system: "rms"
                        role: "police" }
           principals { name: "nhs" agency: "nhs-tayside" system: "liaison"
                        role: "nhs-liaison" }
           principals { name: "service-alerts" agency: "mappa-tayside"
                        system: "alerts" role: "service"
                        process { types: "*" } })",
        &proto));
    auto registry = PrincipalRegistry::Build(std::move(proto));
    EXPECT_THAT(registry, IsOk());
    registry_ = *registry;
    store_ = *AccessStore::Open(disk_);
    Append(kMappa, "mappa-tayside", Opened());
  }

  static mappa::v1::CaseOpened Opened() {
    mappa::v1::CaseOpened opened;
    opened.set_case_ref("C-1");
    opened.add_parties("police-scotland");
    opened.add_parties("nhs-tayside");
    opened.set_lead("police-scotland");
    return opened;
  }
  static police::v1::ConcernShared Concern() {
    police::v1::ConcernShared concern;
    concern.set_concern_type("CHILDREN_AT_ADDRESS");
    concern.set_incident_ref("INC-1");
    return concern;
  }
  // Its id is "e-<position>", its time the position's.
  template <typename Message>
  Sequence Append(const std::string& source, const std::string& controller,
                  const Message& message, uint64_t retracts = 0,
                  uint64_t corrects = 0, PersonKey subject = kPerson,
                  std::string id = "") {
    const uint64_t next = log_.end().value + 1;
    if (id.empty()) id = Id(next);
    const std::string type = message.GetTypeName();
    const std::string retracted = Id(retracts);
    const std::string corrected = Id(corrects);
    HeaderView header;
    header.type = type;
    header.source = source;
    header.controller = controller;
    header.id = id;
    header.subject = subject;
    if (retracts != 0) header.retracts = retracted;
    if (corrects != 0) header.corrects = corrected;
    return log_.Append(header, message.SerializeAsString(), kNowUs + next);
  }
  static std::string Id(uint64_t position) {
    return absl::StrCat("e-", position);
  }
  static std::string Ref(const std::string& source, Sequence position) {
    return absl::StrCat(source, "#", Id(position.value));
  }
  Sequence Fact() { return Append(kPolice, "police-scotland", Concern()); }
  Sequence Retraction(Sequence of) {
    return Append(kPolice, "police-scotland", Concern(), of.value);
  }

  // To the health board, under this name, unless it is said.
  void Deliver(Sequence sequence, uint64_t session, uint64_t number,
               std::string name = "reads", std::string agency = "nhs-tayside",
               std::string role = "nhs-liaison") {
    access::v1::Record record;
    record.set_log_time(kNowUs + log_.end().value);
    access::v1::Delivered& delivered = *record.mutable_delivered();
    delivered.set_session(session);
    delivered.set_agency(std::move(agency));
    delivered.set_role(std::move(role));
    delivered.set_name(std::move(name));
    delivered.set_first_delivery(number);
    access::v1::Run& run = *delivered.add_runs();
    run.set_first(sequence.value);
    run.set_count(1);
    run.set_groups(3);
    Add(record);
  }
  void Acknowledge(uint64_t session, uint64_t through) {
    access::v1::Record record;
    record.set_log_time(kNowUs + log_.end().value);
    record.mutable_acknowledged()->set_session(session);
    record.mutable_acknowledged()->set_through_delivery(through);
    Add(record);
  }
  void Open(std::string agency, std::string role) {
    access::v1::Record record;
    record.set_log_time(kNowUs + log_.end().value);
    access::v1::Called& called = *record.mutable_called();
    called.set_agency(std::move(agency));
    called.set_role(std::move(role));
    called.set_method("concordat.bus.v1.BusService/ReadPerson");
    called.set_outcome("OK");
    called.add_subjects(kPerson.ToString());
    Add(record);
  }
  void Add(const access::v1::Record& record) {
    ASSERT_THAT(store_->Add(absl::MakeConstSpan(&record, 1)), IsOk());
  }

  CorrectionRegister Register() {
    policy::v1::Agreement agreement;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        R"(name: "x" version: 1 parties: "police-scotland"
           parties: "nhs-tayside" valid_from: "2025-10-01"
           valid_to: "2026-09-30" purposes: "MAPPA_RISK_MANAGEMENT"
           see { to: "nhs-tayside" roles: "nhs-liaison"
                 types: "concordat.police.v1.*" audience: AUDIENCE_PARTY }
           see { to: "police-scotland" roles: "police"
                 types: "concordat.police.v1.*" audience: AUDIENCE_OWN })",
        &agreement));
    PolicyFold fold(types_);
    EXPECT_THAT(fold.Adopt(agreement), IsOk());
    lists_ = std::make_unique<PersonLists>(log_, PolicyFold(types_));
    return CorrectionRegister(log_, types_, *store_, std::move(fold), *lists_);
  }
  std::vector<v1::Correction> List(std::string agency, bool of_all = false) {
    CorrectionRegister::Question question = {
        {std::move(agency), "", {}}, of_all, registry_.get(), places_};
    auto list = Register().List(question);
    EXPECT_THAT(list, IsOk());
    return list.ok() ? *list : std::vector<v1::Correction>();
  }
  std::vector<v1::CorrectionUse> Uses(Sequence correction, Sequence alerts_at) {
    CorrectionBook book(log_, types_);
    EXPECT_THAT(book.CatchUp(), IsOk());
    for (const CorrectionBook::Entry& entry : book.entries()) {
      if (entry.sequence != correction) continue;
      auto uses = UsesOf(log_, *types_, entry, alerts_at);
      EXPECT_THAT(uses, IsOk());
      return *uses;
    }
    ADD_FAILURE() << "no correction " << correction.value;
    return {};
  }

  std::shared_ptr<const TypeRegistry> types_;
  std::shared_ptr<const PrincipalRegistry> registry_;
  FakeEventLog log_;
  FakeDisk disk_;
  std::unique_ptr<AccessStore> store_;
  std::vector<SubscriptionInfo> places_;
  std::unique_ptr<PersonLists> lists_;  // Of the newest Register().
};

TEST_F(CorrectionRegisterTest, ListsWhoHadItAlone) {
  const Sequence fact = Fact();
  const Sequence other = Fact();
  Deliver(fact, 1, 1);
  Deliver(other, 2, 1, "other");
  Acknowledge(1, 1);
  const Sequence retraction = Retraction(fact);
  auto list = List("police-scotland");
  ASSERT_THAT(list, SizeIs(1));
  EXPECT_EQ(list[0].sequence(), retraction.value);
  EXPECT_EQ(list[0].original(), fact.value);
  EXPECT_TRUE(list[0].retraction());
  EXPECT_EQ(list[0].waits_for(), 1u);
  ASSERT_THAT(list[0].recipients(), SizeIs(1));
  const v1::CorrectionRecipient& first = list[0].recipients(0);
  EXPECT_EQ(first.name(), "reads");
  EXPECT_EQ(first.groups(), 3u);
  EXPECT_EQ(first.acknowledged_time(), kNowUs + other.value);
  EXPECT_FALSE(first.left());
  EXPECT_THAT(first.state(), HasSubstr("not sent"));

  Deliver(retraction, 1, 2);
  list = List("police-scotland");
  EXPECT_THAT(list[0].recipients(0).state(), HasSubstr("not acknowledged"));
  EXPECT_EQ(list[0].waits_for(), 1u);
  Acknowledge(1, 2);
  list = List("police-scotland");
  EXPECT_TRUE(list[0].recipients(0).accepted());
  EXPECT_EQ(list[0].waits_for(), 0u);
}

TEST_F(CorrectionRegisterTest, AnAgencySeesItsOwnPartAlone) {
  const Sequence fact = Fact();
  Deliver(fact, 1, 1);
  Deliver(fact, 2, 1, "alerts", "mappa-tayside", "service");
  Retraction(fact);
  EXPECT_THAT(List("police-scotland")[0].recipients(), SizeIs(2));
  EXPECT_THAT(List("mappa-tayside", true)[0].recipients(), SizeIs(2));
  const auto of_board = List("nhs-tayside");
  ASSERT_THAT(of_board, SizeIs(1));
  ASSERT_THAT(of_board[0].recipients(), SizeIs(1));
  EXPECT_EQ(of_board[0].recipients(0).agency(), "nhs-tayside");
  EXPECT_EQ(of_board[0].waits_for(), 1u);
  EXPECT_THAT(List("dundee-city-council"), IsEmpty());
}

TEST_F(CorrectionRegisterTest, WhoLeftIsToBeToldOutside) {
  const Sequence fact = Fact();
  Deliver(fact, 1, 1);
  Acknowledge(1, 1);
  mappa::v1::PartyLeft left;
  left.set_case_ref("C-1");
  left.set_agency("nhs-tayside");
  Append(kMappa, "mappa-tayside", left);
  const Sequence retraction = Retraction(fact);
  // Its place goes on to it, and nothing was sent.
  SubscriptionInfo& place = places_.emplace_back();
  place.agency = "nhs-tayside";
  place.role = "nhs-liaison";
  place.name = "reads";
  place.acknowledged = retraction;
  auto list = List("police-scotland");
  ASSERT_THAT(list[0].recipients(), SizeIs(1));
  EXPECT_TRUE(list[0].recipients(0).left());
  EXPECT_FALSE(list[0].recipients(0).accepted());
  EXPECT_THAT(list[0].recipients(0).state(), HasSubstr("outside"));
  EXPECT_THAT(List("nhs-tayside"), SizeIs(1));

  hub::v1::CorrectionAccepted accepted;
  accepted.set_correction(retraction.value);
  accepted.set_agency("nhs-tayside");
  accepted.set_by("police");
  accepted.set_told_outside(true);
  accepted.set_how("by telephone to the liaison officer");
  Append(kHubSource, "hub", accepted, 0, 0, PersonKey(),
         AcceptanceId(retraction, "nhs-tayside"));
  list = List("police-scotland");
  EXPECT_TRUE(list[0].recipients(0).accepted());
  EXPECT_THAT(list[0].recipients(0).state(), HasSubstr("by telephone"));
  EXPECT_EQ(list[0].waits_for(), 0u);
}

TEST_F(CorrectionRegisterTest, AnAgencySaysThatItKnows) {
  const Sequence fact = Fact();
  Deliver(fact, 1, 1, "");  // A tail: nothing will read on under it.
  const Sequence retraction = Retraction(fact);
  EXPECT_EQ(List("police-scotland")[0].waits_for(), 1u);
  hub::v1::CorrectionAccepted accepted;
  accepted.set_correction(retraction.value);
  accepted.set_agency("nhs-tayside");
  accepted.set_by("nhs");
  Append(kHubSource, "hub", accepted, 0, 0, PersonKey(),
         AcceptanceId(retraction, "nhs-tayside"));
  const auto list = List("police-scotland");
  EXPECT_EQ(list[0].waits_for(), 0u);
  EXPECT_THAT(list[0].recipients(0).state(), HasSubstr("knows, says nhs"));
}

TEST_F(CorrectionRegisterTest, WhoOpenedThePersonSinceKnows) {
  const Sequence fact = Fact();
  Open("nhs-tayside", "nhs-liaison");
  Open("dundee-city-council", "duty-senior");  // To whom it was not shown.
  Retraction(fact);
  auto list = List("police-scotland");
  ASSERT_THAT(list[0].recipients(), SizeIs(1));
  EXPECT_EQ(list[0].recipients(0).opened_time(), kNowUs + fact.value);
  EXPECT_EQ(list[0].waits_for(), 1u);
  Open("nhs-tayside", "nhs-liaison");
  list = List("police-scotland");
  EXPECT_EQ(list[0].waits_for(), 0u);
  EXPECT_THAT(list[0].recipients(0).state(), HasSubstr("opened"));
}

TEST_F(CorrectionRegisterTest, ASessionEndsWithItsRun) {
  const Sequence fact = Fact();
  Deliver(fact, 1, 1);
  const Sequence retraction = Retraction(fact);
  Deliver(retraction, 1, 2);
  access::v1::Record began;
  began.mutable_began()->set_program("concordat-bus");
  Add(began);
  Acknowledge(1, 2);
  EXPECT_EQ(List("police-scotland")[0].waits_for(), 1u);
}

TEST_F(CorrectionRegisterTest, ACutIsOfWhatCameByTheNumber) {
  const Sequence before = Fact();
  const Sequence first = Fact();
  Append(kMappa, "mappa-tayside", Opened());
  const Sequence second = Fact();
  for (const Sequence each : {before, first, second}) {
    Deliver(each, each.value, 1, absl::StrCat("name-", each.value));
  }
  identity::v1::LinkCut cut;
  cut.set_review_ref("IR-1");
  cut.set_scheme("CHI");
  cut.add_sources(kPolice);
  cut.set_after(before.value);
  const Sequence at =
      Append("urn:concordat:mappa-tayside:identity", "mappa-tayside", cut);
  const auto list = List("mappa-tayside", true);
  ASSERT_THAT(list, SizeIs(1));
  EXPECT_EQ(list[0].sequence(), at.value);
  EXPECT_TRUE(list[0].cut());
  EXPECT_THAT(list[0].originals(), ElementsAre(first.value, second.value));
  ASSERT_THAT(list[0].recipients(), SizeIs(2));
  EXPECT_EQ(list[0].recipients(0).name(), absl::StrCat("name-", first.value));
  EXPECT_THAT(list[0].recipients(0).state(), HasSubstr("to be told"));
  EXPECT_EQ(list[0].waits_for(), 2u);
}

TEST_F(CorrectionRegisterTest, OfACutAnAgencyHearsOfWhatItHad) {
  Fact();
  const Sequence second = Fact();
  Deliver(second, 1, 1);
  identity::v1::LinkCut cut;
  cut.set_review_ref("IR-1");
  cut.set_scheme("CHI");
  cut.add_sources(kPolice);
  Append("urn:concordat:mappa-tayside:identity", "mappa-tayside", cut);
  EXPECT_THAT(List("mappa-tayside")[0].originals(), SizeIs(2));
  ASSERT_THAT(List("nhs-tayside"), SizeIs(1));
  EXPECT_THAT(List("nhs-tayside")[0].originals(), ElementsAre(second.value));
}

TEST_F(CorrectionRegisterTest, OfWhatTheLogDoesNotHave) {
  const Sequence at = Retraction({77});
  const auto list = List("police-scotland");
  ASSERT_THAT(list, SizeIs(1));
  EXPECT_EQ(list[0].original(), 0u);
  EXPECT_EQ(list[0].waits_for(), 0u);
  EXPECT_THAT(List("nhs-tayside"), IsEmpty());
  EXPECT_THAT(Uses(at, at), IsEmpty());
  CorrectionRegister::Question question = {
      {"nhs-tayside", "", {}}, false, registry_.get()};
  EXPECT_THAT(Register().Find(question, at),
              HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Register().Find(question, {3}),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_F(CorrectionRegisterTest, ToWhomIsKeptOutThereIsNone) {
  const Sequence fact = Fact();
  Deliver(fact, 1, 1);
  const Sequence retraction = Retraction(fact);
  ASSERT_THAT(List("nhs-tayside"), SizeIs(1));
  ASSERT_THAT(List("mappa-tayside", true), SizeIs(1));
  mappa::v1::AccessRestricted access;
  access.set_case_ref("C-1");
  access.add_excluded("nhs-tayside");
  access.add_excluded("mappa-tayside/coordinator");
  Append(kMappa, "mappa-tayside", access);
  EXPECT_THAT(List("nhs-tayside"), IsEmpty());
  EXPECT_THAT(List("police-scotland"), SizeIs(1));
  const auto find = [&](std::string role, Sequence at) {
    CorrectionRegister::Question question = {
        {"mappa-tayside", std::move(role), {}}, true, registry_.get()};
    return Register().Find(question, at).status();
  };
  EXPECT_EQ(find("coordinator", retraction), find("coordinator", {77}));
  EXPECT_EQ(find("coordinator", fact), find("coordinator", {77}));
  EXPECT_THAT(find("another", fact), IsOk());
  // The operator is shown no person.
  EXPECT_THAT(find("operator", fact), IsOk());
}

class CorrectionUsesTest : public CorrectionRegisterTest {
 protected:
  void Raise(const std::string& ref, Sequence on) {
    alerts::v1::AlertRaised raised;
    raised.set_alert_ref(ref);
    raised.set_rule("R07");
    raised.set_severity("HIGH");
    raised.add_evidence(Ref(kPolice, on));
    raised.add_addressees("nhs-tayside/nhs-liaison");
    Append(kAlerts, "mappa-tayside", raised);
  }
  static const v1::CorrectionUse* Of(const std::vector<v1::CorrectionUse>& uses,
                                     const std::string& kind,
                                     const std::string& ref) {
    for (const v1::CorrectionUse& use : uses) {
      if (use.kind() == kind && use.ref() == ref) return &use;
    }
    return nullptr;
  }
};

TEST_F(CorrectionUsesTest, AnAlertIsSettledWhenEachKnows) {
  const Sequence fact = Fact();
  const Sequence other = Fact();
  Raise("A-1", fact);
  Raise("A-2", other);
  const Sequence retraction = Retraction(fact);
  auto uses = Uses(retraction, {0});
  EXPECT_EQ(Of(uses, "alert", "A-2"), nullptr);
  ASSERT_NE(Of(uses, "alert", "A-1"), nullptr);
  EXPECT_FALSE(Of(uses, "alert", "A-1")->settled());
  EXPECT_THAT(Of(uses, "alert", "A-1")->state(), HasSubstr("not come"));
  EXPECT_FALSE(Of(uses, "clock", "A-1")->settled());

  alerts::v1::AlertWithdrawn withdrawn;
  withdrawn.set_alert_ref("A-1");
  withdrawn.add_addressees("nhs-tayside/nhs-liaison");
  withdrawn.set_because(Ref(kPolice, retraction));
  Append(kAlerts, "mappa-tayside", withdrawn);
  uses = Uses(retraction, retraction);
  EXPECT_FALSE(Of(uses, "alert", "A-1")->settled());
  EXPECT_THAT(Of(uses, "alert", "A-1")->state(), HasSubstr("1 of 1"));
  EXPECT_TRUE(Of(uses, "clock", "A-1")->settled());

  alerts::v1::AlertWithdrawalAccepted accepted;
  accepted.set_alert_ref("A-1");
  accepted.set_agency("nhs-tayside");
  accepted.set_by("nhs");
  accepted.add_roles("nhs-liaison");
  Append(kAlerts, "mappa-tayside", accepted);
  uses = Uses(retraction, retraction);
  EXPECT_TRUE(Of(uses, "alert", "A-1")->settled());
}

TEST_F(CorrectionUsesTest, AnAlertMayStandOnTheCorrection) {
  const Sequence fact = Fact();
  Raise("A-1", fact);
  Raise("A-2", fact);
  const Sequence correction =
      Append(kPolice, "police-scotland", Concern(), 0, fact.value);
  alerts::v1::AlertEvidenceAdded added;
  added.set_alert_ref("A-1");
  added.add_evidence(Ref(kPolice, correction));
  const Sequence at = Append(kAlerts, "mappa-tayside", added);
  const auto uses = Uses(correction, correction);
  EXPECT_TRUE(Of(uses, "alert", "A-1")->settled());
  EXPECT_EQ(Of(uses, "alert", "A-1")->settled_by(), at.value);
  // It was judged again, and nothing was withdrawn.
  EXPECT_TRUE(Of(uses, "alert", "A-2")->settled());
  EXPECT_THAT(Of(uses, "alert", "A-2")->state(), HasSubstr("without it"));
}

TEST_F(CorrectionUsesTest, WhatWasDecidedIsLookedAtAgain) {
  const auto meet = [&](const std::string& rosh) {
    mappa::v1::MeetingHeld meeting;
    meeting.set_case_ref("C-1");
    meeting.set_kind("LEVEL_2");
    meeting.set_level(2);
    meeting.set_rosh(rosh);
    meeting.set_review_on("2026-02-01");
    return Append(kMappa, "mappa-tayside", meeting);
  };
  meet("HIGH");
  const Sequence fact = Fact();
  const Sequence while_it_stood = meet("VERY_HIGH");
  mappa::v1::LevelChanged level;
  level.set_case_ref("C-1");
  level.set_to_level(3);
  const Sequence levelled = Append(kMappa, "mappa-tayside", level);
  const Sequence retraction = Retraction(fact);
  auto uses = Uses(retraction, retraction);
  using Open = std::pair<std::string, uint64_t>;
  std::vector<Open> open;
  for (const v1::CorrectionUse& use : uses) {
    if (!use.settled()) open.push_back({use.kind(), use.sequence()});
  }
  EXPECT_THAT(open, ElementsAre(Open("plan", while_it_stood.value),
                                Open("figure", levelled.value),
                                Open("figure", while_it_stood.value),
                                Open("figure", while_it_stood.value)));
  const Sequence again = meet("HIGH");
  uses = Uses(retraction, retraction);
  ASSERT_NE(Of(uses, "plan", "C-1"), nullptr);
  EXPECT_EQ(Of(uses, "plan", "C-1")->settled_by(), again.value);
  // The level was not decided anew.
  ASSERT_NE(Of(uses, "figure", "C-1"), nullptr);
  EXPECT_EQ(Of(uses, "figure", "C-1")->sequence(), levelled.value);
  EXPECT_THAT(uses, SizeIs(2));
}

}  // namespace
}  // namespace concordat::bus
