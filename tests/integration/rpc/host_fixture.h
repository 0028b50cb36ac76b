#ifndef CONCORDAT_TESTS_INTEGRATION_RPC_HOST_FIXTURE_H_
#define CONCORDAT_TESTS_INTEGRATION_RPC_HOST_FIXTURE_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "grpcpp/create_channel.h"
#include "gtest/gtest.h"
#include "services/common/base/system_clock.h"
#include "services/common/rpc/server_host.h"
#include "services/common/rpc/tls.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_certificates.h"

namespace concordat::testing {

inline constexpr char kServer[] =
    "spiffe://demo.concordat/police-scotland/server";
inline constexpr char kPolice[] = "spiffe://demo.concordat/police-scotland/rms";
inline constexpr char kGateway[] =
    "spiffe://demo.concordat/concordat-operator/gateway";
inline constexpr char kNhs[] = "spiffe://demo.concordat/nhs-tayside/liaison";

class MemoryAccessLog : public AccessLog {
 public:
  absl::Status Append(const AccessRecord& r) override {
    MutexLock lock(mu_);
    if (fails_) return absl::UnavailableError("disk full");
    std::string line = absl::StrCat(r.principal, " ", r.method, " ", r.purpose,
                                    " ", absl::StatusCodeToString(r.outcome));
    if (!r.via.empty()) absl::StrAppend(&line, " via ", r.via, "/", r.staff);
    if (r.persons != nullptr) {
      for (const std::string& person : r.persons->subjects) {
        absl::StrAppend(&line, " of ", person);
      }
    }
    lines_.push_back(std::move(line));
    return absl::OkStatus();
  }
  void Fail() {
    MutexLock lock(mu_);
    fails_ = true;
  }
  std::vector<std::string> lines() {
    MutexLock lock(mu_);
    return lines_;
  }

 private:
  Mutex mu_;
  bool fails_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mu_);
};

// The real time, and as much more as a test says.
class ShiftedClock : public Clock {
 public:
  absl::Time Now() const override {
    return real_.Now() + absl::Seconds(ahead_s_.load());
  }
  void Shift(int seconds) { ahead_s_ += seconds; }

 private:
  SystemClock real_;
  std::atomic<int> ahead_s_{0};
};

// A host of police-scotland on a port of its own, and channels to it.
class HostTest : public ::testing::Test {
 protected:
  HostTest() {
    bus::v1::Registry registry;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        R"pb(
          environment: ENVIRONMENT_DEMO
          principals {
            name: "police"
            agency: "police-scotland"
            system: "rms"
            role: "police"
            default_purpose: "MAPPA_RISK_MANAGEMENT"
            certificate_uri: "spiffe://demo.concordat/police-scotland/rms"
          }
          principals {
            name: "nhs"
            agency: "nhs-tayside"
            system: "liaison"
            role: "nhs-liaison"
            certificate_uri: "spiffe://demo.concordat/nhs-tayside/liaison"
          }
          principals {
            name: "gateway"
            agency: "concordat-operator"
            system: "gateway"
            role: "gateway"
            speaks_for: "police"
            certificate_uri: "spiffe://demo.concordat/concordat-operator/gateway"
          }
        )pb",
        &registry));
    SetRegistry(registry);
  }

  void SetRegistry(const bus::v1::Registry& registry) {
    auto built = PrincipalRegistry::Build(registry);
    ASSERT_THAT(built, IsOk());
    MutexLock lock(mu_);
    registry_ = *std::move(built);
  }
  void MakeHost(size_t queue_max) { MakeHost(queue_max, ca_.Issue(kServer)); }
  void MakeHost(size_t queue_max, TlsCredentials tls) {
    host_ = std::make_unique<ServerHost>(
        ServerHostOptions{.program = "concordat-test",
                          .tls = std::move(tls),
                          .queue_max = queue_max,
                          .drain = absl::Milliseconds(200)},
        [this] {
          MutexLock lock(mu_);
          return registry_;
        },
        clock_, log_, metrics_, access_);
  }
  void StartHost() {
    const auto port = host_->Start();
    ASSERT_THAT(port, IsOk());
    address_ = absl::StrCat("127.0.0.1:", *port);
  }

  std::shared_ptr<grpc::Channel> Channel(const TlsCredentials& tls,
                                         const std::string& server = kServer) {
    return grpc::CreateChannel(address_, MakeChannelCredentials(tls, server));
  }
  std::shared_ptr<grpc::Channel> Channel(const std::string& uri) {
    return Channel(ca_.Issue(uri));
  }

  TestCa ca_;
  ShiftedClock clock_;
  Logger log_{"concordat-test"};
  Metrics metrics_;
  MemoryAccessLog access_;
  std::string address_;
  Mutex mu_;
  std::shared_ptr<const PrincipalRegistry> registry_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<ServerHost> host_;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_INTEGRATION_RPC_HOST_FIXTURE_H_
