// Mutant                                              Caught by
// the answer of one browser signs in another          ABrowserWithoutTheCookieIsNobody
// the cookie of the attempt is Strict, or stays       GoesThereAndBack
// somebody else's proof renews the session            AProofIsOfTheSamePerson
// answers that fail may be given without end          AnswersThatFailAreLimited
// words of the provider reach the page as markup      APageShowsTextAsText
#include "gateway/signin/oidc_handlers.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gateway/signin/cookies.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/support/fake_carrier.h"
#include "tests/support/fake_https.h"
#include "tests/support/sign_in_fixture.h"
#include "tests/support/status_matchers.h"
#include "tests/support/token_signer.h"

namespace concordat::gateway {
namespace {

using concordat::testing::FakeHttps;
using concordat::testing::FakeSite;
using concordat::testing::TokenSigner;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class OidcHandlersTest : public testing::SignInTest {
 protected:
  OidcHandlersTest() {
    google::protobuf::TextFormat::ParseFromString(
        R"(name: "Dundee" issuer: "https://login.example" client_id: "c"
           external_url: "https://hub.example" role_claim: "groups"
           roles { value: "co-ordinators" principal: "coordinator" })",
        &settings_);
    site_.pages["https://login.example/.well-known/openid-configuration"] = {
        200,
        testing::ProviderDescription(R"("issuer":"https://login.example")")};
    site_.pages["https://login.example/keys"] = {200, signer_.JwkSet()};
    provider_ = std::make_unique<OidcProvider>(
        settings_, "", std::make_unique<FakeHttps>(site_), clock_, steady_);
    handlers_ = std::make_unique<OidcHandlers>(
        *provider_, sessions_, record_, "secret",
        AttemptLimits{.per_address = 5}, clock_, steady_, random_, logger_);
    handlers_->Register(router_);
  }

  Response Ask(const std::string& path, Pairs query,
               const std::string& cookies) {
    const Router::Match match = router_.Find("GET", path);
    Request request;
    request.method = "GET";
    request.path = path;
    request.query = std::move(query);
    request.headers = {{"cookie", cookies}};
    request.peer = "192.0.2.1";
    return match.route->blocking(request, Caller());
  }
  // "name=value" of the last cookie that is set.
  static std::string CookieOf(const Response& response) {
    const std::string cookie = HeadersOf(response, "Set-Cookie").back();
    return cookie.substr(0, cookie.find(';'));
  }
  static std::string Parameter(const Response& response,
                               const std::string& name) {
    const std::string url = HeadersOf(response, "Location").at(0);
    for (absl::string_view pair : absl::StrSplit(url, absl::ByAnyChar("?&"))) {
      if (absl::ConsumePrefix(&pair, name + "=")) return std::string(pair);
    }
    return "";
  }
  // The browser has gone and the provider answers about `subject`.
  Response Return(const Response& begun, const std::string& subject,
                  const std::string& groups, const std::string& cookies) {
    const int64_t now = absl::ToUnixSeconds(clock_.Now());
    const std::string token = signer_.Sign(
        absl::StrCat(R"({"iss":"https://login.example","aud":"c","sub":")",
                     subject, R"(","nonce":")", Parameter(begun, "nonce"),
                     R"(","iat":)", now, R"(,"exp":)", now + 60,
                     R"(,"auth_time":)", now, R"(,"groups":")", groups, "\"}"));
    site_.pages["https://login.example/token"] = {
        200, absl::StrCat(R"({"id_token":")", token, "\"}")};
    return Ask("/sign-in/oidc/callback",
               {{"code", "c"}, {"state", Parameter(begun, "state")}}, cookies);
  }
  Response Begin(Pairs query = {}, const std::string& cookies = "") {
    return Ask("/sign-in/oidc", std::move(query), cookies);
  }
  static std::string IdOf(const std::string& cookie) {
    return cookie.substr(cookie.find('=') + 1);
  }

  v1::OidcSettings settings_;
  FakeSite site_;
  const TokenSigner signer_{"EdDSA"};
  const Logger logger_{"test"};
  std::unique_ptr<OidcProvider> provider_;
  std::unique_ptr<OidcHandlers> handlers_;
};

TEST_F(OidcHandlersTest, GoesThereAndBack) {
  const Response begun = Begin();
  EXPECT_EQ(begun.status, 303u);
  EXPECT_THAT(HeadersOf(begun, "Location").at(0),
              HasSubstr("https://login.example/auth?"));
  EXPECT_THAT(HeadersOf(begun, "Set-Cookie"),
              ElementsAre(::testing::MatchesRegex(
                  "__Host-concordat-oidc=[A-Za-z0-9_-]+; Path=/; Secure; "
                  "HttpOnly; SameSite=Lax")));
  const Response done = Return(begun, "u-1", "co-ordinators", CookieOf(begun));
  EXPECT_EQ(done.status, 303u) << done.body;
  EXPECT_THAT(HeadersOf(done, "Location"), ElementsAre("/"));
  const auto cookies = HeadersOf(done, "Set-Cookie");
  ASSERT_EQ(cookies.size(), 2u);
  EXPECT_EQ(cookies[0], DropCookie(kOidcCookie));
  EXPECT_THAT(cookies[1], HasSubstr("SameSite=Strict"));
  const auto state = sessions_.Look(IdOf(CookieOf(done)), false);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->session.person.account, "oidc:u-1");
  EXPECT_EQ(state->principal->name(), "coordinator");
}

TEST_F(OidcHandlersTest, ABrowserWithoutTheCookieIsNobody) {
  const Response begun = Begin();
  // An attacker's answer, in the victim's browser: none or its own attempt.
  const Response other = Begin();
  for (const std::string& cookies :
       {std::string(), CookieOf(other), CookieOf(begun) + "x",
        CookieOf(begun) + "; " + CookieOf(begun)}) {
    const Response response = Return(begun, "u-1", "co-ordinators", cookies);
    EXPECT_EQ(response.status, 400u);
    EXPECT_THAT(response.body, HasSubstr("You are not signed in"));
    for (const std::string& cookie : HeadersOf(response, "Set-Cookie")) {
      EXPECT_EQ(cookie, DropCookie(kOidcCookie));
    }
  }
}

TEST_F(OidcHandlersTest, NoRoleIsToldInWords) {
  const Response begun = Begin();
  const Response response = Return(begun, "u-1", "gardeners", CookieOf(begun));
  EXPECT_EQ(response.status, 403u);
  EXPECT_THAT(response.body, HasSubstr("given you no role in Concordat"));
  EXPECT_THAT(HeadersOf(response, "Set-Cookie"),
              ElementsAre(DropCookie(kOidcCookie)));
}

TEST_F(OidcHandlersTest, AProviderThatIsAwayIsToldInWords) {
  site_.pages.clear();
  const Response response = Begin();
  EXPECT_EQ(response.status, 503u);
  EXPECT_THAT(response.body, HasSubstr("Dundee cannot be reached"));
}

TEST_F(OidcHandlersTest, ProvingAgainRenewsTheSession) {
  const Response first = Begin();
  const std::string cookie =
      CookieOf(Return(first, "u-1", "co-ordinators", CookieOf(first)));
  steady_.Advance(absl::Minutes(11));
  EXPECT_FALSE(sessions_.Look(IdOf(cookie), false)->is_recent);
  const Response again = Begin({{"again", "1"}}, cookie);
  EXPECT_EQ(Parameter(again, "max_age"), "0");
  const Response done = Return(again, "u-1", "co-ordinators", CookieOf(again));
  ASSERT_EQ(done.status, 303u) << done.body;
  EXPECT_FALSE(sessions_.Look(IdOf(cookie), false).ok());
  EXPECT_TRUE(sessions_.Look(IdOf(CookieOf(done)), false)->is_recent);
  EXPECT_EQ(Begin({{"again", "1"}}, "").status, 401u);
}

TEST_F(OidcHandlersTest, AProofIsOfTheSamePerson) {
  const Response first = Begin();
  const std::string cookie =
      CookieOf(Return(first, "u-1", "co-ordinators", CookieOf(first)));
  steady_.Advance(absl::Minutes(11));
  const Response again = Begin({{"again", "1"}}, cookie);
  const Response done = Return(again, "u-2", "co-ordinators", CookieOf(again));
  EXPECT_EQ(done.status, 403u);
  EXPECT_FALSE(sessions_.Look(IdOf(cookie), false)->is_recent);
}

TEST_F(OidcHandlersTest, AnswersThatFailAreLimited) {
  const Response begun = Begin();
  for (int i = 0; i < 20; ++i) {
    Return(begun, "u-1", "gardeners", CookieOf(begun));
  }
  EXPECT_EQ(site_.Count("https://login.example/token"), 5u);
  const Response limited =
      Return(begun, "u-1", "co-ordinators", CookieOf(begun));
  EXPECT_EQ(limited.status, 429u);
  EXPECT_THAT(limited.body, HasSubstr("Try again in 30 seconds"));
}

TEST_F(OidcHandlersTest, AnAttemptTakesTenMinutesAtMost) {
  const Response begun = Begin();
  clock_.Advance(absl::Minutes(10));
  EXPECT_EQ(Return(begun, "u-1", "co-ordinators", CookieOf(begun)).status,
            400u);
}

TEST(ProblemPageTest, APageShowsTextAsText) {
  const std::string page = ProblemPage("<script>alert(1)</script> & \"co\"");
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt; &amp;"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, HasSubstr("<html lang=\"en-GB\">"));
}

}  // namespace
}  // namespace concordat::gateway
