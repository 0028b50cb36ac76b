// Certificates of the real gateway are replaced while it serves.
//
// bug                                        test that catches it
//   files are read at the start alone        NewFilesAreForNewConnections
//   a new certificate ends connections       NewFilesAreForNewConnections
//   of two authorities the first counts      NewFilesAreForNewConnections
//   half of a pair is used, or ends it       NewFilesAreForNewConnections
#include <cstdio>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/base/system_clock.h"
#include "tests/support/gateway_process.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_certificates.h"

namespace concordat::testing {
namespace {

TEST(Certificates, NewFilesAreForNewConnections) {
  GatewayProcess gateway;
  gateway.Start();
  const auto put = [&](const std::string& name, const std::string& text) {
    const std::string path = gateway.data().PathOf("keys/" + name);
    std::ofstream(path + ".new") << text;
    ASSERT_EQ(std::rename((path + ".new").c_str(), path.c_str()), 0);
  };
  const std::string ask = HttpRequest("GET", "/healthz");
  const auto before = gateway.Connect("police");
  ASSERT_EQ(before->Ask(ask).status, 200);

  const auto old = gateway.data().LoadTls("gateway");
  ASSERT_THAT(old, IsOk());
  const TestCa next;
  const TlsCredentials issued =
      next.Issue("spiffe://demo.concordat/concordat-operator/gateway");
  put("gateway.key.pem", issued.private_key);
  // With half of the pair it serves on as before.
  EXPECT_EQ(gateway.Ask("nhs", ask).status, 200);
  put("ca.crt.pem", old->ca + next.certificate());
  put("gateway.crt.pem", issued.certificate);
  HttpsClient::Options options;
  options.address = *gateway.data().ReadAddress("concordat-gateway", "https");
  options.ca = next.certificate();
  const TlsCredentials police =
      next.Issue("spiffe://demo.concordat/police-scotland/rms");
  options.certificate = police.certificate;
  options.private_key = police.private_key;
  const SystemSteadyClock clock;
  const absl::Duration until = clock.Elapsed() + absl::Seconds(30);
  auto after = HttpsClient::Connect(options);
  while (!after.ok()) {
    ASSERT_LT(clock.Elapsed(), until) << after.status();
    after = HttpsClient::Connect(options);
  }
  EXPECT_EQ((*after)->Ask(ask).status, 200);
  EXPECT_EQ(before->Ask(ask).status, 200);
}

}  // namespace
}  // namespace concordat::testing
