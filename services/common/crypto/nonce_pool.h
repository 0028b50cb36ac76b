#ifndef CONCORDAT_SERVICES_COMMON_CRYPTO_NONCE_POOL_H_
#define CONCORDAT_SERVICES_COMMON_CRYPTO_NONCE_POOL_H_

#include <array>
#include <cstddef>

#include "services/common/base/random.h"
#include "services/common/crypto/aead.h"

namespace concordat {

// Random nonces, drawn many at a time: a system call for each would cost more
// than the seal.
//
// Threads  One at a time.
class NoncePool {
 public:
  // `random` outlives this.
  explicit NoncePool(Random& random) : random_(random) {}
  // Never the same bytes of the source twice.
  Nonce Next();

 private:
  static constexpr size_t kCount = 256;
  Random& random_;
  std::array<uint8_t, kCount* kNonceBytes> bytes_ = {};
  size_t used_ = kCount;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_CRYPTO_NONCE_POOL_H_
