// CRC-32C (Castagnoli; RFC 3720), with the processor's instruction where it has
// one. Finds accidents, not attackers.
#ifndef CONCORDAT_SERVICES_COMMON_CRYPTO_CRC32C_H_
#define CONCORDAT_SERVICES_COMMON_CRYPTO_CRC32C_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace concordat {

// The CRC of what `crc` was of, followed by `bytes`.
uint32_t ExtendCrc32c(uint32_t crc, absl::string_view bytes);
inline uint32_t Crc32c(absl::string_view bytes) {
  return ExtendCrc32c(0, bytes);
}
// By table, on any processor.
uint32_t ExtendCrc32cPortable(uint32_t crc, absl::string_view bytes);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_CRYPTO_CRC32C_H_
