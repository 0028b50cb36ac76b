// What an ID token of OpenID Connect must say (Core 1.0, section 3.1.3.7), and
// which principal its claims make of somebody. PURE.
#ifndef CONCORDAT_GATEWAY_SIGNIN_ID_TOKEN_H_
#define CONCORDAT_GATEWAY_SIGNIN_ID_TOKEN_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "boost/json/object.hpp"
#include "concordat/gateway/v1/signin.pb.h"
#include "gateway/signin/session_table.h"

namespace concordat::gateway {

// How far two clocks may be apart, and how old a token may be that was just
// fetched.
inline constexpr absl::Duration kClockSkew = absl::Seconds(60);
inline constexpr absl::Duration kTokenAgeMax = absl::Minutes(10);

struct ExpectedToken {
  absl::string_view issuer;
  absl::string_view client_id;
  absl::string_view nonce;
  // The person must have proved who they are since then; else: at any time.
  std::optional<absl::Time> proved_since = std::nullopt;
};

// Judges the claims of a token whose signature is proved.
//   UNAUTHENTICATED  says which claim is missing or wrong, never its value.
absl::Status CheckIdToken(const boost::json::object& claims,
                          const ExpectedToken& expected, absl::Time now);

// Whom the claims are about. The first mapping that fits decides.
//   UNAUTHENTICATED    no subject, or one that cannot stand in a record.
//   PERMISSION_DENIED  no mapping fits; for people.
absl::StatusOr<Person> PersonOf(const boost::json::object& claims,
                                const v1::OidcSettings& settings);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_SIGNIN_ID_TOKEN_H_
