// The server over real sockets, on a free port.
//
// bug                                              test that catches it
//   Stop() waits the whole drain for nobody          StopsAtOnceWithNobodyConnected
#include "gateway/http/server.h"

#include "gtest/gtest.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_certificates.h"

namespace concordat::gateway {
namespace {

class Nobody : public Authenticator {
 public:
  absl::StatusOr<Caller> Authenticate(const Request&) override {
    return absl::UnauthenticatedError("nobody is known here");
  }
  bool IsCurrent(const Caller&) override { return false; }
};

class NoLog : public RequestLog {
 public:
  void Append(const RequestRecord&) override {}
};

TEST(HttpServerTest, StopsAtOnceWithNobodyConnected) {
  const testing::TestCa ca;
  ServerOptions options;
  options.tls = ca.Issue("urn:concordat:principal:gateway");
  Router router;
  Nobody nobody;
  SystemClock clock;
  SystemSteadyClock steady;
  SystemRandom random;
  const Logger log("server_test");
  Metrics metrics;
  NoLog requests;
  options.drain = absl::Hours(1);
  for (int i = 0; i < 100; ++i) {
    HttpServer server(options, {router, [] { return nullptr; }, nobody, clock,
                                steady, random, log, metrics, requests});
    ASSERT_THAT(server.Start(), testing::IsOk());
    server.Stop();
  }
}

}  // namespace
}  // namespace concordat::gateway
