// The whole edge between a real socket, a real identity stream (of a fake
// identity) and a bus in memory, with the messages of the story that are about
// P2, P4, P5 and N1 to N21.
//
// Mutants, each with the test that catches it:
//   counts not as in the story              PlaysTheStorysMessages
//   event's time is now, or local           PlaysTheStorysMessages
//   an outsider's name or number on disk    PlaysTheStorysMessages
//   forgets what waits when killed          GoesOnAfterARestartAndPublishesOnce
//   publishes it again under a new id       GoesOnAfterARestartAndPublishesOnce
//   an ended decision still lets out        NothingLeavesAfterTheDecisionEnded
//   who left the cohort is still kept       WhoLeftTheCohortIsAStranger
//   operator is told who                    TellsTheOperatorNoMoreThanReasons
//   an erasure is not heard, or not said    ForgetsWhoIsErasedAndSaysSo
//   it is said again after each restart     the same
#include "adapters/daemon/hl7_edge.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "adapters/core/edge_service.h"
#include "concordat/hub/v1/erasure.pb.h"
#include "concordat/identity/v1/service.grpc.pb.h"
#include "concordat/nhs/v1/events.pb.h"
#include "google/protobuf/text_format.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "services/common/config/settings.h"
#include "services/common/storage/posix_directory.h"
#include "tests/support/demo_types.h"
#include "tests/support/fake_bus.h"
#include "tests/support/fake_clock.h"
#include "tests/support/mllp_client.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat::edge {
namespace {

using concordat::testing::AckOf;
using concordat::testing::HasCode;
using concordat::testing::IsOk;

const PersonKey kP2(std::array<uint8_t, 16>{2});
const PersonKey kP4(std::array<uint8_t, 16>{4});
constexpr char kP2Chi[] = "0303790016";
constexpr char kP4Chi[] = "0911870012";

// Streams what it is told to every caller, from the beginning.
class FakeIdentity : public identity::v1::IdentityService::Service {
 public:
  FakeIdentity() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~FakeIdentity() override {
    {
      MutexLock lock(mu_);
      stopping_ = true;
      changed_.NotifyAll();
    }
    server_->Shutdown();
  }
  std::shared_ptr<grpc::Channel> Channel() const {
    return grpc::CreateChannel(absl::StrCat("127.0.0.1:", port_),
                               grpc::InsecureChannelCredentials());
  }
  void Join(const PersonKey& subject, const std::string& chi) {
    identity::v1::CohortChange change;
    change.mutable_joined()->set_subject(subject.ToString());
    auto& identifier = *change.mutable_joined()->add_identifiers();
    identifier.set_scheme("chi");
    identifier.set_value(chi);
    Say(change);
  }
  void Leave(const PersonKey& subject) {
    identity::v1::CohortChange change;
    change.set_left_subject(subject.ToString());
    Say(change);
  }
  void Complete(uint64_t position) {
    identity::v1::CohortChange change;
    change.set_complete(true);
    change.set_position(position);
    Say(change);
  }

 private:
  void Say(const identity::v1::CohortChange& change) {
    MutexLock lock(mu_);
    said_.push_back(change);
    changed_.NotifyAll();
  }
  grpc::Status Cohort(
      grpc::ServerContext* context, const identity::v1::CohortRequest*,
      grpc::ServerWriter<identity::v1::CohortChange>* writer) override {
    size_t told = 0;
    MutexLock lock(mu_);
    while (!stopping_ && !context->IsCancelled()) {
      if (told < said_.size()) {
        if (!writer->Write(said_[told++])) break;
        continue;
      }
      changed_.WaitFor(mu_, absl::Milliseconds(20),
                       [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
                         return stopping_ || told < said_.size();
                       });
    }
    return grpc::Status::OK;
  }

  int port_ = 0;
  Mutex mu_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<identity::v1::CohortChange> said_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<grpc::Server> server_;
};

std::string Msh(absl::string_view type, absl::string_view control,
                absl::string_view time, absl::string_view processing = "T") {
  return absl::StrCat("MSH|^~\\&|PAS|NHSTAYSIDE|CONCORDAT|EDGE|", time, "||",
                      type, "|", control, "|", processing, "|2.4\r");
}
std::string Pid(absl::string_view chi, absl::string_view name) {
  return absl::StrCat("PID|1||", chi, "^^^NHSSCOT^CHI||", name,
                      "||19790303|M|||2/1 MAINS LOAN COURT^^DUNDEE\r");
}
std::string Siu(absl::string_view trigger, absl::string_view control,
                absl::string_view time, absl::string_view chi,
                absl::string_view name) {
  return absl::StrCat(
      Msh(absl::StrCat("SIU^", trigger), control, time),
      "SCH|A20017-3||||||NOSHOW|||^^^20251127110000^20251127113000|||||||||||||"
      "||NOSHOW\r",
      Pid(chi, name), "RGS|1\rAIS|1||ALCTX^Alcohol treatment^LOCAL\r",
      "OBX|1|TX|MARKERCLINICAL\rAL1|1||MARKERALLERGY\rNTE|1||MARKERNOTE\r");
}
const std::string kH9 =
    Siu("S26", "DEMO0009", "20251127112000", kP2Chi, "BALNAMOON^TORQUIL");

class Hl7EdgeTest : public ::testing::Test {
 protected:
  Hl7EdgeTest() : types_(*concordat::testing::DemoTypes()) {
    directory_ = *PosixDirectory::Open(folder_.path());
    client_ = bus_.Connect("edge-health");
    other_ = bus_.Connect("service-nhs");
    identity_.Join(kP2, kP2Chi);
    identity_.Join(kP4, kP4Chi);
    identity_.Complete(1);
  }
  ~Hl7EdgeTest() override { edge_.reset(); }

  Hl7EdgeParts Parts() {
    Hl7EdgeParts parts;
    parts.principal.set_name("edge-health");
    parts.principal.set_agency("nhs-tayside");
    parts.principal.set_system("pas");
    parts.principal.set_default_purpose("MAPPA_RISK_MANAGEMENT");
    parts.principal.set_default_gateway("G9");
    parts.principal.set_default_regime(bus::v1::REGIME_GDPR);
    const char* const source = std::getenv("CONCORDAT_SOURCE");
    std::ifstream file(absl::StrCat(source == nullptr ? "." : source,
                                    "/deploy/config/adapters/edge-health."
                                    "textproto"));
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    EXPECT_TRUE(
        google::protobuf::TextFormat::ParseFromString(text, &parts.settings));
    EXPECT_THAT(CheckSettings(&parts.settings), IsOk());
    parts.secret = std::string(32, 's');
    parts.open_identity = [this] { return identity_.Channel(); };
    parts.types = types_;
    parts.directory = directory_.get();
    parts.bus = client_.get();
    parts.clock = &clock_;
    parts.log_clock = &clock_;
    parts.random = &random_;
    parts.log = &log_;
    return parts;
  }
  void Start() {
    sender_.reset();
    edge_.reset();
    auto edge = Hl7EdgeProcess::Start(Parts());
    ASSERT_THAT(edge, IsOk());
    edge_ = *std::move(edge);
    sender_ =
        std::make_unique<concordat::testing::MllpClient>(edge_->mllp_port());
  }
  hub::v1::GetStatusResponse Status() const {
    hub::v1::GetStatusResponse status;
    edge_->FillStatus(&status);
    return status;
  }
  template <typename Done>
  bool Until(Done done) const {
    const auto limit =
        std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      std::this_thread::yield();
    }
    return true;
  }
  // Ready, and nothing waits.
  bool Settled() const {
    return Until([this] {
      const auto status = Status();
      return status.ready() && status.degraded_because().empty();
    });
  }
  void Publish(const std::string& type, const std::string& data) {
    Event event;
    event.header.source = "urn:concordat:nhs-tayside:concordat-nhs";
    event.header.type = absl::StrCat("concordat.nhs.v1.", type);
    event.header.id = absl::StrCat(type, bus_.end().value);
    event.header.subject = kP2;
    event.header.stream = "sharing/D-2001";
    event.header.time_us = 1762509600000000;  // 2025-11-07T10:00Z
    event.groups.push_back({0, data});
    ASSERT_THAT(PublishAndWait(*other_, {event}, absl::Seconds(5)), IsOk());
    const uint64_t end = bus_.end().value;
    ASSERT_TRUE(Until([&] { return Status().log_end() >= end; }));
  }
  void DecideSharing() {
    nhs::v1::SharingDecided decided;
    decided.set_decision_ref("D-2001");
    decided.set_what("ENGAGEMENT_ONLY");
    decided.set_service_code("ALCOHOL_TREATMENT");
    decided.set_until("2026-11-06");
    Publish("SharingDecided", decided.SerializeAsString());
  }
  std::vector<View> Missed() const {
    std::vector<View> missed;
    for (const View& view : bus_.events()) {
      if (absl::EndsWith(view.header.type, "AppointmentMissed")) {
        missed.push_back(view);
      }
    }
    return missed;
  }
  bool OnDisk(absl::string_view what) const {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder_.path())) {
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(file), {}};
      if (absl::StrContains(bytes, what)) return true;
    }
    return false;
  }

  const std::shared_ptr<const TypeRegistry> types_;
  concordat::testing::TempDir folder_;
  concordat::testing::SeededRandom random_;
  concordat::testing::FakeClock clock_;
  const Logger log_{"test"};
  concordat::testing::FakeBus bus_{clock_};
  FakeIdentity identity_;
  std::unique_ptr<Directory> directory_;
  std::unique_ptr<BusClient> client_;
  std::unique_ptr<BusClient> other_;
  std::unique_ptr<Hl7EdgeProcess> edge_;
  std::unique_ptr<concordat::testing::MllpClient> sender_;
};

TEST_F(Hl7EdgeTest, PlaysTheStorysMessages) {
  Start();
  ASSERT_TRUE(Settled());
  DecideSharing();
  const auto send = [&](const std::string& message) {
    return AckOf(sender_->Ask(message));
  };
  EXPECT_EQ(send(Siu("S12", "DEMO0007", "20251117090000", kP2Chi,
                     "BALNAMOON^TORQUIL")),
            "AA DEMO0007");
  EXPECT_EQ(send(absl::StrCat(Msh("ADT^A21", "DEMO0008", "20251124130200"),
                              Pid(kP4Chi, "DUNLAPPIE^FEARCHAR"), "PV1|1|I\r")),
            "AA DEMO0008");
  EXPECT_EQ(send(kH9), "AA DEMO0009");
  EXPECT_EQ(send(Siu("S26", "DEMO0011", "20251203100000", "1708020004",
                     "CRAIGOWL^EILIDH")),
            "AA DEMO0011");
  for (int i = 12; i <= 31; ++i) {
    const std::string control = absl::StrCat("DEMO00", i);
    const std::string chi = absl::StrCat("11045500", i);
    const std::string message =
        i % 2 == 0
            ? Siu("S26", control, "20251110100000", chi, "STRANGER^PERSON")
            : absl::StrCat(Msh("ADT^A01", control, "20251110100000"),
                           Pid(chi, "STRANGER^PERSON"), "PV1|1|I\r");
    EXPECT_EQ(send(message), "AA " + control);
  }
  EXPECT_EQ(send(absl::StrCat(Msh("ADT^A01", "DEMO0032", "20251204120000", "P"),
                              Pid("0606610014", "STRANGER^LIVE"))),
            "AR DEMO0032");
  EXPECT_EQ(
      send(absl::StrCat(Msh("ADT^A01", "DEMO0033", "20251204120500"),
                        "EVN|A01\rPID|1||0606610014^^^NHSSCOT^CHI||STRA")),
      "AE DEMO0033");
  EXPECT_EQ(send(kH9), "AA DEMO0009");  // Sent again: nothing new.
  ASSERT_TRUE(Settled());

  const EdgeCounts counts = edge_->store().counts();
  EXPECT_EQ(counts.held, 2u);
  EXPECT_EQ(counts.published, 1u);
  EXPECT_EQ(counts.not_in_cohort, 21u);
  EXPECT_EQ(counts.refused, 2u);
  EXPECT_EQ(counts.waiting, 0u);
  const auto items = edge_->store().items();
  ASSERT_EQ(items.size(), 4u);
  EXPECT_EQ(items[0].verdict.words,
            "booked; engagement only: nothing to share yet");
  EXPECT_EQ(items[1].verdict.words, "leave started, for you to decide");

  const auto missed = Missed();
  ASSERT_EQ(missed.size(), 1u);
  const Header& header = missed[0].header;
  EXPECT_EQ(header.source, "urn:concordat:nhs-tayside:pas");
  EXPECT_EQ(header.controller, "nhs-tayside");
  EXPECT_EQ(header.subject, kP2);
  EXPECT_EQ(header.stream, "appointment/A20017-3");
  EXPECT_EQ(header.time_us, 1764242400000000u);  // 2025-11-27T11:20Z
  nhs::v1::AppointmentMissed data;
  ASSERT_TRUE(data.ParseFromString(missed[0].Data()));
  EXPECT_EQ(data.appointment_ref(), "A20017-3");
  EXPECT_EQ(data.service_code(), "ALCOHOL_TREATMENT");
  EXPECT_EQ(data.decision_ref(), "D-2001");

  sender_.reset();
  edge_.reset();  // What is left when all is flushed.
  for (const absl::string_view never :
       {"CRAIGOWL", "EILIDH", "1708020004", "STRANGER", "11045500",
        "0606610014", "BALNAMOON", "DUNLAPPIE", kP2Chi, kP4Chi, "MARKER",
        "NHSSCOT", "SIU^S26", "ALCTX"}) {
    EXPECT_FALSE(OnDisk(never)) << never;
  }
}

TEST_F(Hl7EdgeTest, GoesOnAfterARestartAndPublishesOnce) {
  Start();
  ASSERT_TRUE(Settled());
  DecideSharing();
  bus_.GoAwayBeforeNextAnswer("AppointmentMissed");  // Not a feed's heartbeat.
  EXPECT_EQ(AckOf(sender_->Ask(kH9)), "AA DEMO0009");
  ASSERT_TRUE(Until([this] { return Missed().size() == 1; }));
  EXPECT_EQ(edge_->store().counts().waiting, 1u);
  EXPECT_EQ(Status().position(), 0u);
  sender_.reset();
  edge_.reset();
  bus_.ComeBack();
  Start();
  ASSERT_TRUE(Settled());
  EXPECT_EQ(edge_->store().counts().published, 1u);
  EXPECT_EQ(Missed().size(), 1u);
  EXPECT_EQ(AckOf(sender_->Ask(kH9)), "AA DEMO0009");
  ASSERT_TRUE(Settled());
  EXPECT_EQ(edge_->store().counts().published, 1u);
  EXPECT_EQ(Missed().size(), 1u);
}

TEST_F(Hl7EdgeTest, NothingLeavesAfterTheDecisionEnded) {
  Start();
  ASSERT_TRUE(Settled());
  DecideSharing();
  nhs::v1::SharingEnded ended;
  ended.set_decision_ref("D-2001");
  Publish("SharingEnded", ended.SerializeAsString());
  EXPECT_EQ(AckOf(sender_->Ask(kH9)), "AA DEMO0009");
  ASSERT_TRUE(Settled());
  EXPECT_EQ(edge_->store().counts().held, 1u);
  EXPECT_TRUE(Missed().empty());
}

TEST_F(Hl7EdgeTest, WhoLeftTheCohortIsAStranger) {
  Start();
  ASSERT_TRUE(Settled());
  identity_.Leave(kP4);
  identity_.Complete(9);
  DecideSharing();
  ASSERT_TRUE(Until([this] { return Status().position() > 0; }));
  identity_.Complete(10);
  const std::string leave = absl::StrCat(Msh("ADT^A21", "L1", "20251124130200"),
                                         Pid(kP4Chi, "DUNLAPPIE^FEARCHAR"));
  ASSERT_TRUE(Until([&] {
    EXPECT_EQ(AckOf(sender_->Ask(leave)), "AA L1");
    return edge_->store().counts().not_in_cohort > 0;
  }));
}

TEST_F(Hl7EdgeTest, ForgetsWhoIsErasedAndSaysSo) {
  Start();
  ASSERT_TRUE(Settled());
  EXPECT_EQ(AckOf(sender_->Ask(kH9)), "AA DEMO0009");
  EXPECT_EQ(AckOf(sender_->Ask(
                absl::StrCat(Msh("ADT^A21", "DEMO0008", "20251124130200"),
                             Pid(kP4Chi, "DUNLAPPIE^FEARCHAR"), "PV1|1|I\r"))),
            "AA DEMO0008");
  ASSERT_TRUE(Settled());
  ASSERT_EQ(edge_->store().counts().held, 2u);
  hub::v1::PersonErased erased;
  erased.set_erasure_ref("E-1");
  erased.set_reason("PERIOD_ENDED");
  Event event;
  event.header.source = "urn:concordat:concordat-operator:hub";
  event.header.type = erased.GetTypeName();
  event.header.id = "E-1";
  event.header.subject = kP2;
  event.header.stream = "erasures";
  event.groups.push_back({0, erased.SerializeAsString()});
  ASSERT_THAT(PublishAndWait(*other_, {event}, absl::Seconds(5)), IsOk());
  const auto confirmed = [this] {
    std::vector<View> views;
    for (const View& view : bus_.events()) {
      if (absl::EndsWith(view.header.type, "ErasureConfirmed")) {
        views.push_back(view);
      }
    }
    return views;
  };
  for (int start = 0; start < 2; ++start) {
    ASSERT_TRUE(Until([&] { return !confirmed().empty(); }));
    ASSERT_EQ(confirmed().size(), 1u);
    hub::v1::ErasureConfirmed says;
    ASSERT_TRUE(says.ParseFromString(confirmed()[0].Data()));
    EXPECT_EQ(says.erasure_ref(), "E-1");
    EXPECT_EQ(says.destroyed(), 1u);
    EXPECT_EQ(confirmed()[0].header.source, "urn:concordat:nhs-tayside:pas");
    const auto items = edge_->store().items(/*with_ended=*/true);
    ASSERT_EQ(items.size(), 1u);
    EXPECT_EQ(items[0].verdict.subject, kP4);
    Start();
    ASSERT_TRUE(Settled());
  }
}

TEST_F(Hl7EdgeTest, SpoolsWhileNobodyKnowsTheCohort) {
  Start();
  ASSERT_TRUE(Settled());
  clock_.Advance(absl::Minutes(2));
  EXPECT_EQ(
      AckOf(sender_->Ask(absl::StrCat(Msh("ADT^A01", "S1", "20251124130200"),
                                      Pid("1104550008", "STRANGER^PERSON")))),
      "AA S1");
  EXPECT_EQ(edge_->store().counts().waiting, 1u);
  EXPECT_FALSE(Status().ready());
  identity_.Complete(2);
  ASSERT_TRUE(Settled());
  EXPECT_EQ(edge_->store().counts().not_in_cohort, 1u);
  EXPECT_EQ(edge_->store().counts().held, 0u);
  EXPECT_FALSE(OnDisk("STRANGER"));
}

TEST_F(Hl7EdgeTest, TellsTheOperatorNoMoreThanReasons) {
  Start();
  ASSERT_TRUE(Settled());
  EXPECT_EQ(AckOf(sender_->Ask(kH9)), "AA DEMO0009");
  ASSERT_TRUE(Settled());
  const auto caller = [](const std::string& role, const std::string& agency) {
    bus::v1::Principal principal;
    principal.set_role(role);
    principal.set_agency(agency);
    return principal;
  };
  EdgeService service(
      edge_->store(), edge_->desk(), "nhs-tayside", {"nhs-liaison"},
      [this](const PersonKey& subject, const bus::v1::Principal& who) {
        return edge_->cohort().Allows(subject, {who.agency(), who.role(), {}});
      },
      [this](v1::Counts& counts) { edge_->FillCounts(counts); });
  const auto list = [&service](const bus::v1::Principal& who) {
    return service.List(who, v1::ListRejectsRequest());
  };
  const auto own = list(caller("nhs-liaison", "nhs-tayside"));
  ASSERT_THAT(own, IsOk());
  ASSERT_EQ(own->items_size(), 1);
  EXPECT_EQ(own->items(0).subject(), kP2.ToString());
  EXPECT_EQ(own->items(0).reason(), "no sharing decision in force");
  EXPECT_EQ(own->counts().held(), 1u);
  EXPECT_EQ(own->counts().last_message_at(), 1764242400000000u);
  const auto admin = list(caller("operator", "concordat-operator"));
  ASSERT_THAT(admin, IsOk());
  EXPECT_EQ(admin->items(0).reason(), "no sharing decision in force");
  EXPECT_EQ(admin->items(0).subject(), "");
  EXPECT_EQ(admin->items(0).words(), "");
  EXPECT_EQ(admin->items(0).message_type(), "");
  EXPECT_EQ(admin->items(0).item_ref(), "");
  EXPECT_THAT(list(caller("nhs-liaison", "nhs-fife")),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(list(caller("police", "police-scotland")),
              HasCode(absl::StatusCode::kPermissionDenied));
}

TEST_F(Hl7EdgeTest, ListensInTheClearOnLoopbackAlone) {
  Hl7EdgeParts parts = Parts();
  parts.settings.mutable_listener()->set_address("0.0.0.0");
  EXPECT_THAT(Hl7EdgeProcess::Start(std::move(parts)),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace concordat::edge
