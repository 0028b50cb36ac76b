// TLS 1.2 is for clients that are named, until their day, with suites that have
// ECDHE and an AEAD.
//
// bug                                        test that catches it
//   one named client opens it for all        OthersAreClosedBeforeTheyAsk
//   the day is not looked at                 OthersAreClosedBeforeTheyAsk
//   suites of OpenSSL's own choice           OtherSuitesEndTheHandshake
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <fstream>
#include <string>

#include "tests/support/gateway_process.h"
#include "tests/support/status_matchers.h"

namespace concordat::testing {
namespace {

class OldTlsTest : public ::testing::Test {
 protected:
  OldTlsTest() {
    std::ofstream(gateway_.data().PathOf("doors/gateway.textproto"),
                  std::ios::app)
        << "old_tls_clients { principal: \"police\" until: \"2999-12-31\" }\n"
           "old_tls_clients { principal: \"nhs\" until: \"2020-12-31\" }\n";
    gateway_.Start();
  }
  HttpsClient::Options Options(const std::string& principal) {
    HttpsClient::Options options = GatewayOptions(gateway_.data(), principal);
    options.tls_max = TLS1_2_VERSION;
    return options;
  }
  GatewayProcess gateway_;
};

TEST_F(OldTlsTest, ANamedClientIsServed) {
  const auto client = HttpsClient::Connect(Options("police"));
  ASSERT_THAT(client.status(), IsOk());
  EXPECT_EQ((*client)->Ask(HttpRequest("GET", "/healthz")).status, 200);
}

TEST_F(OldTlsTest, OthersAreClosedBeforeTheyAsk) {
  for (const char* const principal : {"", "nhs", "coordinator"}) {
    const auto client = HttpsClient::Connect(Options(principal));
    if (!client.ok()) continue;
    EXPECT_EQ((*client)->Ask(HttpRequest("GET", "/healthz")).status, 0)
        << principal;
  }
  // With TLS 1.3 they are served.
  EXPECT_EQ(gateway_.Ask("nhs", HttpRequest("GET", "/healthz")).status, 200);
}

TEST_F(OldTlsTest, OtherSuitesEndTheHandshake) {
  for (const char* const suites :
       {"ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA"}) {
    HttpsClient::Options options = Options("police");
    options.suites = suites;
    EXPECT_THAT(HttpsClient::Connect(options).status(),
                HasCode(absl::StatusCode::kUnavailable))
        << suites;
  }
}

}  // namespace
}  // namespace concordat::testing
