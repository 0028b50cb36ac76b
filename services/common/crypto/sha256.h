// SHA-256 and HMAC-SHA-256. PURE.
//
// Threads  A value is for one thread at a time; copies are independent.
#ifndef CONCORDAT_SERVICES_COMMON_CRYPTO_SHA256_H_
#define CONCORDAT_SERVICES_COMMON_CRYPTO_SHA256_H_

#include <openssl/sha.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace concordat {

inline constexpr size_t kSha256Bytes = 32;
using Sha256Hash = std::array<uint8_t, kSha256Bytes>;

// Hashes what Update() is given, in pieces of any size.
class Sha256 {
 public:
  Sha256();
  Sha256& Update(absl::string_view bytes);
  Sha256& Update(const void* bytes, size_t count);
  // The hash of everything so far. Ends this object's use.
  Sha256Hash Finish();

  static Sha256Hash Of(absl::string_view bytes);

 private:
  friend class HmacSha256;
  SHA256_CTX state_;
};

// A key prepared once, for many messages.
class HmacSha256 {
 public:
  explicit HmacSha256(absl::string_view key);
  Sha256Hash Of(absl::string_view message) const;

 private:
  Sha256 inner_;
  Sha256 outer_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_CRYPTO_SHA256_H_
