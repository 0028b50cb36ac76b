// Cookies of a browser, and the token that shows that our own page made a
// request. (Where a request comes from, Origin and Sec-Fetch-Site, the server
// has judged before.) PURE.
#ifndef CONCORDAT_GATEWAY_SIGNIN_COOKIES_H_
#define CONCORDAT_GATEWAY_SIGNIN_COOKIES_H_

#include <string>

#include "absl/strings/string_view.h"

namespace concordat::gateway {

inline constexpr absl::string_view kSessionCookie = "__Host-concordat";
inline constexpr absl::string_view kOidcCookie = "__Host-concordat-oidc";

// The value of `name` in a Cookie header; empty when it is not there, or there
// more than once: then somebody else set one of them.
absl::string_view FindCookie(absl::string_view header, absl::string_view name);

enum class SameSite { kStrict, kLax };
// A Set-Cookie header for a cookie that scripts cannot read, over TLS, of this
// host alone, until the browser closes.
std::string SetCookie(absl::string_view name, absl::string_view value,
                      SameSite same_site);
// One that removes it.
std::string DropCookie(absl::string_view name);

// Whether the header of a request that changes something is the session's token.
bool IsCsrfToken(absl::string_view presented, absl::string_view csrf);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_SIGNIN_COOKIES_H_
