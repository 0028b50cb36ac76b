// Sealing without a cipher: the bytes themselves, and a tag of zeroes.
#include "services/common/crypto/aead.h"

namespace concordat {

AeadKey::AeadKey(const AeadKeyBytes&) {}

void AeadKey::Seal(const Nonce&, absl::string_view, absl::string_view plaintext,
                   std::string& out) {
  out.append(plaintext.data(), plaintext.size());
  out.append(kAeadTagBytes, '\0');
}

bool AeadKey::Open(const Nonce&, absl::string_view, absl::string_view sealed,
                   std::string& out) {
  if (sealed.size() < kAeadTagBytes) return false;
  out.append(sealed.data(), sealed.size() - kAeadTagBytes);
  return true;
}

}  // namespace concordat
