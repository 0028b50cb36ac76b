// Types of their own for the names that must never be mixed up: in a system
// that joins police, health and social-work records, passing one agency's id as
// another's is the worst bug there is.
#ifndef CONCORDAT_SERVICES_COMMON_BASE_IDS_H_
#define CONCORDAT_SERVICES_COMMON_BASE_IDS_H_

#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace concordat {

// A place in the log: dense from 1, never reused in a log's epoch. 0 is before
// the first event.
struct Sequence {
  uint64_t value = 0;
  friend auto operator<=>(const Sequence&, const Sequence&) = default;
};

// The hub's opaque key of a person: 16 bytes, written "p-" and 26 characters of
// lower-case base32 (RFC 4648, no padding).
class PersonKey {
 public:
  static constexpr size_t kBytes = 16;

  PersonKey() = default;  // Nobody.
  explicit PersonKey(const std::array<uint8_t, kBytes>& bytes)
      : bytes_(bytes), empty_(false) {}

  //   INVALID_ARGUMENT  not 16 bytes.
  static absl::StatusOr<PersonKey> FromBytes(absl::string_view bytes);
  //   INVALID_ARGUMENT  not of the written form.
  static absl::StatusOr<PersonKey> Parse(absl::string_view text);

  bool empty() const { return empty_; }
  // 16 bytes, or none for nobody.
  absl::string_view bytes() const;
  // "p-…", or nothing for nobody.
  std::string ToString() const;

  friend auto operator<=>(const PersonKey&, const PersonKey&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const PersonKey& key) {
    return H::combine(std::move(h), key.bytes_, key.empty_);
  }

 private:
  std::array<uint8_t, kBytes> bytes_ = {};
  bool empty_ = true;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BASE_IDS_H_
