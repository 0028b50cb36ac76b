// The texts of a sign-in by OpenID Connect: authorization code flow with PKCE
// (RFC 7636, S256), state and nonce. PURE.
//
// Nothing of a sign-in under way is kept here: it is sealed into a cookie of
// the browser that began it, and so is of no use in another.
#ifndef CONCORDAT_GATEWAY_SIGNIN_OIDC_FLOW_H_
#define CONCORDAT_GATEWAY_SIGNIN_OIDC_FLOW_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/gateway/v1/signin.pb.h"
#include "gateway/signin/sealer.h"
#include "services/common/base/random.h"

namespace concordat::gateway {

inline constexpr absl::Duration kAttemptLifetime = absl::Minutes(10);
inline constexpr absl::string_view kCallbackPath = "/sign-in/oidc/callback";

struct OidcAttempt {
  std::string state;
  std::string nonce;
  std::string verifier;  // Of PKCE; only its hash leaves before the code came.
  absl::Time began;
  uint64_t session = 0;  // That is to be proved again; 0: a new one.
};

OidcAttempt MakeAttempt(uint64_t session, absl::Time now, Random& random);
std::string SealAttempt(const OidcAttempt& attempt, Sealer& sealer);
// Nothing: not sealed here, or too long ago.
std::optional<OidcAttempt> OpenAttempt(absl::string_view cookie, absl::Time now,
                                       Sealer& sealer);

// What the provider says of itself (OpenID Connect Discovery 1.0).
struct ProviderMetadata {
  std::string authorization_endpoint;
  std::string token_endpoint;
  std::string jwks_uri;
  bool names_itself = false;  // In each answer (RFC 9207).
};
//   FAILED_PRECONDITION  not of this issuer, or an end that is not https.
absl::StatusOr<ProviderMetadata> ParseMetadata(absl::string_view json,
                                               absl::string_view issuer);
// Where `issuer` publishes it.
std::string MetadataUrl(absl::string_view issuer);

std::string RedirectUri(const v1::OidcSettings& settings);
// Where the browser is sent.
std::string AuthorizationUrl(const ProviderMetadata& metadata,
                             const v1::OidcSettings& settings,
                             const OidcAttempt& attempt);

// The query that the browser comes back with.
struct OidcAnswer {
  absl::string_view state;
  absl::string_view code;
  absl::string_view issuer = {};
  absl::string_view error = {};
};
// OK: it answers this attempt and has a code.
//   PERMISSION_DENIED    the provider says no; for people.
//   FAILED_PRECONDITION  it answers another attempt or is of another provider;
//                        for people.
absl::Status CheckAnswer(const OidcAnswer& answer, const OidcAttempt& attempt,
                         const ProviderMetadata& metadata,
                         const v1::OidcSettings& settings);

// The form that exchanges the code.
std::string TokenForm(const v1::OidcSettings& settings, absl::string_view code,
                      const OidcAttempt& attempt);
// The Authorization header of a client with a secret (RFC 6749, 2.3.1).
std::string ClientAuthorization(absl::string_view client_id,
                                absl::string_view secret);
// The ID token of the provider's answer.
//   UNAUTHENTICATED  it has none.
absl::StatusOr<std::string> ReadTokenAnswer(absl::string_view json);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_SIGNIN_OIDC_FLOW_H_
