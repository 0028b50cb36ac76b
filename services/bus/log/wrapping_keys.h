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

  // Adds one, which wraps from here on. Its number.
  uint32_t Add(Random& random);
  // Takes one that another process made, which wraps from here on.
  //   INVALID_ARGUMENT  it is not above all others.
  absl::Status Put(uint32_t id, const AeadKeyBytes& key);
  // Forgets those below `id`, which is one of them. How many.
  size_t ForgetBefore(uint32_t id);
  // The file's text.
  std::string Text() const;

  uint32_t current() const { return keys_.rbegin()->first; }
  uint32_t oldest() const { return keys_.begin()->first; }
  // Null: not in the file.
  const AeadKeyBytes* Find(uint32_t id) const;
  size_t size() const { return keys_.size(); }

 private:
  std::map<uint32_t, AeadKeyBytes> keys_;  // Never empty.
};

// Puts `bytes` in the file's place, durably, and then writes zeroes over what it
// was: a power cut leaves the old file or the new one.
//   UNAVAILABLE, RESOURCE_EXHAUSTED
absl::Status ReplaceAndDestroy(Directory& directory, absl::string_view name,
                               absl::string_view bytes);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_WRAPPING_KEYS_H_
