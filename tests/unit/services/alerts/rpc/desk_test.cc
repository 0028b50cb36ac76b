// Mutants that a test here catches:
//   publishes again what the log has          → RaisesOnceAcrossARestart
//   answers before the log has it             → ListsNothingTheLogDoesNotHave
//   a refused alert is not asked for again    → AsksAgainForAnAlertThatWas…
//   a retried acceptance is refused           → ARetryGetsTheFirstAnswer
//   a day that is over is promised            → NobodyPromisesADayThatIsOver
//   anybody's reference answers               → KnowsNoAlertOfOthers
//   told again when hidden evidence comes     → AFollowerIsNotToldOfWhatIs…
//   position said before effects are accepted → PositionWaitsForItsEffects
//   any own event counts as all effects       → PositionWaitsForEachOfItsEffects
//   an alert's position moves with any event
//   of the service's own                      → AFollowerIsNotToldOfWhatIs…
//   min_position not waited for               → AListWaitsForThePositionItAsks…
//   a stream that goes on tells all again     → AStreamGoesOnFromWhereItWas…
//   a stream begun while the log is read is
//   told what is long past                    → AStreamBegunWhileTheLogIsRead…
//   passed on to whom it is hidden from       → PassesOnToWhoSeesAllOfIt
//   everybody reads why it is disputed        → OnlyTheOwnerReadsWhyOthers…
//   feeds of others are listed                → ListsTheFeedsThatAlertsMayRestOn
//   raised when nothing more comes            → RaisesAnAlertWhileMoreKeeps…
#include "services/alerts/rpc/desk.h"

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "concordat/police/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/demo_engine.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/services/alerts/rpc/desk_fixture.h"

namespace concordat::alerts {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::SizeIs;

const PersonKey kOther{std::array<uint8_t, PersonKey::kBytes>{7}};
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

TEST_F(DeskTest, RaisesAnAlertWhileMoreKeepsComing) {
  CloseDesk();
  // Caught up while there is nothing; from the absence on there is always more.
  std::atomic<int> left = 0;
  Open([&] {
    if (left == 0) return false;
    if (left == 100) GoesAbsent();
    if (left < 100)
      CaseOpens(absl::StrCat("C-", left.load()), "nhs", {"nhs"}, kOther);
    --left;
    return true;
  });
  ListAt(2, kPolice);
  left = 100;
  const auto has_alert = [this] {
    for (const View& event : bus_.events()) {
      if (event.header.type == "concordat.alerts.v1.AlertRaised") return true;
    }
    return false;
  };
  for (size_t n = 3; !has_alert(); ++n) {
    ASSERT_TRUE(bus_.WaitForEvents(n, absl::Seconds(5)));
  }
  EXPECT_GT(left, 0);
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

TEST_F(DeskTest, NobodyPromisesADayThatIsOver) {
  GoesAbsent();
  ASSERT_TRUE(bus_.WaitForEvents(4, absl::Seconds(5)));
  const v1::Alert alert = ListAt(4, kPolice).alerts(0);
  const absl::CivilDay raised = absl::ToCivilDay(
      absl::FromUnixMicros(alert.raised_at()), absl::UTCTimeZone());
  v1::AcceptAlertRequest accept;
  accept.set_alert_ref(alert.alert_ref());
  accept.set_action("looking");
  accept.mutable_command()->set_request_id("q-1");
  accept.set_act_by(absl::FormatCivilTime(raised - 1));
  EXPECT_THAT(desk_->Accept(kPolice, accept, Soon()),
              HasCode(absl::StatusCode::kInvalidArgument));
  accept.set_act_by(absl::FormatCivilTime(raised + 1));
  const auto accepted = desk_->Accept(kPolice, accept, Soon());
  ASSERT_THAT(accepted, IsOk());
  // The whole of that day, and so it is told.
  ASSERT_THAT(accepted->acceptances(), SizeIs(1));
  EXPECT_EQ(accepted->acceptances(0).limit(),
            static_cast<uint64_t>(absl::ToUnixMicros(
                absl::FromCivil(raised + 2, absl::UTCTimeZone()))));
  EXPECT_EQ(accepted->act_by(), accepted->acceptances(0).limit());
}

TEST_F(DeskTest, AFollowerIsToldOfEachChange) {
  Mutex mu;
  CondVar changed;
  std::vector<std::string> states;
  desk_->Follow(kPolice, Sequence(), [&](const v1::Alert& alert) {
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
  CaseOpens("C-7", "dundee-city-council",
            {"dundee-city-council", "nhs-tayside", "police-scotland"}, other);
  Mutex mu;
  CondVar changed;
  std::map<std::string, std::vector<size_t>> told;  // Evidence, by agency.
  const auto follow = [&](const AlertCaller& caller) {
    desk_->Follow(
        caller, Sequence(),
        [&, agency = caller.agency](const v1::Alert& alert) {
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
    Happens(concern, "police-scotland", "rms", other);
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
  Happens(risk, "nhs-tayside", "concordat-nhs", other);
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

TEST_F(DeskTest, AStreamGoesOnFromWhereItWasBroken) {
  GoesAbsent();
  ASSERT_TRUE(bus_.WaitForEvents(4, absl::Seconds(5)));
  const v1::Alert raised = ListAt(4, kPolice).alerts(0);
  EXPECT_EQ(raised.position(), 4u);
  v1::AcceptAlertRequest accept;
  accept.set_alert_ref(raised.alert_ref());
  accept.set_action("looking");
  accept.mutable_command()->set_request_id("q-1");
  const auto accepted = desk_->Accept(kPolice, accept, Soon());
  ASSERT_THAT(accepted, IsOk());
  EXPECT_EQ(accepted->position(), 5u);
  CloseDesk();
  Open();
  Written from_raised, from_accepted, from_later;
  desk_->Follow(kPolice, Sequence{4}, from_raised.Writer());
  desk_->Follow(kPolice, Sequence{5}, from_accepted.Writer());
  desk_->Follow(kPolice, Sequence{6}, from_later.Writer());
  v1::CloseAlertRequest close;
  close.set_alert_ref(raised.alert_ref());
  close.set_outcome("returned");
  close.mutable_command()->set_request_id("q-2");
  ListAt(5, kPolice);
  ASSERT_THAT(desk_->Close(kPolice, close, Soon()), IsOk());
  ASSERT_TRUE(from_raised.Await(2));
  ASSERT_TRUE(from_accepted.Await(2));
  ASSERT_TRUE(from_later.Await(1));
  // As it is now, once, however often it had changed.
  EXPECT_THAT(from_raised.States(), ElementsAre("accepted", "closed"));
  EXPECT_THAT(from_accepted.States(), ElementsAre("accepted", "closed"));
  EXPECT_THAT(from_later.States(), ElementsAre("closed"));
}

TEST_F(DeskTest, AStreamBegunWhileTheLogIsReadTellsNothingLongPast) {
  GoesAbsent();
  ASSERT_TRUE(bus_.WaitForEvents(4, absl::Seconds(5)));
  CloseDesk();
  bus_.GoAway();
  Open();
  Written from_now, from_then;
  desk_->Follow(kPolice, Sequence(), from_now.Writer());
  desk_->Follow(kPolice, Sequence{1}, from_then.Writer());
  bus_.ComeBack();
  const v1::Alert alert = ListAt(4, kPolice).alerts(0);
  v1::ShowAlertRequest show;
  show.set_alert_ref(alert.alert_ref());
  ASSERT_THAT(desk_->Show(kPolice, show, Soon()), IsOk());
  ASSERT_TRUE(from_now.Await(1));
  ASSERT_TRUE(from_then.Await(2));
  EXPECT_THAT(from_now.States(), ElementsAre("shown"));
  EXPECT_THAT(from_then.States(), ElementsAre("raised", "shown"));
}

TEST_F(DeskTest, ACardSaysWhatHappenedAndWhatIsNotShared) {
  GoesAbsent();
  ASSERT_TRUE(bus_.WaitForEvents(4, absl::Seconds(5)));
  const auto list = ListAt(4, kPolice);
  EXPECT_TRUE(list.up_to_date());
  EXPECT_EQ(list.time(), 1'764'000'000'000'000u);
  const v1::Alert& card = list.alerts(0);
  EXPECT_EQ(card.headline(),
            "NHS Tayside reported this restricted patient absent without "
            "leave.");
  EXPECT_EQ(card.happened_at(), 1'764'000'000'000'000u);
  EXPECT_EQ(card.known_at(), 1'764'000'000'000'000u);
  EXPECT_THAT(card.rule_words(), ::testing::HasSubstr("told at once"));
  ASSERT_THAT(card.evidence(), SizeIs(1));
  EXPECT_EQ(card.evidence(0).agency(), "NHS Tayside");
  EXPECT_THAT(card.evidence(0).agreement_lines(),
              ElementsAre(::testing::HasSubstr("tayside-demo version")));
  // By type: police have no sight of sharing decisions, whether there are any.
  EXPECT_THAT(card.not_shared(), ::testing::Contains("health details"));
  EXPECT_THAT(card.not_shared(),
              ::testing::Not(::testing::Contains("police records")));
}

TEST_F(DeskTest, PassesOnToWhoSeesAllOfIt) {
  const auto roles = testing::DemoRoles();
  ASSERT_THAT(roles, IsOk());
  for (const auto& agency : *roles) {
    Happens(agency, "mappa-tayside", "identity", PersonKey());
  }
  GoesAbsent();
  const size_t events = 4 + roles->size();
  ASSERT_TRUE(bus_.WaitForEvents(events, absl::Seconds(5)));
  const AlertCaller cover = {"police", "police-scotland", {"police-cover"}};
  EXPECT_THAT(ListAt(events, cover).alerts(), SizeIs(0));
  const v1::Alert alert = ListAt(events, kPolice).alerts(0);
  EXPECT_THAT(alert.may_pass_to(),
              ::testing::IsSupersetOf({"police-scotland/police-cover",
                                       "police-scotland/lead-officer"}));
  EXPECT_THAT(alert.may_pass_to(),
              ::testing::Not(::testing::Contains("police-scotland/police")));
  v1::PassAlertRequest pass;
  pass.set_alert_ref(alert.alert_ref());
  pass.mutable_command()->set_request_id("q-1");
  pass.mutable_command()->set_on_behalf_of("officer-7");
  pass.set_to("police-cover");
  EXPECT_THAT(desk_->Pass(kPolice, pass, Soon()),
              HasCode(absl::StatusCode::kInvalidArgument));
  pass.set_words("off at six");
  pass.set_to("dundee-city-council/senior");
  EXPECT_THAT(desk_->Pass(kPolice, pass, Soon()),
              HasCode(absl::StatusCode::kFailedPrecondition));
  pass.set_to("police-cover");
  const auto passed = desk_->Pass(kPolice, pass, Soon());
  ASSERT_THAT(passed, IsOk());
  EXPECT_EQ(passed->state(), "raised");
  EXPECT_EQ(passed->accept_by(), alert.accept_by());
  ASSERT_THAT(passed->passed_on(), SizeIs(1));
  EXPECT_EQ(passed->passed_on(0).doer().staff(), "officer-7");
  // Again with its id: the same answer, and no second event.
  EXPECT_THAT(desk_->Pass(kPolice, pass, Soon()), IsOk());
  EXPECT_THAT(bus_.events(), SizeIs(events + 1));
  const auto list = ListAt(events + 1, cover);
  ASSERT_THAT(list.alerts(), SizeIs(1));
  EXPECT_EQ(list.alerts(0).passed_on(0).words(), "off at six");
  EXPECT_TRUE(list.alerts(0).passed_on(0).to_you());
  // The board shares the alert: it sees that, not what was said, nor by whom.
  const AlertCaller liaison = {"nhs", "nhs-tayside", {"nhs-liaison"}};
  const v1::Alert shared = ListAt(events + 1, liaison).alerts(0);
  EXPECT_EQ(shared.passed_on(0).to(), "police-scotland/police-cover");
  EXPECT_EQ(shared.passed_on(0).words(), "");
  EXPECT_FALSE(shared.passed_on(0).to_you());
  EXPECT_EQ(shared.passed_on(0).doer().staff(), "");
  v1::AcceptAlertRequest accept;
  accept.set_alert_ref(alert.alert_ref());
  accept.set_action("out looking");
  EXPECT_THAT(desk_->Accept(cover, accept, Soon()), IsOk());
}

TEST_F(DeskTest, OnlyTheOwnerReadsWhyOthersHoldItWrong) {
  GoesAbsent();
  ASSERT_TRUE(bus_.WaitForEvents(4, absl::Seconds(5)));
  const AlertCaller liaison = {"nhs", "nhs-tayside", {"nhs-liaison"}};
  const AlertCaller coordinator = {
      "coordinator", "mappa-tayside", {"co-ordinator"}};
  v1::DisputeAlertRequest dispute;
  dispute.set_alert_ref(ListAt(4, liaison).alerts(0).alert_ref());
  dispute.mutable_command()->set_request_id("q-1");
  EXPECT_THAT(desk_->Dispute(liaison, dispute, Soon()),
              HasCode(absl::StatusCode::kInvalidArgument));
  dispute.set_reason("another ward had him");
  const auto disputed = desk_->Dispute(liaison, dispute, Soon());
  ASSERT_THAT(disputed, IsOk());
  EXPECT_EQ(disputed->state(), "raised");
  EXPECT_THAT(disputed->disputes(), SizeIs(1));
  const v1::Alert owned = ListAt(5, kPolice).alerts(0);
  ASSERT_THAT(owned.disputes(), SizeIs(1));
  EXPECT_EQ(owned.disputes(0).reason(), "another ward had him");
  EXPECT_THAT(ListAt(5, coordinator).alerts(0).disputes(), SizeIs(0));
  EXPECT_EQ(ListAt(5, coordinator).alerts(0).position(), 4u);
  dispute.mutable_command()->set_request_id("q-2");
  EXPECT_THAT(desk_->Dispute(liaison, dispute, Soon()),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(DeskTest, ListsTheFeedsThatAlertsMayRestOn) {
  hub::v1::FeedReceived received;
  received.set_feed("dundee-case-files");
  received.set_complete_to(1'764'000'000'000'000);
  Happens(received, "dundee-city-council", "jsw", PersonKey());
  ListAt(3, kPolice);
  const auto names = [&](const AlertCaller& caller) {
    const auto feeds = desk_->ListFeeds(caller, {}, Soon());
    EXPECT_THAT(feeds, IsOk());
    std::vector<std::string> result;
    for (const auto& feed : feeds->feeds()) result.push_back(feed.name());
    return result;
  };
  AlertCaller admin{"admin", "concordat-operator", {}};
  EXPECT_THAT(names(admin), SizeIs(0));
  admin.is_operator = true;
  EXPECT_THAT(names(admin), ::testing::UnorderedElementsAre("dundee-case-files",
                                                            "nhs-tayside-hl7"));
  EXPECT_THAT(names(kPolice), ElementsAre("dundee-case-files"));
  EXPECT_THAT(names({"nhs", "nhs-tayside", {"nhs-liaison"}}),
              ElementsAre("nhs-tayside-hl7"));
  EXPECT_THAT(
      names({"coordinator", "mappa-tayside", {"co-ordinator"}}),
      ::testing::UnorderedElementsAre("dundee-case-files", "nhs-tayside-hl7"));
  const auto feeds = desk_->ListFeeds(kPolice, {}, Soon());
  const v1::FeedReport& files = feeds->feeds(0);
  EXPECT_EQ(files.title(), "Dundee case files");
  EXPECT_EQ(files.agency(), "Dundee City Council");
  EXPECT_EQ(files.expected(), "every day at 02:00, here by 06:00");
  EXPECT_EQ(files.complete_to(), 1'764'000'000'000'000u);
  EXPECT_EQ(files.silent_since(), 0u);
}

TEST_F(DeskTest, AListWaitsForThePositionItAsksFor) {
  GoesAbsent();
  ASSERT_TRUE(bus_.WaitForEvents(4, absl::Seconds(5)));
  v1::ListAlertsRequest request;
  request.set_min_position(5);
  EXPECT_THAT(
      desk_->List(kPolice, request, clock_.Now() + absl::Milliseconds(50)),
      HasCode(absl::StatusCode::kDeadlineExceeded));
  CaseOpens("C-7", "nhs-tayside", {"nhs-tayside"}, kOther);
  EXPECT_GE(ListAt(5, kPolice).position(), 5u);
  // One that never comes holds nobody else's call up.
  request.set_min_position(1'000'000'000'000'000'000);
  const absl::Time began = clock_.Now();
  EXPECT_THAT(desk_->List(kPolice, request, began + absl::Minutes(10)),
              HasCode(absl::StatusCode::kDeadlineExceeded));
  EXPECT_LT(clock_.Now() - began, absl::Minutes(1));
}

TEST_F(DeskTest, PositionWaitsForEachOfItsEffects) {
  CaseOpens("C-7", "nhs-tayside", {"nhs-tayside", "police-scotland"}, kOther);
  CloseDesk();
  GoesAbsent();
  GoesAbsent(kOther);
  // Of two alerts the log takes one, and the other when it is asked again.
  bus_.RefuseNext(bus::v1::REFUSAL_READ_ONLY, "the log takes no writes");
  Open();
  std::set<uint64_t> said;
  hub::v1::GetStatusResponse status;
  const absl::Time until = Soon();
  do {
    desk_->FillStatus(&status);
    said.insert(status.position());
  } while (status.position() != 7 && clock_.Now() < until);
  // Not 6: then one of them was in the log.
  EXPECT_THAT(said, ::testing::AllOf(::testing::Not(::testing::Contains(6u)),
                                     ::testing::Contains(7u)));
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
