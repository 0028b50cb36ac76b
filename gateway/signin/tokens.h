// Unguessable words, and the alphabet that they and signed tokens are written
// in. PURE.
#ifndef CONCORDAT_GATEWAY_SIGNIN_TOKENS_H_
#define CONCORDAT_GATEWAY_SIGNIN_TOKENS_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "services/common/base/random.h"

namespace concordat::gateway {

inline constexpr size_t kTokenBytes = 32;
inline constexpr size_t kTokenCharacters = 43;

// base64url without padding (RFC 4648, section 5).
std::string ToBase64Url(absl::string_view bytes);
// Nothing unless `text` is exactly what ToBase64Url() would write: no padding,
// no spaces, no other alphabet, no bits left over.
std::optional<std::string> FromBase64Url(absl::string_view text);

// 256 bits in base64url.
std::string MakeToken(Random& random);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_SIGNIN_TOKENS_H_
