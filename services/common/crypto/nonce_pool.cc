#include "services/common/crypto/nonce_pool.h"

#include <algorithm>

namespace concordat {

Nonce NoncePool::Next() {
  if (used_ == kCount) {
    random_.Fill(bytes_.data(), bytes_.size());
    used_ = 0;
  }
  Nonce nonce;
  std::copy_n(bytes_.begin() + static_cast<ptrdiff_t>(used_ * kNonceBytes),
              kNonceBytes, nonce.begin());
  ++used_;
  return nonce;
}

}  // namespace concordat
