// What a provider, or somebody in its place, may say: a signed token, a set of
// keys, a description of itself; and what a browser may bring as cookies.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gateway/signin/cookies.h"
#include "gateway/signin/id_token.h"
#include "gateway/signin/jws.h"
#include "gateway/signin/oidc_flow.h"
#include "gateway/signin/tokens.h"
#include "services/common/base/check.h"

namespace concordat::gateway {
namespace {

constexpr char kIssuer[] = "https://login.example";

// RFC 7515 A.3 and RFC 8037 A.2. Whoever finds a token for one of these here
// has broken more than this code.
const KeySet& Keys() {
  static const auto* const keys =
      new KeySet(KeySet::Parse(
                     R"({"keys":[{"kty":"EC","crv":"P-256",
              "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
              "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
              {"kty":"OKP","crv":"Ed25519",
              "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})")
                     .value());
  return *keys;
}

void ReadClaims(const boost::json::object& claims) {
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  const auto status = CheckIdToken(
      claims, {.issuer = kIssuer, .client_id = "concordat", .nonce = "n"}, now);
  if (status.ok()) CONCORDAT_CHECK(claims.at("iss") == kIssuer);
  v1::OidcSettings settings;
  settings.add_role_claim("realm_access");
  settings.add_role_claim("roles");
  v1::RoleMapping* const role = settings.add_roles();
  role->set_value("r");
  role->set_principal("coordinator");
  const auto person = PersonOf(claims, settings);
  if (!person.ok()) return;
  CONCORDAT_CHECK(person->principal == "coordinator");
  CONCORDAT_CHECK(!person->staff.empty() && person->staff.size() <= 64);
}

void ReadToken(absl::string_view input) {
  const auto token = ParseJws(input);
  if (!token.ok()) return;
  // One text, one reading.
  CONCORDAT_CHECK(absl::StrCat(token->signed_text, ".",
                               ToBase64Url(token->signature)) == input);
  CONCORDAT_CHECK(!Keys().Verify(*token).ok());
  ReadClaims(token->payload);
}

// The same with the parts in the clear, so that the JSON is reached.
void ReadParts(absl::string_view input) {
  const size_t end = input.find('\n');
  if (end == absl::string_view::npos) return;
  const std::string signature(64, '\1');
  ReadToken(absl::StrCat(ToBase64Url(input.substr(0, end)), ".",
                         ToBase64Url(input.substr(end + 1)), ".",
                         ToBase64Url(signature)));
}

void ReadKeys(absl::string_view input) {
  const auto keys = KeySet::Parse(input);
  if (!keys.ok()) return;
  CONCORDAT_CHECK(keys->size() > 0 && keys->size() <= kKeysMax);
  Jws token;
  token.signed_text = "a.b";
  token.signature = std::string(64, '\1');
  for (const char* algorithm : {"RS256", "ES256", "EdDSA"}) {
    token.algorithm = algorithm;
    CONCORDAT_CHECK(!keys->Verify(token).ok());
  }
}

void ReadDescription(absl::string_view input) {
  const auto metadata = ParseMetadata(input, kIssuer);
  if (!metadata.ok()) return;
  CONCORDAT_CHECK(metadata->token_endpoint.substr(0, 8) == "https://");
}

}  // namespace
}  // namespace concordat::gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view input(reinterpret_cast<const char*>(data) + 1,
                                size - 1);
  using concordat::gateway::FindCookie;
  switch (data[0] % 5) {
    case 0:
      concordat::gateway::ReadToken(input);
      break;
    case 1:
      concordat::gateway::ReadParts(input);
      break;
    case 2:
      concordat::gateway::ReadKeys(input);
      break;
    case 3:
      concordat::gateway::ReadDescription(input);
      break;
    default:
      CONCORDAT_CHECK(
          FindCookie(input, concordat::gateway::kSessionCookie).size() <=
          input.size());
  }
  return 0;
}
