// Seals the columns that hold names, numbers and addresses, and makes the
// indexes by which a number is found without being readable.
//
// Threads  One at a time.
#ifndef CONCORDAT_SERVICES_IDENTITY_STORE_COLUMN_SEALER_H_
#define CONCORDAT_SERVICES_IDENTITY_STORE_COLUMN_SEALER_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/base/ids.h"
#include "services/common/base/random.h"
#include "services/common/crypto/aead.h"
#include "services/common/crypto/nonce_pool.h"
#include "services/common/crypto/sha256.h"

namespace concordat::identity {

class ColumnSealer {
 public:
  // Two keys are derived from `secret` (32 bytes): one seals, one indexes.
  // `random` outlives this.
  ColumnSealer(absl::string_view secret, Random& random);

  // AES-256-GCM, bound to the column and the person: a value moved to another
  // row does not open.
  std::string Seal(absl::string_view column, const PersonKey& person,
                   absl::string_view plain);
  //   DATA_LOSS  not what was sealed here, or with another secret.
  absl::StatusOr<std::string> Open(absl::string_view column,
                                   const PersonKey& person,
                                   absl::string_view sealed);

  // HMAC-SHA-256, 32 bytes: equal for equal texts.
  std::string Index(absl::string_view text) const;

 private:
  AeadKey key_;
  HmacSha256 index_;
  NoncePool nonces_;
};

}  // namespace concordat::identity

#endif  // CONCORDAT_SERVICES_IDENTITY_STORE_COLUMN_SEALER_H_
