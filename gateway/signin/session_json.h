// What the pages are told of a session. PURE.
#ifndef CONCORDAT_GATEWAY_SIGNIN_SESSION_JSON_H_
#define CONCORDAT_GATEWAY_SIGNIN_SESSION_JSON_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "boost/json/object.hpp"
#include "gateway/signin/sealed_store.h"
#include "gateway/signin/sessions.h"

namespace concordat::gateway {

// {"account","displayName","principal","agency","agencyName",
//  "agencies":{name: as people write it},"role","purpose",
//  "cases":{person key: purpose},"purposes":[…],"environment","idleSeconds",
//  "idleUntil","expiresAt","recentUntil":…|null,"csrf"}
std::string SessionJson(const SessionState& state,
                        const std::set<std::string>& purposes);
// {"drafts":[{"key","savedAt","bytes"}]}
std::string DraftsJson(const std::vector<Draft>& drafts);
// {"local":true,"oidc":{"name":"…"}|null,"environment":"demo"}
std::string OptionsJson(bool local, const std::string& oidc_name,
                        absl::string_view environment);

// The object that a body is.
//   INVALID_ARGUMENT
absl::StatusOr<boost::json::object> ReadObject(const std::string& body);
// A text member.
//   INVALID_ARGUMENT  it is not there, or no text; names it.
absl::StatusOr<std::string> ReadText(const boost::json::object& object,
                                     absl::string_view name);
// The same; empty when it is not there.
absl::StatusOr<std::string> ReadOptionalText(const boost::json::object& object,
                                             absl::string_view name);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_SIGNIN_SESSION_JSON_H_
