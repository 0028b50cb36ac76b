// Restriction at the real concordat-bus and concordat-alerts, over their sockets.
// What each test catches:
//
//   restricted by one person                       NobodyElseSeesOrUsesIt…
//   still read, or still delivered                 the same
//   withheld without a word, or a word to who      the same
//     would see nothing anyway
//   a rule uses it; its controller's own too       the same
//   what was missed never comes once it is lifted  the same
#include <memory>
#include <set>

#include "absl/strings/match.h"
#include "concordat/alerts/v1/service.pb.h"
#include "concordat/bus/v1/erasure.pb.h"
#include "concordat/socialwork/v1/events.pb.h"
#include "tests/integration/bus/bus_fixture.h"
#include "tests/support/process.h"

namespace concordat {
namespace {

using ::testing::Contains;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kCouncil[] = "dundee-city-council";
constexpr char kCouncilSource[] = "urn:concordat:dundee-city-council:jsw";
constexpr char kAlertsProgram[] = "concordat-alerts";
constexpr int kPerson = 7;

class RestrictionProcessTest : public BusProcessTest {
 protected:
  RestrictionProcessTest()
      : alerts_({kAlertsProgram, "--data", bus_.data().path()}) {
    EXPECT_THAT(bus_.data().WaitForAddress(kAlertsProgram, "grpc", kLong),
                IsOk());
  }
  void OpenCase() {
    mappa::v1::CaseOpened opened;
    opened.set_case_ref("C-1");
    opened.add_parties("police-scotland");
    opened.add_parties(kCouncil);
    opened.set_lead(kCouncil);
    mappa::v1::LevelChanged level;
    level.set_case_ref("C-1");
    level.set_to_level(2);
    const auto mappa = Connect("service-mappa");
    ASSERT_TRUE(Publish(*mappa, Make(kMappa, "mappa-tayside", "o-1", kPerson,
                                     opened, "case/C"))
                    .accepted);
    ASSERT_TRUE(Publish(*mappa, Make(kMappa, "mappa-tayside", "o-2", kPerson,
                                     level, "case/C"))
                    .accepted);
  }
  void Contact(const std::string& id, const std::string& outcome) {
    socialwork::v1::ContactRecorded contact;
    contact.set_mode("OFFICE");
    contact.set_outcome(outcome);
    const PublishOutcome published =
        Publish(*Connect("edge-council"),
                Make(kCouncilSource, kCouncil, id, kPerson, contact));
    ASSERT_TRUE(published.accepted) << published.detail;
  }
  absl::StatusOr<bus::v1::RestrictProcessingResponse> Restrict(
      absl::string_view principal, bool restricted,
      const std::string& approval) {
    bus::v1::RestrictProcessingRequest request;
    request.set_subject(PersonKey({static_cast<uint8_t>(kPerson)}).ToString());
    request.set_restricted(restricted);
    if (restricted) request.set_reason("ACCURACY_CONTESTED");
    request.set_why("the person says it was somebody else");
    request.set_approval(approval);
    return AskOf<bus::v1::RestrictProcessingResponse>(
        principal, "concordat.bus.v1.ErasureService/RestrictProcessing",
        request);
  }
  void ByTwo(bool restricted) {
    const auto asked = Restrict("service-manager", restricted, "");
    ASSERT_THAT(asked, IsOk());
    EXPECT_FALSE(asked->done());
    EXPECT_THAT(
        Restrict("service-manager", restricted, asked->asked().approval()),
        HasCode(absl::StatusCode::kPermissionDenied));
    const auto done =
        Restrict("guardian-council", restricted, asked->asked().approval());
    ASSERT_THAT(done, IsOk());
    EXPECT_TRUE(done->done());
  }
  // Controllers whose restriction the reader is told of.
  std::vector<std::string> Words(absl::string_view reader) {
    bus::v1::ReadPersonRequest request;
    request.set_subject(PersonKey({static_cast<uint8_t>(kPerson)}).ToString());
    const auto response =
        Ask<bus::v1::ReadPersonResponse>(reader, "ReadPerson", request);
    EXPECT_THAT(response, IsOk());
    if (!response.ok()) return {};
    return {response->restricted().begin(), response->restricted().end()};
  }
  // Of the supervising officer, once the whole log is judged.
  std::vector<alerts::v1::Alert> Alerts() {
    alerts::v1::ListAlertsRequest request;
    request.set_min_position(LogStatus().end_sequence());
    const auto channel =
        OpenChannel(bus_.data(), kAlertsProgram, "socialwork", kLong);
    EXPECT_THAT(channel, IsOk());
    CallOptions options;
    options.timeout = kLong;
    absl::StatusOr<std::string> bytes;
    const absl::Duration until = SteadyNow() + kLong;
    do {
      bytes =
          GenericCall(*channel, "concordat.alerts.v1.AlertsService/ListAlerts",
                      request.SerializeAsString(), options);
    } while (absl::IsDeadlineExceeded(bytes.status()) && SteadyNow() < until);
    EXPECT_THAT(bytes, IsOk());
    alerts::v1::ListAlertsResponse response;
    EXPECT_TRUE(response.ParseFromString(bytes.value_or("")));
    return {response.alerts().begin(), response.alerts().end()};
  }
  // As the operator sees the log.
  std::vector<std::string> TypesInLog() {
    end_ = {LogStatus().end_sequence()};
    std::vector<std::string> types;
    const auto admin = Connect("admin");
    auto subscription = admin->Subscribe({});
    EXPECT_THAT(subscription, IsOk());
    while ((*subscription)->scanned_through() < end_) {
      const auto delivery = (*subscription)->Next(absl::Milliseconds(200));
      if (!delivery.ok()) continue;
      types.push_back(delivery->view.header.type);
      (*subscription)->Ack(delivery->number);
    }
    return types;
  }
  // Until there are so many: an alert is one once the log has it.
  bool AlertsBecome(size_t count) {
    const absl::Duration end = SteadyNow() + kLong;
    while (Alerts().size() != count) {
      if (SteadyNow() > end) return false;
    }
    return true;
  }
  std::vector<std::string> TailOf(absl::string_view reader) {
    end_ = {LogStatus().end_sequence()};
    return Tail(reader);
  }

  testing::Process alerts_;
};

TEST_F(RestrictionProcessTest, NobodyElseSeesOrUsesItUntilItIsLifted) {
  OpenCase();
  Contact("c-1", "KEPT");
  ASSERT_THAT(ReadPerson("coordinator", kPerson), Contains("c-1"));
  ByTwo(true);
  EXPECT_THAT(Restrict("service-manager", true, ""),
              HasCode(absl::StatusCode::kFailedPrecondition));
  Contact("c-2", "MISSED");
  Contact("c-3", "MISSED");
  for (const char* id : {"c-1", "c-2", "c-3"}) {
    SCOPED_TRACE(id);
    EXPECT_THAT(ReadPerson("coordinator", kPerson), Not(Contains(id)));
    EXPECT_THAT(TailOf("coordinator"), Not(Contains(id)));
    EXPECT_THAT(ReadPerson("socialwork", kPerson), Contains(id));
  }
  EXPECT_THAT(Words("coordinator"), ElementsAre(kCouncil));
  EXPECT_THAT(Words("socialwork"), IsEmpty());
  // No agreement shows them any of it: they are told nothing either.
  EXPECT_THAT(Words("nhs"), IsEmpty());
  EXPECT_THAT(Alerts(), IsEmpty());
  EXPECT_THAT(TypesInLog(), Not(Contains(HasSubstr("AlertRaised"))));

  ByTwo(false);
  for (const char* id : {"c-1", "c-2", "c-3"}) {
    SCOPED_TRACE(id);
    EXPECT_THAT(ReadPerson("coordinator", kPerson), Contains(id));
    EXPECT_THAT(TailOf("coordinator"), Contains(id));
  }
  EXPECT_THAT(Words("coordinator"), IsEmpty());
  EXPECT_TRUE(AlertsBecome(1));
}

TEST_F(RestrictionProcessTest, AnAlertThatWasRaisedSaysThatItIsRestricted) {
  OpenCase();
  Contact("c-1", "MISSED");
  Contact("c-2", "MISSED");
  ASSERT_TRUE(AlertsBecome(1));
  const std::string before = Alerts()[0].headline();
  ByTwo(true);
  const auto held = Alerts();
  ASSERT_THAT(held, SizeIs(1));
  EXPECT_EQ(held[0].state(), "restricted");
  EXPECT_THAT(held[0].headline(), HasSubstr("kept and not used"));
  EXPECT_EQ(held[0].evidence_size(), 0);
  ByTwo(false);
  ASSERT_THAT(Alerts(), SizeIs(1));
  EXPECT_EQ(Alerts()[0].headline(), before);
}

}  // namespace
}  // namespace concordat
