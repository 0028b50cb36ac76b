// Corrections at the real concordat-bus: who had the original, and who has both.
//
// Mutant                                        Caught by
// who has not seen the original is waited for   IsCompleteWhenEachThatHadIt…
// complete before it is acknowledged            the same
// another controller's corrections shown        the same
// anybody may say that somebody knows           TakesTheWordOfWhoHadIt
// said again it is recorded again, or refused   TakesTheWordOfWhoHadIt
// what keeps an event is not said               SaysWhyAnEventDidNotArrive
// concordat-mappa is not sent facts and cuts    ACaseThatRestsOnItSaysSo
// it is sent more of a fact than its header,    ACaseThatRestsOnItSaysSo
//   or that it was is not what is recorded
// a party that is shown no fact is told of it   ACaseThatRestsOnItSaysSo
// anybody may ask about anybody                 SaysWhyAnEventDidNotArrive
// the command shows less than the call          TheCommandSaysItAll
// it is silent where alerts do not answer       TheCommandSaysItAll
#include "absl/strings/match.h"
#include "concordat/bus/v1/arrival.pb.h"
#include "concordat/bus/v1/corrections.pb.h"
#include "concordat/mappa/v1/service.pb.h"
#include "services/common/base/system_clock.h"
#include "services/common/policy/policy.h"
#include "tests/integration/bus/bus_fixture.h"
#include "tests/support/process.h"

namespace concordat {
namespace {

class CorrectionsProcessTest : public BusProcessTest {
 protected:
  template <typename Response>
  absl::StatusOr<Response> Invoke(
      absl::string_view principal, absl::string_view method,
      const google::protobuf::MessageLite& request) {
    return AskOf<Response>(principal, absl::StrCat("concordat.bus.v1.", method),
                           request);
  }
  bus::v1::ListCorrectionsResponse List(absl::string_view principal,
                                        bool open = false) {
    bus::v1::ListCorrectionsRequest request;
    request.set_open(open);
    const auto response = Invoke<bus::v1::ListCorrectionsResponse>(
        principal, "CorrectionService/ListCorrections", request);
    EXPECT_THAT(response, IsOk());
    return response.value_or(bus::v1::ListCorrectionsResponse());
  }
  absl::StatusOr<bus::v1::AcceptCorrectionResponse> Accept(
      absl::string_view principal, uint64_t sequence, std::string agency = "",
      std::string how = "") {
    bus::v1::AcceptCorrectionRequest request;
    request.set_sequence(sequence);
    request.set_agency(std::move(agency));
    request.set_how(std::move(how));
    return Invoke<bus::v1::AcceptCorrectionResponse>(
        principal, "CorrectionService/AcceptCorrection", request);
  }
  absl::StatusOr<bus::v1::TraceCorrectionResponse> Trace(
      absl::string_view principal, const std::string& event) {
    bus::v1::TraceCorrectionRequest request;
    request.set_event(event);
    return Invoke<bus::v1::TraceCorrectionResponse>(
        principal, "CorrectionService/TraceCorrection", request);
  }
  // To the alerts service's role, under one of its names.
  absl::StatusOr<bus::v1::ExplainArrivalResponse> Arrival(
      absl::string_view principal, const std::string& event, std::string name) {
    bus::v1::ExplainArrivalRequest request;
    request.set_event(event);
    request.set_agency("mappa-tayside");
    request.set_role("service");
    request.set_name(std::move(name));
    return Invoke<bus::v1::ExplainArrivalResponse>(
        principal, "ArrivalService/ExplainArrival", request);
  }
  // What the command printed, and how it ended.
  std::pair<std::string, int> RunCli(std::vector<std::string> words) {
    words.insert(words.begin(), "concordat");
    words.insert(words.end(), {"--data", bus_.data().path()});
    testing::Process process(words, testing::Process::Output::kPiped);
    std::string printed;
    for (std::string line = process.Line(); !line.empty();
         line = process.Line()) {
      printed += line;
    }
    return {printed, WEXITSTATUS(process.Wait())};
  }
  // Takes and acknowledges everything up to the log's end, and waits until the
  // bus has that.
  void CatchUp(Subscription& subscription, const std::string& name) {
    const Sequence end = {LogStatus().end_sequence()};
    while (subscription.scanned_through() < end) {
      const auto delivery = subscription.Next(absl::Milliseconds(200));
      if (delivery.ok()) subscription.Ack(delivery->number);
    }
    const absl::Duration until = SteadyNow() + kLong;
    while (SteadyNow() < until) {
      const auto list = Ask<bus::v1::ListSubscriptionsResponse>(
          "admin", "ListSubscriptions", bus::v1::ListSubscriptionsRequest());
      ASSERT_THAT(list, IsOk());
      for (const auto& each : list->subscriptions()) {
        if (each.name() == name && each.acknowledged() >= end.value) return;
      }
    }
    FAIL() << name << " did not come to the end";
  }
  Event Retracted(std::string id, const std::string& original) {
    Event event = Concern(std::move(id), 1);
    Header header = event.header;
    header.retracts = original;
    police::v1::ConcernShared concern;
    concern.set_concern_type("CHILDREN_AT_ADDRESS");
    concern.set_incident_ref("INC-1");
    concern.set_amendment_reason("DID_NOT_HAPPEN");
    auto made = MakeEvent(*types_, std::move(header), concern, random_);
    EXPECT_THAT(made, IsOk());
    return *std::move(made);
  }
};

TEST_F(CorrectionsProcessTest, IsCompleteWhenEachThatHadItAcknowledges) {
  const auto police = Connect("police");
  ASSERT_TRUE(Publish(*police, Concern("c-1", 1)).accepted);
  const auto reader = Connect("service-alerts");
  SubscribeOptions options;
  options.name = "had-it";
  const auto had = *reader->Subscribe(options);
  CatchUp(*had, "had-it");
  ASSERT_TRUE(Publish(*police, Retracted("r-1", "c-1")).accepted);

  auto list = List("admin");
  ASSERT_EQ(list.corrections_size(), 1);
  EXPECT_TRUE(list.corrections(0).retraction());
  EXPECT_GT(list.corrections(0).original(), 0u);
  EXPECT_EQ(list.corrections(0).waits_for(), 1u);
  ASSERT_EQ(list.corrections(0).recipients_size(), 1);
  EXPECT_EQ(list.corrections(0).recipients(0).name(), "had-it");
  EXPECT_FALSE(list.corrections(0).recipients(0).accepted());

  CatchUp(*had, "had-it");
  list = List("police");
  ASSERT_EQ(list.corrections_size(), 1);
  EXPECT_EQ(list.corrections(0).waits_for(), 0u);
  EXPECT_TRUE(list.corrections(0).recipients(0).accepted());
  EXPECT_EQ(List("nhs").corrections_size(), 0);
}

TEST_F(CorrectionsProcessTest, TakesTheWordOfWhoHadIt) {
  const auto police = Connect("police");
  ASSERT_TRUE(Publish(*police, Concern("c-1", 1)).accepted);
  const auto reader = Connect("service-alerts");
  SubscribeOptions options;
  options.name = "had-it";
  {
    const auto had = *reader->Subscribe(options);
    CatchUp(*had, "had-it");
  }
  ASSERT_TRUE(Publish(*police, Retracted("r-1", "c-1")).accepted);
  const std::string original = absl::StrCat(kPolice, "#c-1");
  const std::string retraction = absl::StrCat(kPolice, "#r-1");

  EXPECT_THAT(Trace("nhs", retraction), HasCode(absl::StatusCode::kNotFound));
  auto trace = Trace("police", original);
  ASSERT_THAT(trace, IsOk());
  const uint64_t at = trace->correction().sequence();
  EXPECT_FALSE(trace->complete());
  EXPECT_EQ(trace->correction().recipients_size(), 1);
  EXPECT_EQ(trace->uses_size(), 0);

  EXPECT_THAT(Accept("nhs", at), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Accept("police", at), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Accept("police", at, "mappa-tayside").status().message(),
              HasSubstr("how:"));
  EXPECT_THAT(Accept("police", at, "mappa-tayside", "by telephone"),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Accept("coordinator", at, "", "by telephone"),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Accept("coordinator", at, "nhs-tayside", "by telephone"),
              HasCode(absl::StatusCode::kPermissionDenied));
  const uint64_t end = LogStatus().end_sequence();
  for (int again = 0; again < 2; ++again) {
    const auto accepted = Accept("coordinator", at);
    ASSERT_THAT(accepted, IsOk());
    EXPECT_EQ(accepted->correction().waits_for(), 0u);
    EXPECT_THAT(accepted->correction().recipients(0).state(),
                HasSubstr("knows, says coordinator"));
  }
  EXPECT_EQ(LogStatus().end_sequence(), end + 1);
  trace = Trace("police", retraction);
  ASSERT_THAT(trace, IsOk());
  EXPECT_TRUE(trace->complete());
  EXPECT_EQ(List("police", /*open=*/true).corrections_size(), 0);
  EXPECT_EQ(List("police").corrections_size(), 1);
}

TEST_F(CorrectionsProcessTest, TheCommandSaysItAll) {
  const auto police = Connect("police");
  ASSERT_TRUE(Publish(*police, Concern("c-1", 1)).accepted);
  const auto reader = Connect("service-alerts");
  SubscribeOptions options;
  options.name = "had-it";
  const auto had = *reader->Subscribe(options);
  CatchUp(*had, "had-it");
  ASSERT_TRUE(Publish(*police, Retracted("r-1", "c-1")).accepted);
  const std::string original = absl::StrCat(kPolice, "#c-1");

  const auto list = RunCli({"corrections", "--open", "--profile", "police"});
  EXPECT_EQ(list.second, 0);
  EXPECT_THAT(list.first, HasSubstr("waits for 1"));
  EXPECT_THAT(list.first, HasSubstr("mappa-tayside/service/had-it: was"));
  const auto trace =
      RunCli({"corrections", "--event", original, "--profile", "police"});
  EXPECT_EQ(trace.second, 0);
  EXPECT_THAT(trace.first, HasSubstr("limits of rules: not known"));
  EXPECT_THAT(trace.first, HasSubstr("not complete"));
  const std::string at =
      absl::StrCat(Trace("police", original)
                       .value_or(bus::v1::TraceCorrectionResponse())
                       .correction()
                       .sequence());
  const auto accepted =
      RunCli({"corrections", "--accept", at, "--profile", "coordinator"});
  EXPECT_EQ(accepted.second, 0);
  EXPECT_THAT(accepted.first, HasSubstr("all know"));

  EXPECT_NE(
      RunCli({"corrections", "--event", "x", "--profile", "police"}).second, 0);
  EXPECT_NE(
      RunCli({"corrections", "--accept", "x", "--profile", "police"}).second,
      0);
  EXPECT_NE(
      RunCli({"corrections", "--open", "--event", at, "--profile", "police"})
          .second,
      0);
  EXPECT_NE(
      RunCli({"corrections", "--how", "so", "--profile", "police"}).second, 0);

  const auto arrival =
      RunCli({"agreements", "arrival", original, "--agency", "mappa-tayside",
              "--role", "service", "--profile", "admin"});
  EXPECT_EQ(arrival.second, 0);
  EXPECT_THAT(arrival.first, HasSubstr("had-it: arrived"));
}

// The program itself, with the rights that the demo's registry gives it.
TEST_F(CorrectionsProcessTest, ACaseThatRestsOnItSaysSo) {
  const testing::Process mappa(
      {"concordat-mappa", "--data", bus_.data().path()});
  ASSERT_THAT(bus_.data().WaitForAddress("concordat-mappa", "grpc", kLong),
              IsOk());
  const auto service = Connect("service-mappa");
  const auto police = Connect("police");
  ASSERT_TRUE(Publish(*police, Concern("c-1", 1)).accepted);
  ASSERT_TRUE(Publish(*service, Opened("o-1", 1)).accepted);
  // Its newest case, with everything that the log has by now.
  const auto read = [&](absl::string_view principal) {
    mappa::v1::GetCaseRequest request;
    request.set_subject(PersonKey({1}).ToString());
    request.set_min_position(LogStatus().end_sequence());
    mappa::v1::GetCaseResponse response;
    absl::Status status;
    const absl::Duration until = SteadyNow() + kLong;
    do {
      const auto channel =
          OpenChannel(bus_.data(), "concordat-mappa", principal, kLong);
      EXPECT_THAT(channel, IsOk());
      if (!channel.ok()) return response;
      const auto bytes =
          GenericCall(*channel, "concordat.mappa.v1.MappaService/GetCase",
                      request.SerializeAsString(), {});
      status = bytes.status();
      if (status.ok()) EXPECT_TRUE(response.ParseFromString(*bytes));
    } while (absl::IsUnavailable(status) && SteadyNow() < until);
    EXPECT_THAT(status, IsOk());
    return response;
  };
  EXPECT_EQ(read("police").look_again_size(), 0);
  ASSERT_TRUE(Publish(*police, Retracted("r-1", "c-1")).accepted);
  for (const char* who : {"police", "coordinator"}) {
    const auto marked = read(who);
    ASSERT_EQ(marked.look_again_size(), 1) << who;
    EXPECT_EQ(marked.look_again(0).item(), mappa::v1::LookAgain::ITEM_CASE);
    EXPECT_EQ(marked.look_again(0).how(), mappa::v1::LookAgain::HOW_TAKEN_BACK);
    EXPECT_EQ(marked.look_again(0).agency(), "police-scotland");
  }
  const auto liaison = read("nhs");
  EXPECT_TRUE(liaison.has_record());
  EXPECT_EQ(liaison.look_again_size(), 0);
  mappa::v1::MeetingHeld held;
  held.set_case_ref("C-o-1");
  held.set_kind("REVIEW");
  ASSERT_TRUE(
      Publish(*service, Make(kMappa, "mappa-tayside", "m-1", 1, held, "case/C"))
          .accepted);
  EXPECT_EQ(read("police").look_again_size(), 0);

  // What it is sent of a fact: no group, in its place between whole events.
  const auto sent = service->Subscribe(SubscribeOptions{});
  ASSERT_THAT(sent, IsOk());
  std::vector<std::string> ids;
  const absl::Duration until = SteadyNow() + kLong;
  while (ids.size() < 4 && SteadyNow() < until) {
    const auto delivery = (*sent)->Next(absl::Milliseconds(200));
    if (!delivery.ok()) continue;
    const View& view = delivery->view;
    if (view.header.subject.empty()) continue;
    ids.push_back(view.header.id);
    const bool is_fact =
        view.header.controller == "police-scotland" &&
        view.header.type == police::v1::ConcernShared().GetTypeName();
    EXPECT_EQ(view.groups.empty(), is_fact) << view.header.id;
    EXPECT_EQ(view.withheld.empty(), !is_fact) << view.header.id;
    if (!is_fact) continue;
    EXPECT_FALSE(view.commitments.empty());
    EXPECT_EQ(view.header.on_behalf_of, "");
  }
  EXPECT_THAT(ids, ElementsAre("c-1", "o-1", "r-1", "m-1"));
  // And what is on record of it.
  const auto list = List("police");
  ASSERT_EQ(list.corrections_size(), 1);
  int rows = 0;
  for (const auto& each : list.corrections(0).recipients()) {
    if (!absl::EndsWith(each.name(), "cases")) continue;
    ++rows;
    EXPECT_EQ(each.groups(), kHeaderAlone);
  }
  EXPECT_EQ(rows, 1);
  const auto why =
      RunCli({"agreements", "explain", absl::StrCat(kPolice, "#c-1"), "--for",
              "service-mappa", "--profile", "admin"});
  EXPECT_EQ(why.second, 0) << why.first;
  EXPECT_THAT(why.first, HasSubstr("the header alone"));
}

TEST_F(CorrectionsProcessTest, SaysWhyAnEventDidNotArrive) {
  const auto police = Connect("police");
  ASSERT_TRUE(Publish(*police, Concern("c-1", 1)).accepted);
  const std::string event = absl::StrCat(kPolice, "#c-1");
  const auto because = [&](const std::string& name) {
    const auto answer = Arrival("admin", event, name);
    EXPECT_THAT(answer, IsOk());
    if (!answer.ok() || answer->arrivals_size() != 1) return std::string();
    return absl::StrCat(answer->arrivals(0).arrived() ? "arrived: " : "not: ",
                        answer->arrivals(0).because());
  };
  EXPECT_THAT(because("had-it"), HasSubstr("not: there is no subscription"));
  const auto reader = Connect("service-alerts");
  SubscribeOptions options;
  options.name = "other";
  options.types = {"concordat.nhs.v1.*"};
  const auto other = *reader->Subscribe(options);
  CatchUp(*other, "other");
  EXPECT_THAT(because("other"), HasSubstr("not: its filter lists types"));
  options.name = "had-it";
  options.types = {};
  const auto had = *reader->Subscribe(options);
  CatchUp(*had, "had-it");
  // That it was acknowledged is recorded behind the answer.
  const SystemSteadyClock clock;
  const absl::Duration until = clock.Elapsed() + absl::Seconds(20);
  std::string why;
  do {
    why = because("had-it");
  } while (!absl::StrContains(why, "arrived: ") && clock.Elapsed() < until);
  EXPECT_THAT(why, HasSubstr("arrived: "));

  EXPECT_THAT(Arrival("nhs", event, "had-it"),
              HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Arrival("admin", "urn:concordat:nobody:x#1", "had-it"),
              HasCode(absl::StatusCode::kNotFound));
  // Of its own event everybody may be asked about.
  EXPECT_THAT(Arrival("police", event, ""), IsOk());
}

}  // namespace
}  // namespace concordat
