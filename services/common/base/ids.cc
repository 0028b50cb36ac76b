#include "services/common/base/ids.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/match.h"

namespace concordat {
namespace {

constexpr absl::string_view kPrefix = "p-";
constexpr absl::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
constexpr size_t kCharacters = 26;

}  // namespace

absl::StatusOr<PersonKey> PersonKey::FromBytes(absl::string_view bytes) {
  if (bytes.size() != kBytes) {
    return absl::InvalidArgumentError("a person key is 16 bytes");
  }
  std::array<uint8_t, kBytes> copy;
  std::copy(bytes.begin(), bytes.end(), copy.begin());
  return PersonKey(copy);
}

absl::StatusOr<PersonKey> PersonKey::Parse(absl::string_view text) {
  const absl::Status bad = absl::InvalidArgumentError(
      "a person key is p- and 26 characters of lower-case base32");
  if (!absl::StartsWith(text, kPrefix)) return bad;
  text.remove_prefix(kPrefix.size());
  if (text.size() != kCharacters) return bad;
  std::array<uint8_t, kBytes> bytes = {};
  uint32_t bits = 0;
  int bit_count = 0;
  size_t at = 0;
  for (const char c : text) {
    const size_t value = kAlphabet.find(c);
    if (value == absl::string_view::npos) return bad;
    bits = (bits << 5) | static_cast<uint32_t>(value);
    bit_count += 5;
    if (bit_count >= 8) {
      bit_count -= 8;
      bytes[at++] = static_cast<uint8_t>(bits >> bit_count);
    }
  }
  // The two bits left over are zero, so that a key has one written form.
  if ((bits & ((1u << bit_count) - 1)) != 0) return bad;
  return PersonKey(bytes);
}

absl::string_view PersonKey::bytes() const {
  if (empty_) return {};
  return {reinterpret_cast<const char*>(bytes_.data()), kBytes};
}

std::string PersonKey::ToString() const {
  if (empty_) return "";
  std::string text(kPrefix);
  uint32_t bits = 0;
  int bit_count = 0;
  for (const uint8_t byte : bytes_) {
    bits = (bits << 8) | byte;
    bit_count += 8;
    while (bit_count >= 5) {
      bit_count -= 5;
      text.push_back(kAlphabet[(bits >> bit_count) & 31]);
    }
  }
  text.push_back(kAlphabet[(bits << (5 - bit_count)) & 31]);
  return text;
}

}  // namespace concordat
