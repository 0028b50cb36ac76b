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
// a second case opened while one is open        APersonHasOneOpenCase…
// the book not waited for                       APersonHasOneOpenCase…
// a repeat is told of the case that it opened   APersonHasOneOpenCase…
// min_position not waited for                   AReadWaitsForThePositionItAsksFor
// what was just done is not in the book         WhatWasJustDoneIsRead
// closed cases listed unasked                   ACaseThatIsClosedIsListedWhenAsked
// a mark of the book is not in the answer       WhatRestsOnAWithdrawnAssessment…
// what the caller may not see is named          WhatRestsOnAWithdrawnAssessment…
// a decision or a meeting since is not asked    WhatRestsOnAWithdrawnAssessment…
#include <thread>

#include "tests/integration/services/mappa_fixture.h"

namespace concordat::mappa {
namespace {

class MappaServiceTest : public MappaFixture {};

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
  EXPECT_EQ(bus().events().size(), kBefore + 2);
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
  EXPECT_EQ(bus().events().size(), kBefore + 1);
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
  EXPECT_EQ(before->version(), kBefore + 1);
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
  events.erase(events.begin(), events.begin() + kBefore);
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

TEST_F(MappaServiceTest, APersonHasOneOpenCaseAtATime) {
  v1::OpenCaseRequest first = Case();
  first.mutable_command()->set_request_id("first");
  ASSERT_THAT(Command("coordinator", "OpenCase", first), IsOk());
  const auto second = Command("coordinator", "OpenCase", Case("C-3"));
  EXPECT_THAT(second, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(second.status().message(), "subject: has an open case, C-2");
  // Somebody else's is another matter.
  v1::OpenCaseRequest others = Case("C-4");
  others.set_subject("p-eaaaaaaaaaaaaaaaaaaaaaaaae");
  EXPECT_THAT(Command("coordinator", "OpenCase", others), IsOk());
  ASSERT_THAT(CloseCase(), IsOk());
  ASSERT_THAT(Command("coordinator", "OpenCase", Case("C-3")), IsOk());
  // The first command again gets its first answer.
  const auto again = Command("coordinator", "OpenCase", first);
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->duplicate());
}

TEST_F(MappaServiceTest, AReadWaitsForThePositionItAsksFor) {
  ASSERT_THAT(Submit(), IsOk());
  v1::ListReferralsRequest request;
  request.set_min_position(bus().end().value + 1);
  const auto list = [&](absl::Duration patience) {
    return Send<v1::ListReferralsResponse>(
        "coordinator", "concordat.mappa.v1.MappaService/ListReferrals", request,
        patience);
  };
  EXPECT_THAT(list(absl::Milliseconds(300)),
              ::testing::AnyOf(HasCode(absl::StatusCode::kUnavailable),
                               HasCode(absl::StatusCode::kDeadlineExceeded)));
  Assess("A-9");
  const auto read = list(absl::Seconds(10));
  ASSERT_THAT(read, IsOk());
  EXPECT_GE(read->position(), request.min_position());
  EXPECT_EQ(read->referrals_size(), 1);
}

TEST_F(MappaServiceTest, WhatWasJustDoneIsRead) {
  ASSERT_THAT(Submit(), IsOk());
  const auto waiting = Read<v1::ListReferralsResponse>(
      "coordinator", "ListReferrals", v1::ListReferralsRequest());
  ASSERT_THAT(waiting, IsOk());
  ASSERT_EQ(waiting->referrals_size(), 1);
  EXPECT_EQ(waiting->referrals(0).referral_ref(), "R-2001");
  EXPECT_EQ(waiting->referrals(0).from(), "dundee-city-council");
  EXPECT_EQ(waiting->referrals(0).state(), "submitted");
  EXPECT_EQ(waiting->referrals(0).submitted().level_sought(), 2u);
  // The version is what a decision may expect.
  v1::DecideReferralRequest accept = Accept();
  accept.mutable_command()->set_expected_version(
      waiting->referrals(0).version());
  ASSERT_THAT(Command("coordinator", "DecideReferral", accept), IsOk());
  EXPECT_EQ(Read<v1::ListReferralsResponse>("coordinator", "ListReferrals",
                                            v1::ListReferralsRequest())
                ->referrals_size(),
            0);
  v1::ListReferralsRequest decided;
  decided.set_with_decided(true);
  const auto all =
      Read<v1::ListReferralsResponse>("coordinator", "ListReferrals", decided);
  ASSERT_EQ(all->referrals_size(), 1);
  EXPECT_EQ(all->referrals(0).state(), "accepted");
  EXPECT_EQ(all->referrals(0).decided_by(), "M. Carnbee");
  EXPECT_EQ(Read<v1::ListReferralsResponse>("police", "ListReferrals", decided)
                ->referrals_size(),
            0);

  ASSERT_THAT(OpenCase(), IsOk());
  ASSERT_THAT(ChangeLevel(0, 2), IsOk());
  v1::GetCaseRequest get;
  get.set_subject(kP2);
  const auto file = Read<v1::GetCaseResponse>("coordinator", "GetCase", get);
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->record().case_ref(), "C-2");
  EXPECT_EQ(file->record().category(), "SONR");
  EXPECT_EQ(file->levels_size(), 1);
  EXPECT_EQ(file->referrals_size(), 1);
  EXPECT_EQ(file->record().version(), bus().end().value);
  EXPECT_EQ(file->position(), bus().end().value);
  const auto party = Read<v1::GetCaseResponse>("police", "GetCase", get);
  ASSERT_THAT(party, IsOk());
  EXPECT_EQ(party->record().level(), 2u);
  EXPECT_EQ(party->record().category(), "");
  EXPECT_EQ(party->referrals_size(), 0);
  for (const char* stranger : {"admin", "service-police"}) {
    EXPECT_THAT(Read<v1::GetCaseResponse>(stranger, "GetCase", get),
                HasCode(absl::StatusCode::kNotFound));
  }
}

TEST_F(MappaServiceTest, ACaseThatIsClosedIsListedWhenAsked) {
  ASSERT_THAT(OpenCase(), IsOk());
  ASSERT_THAT(ChangeLevel(0, 2), IsOk());
  v1::RecordMeetingRequest meeting;
  meeting.mutable_meeting()->set_case_ref("C-2");
  meeting.mutable_meeting()->set_kind("INITIAL");
  meeting.mutable_meeting()->set_level(2);
  meeting.mutable_meeting()->set_rosh("HIGH");
  meeting.mutable_meeting()->set_review_on("2026-01-29");
  ASSERT_THAT(Command("coordinator", "RecordMeeting", meeting), IsOk());
  v1::OpenCaseRequest others = Case("C-4");
  others.set_subject("p-eaaaaaaaaaaaaaaaaaaaaaaaae");
  ASSERT_THAT(Command("coordinator", "OpenCase", others), IsOk());

  v1::ListCasesRequest request;
  const auto list = [&] {
    return Read<v1::ListCasesResponse>("police", "ListCases", request);
  };
  auto cases = list();
  ASSERT_THAT(cases, IsOk());
  ASSERT_EQ(cases->cases_size(), 2);
  EXPECT_EQ(cases->cases(0).case_ref(), "C-2");  // The higher level.
  EXPECT_EQ(cases->cases(0).next_review(), "2026-01-29");
  request.set_limit(1);
  EXPECT_TRUE(list()->more());
  request.set_limit(1001);
  EXPECT_THAT(list(), HasCode(absl::StatusCode::kInvalidArgument));
  request.set_limit(0);
  request.set_review_by("2026-01-28");
  EXPECT_EQ(list()->cases_size(), 0);
  request.set_review_by("2026-01-29");
  EXPECT_EQ(list()->cases_size(), 1);
  request.set_review_by("soon");
  EXPECT_THAT(list(), HasCode(absl::StatusCode::kInvalidArgument));

  ASSERT_THAT(CloseCase(), IsOk());
  v1::ListCasesRequest open;
  const auto now =
      Read<v1::ListCasesResponse>("coordinator", "ListCases", open);
  ASSERT_EQ(now->cases_size(), 1);
  EXPECT_EQ(now->cases(0).case_ref(), "C-4");
  open.set_with_closed(true);
  EXPECT_EQ(Read<v1::ListCasesResponse>("coordinator", "ListCases", open)
                ->cases_size(),
            2);
}

TEST_F(MappaServiceTest, ANotificationWaitsForACase) {
  v1::SubmitNotificationRequest notify;
  notify.set_notification_ref("N-1");
  notify.mutable_notification()->set_category("SONR");
  notify.mutable_notification()->set_proposed_level(1);
  notify.mutable_notification()->set_lead("police-scotland");
  ASSERT_THAT(Command("police", "SubmitNotification", notify), IsOk());
  const auto list = [&](const char* principal) {
    return Read<v1::ListNotificationsResponse>(principal, "ListNotifications",
                                               v1::ListNotificationsRequest());
  };
  const auto waiting = list("coordinator");
  ASSERT_THAT(waiting, IsOk());
  ASSERT_EQ(waiting->notifications_size(), 1);
  EXPECT_EQ(waiting->notifications(0).notification_ref(), "N-1");
  EXPECT_EQ(waiting->notifications(0).from(), "police-scotland");
  EXPECT_EQ(waiting->notifications(0).state(), "waiting");
  EXPECT_EQ(list("police")->notifications_size(), 1);
  EXPECT_EQ(list("nhs")->notifications_size(), 0);
  ASSERT_THAT(OpenCase(), IsOk());
  EXPECT_EQ(list("coordinator")->notifications_size(), 0);
}

TEST_F(MappaServiceTest, WhatRestsOnAWithdrawnAssessmentAsksToBeLookedAtAgain) {
  ASSERT_THAT(Submit(), IsOk());
  v1::GetCaseRequest of;
  of.set_subject(kP2);
  v1::ListReferralsRequest all;
  all.set_with_decided(true);
  const auto marks = [&](const std::string& who) {
    return Read<v1::GetCaseResponse>(who, "GetCase", of)
        .value_or(v1::GetCaseResponse());
  };
  const auto referral_marked = [&] {
    const auto list =
        Read<v1::ListReferralsResponse>("coordinator", "ListReferrals", all);
    EXPECT_THAT(list, IsOk());
    return list.ok() && list->referrals_size() == 1 &&
           list->referrals(0).look_again();
  };
  EXPECT_EQ(marks("coordinator").look_again_size(), 0);
  EXPECT_FALSE(referral_marked());
  Assess("A-2001", kP2, "assessment-A-2001");
  const uint64_t taken_back = bus().end().value;
  auto read = marks("coordinator");
  ASSERT_EQ(read.look_again_size(), 1);
  const v1::LookAgain& waits = read.look_again(0);
  EXPECT_EQ(waits.item(), v1::LookAgain::ITEM_REFERRAL);
  EXPECT_EQ(waits.item_ref(), "R-2001");
  EXPECT_EQ(waits.asks(), v1::LookAgain::ASKS_DECISION);
  EXPECT_EQ(waits.how(), v1::LookAgain::HOW_TAKEN_BACK);
  EXPECT_EQ(waits.type(), "concordat.socialwork.v1.AssessmentCompleted");
  EXPECT_EQ(waits.agency(), "dundee-city-council");
  EXPECT_EQ(waits.withdrawn_by(), taken_back);
  EXPECT_GT(waits.withdrawn_at(), 0u);
  EXPECT_TRUE(referral_marked());

  ASSERT_THAT(Command("coordinator", "DecideReferral", Accept()), IsOk());
  EXPECT_EQ(marks("coordinator").look_again_size(), 0);
  EXPECT_FALSE(referral_marked());

  // What was decided while a second one stood.
  Assess("A-2002");
  ASSERT_THAT(OpenCase(), IsOk());
  ASSERT_THAT(ChangeLevel(0, 2), IsOk());
  Assess("A-2002", kP2, "assessment-A-2002");
  for (const char* who : {"coordinator", "police", "socialwork"}) {
    read = marks(who);
    ASSERT_EQ(read.look_again_size(), 2) << who;
    EXPECT_EQ(read.look_again(0).item(), v1::LookAgain::ITEM_CASE);
    EXPECT_EQ(read.look_again(0).item_ref(), "C-2");
    EXPECT_EQ(read.look_again(0).asks(), v1::LookAgain::ASKS_MEETING);
    EXPECT_EQ(read.look_again(1).item(), v1::LookAgain::ITEM_LEVEL);
    EXPECT_EQ(read.look_again(1).agency(), "dundee-city-council");
    EXPECT_TRUE(read.record().look_again()) << who;
  }
  // The liaison sees the case and is shown no assessment.
  read = marks("nhs");
  EXPECT_EQ(read.record().level(), 2u);
  EXPECT_EQ(read.look_again_size(), 0);
  EXPECT_FALSE(read.record().look_again());

  v1::RecordMeetingRequest meeting;
  meeting.mutable_meeting()->set_case_ref("C-2");
  meeting.mutable_meeting()->set_kind("REVIEW");
  meeting.mutable_meeting()->set_level(2);
  ASSERT_THAT(Command("coordinator", "RecordMeeting", meeting), IsOk());
  EXPECT_EQ(marks("coordinator").look_again_size(), 0);
  EXPECT_FALSE(marks("police").record().look_again());
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
