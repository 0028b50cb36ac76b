// Mutant                                        Caught by
// expected version not passed to the bus        OfTwoWhoDecideOneDoes…
// general text instead of what happened         OfTwoWhoDecideOneDoes…
// name of the service shown, not the person     OfTwoWhoDecideOneDoes…
// any role may decide                           OnlyTheCoordinatorDecides…
// referral shown to every agency                AReferralIsForItsAgency…
// controller is the service's agency            TheCommandersAgencyIsController
// unknown or own arrangement as party           PartiesAreKnownAgencies
// an assessment that does not exist is cited    AReferralCitesOnly…
// an assessment of somebody else is cited       AReferralCitesOnly…
#include "services/mappa/rpc/mappa_service.h"

#include <thread>

#include "concordat/hub/v1/command.pb.h"
#include "concordat/mappa/v1/service.pb.h"
#include "concordat/socialwork/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/event/make_event.h"
#include "tests/support/service_fixture.h"
#include "tests/support/status_matchers.h"

namespace concordat::mappa {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::concordat::testing::Micros;
using ::testing::HasSubstr;

constexpr char kP2[] = "p-aaaaaaaaaaaaaaaaaaaaaaaaae";

class MappaServiceTest : public testing::ServiceFixture {
 protected:
  MappaServiceTest() : ServiceFixture("service-mappa") {
    absl::TimeZone london;
    EXPECT_TRUE(absl::LoadTimeZone("Europe/London", &london));
    Assess("A-2001");
    RegisterMappaService(host(), runner(), clock(),
                         {.arrangement = "mappa-tayside", .zone = london});
    Start();
  }

  template <typename Request>
  absl::StatusOr<hub::v1::CommandReply> Command(const std::string& principal,
                                                const std::string& name,
                                                Request request) {
    if (request.command().request_id().empty()) {
      request.mutable_command()->set_request_id(
          absl::StrCat("r-", ++requests_));
    }
    request.set_subject(kP2);
    return Send<hub::v1::CommandReply>(
        principal, "concordat.mappa.v1.MappaService/" + name, request);
  }

  // As social work's service would.
  void Assess(const std::string& ref, const char* subject = kP2) {
    socialwork::v1::AssessmentCompleted assessment;
    assessment.set_assessment_ref(ref);
    assessment.set_tool("RM2000");
    Header header;
    header.source = "urn:concordat:dundee-city-council:concordat-socialwork";
    header.type = assessment.GetTypeName();
    header.id = "assessment-" + ref;
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

  absl::StatusOr<hub::v1::CommandReply> OpenCase() {
    v1::OpenCaseRequest request;
    request.mutable_case_opened()->set_case_ref("C-2");
    for (const char* party :
         {"dundee-city-council", "police-scotland", "nhs-tayside"}) {
      request.mutable_case_opened()->add_parties(party);
    }
    request.mutable_case_opened()->set_lead("dundee-city-council");
    return Command("coordinator", "OpenCase", request);
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
};

TEST_F(MappaServiceTest, OfTwoWhoDecideOneDoesAndTheOtherIsToldWhatChanged) {
  const auto submitted = Submit();
  ASSERT_THAT(submitted, IsOk());
  absl::StatusOr<hub::v1::CommandReply> replies[2];
  {
    std::vector<std::thread> clients;
    for (auto& reply : replies) {
      clients.emplace_back([&] {
        v1::DecideReferralRequest request = Accept();
        request.mutable_command()->set_expected_version(submitted->version());
        reply = Command("coordinator", "DecideReferral", request);
      });
    }
    for (std::thread& client : clients) client.join();
  }
  ASSERT_NE(replies[0].ok(), replies[1].ok());
  const auto& loser = replies[replies[0].ok() ? 1 : 0];
  EXPECT_THAT(loser, HasCode(absl::StatusCode::kAborted));
  EXPECT_EQ(loser.status().message(),
            "the referral has changed since you read it: it was accepted at "
            "Level 2 by M. Carnbee at 09:30");
  EXPECT_EQ(bus().events().size(), 3u);
}

TEST_F(MappaServiceTest, AReferralCitesOnlyAssessmentsOfItsPersonThatExist) {
  Assess("A-9", "p-eaaaaaaaaaaaaaaaaaaaaaaaae");
  v1::SubmitReferralRequest request;
  request.mutable_referral()->set_referral_ref("R-9");
  request.mutable_referral()->set_category("SONR");
  request.mutable_referral()->set_level_sought(2);
  request.mutable_referral()->add_assessment_refs("A-2001");
  for (const char* wrong : {"A-9", "A-2002", "A 1"}) {
    v1::SubmitReferralRequest cites = request;
    cites.mutable_referral()->add_assessment_refs(wrong);
    const auto reply = Command("socialwork", "SubmitReferral", cites);
    EXPECT_THAT(reply, HasCode(absl::StatusCode::kInvalidArgument)) << wrong;
    EXPECT_THAT(reply.status().message(),
                HasSubstr("referral.assessment_refs"));
  }
  EXPECT_THAT(Command("socialwork", "SubmitReferral", request), IsOk());
}

TEST_F(MappaServiceTest, ADecisionIsMadeOnceAlsoByWhoDidNotRead) {
  ASSERT_THAT(Submit(), IsOk());
  ASSERT_THAT(Command("coordinator", "DecideReferral", Accept()), IsOk());
  v1::DecideReferralRequest later = Accept();
  // Summer time, another day.
  later.mutable_command()->set_time(Micros("2026-06-01T09:30:00Z"));
  const auto again = Command("coordinator", "DecideReferral", later);
  EXPECT_THAT(again, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(again.status().message(),
              HasSubstr("by M. Carnbee at 09:30 on 4 November 2025"));
}

TEST_F(MappaServiceTest, OnlyTheCoordinatorDecidesAndOnlyAgenciesRefer) {
  ASSERT_THAT(Submit(), IsOk());
  for (const char* principal : {"socialwork", "police", "nhs", "admin"}) {
    EXPECT_THAT(Command(principal, "DecideReferral", Accept()),
                HasCode(absl::StatusCode::kPermissionDenied))
        << principal;
  }
  v1::SubmitReferralRequest request;
  EXPECT_THAT(Command("admin", "SubmitReferral", request),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(bus().events().size(), 2u);
}

TEST_F(MappaServiceTest, AReferralIsForItsAgencyAndTheCoordinator) {
  ASSERT_THAT(Submit(), IsOk());
  v1::GetReferralRequest request;
  request.set_referral_ref("R-2001");
  const std::string method = "concordat.mappa.v1.MappaService/GetReferral";
  for (const char* principal : {"police", "admin"}) {
    EXPECT_THAT(Send<v1::GetReferralResponse>(principal, method, request),
                HasCode(absl::StatusCode::kNotFound));
  }
  const auto before =
      Send<v1::GetReferralResponse>("socialwork", method, request);
  ASSERT_THAT(before, IsOk());
  EXPECT_EQ(before->state(), "submitted");
  EXPECT_EQ(before->subject(), kP2);
  EXPECT_EQ(before->version(), 2u);  // The assessment was the first.
  ASSERT_THAT(Command("coordinator", "DecideReferral", Accept()), IsOk());
  const auto after =
      Send<v1::GetReferralResponse>("coordinator", method, request);
  ASSERT_THAT(after, IsOk());
  EXPECT_EQ(after->state(), "accepted");
  EXPECT_EQ(after->level(), 2u);
  EXPECT_EQ(after->decided_by(), "M. Carnbee");
  EXPECT_EQ(after->decided_at(), Micros("2025-11-04T09:30:00Z"));
}

TEST_F(MappaServiceTest, TheCommandersAgencyIsController) {
  ASSERT_THAT(Submit(), IsOk());
  ASSERT_THAT(Command("coordinator", "DecideReferral", Accept()), IsOk());
  auto events = bus().events();
  events.erase(events.begin());  // The assessment.
  EXPECT_EQ(events[0].header.controller, "dundee-city-council");
  EXPECT_EQ(events[1].header.controller, "mappa-tayside");
  for (const View& event : events) {
    EXPECT_EQ(event.header.source, "urn:concordat:mappa-tayside:mappa");
  }
}

TEST_F(MappaServiceTest, ACaseHasOneLevelAtATime) {
  EXPECT_THAT(ChangeLevel(0, 2), HasCode(absl::StatusCode::kNotFound));
  ASSERT_THAT(OpenCase(), IsOk());
  EXPECT_THAT(OpenCase(), HasCode(absl::StatusCode::kAlreadyExists));
  ASSERT_THAT(ChangeLevel(0, 1), IsOk());
  const auto wrong = ChangeLevel(0, 2);
  EXPECT_THAT(wrong, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(wrong.status().message(),
            "change.from_level: the case has Level 1");
  EXPECT_THAT(ChangeLevel(1, 2), IsOk());
}

TEST_F(MappaServiceTest, PartiesAreKnownAgencies) {
  ASSERT_THAT(OpenCase(), IsOk());
  v1::ChangePartiesRequest request;
  request.set_case_ref("C-2");
  for (const char* wrong :
       {"no-such-agency", "mappa-tayside", "concordat-operator"}) {
    request.clear_join();
    request.add_join(wrong);
    EXPECT_THAT(Command("coordinator", "ChangeParties", request),
                HasCode(absl::StatusCode::kInvalidArgument))
        << wrong;
  }
  request.clear_join();
  request.add_leave("nhs-tayside");
  ASSERT_THAT(Command("coordinator", "ChangeParties", request), IsOk());
  EXPECT_THAT(Command("coordinator", "ChangeParties", request),
              HasCode(absl::StatusCode::kFailedPrecondition));
  // One joins and one leaves: accepted together, and known as one.
  request.clear_leave();
  request.add_join("nhs-tayside");
  request.add_leave("police-scotland");
  const auto both = Command("coordinator", "ChangeParties", request);
  ASSERT_THAT(both, IsOk());
  EXPECT_EQ(both->event_ids_size(), 2);
  const auto events = bus().events();
  EXPECT_EQ(events[events.size() - 1].header.correlation,
            events[events.size() - 2].header.correlation);
  EXPECT_FALSE(events.back().header.correlation.empty());
}

TEST_F(MappaServiceTest, NamesTheFieldThatBreaksARule) {
  v1::SubmitNotificationRequest request;
  request.set_notification_ref("N-1");
  request.mutable_notification()->set_category("NONE_SUCH");
  request.mutable_notification()->set_proposed_level(1);
  request.mutable_notification()->set_lead("police-scotland");
  const auto refused = Command("police", "SubmitNotification", request);
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(refused.status().message(), HasSubstr("category"));
  EXPECT_THAT(refused.status().message(),
              ::testing::Not(HasSubstr("NONE_SUCH")));
  request.mutable_notification()->set_category("SONR");
  EXPECT_THAT(Command("police", "SubmitNotification", request), IsOk());
}

}  // namespace
}  // namespace concordat::mappa
