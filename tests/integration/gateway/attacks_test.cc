// What a stranger may try, against the real program. Each is refused, and the
// server goes on.
//
// bug                                             test that catches it
//   the header's time starts anew with each byte  ClosesWhoIsSlow
//   a request that was answered early holds its    ClosesWhoIsSlow
//     place as long as bytes come
//   the body's limit holds for Content-Length only  RefusesWhatIsTooLarge
//   a certificate of any authority is taken       AForeignCertificateEndsTheHandshake
//   the key of a certificate is not looked at     ACertificateForAnotherKeyThan…
//   TLS 1.2 for everybody while one may           Tls12IsForNamedClientsAlone
//   what follows a refused request is read as one  NothingIsSmuggled
//   a path is decoded twice                       PathsLeadNowhereElse
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "tests/support/gateway_process.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_certificates.h"

namespace concordat::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kHealth[] = "/healthz";
constexpr char kLogStatus[] = "/concordat.bus.v1.BusService/GetLogStatus";

class AttacksTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    gateway_ = new GatewayProcess({{"handshake_timeout_ms", "700"},
                                   {"header_timeout_ms", "700"},
                                   {"body_timeout_ms", "700"},
                                   {"idle_timeout_ms", "900"},
                                   {"connections_per_address_max", "8"}});
    gateway_->Start();
  }
  static void TearDownTestSuite() {
    delete gateway_;
    gateway_ = nullptr;
  }
  void TearDown() override {
    EXPECT_EQ(gateway_->Ask("", HttpRequest("GET", kHealth)).status, 200);
    EXPECT_THAT(gateway_->hub().Ended(), IsEmpty());
  }
  static HttpAnswer Ask(const std::string& request) {
    return gateway_->Ask("", request);
  }
  static GatewayProcess* gateway_;
};

GatewayProcess* AttacksTest::gateway_ = nullptr;

TEST_F(AttacksTest, WhatIsNoRequestIsRefused) {
  for (const std::string& bytes :
       {std::string("\r\n\r\n\r\n"), std::string("GET\r\n\r\n"),
        std::string("GET / HTTP/9.9\r\n\r\n"),
        std::string("GET / HTTP/1.1\nHost localhost\n\n"),
        std::string("\x16\x03\x01\x02\x00garbage\r\n\r\n"),
        std::string("GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 40),
        std::string("GET / HTTP/1.1\r\nHost : localhost\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nHost: localhost\r\nX\x00y: z\r\n\r\n",
                    44),
        std::string("GET / HTTP/1.1\r\nHost: localhost\r\n: z\r\n\r\n")}) {
    EXPECT_EQ(Ask(bytes).status, 400) << bytes;
  }
  EXPECT_EQ(Ask("GET / HTTP/1.0\r\nHost: localhost\r\n\r\n").status, 505);
}

TEST_F(AttacksTest, PathsLeadNowhereElse) {
  for (const char* const target :
       {"/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2fetc/passwd",
        "/assets/../../keys/ca.crt.pem", "/%00", "/index.html%00.png",
        "/%252e%252e/etc/passwd", "//etc/passwd", "/..\\..\\etc\\passwd",
        "http://localhost/healthz", "http://evil.example/", "*",
        "/assets/..;/x", "file:///etc/passwd"}) {
    const HttpAnswer answer = Ask(HttpRequest("GET", target));
    EXPECT_TRUE(answer.status == 400 || answer.status == 404)
        << target << " " << answer.status;
    EXPECT_THAT(answer.body, Not(HasSubstr("root:"))) << target;
    EXPECT_THAT(answer.body, Not(HasSubstr("BEGIN"))) << target;
  }
}

TEST_F(AttacksTest, MethodsAreThoseThatThereAre) {
  for (const char* const method :
       {"TRACE", "CONNECT", "OPTIONS", "PATCH", "PROPFIND", "get", "G\x01T"}) {
    const int status = Ask(HttpRequest(method, kHealth)).status;
    EXPECT_TRUE(status == 501 || status == 400) << method << " " << status;
  }
  const HttpAnswer answer = Ask(HttpRequest("DELETE", kHealth));
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.headers.at("allow"), "GET");
  // No override by a header.
  EXPECT_EQ(
      Ask(HttpRequest("GET", kHealth, "X-HTTP-Method-Override: DELETE\r\n"))
          .status,
      200);
}

TEST_F(AttacksTest, NothingIsSmuggled) {
  const std::string inner = HttpRequest("GET", "/openapi.json");
  for (const std::string& head :
       {std::string("Content-Length: 5\r\nContent-Length: 6\r\n"),
        std::string("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
        std::string("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
        std::string("Transfer-Encoding: xchunked\r\n"),
        std::string("Transfer-Encoding: chunked, identity\r\n"),
        std::string("Transfer-Encoding: identity\r\nContent-Length: 5\r\n"),
        std::string("Transfer-Encoding : chunked\r\n"),
        std::string("Transfer-Encoding:\x0b"
                    "chunked\r\n"),
        std::string("Content-Length: 5, 5\r\n"),
        std::string("Content-Length: -5\r\n"),
        std::string("Content-Length: 0x5\r\n"),
        std::string("Content-Length: 99999999999999999999999\r\n")}) {
    const auto client = gateway_->Connect();
    const HttpAnswer answer = client->Ask(
        absl::StrCat("POST ", kLogStatus, " HTTP/1.1\r\nHost: localhost\r\n",
                     head, "\r\n0\r\n\r\n", inner));
    EXPECT_EQ(answer.status / 100, 4) << head << answer.status;
    // The connection ends there: what follows is not read as a request.
    EXPECT_EQ(client->Read().status, 0) << head;
  }
}

TEST_F(AttacksTest, AHeaderIsSentBackToNobody) {
  const HttpAnswer answer = Ask(HttpRequest(
      "GET", "/nowhere?x=%0d%0aSet-Cookie:%20a=b",
      "X-Forwarded-Host: evil.example\r\nX-Original-URL: /healthz\r\n"));
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.headers.count("set-cookie"), 0u);
  EXPECT_THAT(answer.body, Not(HasSubstr("evil")));
  EXPECT_THAT(answer.body, Not(HasSubstr("Set-Cookie")));
}

TEST_F(AttacksTest, OtherHostsAndOtherSitesPagesAreRefused) {
  const auto with = [](const char* headers) {
    return Ask(absl::StrCat("GET ", kHealth, " HTTP/1.1\r\n", headers, "\r\n"))
        .status;
  };
  EXPECT_EQ(with("Host: evil.example\r\n"), 421);
  EXPECT_EQ(with(""), 421);
  EXPECT_EQ(with("Host: localhost\r\nHost: evil.example\r\n"), 400);
  EXPECT_EQ(with("Host: localhost\r\nOrigin: https://evil.example\r\n"), 403);
  EXPECT_EQ(with("Host: localhost\r\nOrigin: null\r\n"), 403);
  EXPECT_EQ(with("Host: localhost\r\nSec-Fetch-Site: cross-site\r\n"), 403);
  EXPECT_EQ(with("Host: localhost\r\nOrigin: https://localhost\r\n"), 200);
}

TEST_F(AttacksTest, RefusesWhatIsTooLarge) {
  const std::string mib(1 << 20, 'x');
  EXPECT_EQ(
      Ask(HttpRequest("GET", kHealth,
                      absl::StrCat("X-Big: ", mib.substr(0, 20'000), "\r\n")))
          .status,
      431);
  EXPECT_EQ(
      Ask(HttpRequest("GET", absl::StrCat("/", mib.substr(0, 20'000)))).status,
      431);
  std::string many;
  for (int i = 0; i < 5000; ++i) absl::StrAppend(&many, "a", i, ": b\r\n");
  EXPECT_EQ(Ask(HttpRequest("GET", kHealth, many)).status, 431);
  // With a certificate, so that the body would be read.
  const std::string head = absl::StrCat("POST ", kLogStatus,
                                        " HTTP/1.1\r\nHost: localhost\r\n"
                                        "Content-Type: application/json\r\n");
  EXPECT_EQ(
      gateway_
          ->Ask("admin", absl::StrCat(head, "Content-Length: ", (1 << 20) + 1,
                                      "\r\n\r\n", mib, "x"))
          .status,
      413);
  std::string chunked =
      absl::StrCat(head, "Transfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 17; ++i) {
    absl::StrAppend(&chunked, "10000\r\n", mib.substr(0, 0x10000), "\r\n");
  }
  EXPECT_EQ(gateway_->Ask("admin", chunked).status, 413);
  EXPECT_EQ(gateway_
                ->Ask("admin", absl::StrCat(head,
                                            "Transfer-Encoding: chunked\r\n\r\n"
                                            "ffffffffffffffffff\r\n"))
                .status,
            400);
  // Who is not signed in is not read at all.
  EXPECT_EQ(Ask(absl::StrCat(head, "Content-Length: 1000000\r\n\r\n")).status,
            401);
}

TEST_F(AttacksTest, ClosesWhoIsSlow) {
  // A byte every 100 ms, each well within any time-out of one read; the whole
  // may take 700 ms.
  const auto is_closed = [](HttpsClient& client) {
    for (int bytes = 0; bytes < 30; ++bytes) {
      if (client.IsClosedWithin(absl::Milliseconds(100))) return true;
      client.Send("a");
    }
    return false;
  };
  const auto drip = [&](const std::string& principal,
                        const std::string& begin) {
    const auto client = gateway_->Connect(principal);
    client->Send(begin);
    return is_closed(*client);
  };
  EXPECT_TRUE(drip("", "GET /healthz HTTP/1.1\r\nX: "));
  EXPECT_TRUE(drip("admin", absl::StrCat("POST ", kLogStatus,
                                         " HTTP/1.1\r\nHost: localhost\r\n"
                                         "Content-Length: 1000000\r\n\r\n")));
  // Answered before its body is read, which nobody wants: for two seconds.
  const auto early = gateway_->Connect();
  early->Send(absl::StrCat("POST ", kLogStatus,
                           " HTTP/1.1\r\nHost: localhost\r\n"
                           "Content-Length: 1000000\r\n\r\n"));
  EXPECT_EQ(early->Read().status, 401);
  EXPECT_TRUE(is_closed(*early));
  // Nothing at all; and nothing after an answer.
  const auto silent = gateway_->Connect();
  EXPECT_TRUE(silent->IsClosedWithin(absl::Seconds(5)));
  const auto idle = gateway_->Connect();
  EXPECT_EQ(idle->Ask(HttpRequest("GET", kHealth)).status, 200);
  EXPECT_TRUE(idle->IsClosedWithin(absl::Seconds(5)));
}

TEST_F(AttacksTest, OneAddressHasSoManyConnections) {
  std::vector<std::unique_ptr<HttpsClient>> clients;
  int refused = 0;
  for (int i = 0; i < 30; ++i) {
    auto client = HttpsClient::Connect(GatewayOptions(gateway_->data()));
    if (client.ok()) {
      clients.push_back(*std::move(client));
    } else {
      ++refused;
    }
  }
  EXPECT_GE(refused, 6);
  EXPECT_GE(clients.size(), 8u);
}

TEST_F(AttacksTest, AForeignCertificateEndsTheHandshake) {
  const auto registry = gateway_->data().LoadRegistry();
  const std::string uri =
      (*registry)->FindByName("coordinator")->certificate_uri();
  const TlsCredentials foreign = TestCa().Issue(uri);
  HttpsClient::Options options = GatewayOptions(gateway_->data());
  options.certificate = foreign.certificate;
  options.private_key = foreign.private_key;
  const auto client = HttpsClient::Connect(options);
  // With TLS 1.3 the client hears of it with its first read.
  if (client.ok()) {
    EXPECT_EQ((*client)->Ask(HttpRequest("GET", kHealth)).status, 0);
  }
}

TEST_F(AttacksTest, ACertificateOfNobodyIsNobody) {
  // The bus has a certificate of the authority and is no principal.
  HttpsClient::Options options = GatewayOptions(gateway_->data(), "bus");
  const auto client = HttpsClient::Connect(options);
  ASSERT_THAT(client.status(), IsOk());
  EXPECT_EQ((*client)
                ->Ask(HttpRequest("POST", kLogStatus,
                                  "Content-Type: application/json\r\n", "{}"))
                .status,
            401);
}

TEST_F(AttacksTest, ACertificateForAnotherKeyThanTheRegistrysIsNobodys) {
  const std::string ask = HttpRequest(
      "POST", kLogStatus, "Content-Type: application/json\r\n", "{}");
  const auto nhs = gateway_->Connect("nhs");
  ASSERT_NE(nhs->Ask(ask).status, 401);
  const DataDirectory& data = gateway_->data();
  bus::v1::Registry registry = (*data.LoadRegistry())->proto();
  for (bus::v1::Principal& principal : *registry.mutable_principals()) {
    if (principal.name() != "nhs") continue;
    ASSERT_EQ(principal.certificate_key().size(), 64u);
    principal.set_certificate_key(std::string(64, '0'));
  }
  std::string text;
  google::protobuf::TextFormat::PrintToString(registry, &text);
  const std::string path = data.PathOf("registry.textproto");
  std::ofstream(path + ".new") << text;
  ASSERT_EQ(std::rename((path + ".new").c_str(), path.c_str()), 0);
  // From the next request on, on an open connection.
  EXPECT_EQ(nhs->Ask(ask).status, 401);
  EXPECT_NE(gateway_->Ask("coordinator", ask).status, 401);
}

TEST_F(AttacksTest, Tls12IsForNamedClientsAlone) {
  HttpsClient::Options options = GatewayOptions(gateway_->data());
  options.tls_max = TLS1_2_VERSION;
  EXPECT_THAT(HttpsClient::Connect(options).status(),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(AttacksTest, EveryAnswerHasItsGuards) {
  for (const char* const target : {kHealth, "/nowhere", "/openapi.json"}) {
    const HttpAnswer answer = Ask(HttpRequest("GET", target));
    EXPECT_THAT(answer.headers.at("strict-transport-security"),
                HasSubstr("max-age="));
    EXPECT_EQ(answer.headers.at("x-content-type-options"), "nosniff");
    EXPECT_EQ(answer.headers.at("referrer-policy"), "no-referrer");
    EXPECT_THAT(answer.headers.at("content-security-policy"),
                HasSubstr("default-src 'none'"));
    EXPECT_EQ(answer.headers.at("cache-control"), "no-store");
    EXPECT_EQ(answer.headers.at("concordat-request-id").size(), 24u);
    EXPECT_EQ(answer.headers.count("server"), 0u);
  }
}

TEST_F(AttacksTest, TheLogNamesNobodyAndNoPath) {
  Ask(HttpRequest("GET",
                  "/people/p-aaaaaaaaaaaaaaaaaaaaaaaaaa?chi=0303790016"));
  std::ifstream in(gateway_->data().PathOf("gateway/requests.log"));
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_THAT(text.str(), HasSubstr("route=/* status=404"));
  EXPECT_THAT(text.str(), Not(HasSubstr("p-aaaa")));
  EXPECT_THAT(text.str(), Not(HasSubstr("0303790016")));
}

}  // namespace
}  // namespace concordat::testing
