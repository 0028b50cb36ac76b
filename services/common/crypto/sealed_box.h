// A box that the holder of a key alone opens, from whoever knows its public half:
// libsodium's crypto_box_seal (X25519, XSalsa20-Poly1305), with the randomness
// passed in. PURE.
//
// Threads  Any.
#ifndef CONCORDAT_SERVICES_COMMON_CRYPTO_SEALED_BOX_H_
#define CONCORDAT_SERVICES_COMMON_CRYPTO_SEALED_BOX_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "services/common/base/random.h"

namespace concordat {

inline constexpr size_t kBoxKeyBytes = 32;

using BoxPublicKey = std::array<uint8_t, kBoxKeyBytes>;

// A secret key, wiped when this is destroyed.
class BoxKey {
 public:
  explicit BoxKey(Random& random);
  BoxKey(const BoxKey&) = delete;
  BoxKey& operator=(const BoxKey&) = delete;
  ~BoxKey();

  const BoxPublicKey& public_key() const { return public_key_; }
  // Nothing: it was sealed to another key, or is damaged.
  std::optional<std::string> Open(absl::string_view box) const;

 private:
  BoxPublicKey public_key_ = {};
  std::array<uint8_t, kBoxKeyBytes> secret_ = {};
};

std::string SealBox(const BoxPublicKey& to, absl::string_view bytes,
                    Random& random);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_CRYPTO_SEALED_BOX_H_
