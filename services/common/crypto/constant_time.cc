#include "services/common/crypto/constant_time.h"

#include <openssl/crypto.h>

namespace concordat {

bool EqualInConstantTime(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() &&
         CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace concordat
