// A secret in n shares of which any m give it back, and fewer tell nothing of it:
// Shamir's scheme, byte by byte over GF(2^8) with the polynomial of AES, as
// draft-mcgrew-tss-03 has it and its test vector. PURE.
#ifndef CONCORDAT_SERVICES_COMMON_CRYPTO_SECRET_SHARING_H_
#define CONCORDAT_SERVICES_COMMON_CRYPTO_SECRET_SHARING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "services/common/base/random.h"

namespace concordat {

struct SecretShare {
  uint8_t index = 0;  // 1 to 255; no two shares have the same.
  std::string bytes;  // As long as the secret.
};

// INVALID_ARGUMENT  not 2 <= need <= count <= 255, or an empty secret.
absl::StatusOr<std::vector<SecretShare>> SplitSecret(absl::string_view secret,
                                                     int need, int count,
                                                     Random& random);

// The secret, of as many shares as it needs. Of fewer, or of others, something
// else: whoever asks has to know it by what it opens.
//   INVALID_ARGUMENT  no share, two of one index, index 0, or of two lengths.
absl::StatusOr<std::string> JoinSecret(absl::Span<const SecretShare> shares);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_CRYPTO_SECRET_SHARING_H_
