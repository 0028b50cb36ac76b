#include "gateway/signin/oidc_flow.h"

#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "boost/json/parse.hpp"
#include "boost/url/encode.hpp"
#include "boost/url/rfc/unreserved_chars.hpp"
#include "gateway/signin/tokens.h"
#include "services/common/crypto/constant_time.h"
#include "services/common/crypto/sha256.h"

namespace concordat::gateway {
namespace {

namespace json = boost::json;

constexpr absl::string_view kAbout = "oidc";
constexpr size_t kCodeMax = 4096;

using Fields = std::vector<std::pair<absl::string_view, std::string>>;

std::string Encode(absl::string_view text) {
  return boost::urls::encode({text.data(), text.size()},
                             boost::urls::unreserved_chars);
}

std::string ToForm(const Fields& fields) {
  return absl::StrJoin(fields, "&", [](std::string* out, const auto& field) {
    absl::StrAppend(out, field.first, "=", Encode(field.second));
  });
}

// The text of a member of a JSON object; empty when it is not there.
std::string TextOf(const json::value& object, json::string_view name) {
  const json::value* const value =
      object.is_object() ? object.as_object().if_contains(name) : nullptr;
  if (value == nullptr || !value->is_string()) return "";
  return {value->as_string().data(), value->as_string().size()};
}

json::value Parse(absl::string_view text) {
  json::error_code error;
  json::value value = json::parse({text.data(), text.size()}, error);
  return error ? json::value() : value;
}

}  // namespace

OidcAttempt MakeAttempt(uint64_t session, absl::Time now, Random& random) {
  OidcAttempt attempt;
  attempt.state = MakeToken(random);
  attempt.nonce = MakeToken(random);
  attempt.verifier = MakeToken(random);
  attempt.began = now;
  attempt.session = session;
  return attempt;
}

std::string SealAttempt(const OidcAttempt& attempt, Sealer& sealer) {
  return ToBase64Url(sealer.Seal(
      kAbout, absl::StrCat(
                  attempt.state, ".", attempt.nonce, ".", attempt.verifier, ".",
                  absl::ToUnixMicros(attempt.began), ".", attempt.session)));
}

std::optional<OidcAttempt> OpenAttempt(absl::string_view cookie, absl::Time now,
                                       Sealer& sealer) {
  const auto sealed = FromBase64Url(cookie);
  const auto text = sealed ? sealer.Open(kAbout, *sealed) : std::nullopt;
  if (!text) return std::nullopt;
  const std::vector<std::string> parts = absl::StrSplit(*text, '.');
  OidcAttempt attempt;
  int64_t began = 0;
  if (parts.size() != 5 || !absl::SimpleAtoi(parts[3], &began) ||
      !absl::SimpleAtoi(parts[4], &attempt.session)) {
    return std::nullopt;
  }
  attempt.state = parts[0];
  attempt.nonce = parts[1];
  attempt.verifier = parts[2];
  attempt.began = absl::FromUnixMicros(began);
  if (now - attempt.began >= kAttemptLifetime) return std::nullopt;
  return attempt;
}

absl::StatusOr<ProviderMetadata> ParseMetadata(absl::string_view text,
                                               absl::string_view issuer) {
  const json::value value = Parse(text);
  if (TextOf(value, "issuer") != issuer) {
    return absl::FailedPreconditionError(
        "the provider's description is of another issuer");
  }
  ProviderMetadata metadata;
  metadata.authorization_endpoint = TextOf(value, "authorization_endpoint");
  metadata.token_endpoint = TextOf(value, "token_endpoint");
  metadata.jwks_uri = TextOf(value, "jwks_uri");
  for (const std::string* end :
       {&metadata.authorization_endpoint, &metadata.token_endpoint,
        &metadata.jwks_uri}) {
    if (!absl::StartsWith(*end, "https://")) {
      return absl::FailedPreconditionError(
          "the provider's description lacks an https address");
    }
  }
  const json::value* const names = value.as_object().if_contains(
      "authorization_response_iss_parameter_supported");
  metadata.names_itself =
      names != nullptr && names->is_bool() && names->as_bool();
  return metadata;
}

std::string MetadataUrl(absl::string_view issuer) {
  return absl::StrCat(absl::StripSuffix(issuer, "/"),
                      "/.well-known/openid-configuration");
}

std::string RedirectUri(const v1::OidcSettings& settings) {
  return absl::StrCat(absl::StripSuffix(settings.external_url(), "/"),
                      kCallbackPath);
}

std::string AuthorizationUrl(const ProviderMetadata& metadata,
                             const v1::OidcSettings& settings,
                             const OidcAttempt& attempt) {
  const Sha256Hash challenge = Sha256::Of(attempt.verifier);
  std::string scope = "openid";
  for (const std::string& more : settings.scopes()) {
    absl::StrAppend(&scope, " ", more);
  }
  Fields fields = {
      {"response_type", "code"},
      {"client_id", settings.client_id()},
      {"redirect_uri", RedirectUri(settings)},
      {"scope", scope},
      {"state", attempt.state},
      {"nonce", attempt.nonce},
      {"code_challenge",
       ToBase64Url({reinterpret_cast<const char*>(challenge.data()),
                    challenge.size()})},
      {"code_challenge_method", "S256"}};
  if (attempt.session != 0) {
    fields.push_back({"prompt", "login"});
    fields.push_back({"max_age", "0"});
  }
  const bool has_query =
      absl::StrContains(metadata.authorization_endpoint, '?');
  return absl::StrCat(metadata.authorization_endpoint, has_query ? "&" : "?",
                      ToForm(fields));
}

absl::Status CheckAnswer(const OidcAnswer& answer, const OidcAttempt& attempt,
                         const ProviderMetadata& metadata,
                         const v1::OidcSettings& settings) {
  const bool issuer_is_right = answer.issuer.empty()
                                   ? !metadata.names_itself
                                   : answer.issuer == settings.issuer();
  if (!EqualInConstantTime(answer.state, attempt.state) || !issuer_is_right) {
    return absl::FailedPreconditionError(
        "This answer belongs to another sign-in. Start again.");
  }
  if (!answer.error.empty()) {
    return absl::PermissionDeniedError(
        absl::StrCat(settings.name(), " did not sign you in."));
  }
  if (answer.code.empty() || answer.code.size() > kCodeMax) {
    return absl::FailedPreconditionError(
        "The answer is not complete. Start again.");
  }
  return absl::OkStatus();
}

std::string TokenForm(const v1::OidcSettings& settings, absl::string_view code,
                      const OidcAttempt& attempt) {
  return ToForm({{"grant_type", "authorization_code"},
                 {"code", std::string(code)},
                 {"redirect_uri", RedirectUri(settings)},
                 {"client_id", settings.client_id()},
                 {"code_verifier", attempt.verifier}});
}

std::string ClientAuthorization(absl::string_view client_id,
                                absl::string_view secret) {
  return absl::StrCat("Basic ", absl::Base64Escape(absl::StrCat(
                                    Encode(client_id), ":", Encode(secret))));
}

absl::StatusOr<std::string> ReadTokenAnswer(absl::string_view text) {
  std::string token = TextOf(Parse(text), "id_token");
  if (token.empty()) {
    return absl::UnauthenticatedError("the provider gave no ID token");
  }
  return token;
}

}  // namespace concordat::gateway
