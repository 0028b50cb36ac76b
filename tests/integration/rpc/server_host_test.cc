// The host over real TLS on port 0.
//
// Mutant                                       Caught by
// certificate of another CA taken              AStrangersCertificateIsCutOff
// environment in the URI not looked at         ACertificateOfAnotherEnvironment…
// registry asked at connect, not per call      ARevokedPrincipalIsRefused…
// the key of a certificate not looked at       ACertificateForAKeyThatIsNot…
// role not checked                             AMethodIsForItsRolesOnly
// deadline not required                        ACallWithoutADeadlineIsRefused
// queue without a bound                        AFullQueueIsSaidAtOnce
// expired call still runs                      WhatWaitedTooLongIsNotDone
// server's certificate not looked at           AClientRefusesAnotherServer
// files read at the start alone                CertificatesAreReplaced…
// a new certificate ends the connections       CertificatesAreReplaced…
// answer although the record failed            NothingIsAnsweredUnrecorded
// a program that answers nothing looks well    NothingIsAnsweredUnrecorded
// anybody may name anybody                     OnlyThoseNamedOneByOne…
// the revoked may be spoken for                ARevokedPrincipalIsNotSpokenFor
// the caller's own role counts                 ADelegatedCallHasTheRights…
// a door may call in nobody's name             ADoorHasNoRightsOfItsOwn
// of two names the first counts                OnlyThoseNamedOneByOne…
// staff written into the record as it comes    AStaffAccountIsOneWord
// a call answered later holds up the others    AnAnswerMayComeLaterFromAnother…
// what is answered later needs no deadline     ACallWithoutADeadlineIsRefused
// an answer that comes later tells of others   WhomALaterAnswerIsAboutIsRecordedFirst
#include "services/common/rpc/server_host.h"

#include <atomic>
#include <cstdio>
#include <fstream>
#include <functional>
#include <future>
#include <thread>

#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/command.pb.h"
#include "concordat/hub/v1/status.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "gtest/gtest.h"
#include "services/common/base/ids.h"
#include "services/common/base/system_clock.h"
#include "services/common/crypto/certificate_key.h"
#include "services/common/rpc/channel.h"
#include "services/common/rpc/tls.h"
#include "tests/integration/rpc/host_fixture.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::concordat::testing::kGateway;
using ::concordat::testing::kNhs;
using ::concordat::testing::kPolice;
using ::concordat::testing::kServer;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kEcho[] = "concordat.test.Test/Echo";
constexpr char kPoliceOnly[] = "concordat.test.Test/PoliceOnly";
constexpr char kWait[] = "concordat.test.Test/Wait";
constexpr char kLater[] = "concordat.test.Test/Later";
constexpr char kStream[] = "concordat.test.Test/Stream";
constexpr char kStatus[] = "concordat.hub.v1.StatusService/GetStatus";

class ServerHostTest : public testing::HostTest {
 protected:
  ServerHostTest() { Start(/*queue_max=*/8); }
  ~ServerHostTest() override {
    Release();
    host_->Stop();
  }

  void Revoke(int principal) {
    bus::v1::Registry registry;
    {
      MutexLock lock(mu_);
      registry = registry_->proto();
    }
    registry.mutable_principals(principal)->set_revoked(true);
    SetRegistry(registry);
  }

  void Start(size_t queue_max) { Start(queue_max, ca_.Issue(kServer)); }
  void Start(size_t queue_max, TlsCredentials tls) {
    MakeHost(queue_max, std::move(tls));
    const auto echo = [](const Call& call, const hub::v1::Command& request)
        -> absl::StatusOr<hub::v1::Command> {
      if (request.request_id().empty()) {
        return absl::NotFoundError("nothing to echo");
      }
      hub::v1::Command response = request;
      response.set_on_behalf_of(
          absl::StrCat(call.principal->name(), "/", call.purpose,
                       call.via.empty() ? "" : " via ", call.via,
                       call.staff.empty() ? "" : "/", call.staff));
      return response;
    };
    host_->Handle<hub::v1::Command, hub::v1::Command>(kEcho, {}, echo);
    host_->Handle<hub::v1::Command, hub::v1::Command>(kPoliceOnly, {{"police"}},
                                                      echo);
    host_->Handle<hub::v1::Command, hub::v1::Command>(
        kWait, {},
        [this](const Call&, const hub::v1::Command& request)
            -> absl::StatusOr<hub::v1::Command> {
          MutexLock lock(mu_);
          ++waited_;
          changed_.NotifyAll();
          changed_.WaitFor(
              mu_, absl::Seconds(10),
              [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return released_; });
          return request;
        });
    host_->HandleStream<hub::v1::Command, hub::v1::Command>(
        kStream, {},
        [](const Call&, const hub::v1::Command& request,
           std::shared_ptr<ResponseStream<hub::v1::Command>> stream) {
          for (uint64_t i = 0; i < request.time(); ++i) {
            hub::v1::Command response;
            response.set_time(i);
            EXPECT_TRUE(stream->Write(response));
          }
          stream->Finish(absl::OutOfRangeError("that was all"));
          return absl::OkStatus();
        });
    host_->HandleLater<hub::v1::Command, hub::v1::Command>(
        kLater, {},
        [this](const Call&, const hub::v1::Command& request,
               const Reply<hub::v1::Command>& reply) {
          MutexLock lock(mu_);
          later_.emplace_back(request, reply);
          changed_.NotifyAll();
        });
    StartHost();
  }

  // Until a call of kWait holds the host's thread.
  void AwaitFirst() {
    MutexLock lock(mu_);
    ASSERT_TRUE(changed_.WaitFor(mu_, absl::Seconds(10),
                                 [this] { return waited_ > 0; }));
  }
  void Release() {
    MutexLock lock(mu_);
    released_ = true;
    changed_.NotifyAll();
  }

  static absl::StatusOr<hub::v1::Command> Send(
      const std::shared_ptr<grpc::Channel>& channel, const char* method,
      const std::string& request_id = "r-1", const CallOptions& options = {}) {
    hub::v1::Command request;
    request.set_request_id(request_id);
    const auto bytes =
        GenericCall(channel, method, request.SerializeAsString(), options);
    if (!bytes.ok()) return bytes.status();
    hub::v1::Command response;
    EXPECT_TRUE(response.ParseFromString(*bytes));
    return response;
  }

  // How a call of kEcho with this context ends.
  static grpc::StatusCode Raw(const std::shared_ptr<grpc::Channel>& channel,
                              grpc::ClientContext* context) {
    grpc::GenericStub stub(channel);
    const grpc::Slice none("");
    const grpc::ByteBuffer in(&none, 1);
    grpc::ByteBuffer out;
    std::promise<grpc::StatusCode> ended;
    stub.UnaryCall(
        context, absl::StrCat("/", kEcho), grpc::StubOptions(), &in, &out,
        [&ended](const grpc::Status& s) { ended.set_value(s.error_code()); });
    return ended.get_future().get();
  }

  CondVar changed_;
  std::vector<std::pair<hub::v1::Command, Reply<hub::v1::Command>>> later_
      ABSL_GUARDED_BY(mu_);
  bool released_ ABSL_GUARDED_BY(mu_) = false;
  std::atomic<int> waited_{0};
};

TEST_F(ServerHostTest, AHandlerKnowsTheCallerAndItsPurposeAndIsRecorded) {
  const auto channel = Channel(kPolice);
  const auto response = Send(channel, kEcho);
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->on_behalf_of(), "police/MAPPA_RISK_MANAGEMENT");
  EXPECT_EQ(Send(channel, kEcho, "r-2", {.purpose = "ORDER_SUPERVISION"})
                ->on_behalf_of(),
            "police/ORDER_SUPERVISION");
  EXPECT_THAT(Send(channel, kEcho, ""), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(
      access_.lines(),
      ElementsAre(
          "police concordat.test.Test/Echo MAPPA_RISK_MANAGEMENT OK",
          "police concordat.test.Test/Echo ORDER_SUPERVISION OK",
          "police concordat.test.Test/Echo MAPPA_RISK_MANAGEMENT NOT_FOUND"));
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("concordat_rpc_calls_total{code=\"NOT_FOUND\",method="
                        "\"concordat.test.Test/Echo\"} 1"));
}

TEST_F(ServerHostTest, AMethodIsForItsRolesOnly) {
  EXPECT_THAT(Send(Channel(kPolice), kPoliceOnly), IsOk());
  EXPECT_THAT(Send(Channel(kNhs), kPoliceOnly),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Send(Channel(kNhs), "concordat.test.Test/None"),
              HasCode(absl::StatusCode::kUnimplemented));
}

TEST_F(ServerHostTest, ADelegatedCallHasTheRightsOfTheOneNamed) {
  const auto gateway = Channel(kGateway);
  const auto response = Send(gateway, kPoliceOnly, "r-1",
                             {.principal = "police", .staff = "e.tulliallan"});
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->on_behalf_of(),
            "police/MAPPA_RISK_MANAGEMENT via gateway/e.tulliallan");
  // A system has no account.
  EXPECT_THAT(Send(gateway, kEcho, "r-2", {.principal = "police"}), IsOk());
  EXPECT_THAT(
      access_.lines(),
      ElementsAre("police concordat.test.Test/PoliceOnly MAPPA_RISK_MANAGEMENT "
                  "OK via gateway/e.tulliallan",
                  "police concordat.test.Test/Echo MAPPA_RISK_MANAGEMENT OK "
                  "via gateway/"));
}

TEST_F(ServerHostTest, OnlyThoseNamedOneByOneAreSpokenFor) {
  const auto gateway = Channel(kGateway);
  const auto denied = HasCode(absl::StatusCode::kPermissionDenied);
  const auto registered = Send(gateway, kEcho, "r", {.principal = "nhs"});
  const auto unknown = Send(gateway, kEcho, "r", {.principal = "nobody"});
  EXPECT_THAT(registered, denied);
  EXPECT_THAT(unknown, denied);
  EXPECT_EQ(registered.status().message(), unknown.status().message());
  EXPECT_THAT(Send(gateway, kEcho, "r", {.principal = "gateway"}), denied);
  // Nobody else speaks for anybody, nor for itself.
  EXPECT_THAT(Send(Channel(kNhs), kEcho, "r", {.principal = "police"}), denied);
  EXPECT_THAT(Send(Channel(kPolice), kEcho, "r", {.principal = "police"}),
              denied);
  EXPECT_THAT(Send(Channel(kPolice), kEcho, "r", {.staff = "e.tulliallan"}),
              denied);

  grpc::ClientContext twice;
  twice.set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_REALTIME),
                                  gpr_time_from_seconds(10, GPR_TIMESPAN)));
  twice.AddMetadata(kPrincipalMetadata, "police");
  twice.AddMetadata(kPrincipalMetadata, "nhs");
  EXPECT_EQ(Raw(gateway, &twice), grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(ServerHostTest, ARevokedPrincipalIsNotSpokenFor) {
  const auto gateway = Channel(kGateway);
  EXPECT_THAT(Send(gateway, kEcho, "r", {.principal = "police"}), IsOk());
  Revoke(0);
  EXPECT_THAT(Send(gateway, kEcho, "r", {.principal = "police"}),
              HasCode(absl::StatusCode::kPermissionDenied));
  Revoke(2);
  EXPECT_THAT(Send(gateway, kEcho, "r", {.principal = "police"}),
              HasCode(absl::StatusCode::kUnauthenticated));
}

TEST_F(ServerHostTest, ADoorHasNoRightsOfItsOwn) {
  const auto gateway = Channel(kGateway);
  EXPECT_THAT(Send(gateway, kEcho),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(GenericServerStream(gateway, kStream, "", {},
                                  [](const std::string&) { return true; }),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(GenericCall(gateway, kStatus, "", {}), IsOk());
}

TEST_F(ServerHostTest, AStaffAccountIsOneWord) {
  const auto gateway = Channel(kGateway);
  for (const std::string& staff :
       {std::string("a b"), std::string("a outcome=OK"),
        std::string(65, 'a')}) {
    EXPECT_THAT(
        Send(gateway, kEcho, "r", {.principal = "police", .staff = staff}),
        HasCode(absl::StatusCode::kPermissionDenied));
  }
  EXPECT_THAT(Send(gateway, kEcho, "r",
                   {.principal = "police", .staff = std::string(64, 'a')}),
              IsOk());
}

TEST_F(ServerHostTest, AStrangersCertificateIsCutOff) {
  // The right URI, another authority: it never gets as far as a call.
  const testing::TestCa other;
  TlsCredentials stranger = other.Issue(kPolice);
  stranger.ca = ca_.certificate();
  EXPECT_THAT(Send(Channel(stranger), kEcho),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(
      Send(Channel("spiffe://demo.concordat/police-scotland/unknown"), kEcho),
      HasCode(absl::StatusCode::kUnauthenticated));
  host_->Stop();
  EXPECT_THAT(access_.lines(), Contains(" concordat.test.Test/Echo  "
                                        "UNAUTHENTICATED"));
}

TEST_F(ServerHostTest, CertificatesAreReplacedWhileItServes) {
  const testing::TempDir folder;
  TlsCredentials tls = ca_.Issue(kServer);
  tls.ca_path = folder.PathOf("ca");
  tls.certificate_path = folder.PathOf("certificate");
  tls.private_key_path = folder.PathOf("key");
  const auto write = [&](const TlsCredentials& now) {
    for (const auto& [path, text] :
         {std::pair(&tls.ca_path, &now.ca),
          std::pair(&tls.private_key_path, &now.private_key),
          std::pair(&tls.certificate_path, &now.certificate)}) {
      std::ofstream(*path + ".new") << *text;
      ASSERT_EQ(std::rename((*path + ".new").c_str(), path->c_str()), 0);
    }
  };
  write(tls);
  host_->Stop();
  Start(/*queue_max=*/8, tls);
  const auto before = Channel(kPolice);
  EXPECT_THAT(Send(before, kEcho), IsOk());
  const testing::TestCa next;
  EXPECT_THAT(Send(Channel(next.Issue(kPolice)), kEcho),
              HasCode(absl::StatusCode::kUnavailable));
  TlsCredentials both = next.Issue(kServer);
  both.ca += ca_.certificate();
  write(both);
  const SystemSteadyClock clock;
  const absl::Duration until = clock.Elapsed() + absl::Seconds(30);
  while (!Send(Channel(next.Issue(kPolice)), kEcho).ok()) {
    ASSERT_LT(clock.Elapsed(), until);
  }
  // Who is connected stays so.
  EXPECT_THAT(Send(before, kEcho), IsOk());
}

TEST_F(ServerHostTest, ACertificateOfAnotherEnvironmentIsRefused) {
  const auto refused =
      Send(Channel("spiffe://live.concordat/police-scotland/rms"), kEcho);
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(refused.status().message(),
              HasSubstr("not of this environment, demo"));
}

TEST_F(ServerHostTest, ARevokedPrincipalIsRefusedOnAnOpenConnection) {
  const auto channel = Channel(kPolice);
  EXPECT_THAT(Send(channel, kEcho), IsOk());
  Revoke(0);
  EXPECT_THAT(Send(channel, kEcho),
              HasCode(absl::StatusCode::kUnauthenticated));
}

TEST_F(ServerHostTest, ACertificateForAKeyThatIsNotRegisteredIsNobodys) {
  const TlsCredentials own = ca_.Issue(kPolice);
  const TlsCredentials stolen = ca_.Issue(kPolice);
  const auto with_old = Channel(stolen);
  EXPECT_THAT(Send(with_old, kEcho), IsOk());
  bus::v1::Registry registry;
  {
    MutexLock lock(mu_);
    registry = registry_->proto();
  }
  bus::v1::Principal& police = *registry.mutable_principals(0);
  police.set_certificate_key(*CertificateKeyOfPem(own.certificate));
  police.set_second_certificate_key(*CertificateKeyOfPem(stolen.certificate));
  SetRegistry(registry);
  EXPECT_THAT(Send(Channel(own), kEcho), IsOk());
  EXPECT_THAT(Send(with_old, kEcho), IsOk());
  police.clear_second_certificate_key();
  SetRegistry(registry);
  EXPECT_THAT(Send(Channel(own), kEcho), IsOk());
  // On an open connection, too.
  const auto refused = Send(with_old, kEcho);
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(refused.status().message(), HasSubstr("for another key"));
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("concordat_rpc_other_certificate_key_total 1"));
  // Whoever has the gateway's is not asked for the one of whom it speaks for.
  EXPECT_THAT(Send(Channel(kGateway), kEcho, "r", {.principal = "police"}),
              IsOk());
}

TEST_F(ServerHostTest, ACallWithoutADeadlineIsRefused) {
  EXPECT_THAT(
      Send(Channel(kPolice), kEcho, "r", {.timeout = absl::InfiniteDuration()}),
      HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Send(Channel(kPolice), kLater, "r",
                   {.timeout = absl::InfiniteDuration()}),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Send(Channel(kPolice), kEcho, "r", {.purpose = "not a purpose"}),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(ServerHostTest, AClientRefusesAnotherServer) {
  EXPECT_THAT(Send(Channel(ca_.Issue(kPolice),
                           "spiffe://demo.concordat/nhs-tayside/server"),
                   kEcho),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(ServerHostTest, AFullQueueIsSaidAtOnceAndStatusStillAnswers) {
  const auto channel = Channel(kPolice);
  std::vector<std::thread> calls;
  std::atomic<int> done{0};
  std::atomic<int> exhausted{0};
  calls.emplace_back([&] {
    if (Send(channel, kWait).ok()) ++done;
  });
  AwaitFirst();
  for (int i = 0; i < 19; ++i) {
    calls.emplace_back([&] {
      const auto response = Send(channel, kWait);
      if (response.ok()) ++done;
      if (absl::IsResourceExhausted(response.status())) {
        // Eleven are told while the handler still waits: 8 queue.
        if (++exhausted == 11) {
          EXPECT_THAT(GenericCall(channel, kStatus, "", {}), IsOk());
          Release();
        }
      }
    });
  }
  for (std::thread& call : calls) call.join();
  EXPECT_EQ(done, 9);
  EXPECT_EQ(exhausted, 11);
}

TEST_F(ServerHostTest, WhatWaitedTooLongIsNotDone) {
  const auto channel = Channel(kPolice);
  std::thread first([&] { EXPECT_THAT(Send(channel, kWait), IsOk()); });
  AwaitFirst();
  EXPECT_THAT(Send(channel, kWait, "r-2", {.timeout = absl::Milliseconds(50)}),
              HasCode(absl::StatusCode::kDeadlineExceeded));
  clock_.Shift(2);  // The caller's deadline has passed here, too.
  Release();
  first.join();
  EXPECT_THAT(Send(channel, kEcho), IsOk());  // The queue has run past it.
  EXPECT_EQ(waited_, 1);
}

TEST_F(ServerHostTest, AnAnswerMayComeLaterFromAnotherThread) {
  const auto channel = Channel(kPolice);
  std::vector<std::thread> calls;
  for (const char* id : {"good", "bad"}) {
    calls.emplace_back([&channel, id] {
      const auto response = Send(channel, kLater, id);
      if (id == std::string("good")) {
        ASSERT_THAT(response, IsOk());
        EXPECT_EQ(response->request_id(), "good");
      } else {
        EXPECT_THAT(response, HasCode(absl::StatusCode::kDataLoss));
      }
    });
  }
  std::vector<std::pair<hub::v1::Command, Reply<hub::v1::Command>>> open;
  {
    MutexLock lock(mu_);
    ASSERT_TRUE(changed_.WaitFor(mu_, absl::Seconds(10),
                                 [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
                                   return later_.size() == 2;
                                 }));
    open.swap(later_);
  }
  EXPECT_THAT(Send(channel, kEcho), IsOk());  // Nobody waits for them.
  for (const auto& [request, reply] : open) {
    if (request.request_id() == "good") {
      reply(request);
      reply(absl::DataLossError("the first answer counts"));
    } else {
      reply(absl::DataLossError("bad"));
    }
  }
  for (std::thread& call : calls) call.join();
  EXPECT_THAT(access_.lines(), Contains("police concordat.test.Test/Later "
                                        "MAPPA_RISK_MANAGEMENT OK"));
}

TEST_F(ServerHostTest, WhomALaterAnswerIsAboutIsRecordedFirst) {
  const std::string asked = PersonKey({1}).ToString();
  const std::string other = PersonKey({2}).ToString();
  const auto channel = Channel(kPolice);
  // How a call ends that is answered so; `before` is done while it is open.
  const auto answer = [&](const std::string& about,
                          const std::function<void()>& before) {
    absl::StatusOr<hub::v1::Command> response;
    std::thread call([&] { response = Send(channel, kLater, asked); });
    std::vector<std::pair<hub::v1::Command, Reply<hub::v1::Command>>> open;
    {
      MutexLock lock(mu_);
      EXPECT_TRUE(changed_.WaitFor(
          mu_, absl::Seconds(10),
          [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !later_.empty(); }));
      open.swap(later_);
    }
    before();
    if (!open.empty()) {
      hub::v1::Command about_them = open[0].first;
      about_them.set_on_behalf_of(about);
      open[0].second(about_them);
    }
    call.join();
    return response;
  };
  const std::string line =
      "police concordat.test.Test/Later MAPPA_RISK_MANAGEMENT OK of ";
  ASSERT_THAT(answer(asked, [] {}), IsOk());
  EXPECT_THAT(access_.lines(), ElementsAre(line + asked));
  ASSERT_THAT(answer(other, [] {}), IsOk());
  EXPECT_THAT(access_.lines(),
              ElementsAre(line + asked, line + asked, line + other));
  EXPECT_THAT(answer(other, [this] { access_.Fail(); }),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(ServerHostTest, NothingIsAnsweredUnrecorded) {
  access_.Fail();
  EXPECT_THAT(Send(Channel(kPolice), kEcho),
              HasCode(absl::StatusCode::kUnavailable));
  // And its state says so, to the outside watcher too.
  const auto bytes = GenericCall(Channel(kPolice), kStatus, "", {});
  ASSERT_THAT(bytes, IsOk());
  hub::v1::GetStatusResponse status;
  ASSERT_TRUE(status.ParseFromString(*bytes));
  EXPECT_THAT(status.degraded_because(), HasSubstr("cannot be recorded"));
}

TEST_F(ServerHostTest, AStreamArrivesWholeAndInOrderAndEndsWithItsStatus) {
  hub::v1::Command request;
  request.set_time(100);
  std::vector<uint64_t> got;
  const absl::Status end = GenericServerStream(
      Channel(kPolice), kStream, request.SerializeAsString(),
      {.timeout = absl::InfiniteDuration()}, [&](std::string bytes) {
        hub::v1::Command message;
        EXPECT_TRUE(message.ParseFromString(bytes));
        got.push_back(message.time());
        return true;
      });
  EXPECT_THAT(end, HasCode(absl::StatusCode::kOutOfRange));
  ASSERT_EQ(got.size(), 100u);
  for (uint64_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i], i);
}

TEST_F(ServerHostTest, StatusSaysWhoItIs) {
  const auto bytes = GenericCall(Channel(kNhs), kStatus, "", {});
  ASSERT_THAT(bytes, IsOk());
  hub::v1::GetStatusResponse status;
  ASSERT_TRUE(status.ParseFromString(*bytes));
  EXPECT_EQ(status.program(), "concordat-test");
  EXPECT_TRUE(status.ready());
  EXPECT_GT(status.resident_bytes(), 1u << 20);
  EXPECT_THAT(GenericCall(Channel(kNhs), "grpc.health.v1.Health/Check", "", {}),
              IsOk());
}

}  // namespace
}  // namespace concordat
