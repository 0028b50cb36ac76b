// Ed25519 signatures (RFC 8032), by libsodium. PURE.
//
// Threads  Any.
#ifndef CONCORDAT_SERVICES_COMMON_CRYPTO_ED25519_H_
#define CONCORDAT_SERVICES_COMMON_CRYPTO_ED25519_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace concordat {

inline constexpr size_t kEd25519KeyBytes = 32;
inline constexpr size_t kEd25519SignatureBytes = 64;

using Ed25519PublicKey = std::array<uint8_t, kEd25519KeyBytes>;
using Ed25519Seed = std::array<uint8_t, kEd25519KeyBytes>;
using Ed25519Signature = std::array<uint8_t, kEd25519SignatureBytes>;

// A secret key, wiped when this is destroyed.
class Ed25519Signer {
 public:
  explicit Ed25519Signer(const Ed25519Seed& seed);
  Ed25519Signer(const Ed25519Signer&) = default;
  Ed25519Signer& operator=(const Ed25519Signer&) = default;
  ~Ed25519Signer();

  const Ed25519PublicKey& public_key() const { return public_key_; }
  Ed25519Signature Sign(absl::string_view message) const;

 private:
  Ed25519PublicKey public_key_ = {};
  std::array<uint8_t, 2 * kEd25519KeyBytes> secret_ = {};
};

// Whether the holder of `key` signed `message`. A key of small order, and a
// signature that is not in its one canonical form, are nobody's.
[[nodiscard]] bool CheckEd25519(const Ed25519PublicKey& key,
                                absl::string_view message,
                                const Ed25519Signature& signature);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_CRYPTO_ED25519_H_
