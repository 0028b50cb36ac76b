// concordat-mappa's service over a real port, on a bus of its own that has the demo's
// agreement and one assessment.
#ifndef CONCORDAT_TESTS_INTEGRATION_SERVICES_MAPPA_FIXTURE_H_
#define CONCORDAT_TESTS_INTEGRATION_SERVICES_MAPPA_FIXTURE_H_

#include <atomic>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/command.pb.h"
#include "concordat/hub/v1/events.pb.h"
#include "concordat/mappa/v1/service.pb.h"
#include "concordat/socialwork/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/event/make_event.h"
#include "services/mappa/rpc/mappa_service.h"
#include "tests/support/demo_types.h"
#include "tests/support/service_fixture.h"
#include "tests/support/status_matchers.h"

namespace concordat::mappa {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::concordat::testing::Micros;
using ::testing::HasSubstr;

inline constexpr char kP2[] = "p-aaaaaaaaaaaaaaaaaaaaaaaaae";
// An assessment and the agreement are there when a test begins.
inline constexpr size_t kBefore = 2;

class MappaFixture : public testing::ServiceFixture {
 protected:
  MappaFixture() : ServiceFixture("service-mappa") {
    absl::TimeZone london;
    EXPECT_TRUE(absl::LoadTimeZone("Europe/London", &london));
    Assess("A-2001");
    Adopt();
    client_ = bus().Connect("service-mappa");
    book_ = std::make_unique<CaseBook>(shared_types(),
                                       bus::v1::ENVIRONMENT_DEMO, clock());
    auto cases = Projection::Open(
        {.folder = "", .name = "cases", .types = CaseBook::Types()}, *book_,
        *client_);
    EXPECT_THAT(cases, IsOk());
    cases_ = *std::move(cases);
    RegisterMappaService(host(), runner(), *book_, *cases_, clock(),
                         {.arrangement = "mappa-tayside", .zone = london});
    follow_ = std::make_unique<ProjectionThread>(
        *cases_, [](const absl::Status& failure) { ADD_FAILURE() << failure; });
    Start();
    // Nothing is read before the log is.
    absl::Status ready;
    do {
      ready = cases_->AwaitJudged({}, absl::Seconds(5));
    } while (absl::IsUnavailable(ready));
    EXPECT_THAT(ready, IsOk());
  }

  // The demo's agreement, for ever.
  void Adopt() {
    const auto agreements = testing::DemoAgreements();
    ASSERT_THAT(agreements, IsOk());
    policy::v1::Agreement agreement = agreements->front();
    agreement.set_valid_to("2099-12-31");
    hub::v1::AgreementAdopted adopted;
    adopted.set_agreement(agreement.SerializeAsString());
    Event event;
    event.header.source = "urn:concordat:concordat-operator:bus";
    event.header.type = adopted.GetTypeName();
    event.header.id = "agreement";
    event.groups.push_back({0, adopted.SerializeAsString()});
    ASSERT_THAT(
        PublishAndWait(*bus().Connect("bus"), {event}, absl::Seconds(5)),
        IsOk());
  }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Read(const std::string& principal,
                                const std::string& name, Request request) {
    request.set_min_position(bus().end().value);
    return Send<Response>(principal, "concordat.mappa.v1.MappaService/" + name,
                          request);
  }

  template <typename Request>
  absl::StatusOr<hub::v1::CommandReply> Command(const std::string& principal,
                                                const std::string& name,
                                                Request request) {
    if (request.command().request_id().empty()) {
      request.mutable_command()->set_request_id(
          absl::StrCat("r-", ++requests_));
    }
    if (request.subject().empty()) request.set_subject(kP2);
    return Send<hub::v1::CommandReply>(
        principal, "concordat.mappa.v1.MappaService/" + name, request);
  }

  // As social work's service would; taken back, when `retracts` is one.
  void Assess(const std::string& ref, const char* subject = kP2,
              const std::string& retracts = "") {
    socialwork::v1::AssessmentCompleted assessment;
    assessment.set_assessment_ref(ref);
    assessment.set_tool("RM2000");
    Header header;
    header.source = "urn:concordat:dundee-city-council:concordat-socialwork";
    header.type = assessment.GetTypeName();
    header.id = absl::StrCat(retracts.empty() ? "" : "no-", "assessment-", ref);
    header.retracts = retracts;
    header.controller = "dundee-city-council";
    header.subject = *PersonKey::Parse(subject);
    header.stream = "assessment/" + ref;
    header.controller = "dundee-city-council";
    header.time_us = 1;
    header.recorded_us = 1;
    header.purpose = "MAPPA_RISK_MANAGEMENT";
    header.gateway = "G1";
    header.regime = bus::v1::REGIME_GDPR;
    header.time_precision = bus::v1::TIME_PRECISION_SECOND;
    header.basis = bus::v1::BASIS_OBSERVED;
    header.classification = bus::v1::CLASSIFICATION_OFFICIAL_SENSITIVE;
    testing::SeededRandom random(7);
    auto event = MakeEvent(types(), std::move(header),
                           assessment.SerializeAsString(), DrawSeed(random));
    ASSERT_THAT(event, IsOk());
    const auto client = bus().Connect("service-socialwork");
    ASSERT_THAT(PublishAndWait(*client, {*std::move(event)}, absl::Seconds(5)),
                IsOk());
  }

  absl::StatusOr<hub::v1::CommandReply> Submit() {
    v1::SubmitReferralRequest request;
    request.mutable_referral()->set_referral_ref("R-2001");
    request.mutable_referral()->set_category("SONR");
    request.mutable_referral()->set_level_sought(2);
    request.mutable_referral()->add_assessment_refs("A-2001");
    return Command("socialwork", "SubmitReferral", request);
  }

  static v1::DecideReferralRequest Accept() {
    v1::DecideReferralRequest request;
    request.mutable_decision()->set_referral_ref("R-2001");
    request.mutable_decision()->set_decision("ACCEPTED");
    request.mutable_decision()->set_level(2);
    // Winter time: Dundee's clocks say 09:30.
    request.mutable_command()->set_time(Micros("2025-11-04T09:30:00Z"));
    return request;
  }

  static v1::OpenCaseRequest Case(const std::string& ref = "C-2") {
    v1::OpenCaseRequest request;
    request.mutable_case_opened()->set_case_ref(ref);
    for (const char* party :
         {"dundee-city-council", "police-scotland", "nhs-tayside"}) {
      request.mutable_case_opened()->add_parties(party);
    }
    request.mutable_case_opened()->set_lead("dundee-city-council");
    return request;
  }

  absl::StatusOr<hub::v1::CommandReply> OpenCase() {
    return Command("coordinator", "OpenCase", Case());
  }

  absl::StatusOr<hub::v1::CommandReply> CloseCase() {
    v1::CloseCaseRequest request;
    request.mutable_closed()->set_case_ref("C-2");
    request.mutable_closed()->set_reason("ORDER_ENDED");
    return Command("coordinator", "CloseCase", request);
  }

  absl::StatusOr<hub::v1::CommandReply> ChangeLevel(uint32_t from,
                                                    uint32_t to) {
    v1::ChangeLevelRequest request;
    request.mutable_change()->set_case_ref("C-2");
    request.mutable_change()->set_from_level(from);
    request.mutable_change()->set_to_level(to);
    return Command("coordinator", "ChangeLevel", request);
  }

  std::atomic<int> requests_{0};
  std::unique_ptr<BusClient> client_;
  std::unique_ptr<CaseBook> book_;
  std::unique_ptr<Projection> cases_;
  std::unique_ptr<ProjectionThread> follow_;
};

}  // namespace concordat::mappa

#endif  // CONCORDAT_TESTS_INTEGRATION_SERVICES_MAPPA_FIXTURE_H_
