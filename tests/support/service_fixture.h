#ifndef CONCORDAT_TESTS_SUPPORT_SERVICE_FIXTURE_H_
#define CONCORDAT_TESTS_SUPPORT_SERVICE_FIXTURE_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/channel.h"
#include "gtest/gtest.h"
#include "services/common/base/system_clock.h"
#include "services/common/event/type_table.h"
#include "services/common/projection/command_runner.h"
#include "services/common/rpc/channel.h"
#include "services/common/rpc/server_host.h"
#include "tests/support/fake_bus.h"
#include "tests/support/fake_clock.h"
#include "tests/support/seeded_random.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_certificates.h"

namespace concordat::testing {

// The principals that the services' tests speak as, the demo's in short.
bus::v1::Registry FixtureRegistry();

// 2025-11-04T09:30:00Z and such, in microseconds.
uint64_t Micros(absl::string_view rfc3339);

// One command service as it runs, over TLS on port 0, before a FakeBus. A test
// registers its service on host() and calls Start().
class ServiceFixture : public ::testing::Test {
 protected:
  explicit ServiceFixture(const std::string& principal);
  ~ServiceFixture() override;

  ServerHost& host() { return *host_; }
  CommandRunner& runner() { return *runner_; }
  FakeBus& bus() { return bus_; }
  const Clock& clock() const { return clock_; }
  // Where the story ends, at first.
  FakeClock& log_clock() { return log_clock_; }
  const TypeRegistry& types() const { return *types_; }
  const std::shared_ptr<const TypeRegistry>& shared_types() const {
    return types_;
  }
  const bus::v1::Principal& self() const { return *self_; }
  const PrincipalRegistry& registry() const { return *registry_; }
  void Start();

  template <typename Response, typename Request>
  absl::StatusOr<Response> Send(const std::string& principal,
                                const std::string& method,
                                const Request& request,
                                absl::Duration timeout = absl::Seconds(10),
                                const std::string& purpose = "") {
    CallOptions options;
    options.timeout = timeout;
    options.purpose = purpose;
    const auto bytes = GenericCall(ChannelOf(principal), method,
                                   request.SerializeAsString(), options);
    if (!bytes.ok()) return bytes.status();
    Response response;
    EXPECT_TRUE(response.ParseFromString(*bytes));
    return response;
  }

 private:
  std::shared_ptr<grpc::Channel> ChannelOf(const std::string& principal);

  TempDir folder_;
  TestCa ca_;
  SystemClock clock_;
  FakeClock log_clock_{
      absl::FromUnixSeconds(1'764'925'200)};  // 5 Dec 2025, 09:00
  SeededRandom random_{1};
  Logger log_{"test"};
  Metrics metrics_;
  std::unique_ptr<AccessLog> access_;
  std::shared_ptr<const PrincipalRegistry> registry_;
  const bus::v1::Principal* self_;
  std::shared_ptr<const TypeRegistry> types_;
  FakeBus bus_{clock_};
  std::unique_ptr<BusClient> client_;
  std::unique_ptr<CommandRunner> runner_;
  std::unique_ptr<ServerHost> host_;
  std::string address_;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_SERVICE_FIXTURE_H_
