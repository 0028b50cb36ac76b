// The keys that wrap every key of the log. They live in one small file (or in
// key management), never in the log or a backup of it: who destroys one
// destroys what only it opens. The file is text:
//
//   concordat wrapping keys 1
//   1 <64 hex digits>
//
// one line a key, ascending; the last one wraps new keys.
#ifndef CONCORDAT_SERVICES_BUS_LOG_WRAPPING_KEYS_H_
#define CONCORDAT_SERVICES_BUS_LOG_WRAPPING_KEYS_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/base/random.h"
#include "services/common/crypto/aead.h"
#include "services/common/storage/storage.h"

namespace concordat::bus {

class WrappingKeys {
 public:
  //   INVALID_ARGUMENT  not such a file; names the line, never a key.
  static absl::StatusOr<WrappingKeys> Parse(absl::string_view text);
  // Reads the file.  NOT_FOUND, and as Parse.
  static absl::StatusOr<WrappingKeys> Load(Directory& directory,
                                           absl::string_view name);
  // Makes a file with one new key, durably.  ALREADY_EXISTS
  static absl::Status Create(Directory& directory, absl::string_view name,
                             Random& random);

  uint32_t current() const { return keys_.rbegin()->first; }
  // Null: not in the file.
  const AeadKeyBytes* Find(uint32_t id) const;

 private:
  std::map<uint32_t, AeadKeyBytes> keys_;  // Never empty.
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_WRAPPING_KEYS_H_
