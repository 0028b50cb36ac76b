// The flow against a provider that is a fake behind the HttpsClient; its tokens
// are real.
//
// Mutant                                              Caught by
// plain PKCE, or the verifier in the browser's URL    SendsTheBrowserWithAChallengeAndNoSecret
// state, nonce or verifier repeat                     EachAttemptIsItsOwn
// the cookie of another browser or gateway opens      AnAttemptOpensForAShortWhileHereOnly
// the state is not compared, or an empty one is equal  AnAnswerBelongsToItsAttempt
// the issuer of an answer is ignored (mix-up)         AnAnswerOfAnotherProviderIsRefused
// the description's issuer is not compared            TrustsADescriptionOfThatIssuerAlone
// unknown keys are fetched each time                  LooksOnceForAnUnknownKeyAndNotAgainForAWhile
// keys are kept for ever                              AWithdrawnKeyIsGoodForAnHourAtMost
// a failed description is asked again by everybody    AProviderThatFailsIsLeftAloneForAMoment
// everybody waits for a provider that hangs           AtMostTwoTalkToTheProviderAtOnce
// the token is judged before its signature, or not    AForgedTokenIsRefused
#include "gateway/signin/oidc_provider.h"

#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/signin/tokens.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/support/fake_carrier.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_https.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/token_signer.h"

namespace concordat::gateway {
namespace {

using concordat::testing::FakeClock;
using concordat::testing::FakeHttps;
using concordat::testing::FakeSite;
using concordat::testing::FakeSteadyClock;
using concordat::testing::HasCode;
using concordat::testing::IsOk;
using concordat::testing::SeededRandom;
using concordat::testing::TokenSigner;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kIssuer[] = "https://login.example/dundee";
constexpr char kMetadataUrl[] =
    "https://login.example/dundee/.well-known/openid-configuration";
constexpr char kKeysUrl[] = "https://login.example/keys";
constexpr char kTokenUrl[] = "https://login.example/token";

class OidcProviderTest : public ::testing::Test {
 protected:
  OidcProviderTest() {
    google::protobuf::TextFormat::ParseFromString(
        R"(name: "Dundee City Council"
           issuer: "https://login.example/dundee"
           client_id: "concordat & co"
           external_url: "https://hub.example"
           scopes: "profile"
           role_claim: "groups"
           roles { value: "co-ordinators" principal: "coordinator" })",
        &settings_);
    Describe(R"("issuer":"https://login.example/dundee")");
    site_.pages[kKeysUrl] = {200, signer_.JwkSet()};
    Restart("");
  }
  void Describe(const std::string& more) {
    site_.pages[kMetadataUrl] = {200, testing::ProviderDescription(more)};
  }
  void Restart(const std::string& secret) {
    provider_ = std::make_unique<OidcProvider>(
        settings_, secret, std::make_unique<FakeHttps>(site_), clock_, steady_);
  }
  std::string Claims(const std::string& more = "") const {
    const int64_t now = absl::ToUnixSeconds(clock_.Now());
    return absl::StrCat(R"({"iss":")", kIssuer, R"(","aud":"concordat & co",)",
                        R"("sub":"u-1","nonce":")", attempt_.nonce,
                        R"(","iat":)", now, R"(,"exp":)", now + 60,
                        R"(,"groups":["co-ordinators"])", more, "}");
  }
  void Give(const std::string& token) {
    site_.pages[kTokenUrl] = {
        200, absl::StrCat(R"({"access_token":"x","id_token":")", token, "\"}")};
  }
  absl::StatusOr<Person> Finish() {
    return provider_->Finish({.state = attempt_.state, .code = "c/1"},
                             attempt_);
  }

  v1::OidcSettings settings_;
  FakeSite site_;
  FakeClock clock_;
  FakeSteadyClock steady_;
  SeededRandom random_;
  const TokenSigner signer_{"EdDSA"};
  OidcAttempt attempt_ = MakeAttempt(0, clock_.Now(), random_);
  std::unique_ptr<OidcProvider> provider_;
};

TEST_F(OidcProviderTest, SendsTheBrowserWithAChallengeAndNoSecret) {
  Restart("the secret");
  const auto url = provider_->Begin(attempt_);
  ASSERT_THAT(url, IsOk());
  const Sha256Hash hash = Sha256::Of(attempt_.verifier);
  const std::string challenge =
      ToBase64Url({reinterpret_cast<const char*>(hash.data()), hash.size()});
  EXPECT_EQ(*url,
            absl::StrCat(
                "https://login.example/auth?response_type=code"
                "&client_id=concordat%20%26%20co"
                "&redirect_uri=https%3A%2F%2Fhub.example%2Fsign-in%2Foidc%2F"
                "callback&scope=openid%20profile&state=",
                attempt_.state, "&nonce=", attempt_.nonce,
                "&code_challenge=", challenge, "&code_challenge_method=S256"));
  EXPECT_THAT(*url, Not(HasSubstr(attempt_.verifier)));
  EXPECT_THAT(*url, Not(HasSubstr("secret")));
}

TEST_F(OidcProviderTest, AsksForTheProofAgain) {
  attempt_.session = 7;
  EXPECT_THAT(*provider_->Begin(attempt_),
              HasSubstr("&prompt=login&max_age=0"));
  Give(signer_.Sign(Claims()));
  EXPECT_THAT(Finish(), HasCode(absl::StatusCode::kUnauthenticated));
  Give(signer_.Sign(Claims(
      absl::StrCat(R"(,"auth_time":)", absl::ToUnixSeconds(clock_.Now())))));
  EXPECT_THAT(Finish(), IsOk());
}

TEST_F(OidcProviderTest, EachAttemptIsItsOwn) {
  const OidcAttempt other = MakeAttempt(0, clock_.Now(), random_);
  EXPECT_NE(other.state, attempt_.state);
  EXPECT_NE(other.nonce, attempt_.nonce);
  EXPECT_NE(other.verifier, attempt_.verifier);
  EXPECT_NE(attempt_.state, attempt_.nonce);
  EXPECT_GE(attempt_.verifier.size(), 43u);
}

TEST_F(OidcProviderTest, AnAttemptOpensForAShortWhileHereOnly) {
  Sealer sealer("secret", "oidc", random_);
  Sealer other("other", "oidc", random_);
  attempt_.session = 7;
  const std::string cookie = SealAttempt(attempt_, sealer);
  EXPECT_THAT(cookie, Not(HasSubstr(attempt_.verifier)));
  const auto opened = OpenAttempt(cookie, clock_.Now(), sealer);
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->state, attempt_.state);
  EXPECT_EQ(opened->nonce, attempt_.nonce);
  EXPECT_EQ(opened->verifier, attempt_.verifier);
  EXPECT_EQ(opened->session, 7u);
  EXPECT_FALSE(OpenAttempt(cookie, clock_.Now(), other).has_value());
  EXPECT_FALSE(OpenAttempt("", clock_.Now(), sealer).has_value());
  EXPECT_FALSE(OpenAttempt(cookie.substr(1), clock_.Now(), sealer).has_value());
  EXPECT_FALSE(OpenAttempt(cookie, clock_.Now() + absl::Minutes(10), sealer)
                   .has_value());
}

TEST_F(OidcProviderTest, FindsOutWhoItIs) {
  Give(signer_.Sign(Claims()));
  const auto person = Finish();
  ASSERT_THAT(person, IsOk());
  EXPECT_EQ(person->account, "oidc:u-1");
  EXPECT_EQ(person->principal, "coordinator");
  const HttpsRequest& exchange = site_.asked[1];
  EXPECT_EQ(exchange.url, kTokenUrl);
  EXPECT_EQ(
      exchange.form,
      absl::StrCat("grant_type=authorization_code&code=c%2F1&redirect_uri="
                   "https%3A%2F%2Fhub.example%2Fsign-in%2Foidc%2Fcallback"
                   "&client_id=concordat%20%26%20co&code_verifier=",
                   attempt_.verifier));
  EXPECT_EQ(exchange.authorization, "");
  Restart("s:cret");
  ASSERT_THAT(Finish(), IsOk());
  EXPECT_EQ(site_.asked[4].authorization,
            "Basic " + absl::Base64Escape("concordat%20%26%20co:s%3Acret"));
}

TEST_F(OidcProviderTest, AnAnswerBelongsToItsAttempt) {
  Give(signer_.Sign(Claims()));
  const auto code = absl::StatusCode::kFailedPrecondition;
  EXPECT_THAT(provider_->Finish({.state = "other", .code = "c"}, attempt_),
              HasCode(code));
  EXPECT_THAT(provider_->Finish({.state = "", .code = "c"}, attempt_),
              HasCode(code));
  EXPECT_THAT(
      provider_->Finish({.state = attempt_.state, .code = ""}, attempt_),
      HasCode(code));
  EXPECT_THAT(
      provider_->Finish(
          {.state = attempt_.state, .code = std::string(5000, 'c')}, attempt_),
      HasCode(code));
  EXPECT_EQ(site_.Count(kTokenUrl), 0u);
}

TEST_F(OidcProviderTest, AProviderMaySayNo) {
  const auto person = provider_->Finish(
      {.state = attempt_.state, .code = "c", .error = "access_denied"},
      attempt_);
  EXPECT_THAT(person, HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(person.status().message(),
            "Dundee City Council did not sign you in.");
}

TEST_F(OidcProviderTest, AnAnswerOfAnotherProviderIsRefused) {
  Give(signer_.Sign(Claims()));
  const auto finish = [this](absl::string_view issuer) {
    return provider_->Finish(
        {.state = attempt_.state, .code = "c", .issuer = issuer}, attempt_);
  };
  EXPECT_THAT(finish(kIssuer), IsOk());
  EXPECT_THAT(finish("https://evil.example"),
              HasCode(absl::StatusCode::kFailedPrecondition));
  // One that says it names itself must.
  Describe(R"("issuer":"https://login.example/dundee",)"
           R"("authorization_response_iss_parameter_supported":true)");
  Restart("");
  EXPECT_THAT(finish(kIssuer), IsOk());
  EXPECT_THAT(finish(""), HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(OidcProviderTest, TrustsADescriptionOfThatIssuerAlone) {
  for (const char* description :
       {R"("issuer":"https://login.example")", R"("issuer":1)", R"("x":1)",
        R"("issuer":"https://login.example/dundee","jwks_uri":"http://x")",
        R"("issuer":"https://login.example/dundee","token_endpoint":"")"}) {
    Describe(description);
    Restart("");
    EXPECT_THAT(provider_->Begin(attempt_),
                HasCode(absl::StatusCode::kUnavailable))
        << description;
  }
}

TEST_F(OidcProviderTest, AProviderThatFailsIsLeftAloneForAMoment) {
  site_.pages[kMetadataUrl].status = 500;
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(provider_->Begin(attempt_),
                HasCode(absl::StatusCode::kUnavailable));
  }
  EXPECT_EQ(site_.asked.size(), 1u);
  site_.pages[kMetadataUrl].status = 200;
  steady_.Advance(absl::Seconds(5));
  EXPECT_THAT(provider_->Begin(attempt_), IsOk());
  EXPECT_THAT(provider_->Begin(attempt_), IsOk());
  EXPECT_EQ(site_.asked.size(), 2u);
}

TEST_F(OidcProviderTest, ARefusedCodeProvesNothing) {
  site_.pages[kTokenUrl] = {400, R"({"error":"invalid_grant"})"};
  EXPECT_THAT(Finish(), HasCode(absl::StatusCode::kUnauthenticated));
  site_.pages[kTokenUrl] = {200, R"({"access_token":"x"})"};
  EXPECT_THAT(Finish(), HasCode(absl::StatusCode::kUnauthenticated));
  site_.pages[kTokenUrl] = {200, "<html>"};
  EXPECT_THAT(Finish(), HasCode(absl::StatusCode::kUnauthenticated));
  site_.pages[kTokenUrl] = {302, ""};
  EXPECT_THAT(Finish(), HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(OidcProviderTest, AForgedTokenIsRefused) {
  const TokenSigner stranger("EdDSA");
  const auto no = HasCode(absl::StatusCode::kUnauthenticated);
  Give(stranger.Sign(Claims()));
  EXPECT_THAT(Finish(), no);
  Give(concordat::testing::CompactToken(R"({"alg":"none"})", Claims(), ""));
  EXPECT_THAT(Finish(), no);
  Give(signer_.Sign(Claims(R"(,"nonce":"other")")));
  EXPECT_THAT(Finish(), no);
  Give(signer_.Sign(Claims(R"(,"iss":"https://evil.example")")));
  EXPECT_THAT(Finish(), no);
  Give(signer_.Sign(Claims()));
  EXPECT_THAT(Finish(), IsOk());
  clock_.Advance(absl::Minutes(3));
  EXPECT_THAT(Finish(), no);
}

TEST_F(OidcProviderTest, LooksOnceForAnUnknownKeyAndNotAgainForAWhile) {
  const TokenSigner newer("ES256", "k2");
  Give(signer_.Sign(Claims()));
  ASSERT_THAT(Finish(), IsOk());
  EXPECT_EQ(site_.Count(kKeysUrl), 1u);
  // The provider has changed its key. A minute after the keys were fetched they
  // are fetched again.
  steady_.Advance(absl::Minutes(1));
  site_.pages[kKeysUrl] = {200, newer.JwkSet()};
  Give(newer.Sign(Claims()));
  EXPECT_THAT(Finish(), IsOk());
  EXPECT_EQ(site_.Count(kKeysUrl), 2u);
  // Anybody can name a key that there is not.
  Give(signer_.Sign(Claims()));
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(Finish(), HasCode(absl::StatusCode::kUnauthenticated));
  }
  EXPECT_EQ(site_.Count(kKeysUrl), 2u);
}

TEST_F(OidcProviderTest, AWithdrawnKeyIsGoodForAnHourAtMost) {
  Give(signer_.Sign(Claims()));
  ASSERT_THAT(Finish(), IsOk());
  site_.pages[kKeysUrl] = {200, TokenSigner("EdDSA", "other").JwkSet()};
  steady_.Advance(absl::Minutes(59));
  EXPECT_THAT(Finish(), IsOk());
  steady_.Advance(absl::Minutes(1));
  EXPECT_THAT(Finish(), HasCode(absl::StatusCode::kUnauthenticated));
}

TEST_F(OidcProviderTest, AtMostTwoTalkToTheProviderAtOnce) {
  int depth = 0;
  absl::Status innermost;
  site_.on_request = [&] {
    if (++depth == 2) innermost = provider_->Begin(attempt_).status();
    if (depth == 1) {
      EXPECT_THAT(provider_->Begin(attempt_), IsOk());
    }
    --depth;
  };
  EXPECT_THAT(provider_->Begin(attempt_), IsOk());
  EXPECT_THAT(innermost, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_EQ(site_.asked.size(), 2u);
  site_.on_request = nullptr;
  EXPECT_THAT(provider_->Begin(attempt_), IsOk());
}

TEST(CheckOidcSettingsTest, NamesWhatIsMissing) {
  v1::OidcSettings settings;
  const auto message = [&settings] {
    return std::string(CheckOidcSettings(settings).message());
  };
  EXPECT_EQ(message(), "oidc: name is missing");
  settings.set_name("Dundee");
  settings.set_issuer("http://login.example");
  EXPECT_EQ(message(), "oidc: issuer is not https");
  settings.set_issuer("https://login.example");
  EXPECT_EQ(message(), "oidc: client_id is missing");
  settings.set_client_id("concordat");
  EXPECT_EQ(message(), "oidc: external_url is not https");
  settings.set_external_url("https://hub.example");
  EXPECT_EQ(message(), "oidc: role_claim is missing");
  settings.add_role_claim("groups");
  EXPECT_EQ(message(), "oidc: roles are missing");
  settings.add_roles()->set_value("x");
  EXPECT_EQ(message(), "oidc: a role lacks its value or its principal");
  settings.mutable_roles(0)->set_principal("coordinator");
  EXPECT_THAT(CheckOidcSettings(settings), IsOk());
}

}  // namespace
}  // namespace concordat::gateway
