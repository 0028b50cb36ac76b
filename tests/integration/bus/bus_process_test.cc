// The real concordat-bus with real clients over loopback: who gets what, what is
// refused, and what a restart, a kill and a full disk leave.
#include <map>
#include <set>

#include "tests/integration/bus/bus_fixture.h"

namespace concordat {
namespace {

TEST_F(BusProcessTest, ShowsEachWhatTheAgreementGivesAndNobodyMore) {
  const auto police = Connect("police");
  const auto mappa = Connect("service-mappa");
  ASSERT_TRUE(Publish(*police, Concern("c-1", 1)).accepted);
  ASSERT_TRUE(Publish(*police, Concern("c-2", 2)).accepted);
  end_ = Publish(*mappa, Opened("o-1", 1)).sequence;
  EXPECT_THAT(Tail("coordinator"), ElementsAre("c-1", "o-1"));
  EXPECT_THAT(Tail("nhs"), ElementsAre("o-1"));
  EXPECT_TRUE(DigestOfView(last_).ok());
  EXPECT_THAT(Tail("police"), ElementsAre("c-1", "c-2", "o-1"));
  EXPECT_THAT(Tail("socialwork"), IsEmpty());
  const std::vector<std::string> envelopes = Tail("admin");
  EXPECT_EQ(envelopes.size(), end_.value);
  EXPECT_TRUE(last_.header.subject.empty());
  EXPECT_THAT(last_.groups, IsEmpty());

  const StreamName of_mappa = {kMappa, "case/C"};
  const auto stream = police->ReadStream(of_mappa, {0}, kLong);
  ASSERT_THAT(stream, IsOk());
  EXPECT_EQ(stream->version, end_);
  EXPECT_EQ(stream->views.size(), 1u);
  EXPECT_EQ(mappa->ReadStream({"", "case/C"}, {0}, kLong)->version, end_);
  EXPECT_EQ(police->ReadStream({"", "case/C"}, {0}, kLong)->version.value, 0u);
  const auto hidden = Connect("socialwork")->ReadStream(of_mappa, {0}, kLong);
  ASSERT_THAT(hidden, IsOk());
  EXPECT_THAT(hidden->views, IsEmpty());
}

TEST_F(BusProcessTest, WhoHasReadAStreamKnowsTheLogsTime) {
  const auto police = Connect("police");
  const auto player = Connect("player");
  // Each time at once: no heartbeat comes between.
  for (int day = 1; day <= 20; ++day) {
    hub::v1::TimePassed passed;
    passed.set_to(kStoryUs + static_cast<uint64_t>(day) * 86'400'000'000);
    const Event event =
        Make("urn:concordat:concordat-operator:player", "concordat-operator",
             absl::StrCat("day-", day), 0, passed);
    ASSERT_TRUE(Publish(*player, event).accepted);
    ASSERT_THAT(police->ReadStream({"", "nothing"}, {0}, kLong), IsOk());
    EXPECT_EQ(police->log_time(),
              absl::FromUnixMicros(static_cast<int64_t>(passed.to())));
    EXPECT_EQ(player->log_time(), police->log_time());
  }
}

TEST_F(BusProcessTest, SaysByWhichLineSomebodySeesAnEventOrNot) {
  const auto police = Connect("police");
  const Sequence concern = Publish(*police, Concern("c-1", 1)).sequence;
  const Sequence opened =
      Publish(*Connect("service-mappa"), Opened("o-1", 1)).sequence;
  const auto explain = [&](absl::string_view asks, absl::string_view agency,
                           absl::string_view role) {
    bus::v1::ExplainViewRequest request;
    request.set_sequence(concern.value);
    request.set_agency(std::string(agency));
    request.set_role(std::string(role));
    return Ask<bus::v1::ExplainViewResponse>(asks, "ExplainView", request);
  };
  auto answer = explain("admin", "nhs-tayside", "nhs-liaison");
  ASSERT_THAT(answer, IsOk());
  EXPECT_FALSE(answer->seen());
  EXPECT_EQ(answer->controller(), "police-scotland");
  ASSERT_GT(answer->lines_size(), 1);
  EXPECT_EQ(answer->lines(0).agreement(), "tayside-demo");
  EXPECT_EQ(answer->lines(0).line(), "see[0]");
  EXPECT_EQ(answer->lines(0).because(), "it is not to nhs-tayside");

  answer = explain("police", "mappa-tayside", "coordinator");
  ASSERT_THAT(answer, IsOk());
  EXPECT_TRUE(answer->seen());
  EXPECT_TRUE(answer->lines(0).applies());
  EXPECT_GT(answer->shown_size(), 0);

  // By its reference, about oneself, and since when.
  bus::v1::ExplainViewRequest by_ref;
  by_ref.set_event(absl::StrCat(kMappa, "#o-1"));
  answer = Ask<bus::v1::ExplainViewResponse>("nhs", "ExplainView", by_ref);
  ASSERT_THAT(answer, IsOk());
  EXPECT_TRUE(answer->seen());
  EXPECT_EQ(answer->sequence(), opened.value);
  std::string because;
  for (const auto& line : answer->lines()) {
    if (line.applies()) because = line.because();
  }
  EXPECT_EQ(because, absl::StrCat("nhs-tayside is a party, since position ",
                                  opened.value, " (Mon 3 Nov 2025 02:00)"));

  // What it may not see it cannot tell from what is not there.
  const auto hidden = explain("nhs", "", "");
  by_ref.set_event(absl::StrCat(kMappa, "#nothing"));
  const auto missing =
      Ask<bus::v1::ExplainViewResponse>("nhs", "ExplainView", by_ref);
  EXPECT_THAT(hidden, HasCode(absl::StatusCode::kNotFound));
  EXPECT_EQ(hidden.status(), missing.status());
  EXPECT_THAT(explain("coordinator", "nhs-tayside", "nhs-liaison"),
              HasCode(absl::StatusCode::kPermissionDenied));

  const auto list = Ask<bus::v1::ListAgreementsResponse>(
      "nhs", "ListAgreements", bus::v1::ListAgreementsRequest());
  ASSERT_THAT(list, IsOk());
  ASSERT_EQ(list->agreements_size(), 1);
  EXPECT_TRUE(list->agreements(0).in_force());
}

TEST_F(BusProcessTest, FaultsOfAnUrgentTypeAreToldToItsPublisherAndInTheLog) {
  const auto police = Connect("police");
  police::v1::ConcernShared concern;
  concern.set_concern_type("NO_SUCH_CODE");
  concern.set_incident_ref("INC-1");
  const PublishOutcome outcome =
      Publish(*police, Make(kPolice, "police-scotland", "c-1", 1, concern));
  ASSERT_TRUE(outcome.accepted) << outcome.detail;
  ASSERT_THAT(outcome.faults, ::testing::SizeIs(1));
  EXPECT_THAT(outcome.faults[0], HasSubstr("concern_type: "));
  EXPECT_EQ(outcome.faults[0].find("NO_SUCH_CODE"), std::string::npos);

  end_ = {outcome.sequence.value + 1};
  const std::string id = absl::StrCat("faults-", outcome.sequence.value);
  EXPECT_THAT(Tail("service-alerts"), ::testing::Contains(id));
  hub::v1::FaultsAccepted told;
  ASSERT_TRUE(told.ParseFromString(last_.Data()));
  EXPECT_EQ(told.sequence(), outcome.sequence.value);
  EXPECT_EQ(told.source(), kPolice);
  EXPECT_THAT(told.faults(), ElementsAre(outcome.faults[0]));

  const auto list = Ask<bus::v1::ListFaultsResponse>(
      "admin", "ListFaults", bus::v1::ListFaultsRequest());
  ASSERT_THAT(list, IsOk());
  ASSERT_EQ(list->faults_size(), 1);
  EXPECT_EQ(list->faults(0).last_sequence(), outcome.sequence.value);
  EXPECT_THAT(Ask<bus::v1::ListFaultsResponse>("police", "ListFaults",
                                               bus::v1::ListFaultsRequest()),
              HasCode(absl::StatusCode::kPermissionDenied));
}

TEST_F(BusProcessTest, RefusesAPurposeAndAGatewayOfNoAgreement) {
  const auto police = Connect("police");
  const auto with = [&](std::string id, std::string purpose,
                        std::string gateway) {
    police::v1::ConcernShared concern;
    concern.set_concern_type("CHILDREN_AT_ADDRESS");
    concern.set_incident_ref("INC-1");
    Header header = Concern(id, 1).header;
    header.purpose = std::move(purpose);
    header.gateway = std::move(gateway);
    auto event = MakeEvent(*types_, std::move(header), concern, random_);
    EXPECT_THAT(event, IsOk());
    return Publish(*police, *std::move(event));
  };
  EXPECT_TRUE(with("c-1", "ORDER_SUPERVISION", "G9").accepted);
  const PublishOutcome purpose = with("c-2", "MARKETING", "G1");
  EXPECT_EQ(purpose.refusal, bus::v1::REFUSAL_NO_AGREEMENT);
  EXPECT_THAT(purpose.detail, HasSubstr("purpose: MARKETING"));
  EXPECT_THAT(with("c-3", "ORDER_SUPERVISION", "G4").detail,
              HasSubstr("gateway: G4"));
}

TEST_F(BusProcessTest, ALiveSubscriptionIsBackfilledWhenItsAgencyJoins) {
  const auto police = Connect("police");
  const auto coordinator = Connect("coordinator");
  auto live = coordinator->Subscribe({});
  ASSERT_THAT(live, IsOk());
  const Sequence first = Publish(*police, Concern("c-1", 1)).sequence;
  while ((*live)->scanned_through() < first) {
    EXPECT_THAT((*live)->Next(absl::Milliseconds(100)),
                HasCode(absl::StatusCode::kDeadlineExceeded));
  }
  const Sequence opened =
      Publish(*Connect("service-mappa"), Opened("o-1", 1)).sequence;
  auto delivery = (*live)->Next(kLong);
  ASSERT_THAT(delivery, IsOk());
  EXPECT_EQ(delivery->view.sequence, first);
  EXPECT_EQ(delivery->backfill_cause, opened);
  delivery = (*live)->Next(kLong);
  ASSERT_THAT(delivery, IsOk());
  EXPECT_EQ(delivery->view.sequence, opened);
  EXPECT_EQ(delivery->backfill_cause.value, 0u);
}

TEST_F(BusProcessTest, RefusesWithAReasonAndCountsIt) {
  const auto police = Connect("police");
  police::v1::ConcernShared concern;
  concern.set_concern_type("CHILDREN_AT_ADDRESS");
  concern.set_incident_ref("INC-1");
  const auto refused = [&](std::string source, std::string controller,
                           const google::protobuf::MessageLite& message) {
    const PublishOutcome outcome = Publish(
        *police,
        Make(std::move(source), std::move(controller), "r", 1, message));
    EXPECT_FALSE(outcome.accepted);
    return outcome;
  };
  Event other = Make(kPolice, "police-scotland", "r", 1, concern);
  mappa::v1::CaseOpened opened;
  opened.set_case_ref("C-1");
  opened.add_parties("nhs-tayside");
  opened.set_lead("nhs-tayside");
  EXPECT_EQ(refused(kPolice, "police-scotland", opened).refusal,
            bus::v1::REFUSAL_TYPE_NOT_ALLOWED);
  EXPECT_EQ(refused("urn:concordat:nhs-tayside:pas", "police-scotland", concern)
                .refusal,
            bus::v1::REFUSAL_SOURCE_NOT_ALLOWED);
  const PublishOutcome controller = refused(kPolice, "nhs-tayside", concern);
  EXPECT_EQ(controller.refusal, bus::v1::REFUSAL_SOURCE_NOT_ALLOWED);
  EXPECT_THAT(controller.detail, HasSubstr("controller"));
  // The id is free still.
  EXPECT_TRUE(Publish(*police, other).accepted);
  EXPECT_TRUE(Publish(*police, other).duplicate);

  // Player reads nothing: no agreement names the operator's systems.
  const auto player = Connect("player");
  auto nothing = player->Subscribe({});
  ASSERT_THAT(nothing, IsOk());
  EXPECT_EQ((*nothing)->Next(kLong).status().code(),
            absl::StatusCode::kPermissionDenied);

  bus::v1::ListRefusalsResponse refusals;
  ASSERT_TRUE(refusals.ParseFromString(Call("admin", "ListRefusals")));
  std::map<std::string, uint64_t> counts;
  for (const bus::v1::RefusalCount& count : refusals.refusals()) {
    counts[count.principal() + " " + count.reason()] = count.count();
  }
  EXPECT_EQ(counts["police REFUSAL_TYPE_NOT_ALLOWED"], 1u);
  EXPECT_EQ(counts["police REFUSAL_SOURCE_NOT_ALLOWED"], 2u);
  EXPECT_GE(counts["player REFUSAL_NO_GRANT"], 1u);
}

TEST_F(BusProcessTest, TellsTheOperatorItsStateAndNobodyElsePlaces) {
  SubscribeOptions options;
  options.name = "mine";
  const auto police = Connect("police");
  end_ = Publish(*police, Concern("c-1", 1)).sequence;
  auto subscription = police->Subscribe(options);
  ASSERT_THAT(subscription, IsOk());
  const auto delivery = (*subscription)->Next(kLong);
  ASSERT_THAT(delivery, IsOk());
  bus::v1::GetLogStatusResponse status;
  ASSERT_TRUE(status.ParseFromString(Call("admin", "GetLogStatus")));
  EXPECT_GE(status.publisher_sessions(), 1u);
  EXPECT_EQ(status.publisher_sessions() + status.subscriber_sessions(),
            status.sessions());
  EXPECT_EQ(status.end_sequence(), end_.value);
  EXPECT_EQ(status.environment(), "demo");
  EXPECT_EQ(status.log_time(), kStoryUs);
  bus::v1::VerifyLogResponse verified;
  ASSERT_TRUE(verified.ParseFromString(Call("admin", "VerifyLog")));
  EXPECT_EQ(verified.events(), end_.value);
  EXPECT_EQ(verified.end(), end_.value);
  bus::v1::ListSubscriptionsResponse places;
  // The list is up to 50 ms old.
  for (int i = 0; i < 1000 && places.subscriptions().empty(); ++i) {
    ASSERT_TRUE(places.ParseFromString(Call("admin", "ListSubscriptions")));
  }
  ASSERT_EQ(places.subscriptions_size(), 1);
  EXPECT_EQ(places.subscriptions(0).name(), "mine");
  EXPECT_EQ(places.subscriptions(0).agency(), "police-scotland");
  EXPECT_TRUE(places.subscriptions(0).connected());
  const auto since = places.subscriptions(0).connected_since();
  EXPECT_GT(since, 0u);
  EXPECT_EQ(places.subscriptions(0).acknowledged_time(), 0u);
  EXPECT_EQ(places.subscriptions(0).outstanding(), 1u);
  EXPECT_GT(places.subscriptions(0).outstanding_bytes(), 100u);
  (*subscription)->Ack(delivery->number);
  for (int i = 0; i < 1000 && places.subscriptions(0).outstanding() > 0; ++i) {
    ASSERT_TRUE(places.ParseFromString(Call("admin", "ListSubscriptions")));
  }
  EXPECT_GE(places.subscriptions(0).acknowledged_time(), since);
  EXPECT_EQ(places.subscriptions(0).outstanding_bytes(), 0u);
  EXPECT_EQ(Call("police", "ListSubscriptions"), "PERMISSION_DENIED");
}

TEST_F(BusProcessTest, ARestartKeepsPlacesAndAKillLosesNothingAcknowledged) {
  const auto police = Connect("police");
  SubscribeOptions options;
  options.name = "mine";
  std::set<std::string> accepted;
  for (int i = 0; i < 20; ++i) {
    const std::string id = absl::StrCat("c-", i);
    if (Publish(*police, Concern(id, 1)).accepted) accepted.insert(id);
    if (i == 6) {
      EXPECT_EQ(bus_.Stop(), 0);
      bus_.Start();
    }
    if (i == 13) {
      bus_.Kill();
      bus_.Start();
    }
  }
  EXPECT_EQ(accepted.size(), 20u);
  const auto reader = Connect("police");
  std::vector<std::string> first;
  {
    auto subscription = reader->Subscribe(options);
    ASSERT_THAT(subscription, IsOk());
    while (first.size() < 10) {
      const auto delivery = (*subscription)->Next(kLong);
      ASSERT_THAT(delivery, IsOk());
      first.push_back(delivery->view.header.id);
      (*subscription)->Ack(delivery->number);
    }
  }
  EXPECT_EQ(bus_.Stop(), 0);
  bus_.Start();
  auto subscription = reader->Subscribe(options);
  ASSERT_THAT(subscription, IsOk());
  std::set<std::string> all(first.begin(), first.end());
  while (all.size() < 20) {
    const auto delivery = (*subscription)->Next(kLong);
    ASSERT_THAT(delivery, IsOk());
    all.insert(delivery->view.header.id);
  }
  EXPECT_EQ(all, accepted);
}

TEST_F(BusProcessTest, AFullDiskStopsPublishersAndNotReaders) {
  const auto police = Connect("police");
  ASSERT_TRUE(Publish(*police, Concern("c-1", 1)).accepted);
  bus_.LimitFiles(256 * 1024);
  std::vector<std::string> accepted = {"c-1"};
  PublishOutcome outcome;
  for (int i = 2; i < 2000; ++i) {
    const std::string id = absl::StrCat("c-", i);
    outcome = Publish(*police, Concern(id, 1));
    if (!outcome.accepted) break;
    accepted.push_back(id);
    end_ = outcome.sequence;
  }
  EXPECT_EQ(outcome.refusal, bus::v1::REFUSAL_READ_ONLY);
  EXPECT_EQ(Publish(*police, Concern("later", 1)).refusal,
            bus::v1::REFUSAL_READ_ONLY);
  EXPECT_EQ(Tail("police"), accepted);
  // With room again and after a restart nothing acknowledged is missing.
  bus_.Stop();
  bus_.Start();
  end_ = Publish(*police, Concern("after", 1)).sequence;
  std::vector<std::string> found = Tail("police");
  EXPECT_EQ(found.back(), "after");
  found.pop_back();
  // What was under way when the disk filled may be there or not.
  if (found.size() > accepted.size()) found.pop_back();
  EXPECT_EQ(found, accepted);
}

}  // namespace
}  // namespace concordat
