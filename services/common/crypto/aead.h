// AES-256-GCM with a 96-bit nonce. PURE.
#ifndef CONCORDAT_SERVICES_COMMON_CRYPTO_AEAD_H_
#define CONCORDAT_SERVICES_COMMON_CRYPTO_AEAD_H_

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace concordat {

inline constexpr size_t kAeadKeyBytes = 32;
inline constexpr size_t kNonceBytes = 12;
inline constexpr size_t kAeadTagBytes = 16;

using AeadKeyBytes = std::array<uint8_t, kAeadKeyBytes>;
using Nonce = std::array<uint8_t, kNonceBytes>;

// One key, expanded once; keep it while the key is in use. The caller never
// uses a nonce twice with a key. The key is wiped when this is destroyed.
//
// Threads  One at a time.
class AeadKey {
 public:
  explicit AeadKey(const AeadKeyBytes& key);
  AeadKey(AeadKey&&) noexcept = default;
  AeadKey& operator=(AeadKey&&) noexcept = default;
  ~AeadKey() = default;

  // Appends ciphertext and tag: plaintext.size() + kAeadTagBytes bytes.
  void Seal(const Nonce& nonce, absl::string_view aad,
            absl::string_view plaintext, std::string& out);

  // Appends the plaintext. False, and `out` as it was: the key, nonce, aad or
  // sealed bytes are not those of the Seal().
  [[nodiscard]] bool Open(const Nonce& nonce, absl::string_view aad,
                          absl::string_view sealed, std::string& out);

 private:
  struct Free {
    void operator()(EVP_CIPHER_CTX* context) const {
      EVP_CIPHER_CTX_free(context);
    }
  };
  using Context = std::unique_ptr<EVP_CIPHER_CTX, Free>;
  Context seal_;
  Context open_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_CRYPTO_AEAD_H_
