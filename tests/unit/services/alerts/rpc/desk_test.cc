// Mutants that a test here catches:
//   publishes again what the log has          → RaisesOnceAcrossARestart
//   answers before the log has it             → ListsNothingTheLogDoesNotHave
//   a refused alert is not asked for again    → AsksAgainForAnAlertThatWas…
//   a retried acceptance is refused           → ARetryGetsTheFirstAnswer
//   anybody's reference answers               → KnowsNoAlertOfOthers
//   told again when hidden evidence comes     → AFollowerIsNotToldOfWhatIs…
//   position said before effects are accepted → PositionWaitsForItsEffects
#include "services/alerts/rpc/desk.h"

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/events.pb.h"
#include "concordat/mappa/v1/events.pb.h"
#include "concordat/nhs/v1/events.pb.h"
#include "concordat/police/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/base/system_clock.h"
#include "services/common/event/make_event.h"
#include "tests/support/demo_engine.h"
#include "tests/support/demo_types.h"
#include "tests/support/fake_bus.h"
#include "tests/support/fake_clock.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace concordat::alerts {
namespace {

using ::concordat::testing::FakeBus;
using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::SizeIs;

const AlertCaller kPolice = {"police", "police-scotland", {"police"}};
const AlertCaller kSocialWork = {
    "socialwork", "dundee-city-council", {"lead-officer"}};

// Deadlines are of real time: a test that waits for a thread does too.
class DeskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto types = testing::DemoTypes();
    ASSERT_THAT(types, IsOk());
    types_ = *types;
    self_.set_name("service-alerts");
    self_.set_agency("mappa-tayside");
    self_.set_system("alerts");
    self_.set_default_purpose("MAPPA_RISK_MANAGEMENT");
    self_.set_default_gateway("G1");
    self_.set_default_regime(bus::v1::REGIME_GDPR);
    hospital_ = bus_.Connect("hospital");
    const auto agreements = testing::DemoAgreements();
    ASSERT_THAT(agreements, IsOk());
    hub::v1::AgreementAdopted adopted;
    adopted.set_name(agreements->front().name());
    adopted.set_version(agreements->front().version());
    adopted.set_agreement(agreements->front().SerializeAsString());
    Happens(adopted, "bus", "hub", PersonKey());
    mappa::v1::CaseOpened opened;
    opened.set_case_ref("C-4");
    opened.add_parties("nhs-tayside");
    opened.add_parties("police-scotland");
    opened.set_lead("nhs-tayside");
    Happens(opened, "mappa", "mappa-tayside", person_);
    Open();
  }
  void TearDown() override { CloseDesk(); }

  void Open() {
    const auto definitions = testing::DemoDefinitions(types_);
    ASSERT_THAT(definitions, IsOk());
    auto engine = MakeEngine(*definitions);
    ASSERT_THAT(engine, IsOk());
    client_ = bus_.Connect("service-alerts");
    desk_ = std::make_unique<Desk>(*std::move(engine), *client_, types_, self_,
                                   bus::v1::ENVIRONMENT_DEMO, clock_, random_,
                                   log_);
    running_ = std::thread([this] { EXPECT_THAT(desk_->Run(), IsOk()); });
  }
  void CloseDesk() {
    if (desk_ == nullptr) return;
    desk_->Stop();
    running_.join();
    bus_.WaitForAnswers(absl::Seconds(5));
    desk_.reset();
    client_.reset();
  }

  void Happens(const google::protobuf::Message& message,
               const std::string& system, const std::string& agency,
               const PersonKey& person) {
    Header header;
    header.source = absl::StrCat("urn:concordat:", agency, ":", system);
    header.controller = agency;
    header.purpose = "MAPPA_RISK_MANAGEMENT";
    header.gateway = "G1";
    header.regime = bus::v1::REGIME_GDPR;
    header.id = absl::StrCat("e-", ++count_);
    header.stream = absl::StrCat("s-", count_);
    header.subject = person;
    header.time_us = 1'764'000'000'000'000;
    auto event = MakeEvent(*types_, std::move(header), message, random_);
    ASSERT_THAT(event, IsOk());
    std::vector<Event> set;
    set.push_back(*std::move(event));
    const auto outcomes =
        PublishAndWait(*hospital_, std::move(set), absl::Seconds(5));
    ASSERT_THAT(outcomes, IsOk());
    ASSERT_TRUE(outcomes->front().accepted);
  }
  void GoesAbsent() {
    nhs::v1::RestrictedPatientStatusChanged status;
    status.set_status("AWOL");
    Happens(status, "concordat-nhs", "nhs-tayside", person_);
  }
  absl::Time Soon() const { return clock_.Now() + absl::Seconds(5); }
  v1::ListAlertsResponse ListAt(uint64_t position, const AlertCaller& caller) {
    v1::ListAlertsRequest request;
    request.set_min_position(position);
    const auto response = desk_->List(caller, request, Soon());
    EXPECT_THAT(response, IsOk());
    return response.ok() ? *response : v1::ListAlertsResponse();
  }

  SystemClock clock_;
  // The log's time, inside the agreement's period.
  testing::FakeClock log_clock_{absl::FromUnixSeconds(1'764'000'000)};
  testing::SeededRandom random_{7};
  const Logger log_{"desk_test"};
  const PersonKey person_{std::array<uint8_t, PersonKey::kBytes>{4}};
  FakeBus bus_{log_clock_};
  bus::v1::Principal self_;
  std::shared_ptr<const TypeRegistry> types_;
  std::unique_ptr<BusClient> hospital_;
  std::unique_ptr<BusClient> client_;
  std::unique_ptr<Desk> desk_;
  std::thread running_;
  int count_ = 0;
};

TEST_F(DeskTest, RaisesAnAlertOnTheBusAndListsIt) {
  GoesAbsent();
  ASSERT_TRUE(bus_.WaitForEvents(4, absl::Seconds(5)));
  EXPECT_EQ(bus_.events().back().header.type,
            "concordat.alerts.v1.AlertRaised");
  const auto list = ListAt(4, kPolice);
  ASSERT_THAT(list.alerts(), SizeIs(1));
  EXPECT_EQ(list.alerts(0).rule(), "R13");
  EXPECT_EQ(list.alerts(0).state(), "raised");
  EXPECT_TRUE(list.alerts(0).owner());
}

TEST_F(DeskTest, KnowsNoAlertOfOthers) {
  GoesAbsent();
  ASSERT_TRUE(bus_.WaitForEvents(4, absl::Seconds(5)));
  EXPECT_THAT(ListAt(4, kSocialWork).alerts(), SizeIs(0));
  v1::AcceptAlertRequest accept;
  accept.set_alert_ref(ListAt(4, kPolice).alerts(0).alert_ref());
  accept.set_action("looking");
  EXPECT_THAT(desk_->Accept(kSocialWork, accept, Soon()),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_F(DeskTest, ListsNothingTheLogDoesNotHave) {
  CloseDesk();
  GoesAbsent();
  // Judged, and refused once: nobody is shown what is not in the log.
  bus_.RefuseNext(bus::v1::REFUSAL_READ_ONLY, "the log takes no writes");
  Open();
  EXPECT_THAT(ListAt(3, kPolice).alerts(), SizeIs(0));
}

TEST_F(DeskTest, ListsNothingRatherThanHalfWhileItReadsTheLog) {
  GoesAbsent();
  ASSERT_TRUE(bus_.WaitForEvents(4, absl::Seconds(5)));
  CloseDesk();
  bus_.GoAway();
  Open();
  EXPECT_THAT(desk_->List(kPolice, v1::ListAlertsRequest(),
                          clock_.Now() + absl::Milliseconds(50)),
              HasCode(absl::StatusCode::kUnavailable));
  hub::v1::GetStatusResponse status;
  desk_->FillStatus(&status);
  EXPECT_FALSE(status.ready());
  bus_.ComeBack();
  EXPECT_THAT(ListAt(0, kPolice).alerts(), SizeIs(1));
}

TEST_F(DeskTest, AsksAgainForAnAlertThatWasRefused) {
  CloseDesk();
  GoesAbsent();
  bus_.RefuseNext(bus::v1::REFUSAL_READ_ONLY, "the log takes no writes");
  Open();
  ASSERT_TRUE(bus_.WaitForEvents(4, absl::Seconds(10)));
  EXPECT_THAT(ListAt(4, kPolice).alerts(), SizeIs(1));
  ASSERT_TRUE(bus_.WaitForAnswers(absl::Seconds(5)));
  hub::v1::GetStatusResponse status;
  desk_->FillStatus(&status);
  EXPECT_EQ(status.degraded_because(), "");
}

TEST_F(DeskTest, RaisesOnceAcrossARestart) {
  GoesAbsent();
  ASSERT_TRUE(bus_.WaitForEvents(4, absl::Seconds(5)));
  CloseDesk();
  Open();
  EXPECT_THAT(ListAt(4, kPolice).alerts(), SizeIs(1));
  v1::AcceptAlertRequest accept;
  accept.set_alert_ref(ListAt(4, kPolice).alerts(0).alert_ref());
  accept.set_action("looking");
  accept.mutable_command()->set_request_id("q-1");
  EXPECT_THAT(desk_->Accept(kPolice, accept, Soon()), IsOk());
  EXPECT_THAT(bus_.events(), SizeIs(5));
}

TEST_F(DeskTest, ARetryGetsTheFirstAnswer) {
  GoesAbsent();
  ASSERT_TRUE(bus_.WaitForEvents(4, absl::Seconds(5)));
  v1::AcceptAlertRequest accept;
  accept.set_alert_ref(ListAt(4, kPolice).alerts(0).alert_ref());
  accept.set_action("looking");
  accept.mutable_command()->set_request_id("q-1");
  const auto first = desk_->Accept(kPolice, accept, Soon());
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->state(), "accepted");
  const auto again = desk_->Accept(kPolice, accept, Soon());
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->acceptances_size(), 1);
  accept.mutable_command()->set_request_id("q-2");
  EXPECT_THAT(desk_->Accept(kPolice, accept, Soon()),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(DeskTest, AFollowerIsToldOfEachChange) {
  Mutex mu;
  CondVar changed;
  std::vector<std::string> states;
  desk_->Follow(kPolice, [&](const v1::Alert& alert) {
    MutexLock lock(mu);
    states.push_back(alert.state());
    changed.NotifyAll();
    return true;
  });
  GoesAbsent();
  ASSERT_TRUE(bus_.WaitForEvents(4, absl::Seconds(5)));
  v1::CloseAlertRequest close;
  close.set_alert_ref(ListAt(4, kPolice).alerts(0).alert_ref());
  close.set_outcome("returned");
  close.mutable_command()->set_request_id("c-1");
  EXPECT_THAT(desk_->Close(kPolice, close, Soon()),
              HasCode(absl::StatusCode::kFailedPrecondition));
  v1::AcceptAlertRequest accept;
  accept.set_alert_ref(close.alert_ref());
  accept.set_action("looking");
  accept.mutable_command()->set_request_id("q-1");
  ASSERT_THAT(desk_->Accept(kPolice, accept, Soon()), IsOk());
  ASSERT_THAT(desk_->Close(kPolice, close, Soon()), IsOk());
  MutexLock lock(mu);
  ASSERT_TRUE(changed.WaitFor(mu, absl::Seconds(5),
                              [&] { return states.size() >= 3; }));
  EXPECT_THAT(states, ::testing::ElementsAre("raised", "accepted", "closed"));
}

TEST_F(DeskTest, AFollowerIsNotToldOfWhatIsHiddenFromIt) {
  const PersonKey other{std::array<uint8_t, PersonKey::kBytes>{7}};
  mappa::v1::CaseOpened opened;
  opened.set_case_ref("C-7");
  opened.add_parties("dundee-city-council");
  opened.add_parties("nhs-tayside");
  opened.add_parties("police-scotland");
  opened.set_lead("dundee-city-council");
  Happens(opened, "mappa", "mappa-tayside", other);
  Mutex mu;
  CondVar changed;
  std::map<std::string, std::vector<size_t>> told;  // Evidence, by agency.
  const auto follow = [&](const AlertCaller& caller) {
    desk_->Follow(caller, [&, agency = caller.agency](const v1::Alert& alert) {
      MutexLock lock(mu);
      told[agency].push_back(static_cast<size_t>(alert.evidence_size()));
      changed.NotifyAll();
      return true;
    });
  };
  follow(kSocialWork);
  follow({"coordinator", "mappa-tayside", {"co-ordinator"}});
  police::v1::ConcernShared concern;
  concern.set_concern_type("NEIGHBOUR_COMPLAINT");
  for (const char* incident : {"INC-1", "INC-2"}) {
    concern.set_incident_ref(incident);
    Happens(concern, "rms", "police-scotland", other);
  }
  const auto await = [&](size_t count) {
    MutexLock lock(mu);
    return changed.WaitFor(mu, absl::Seconds(5), [&] {
      return told["mappa-tayside"].size() >= count;
    });
  };
  ASSERT_TRUE(await(1));
  // The co-ordinator sees this one; social work does not.
  nhs::v1::RiskInformationDisclosed risk;
  risk.set_code("NEW_PARTNER_WITH_CHILD");
  risk.set_approved_by_role("CONSULTANT");
  Happens(risk, "concordat-nhs", "nhs-tayside", other);
  ASSERT_TRUE(await(2));
  v1::AcceptAlertRequest accept;
  accept.set_alert_ref(ListAt(0, kSocialWork).alerts(0).alert_ref());
  accept.set_action("looking");
  accept.mutable_command()->set_request_id("q-1");
  ASSERT_THAT(desk_->Accept(kSocialWork, accept, Soon()), IsOk());
  MutexLock lock(mu);
  ASSERT_TRUE(changed.WaitFor(
      mu, absl::Seconds(5), [&] { return told["mappa-tayside"].size() >= 3; }));
  EXPECT_THAT(told["mappa-tayside"], ::testing::ElementsAre(2, 3, 3));
  EXPECT_THAT(told["dundee-city-council"], ::testing::ElementsAre(2, 2));
}

TEST_F(DeskTest, PositionWaitsForItsEffects) {
  CloseDesk();
  GoesAbsent();
  bus_.GoAway();
  Open();
  hub::v1::GetStatusResponse status;
  desk_->FillStatus(&status);
  EXPECT_LT(status.position(), 3u);
  bus_.ComeBack();
  ASSERT_TRUE(bus_.WaitForEvents(4, absl::Seconds(5)));
  ListAt(4, kPolice);
  desk_->FillStatus(&status);
  EXPECT_EQ(status.position(), 4u);
}

}  // namespace
}  // namespace concordat::alerts
