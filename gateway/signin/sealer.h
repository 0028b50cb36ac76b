// Seals small texts with a key for one use, made from a secret. PURE.
#ifndef CONCORDAT_GATEWAY_SIGNIN_SEALER_H_
#define CONCORDAT_GATEWAY_SIGNIN_SEALER_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "services/common/base/random.h"
#include "services/common/crypto/aead.h"

namespace concordat::gateway {

// Threads  One at a time.
class Sealer {
 public:
  // `use` tells one use of the secret from another. `random` outlives this.
  Sealer(absl::string_view secret, absl::string_view use, Random& random);

  // Nonce, ciphertext and tag. It opens with the same `about` only.
  std::string Seal(absl::string_view about, absl::string_view text);
  // Nothing: not sealed here, or about something else, or changed.
  std::optional<std::string> Open(absl::string_view about,
                                  absl::string_view sealed);

 private:
  AeadKey key_;
  Random& random_;
};

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_SIGNIN_SEALER_H_
