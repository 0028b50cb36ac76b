#include "gateway/signin/sealer.h"

#include <algorithm>

#include "services/common/crypto/sha256.h"

namespace concordat::gateway {

Sealer::Sealer(absl::string_view secret, absl::string_view use, Random& random)
    : key_(HmacSha256(secret).Of(use)), random_(random) {}

std::string Sealer::Seal(absl::string_view about, absl::string_view text) {
  Nonce nonce;
  random_.Fill(nonce.data(), nonce.size());
  std::string sealed(reinterpret_cast<const char*>(nonce.data()), nonce.size());
  key_.Seal(nonce, about, text, sealed);
  return sealed;
}

std::optional<std::string> Sealer::Open(absl::string_view about,
                                        absl::string_view sealed) {
  if (sealed.size() < kNonceBytes + kAeadTagBytes) return std::nullopt;
  Nonce nonce;
  std::copy_n(sealed.begin(), kNonceBytes, nonce.begin());
  std::string text;
  if (!key_.Open(nonce, about, sealed.substr(kNonceBytes), text)) {
    return std::nullopt;
  }
  return text;
}

}  // namespace concordat::gateway
