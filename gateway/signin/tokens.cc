#include "gateway/signin/tokens.h"

#include <array>

#include "absl/strings/escaping.h"

namespace concordat::gateway {

std::string ToBase64Url(absl::string_view bytes) {
  return absl::WebSafeBase64Escape(bytes);
}

std::optional<std::string> FromBase64Url(absl::string_view text) {
  std::string bytes;
  // Abseil's reader forgives; what it would write does not.
  if (!absl::WebSafeBase64Unescape(text, &bytes) ||
      ToBase64Url(bytes) != text) {
    return std::nullopt;
  }
  return bytes;
}

std::string MakeToken(Random& random) {
  std::array<uint8_t, kTokenBytes> bytes;
  random.Fill(bytes.data(), bytes.size());
  return ToBase64Url(absl::string_view(
      reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

}  // namespace concordat::gateway
