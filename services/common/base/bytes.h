// Little-endian numbers in byte strings. PURE.
#ifndef CONCORDAT_SERVICES_COMMON_BASE_BYTES_H_
#define CONCORDAT_SERVICES_COMMON_BASE_BYTES_H_

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include "absl/strings/string_view.h"

namespace concordat {

static_assert(std::endian::native == std::endian::little);

template <typename T>
void PutNumber(std::string& out, T value) {
  static_assert(std::is_unsigned_v<T>);
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}
template <size_t kCount>
void PutBytes(std::string& out, const std::array<uint8_t, kCount>& bytes) {
  out.append(reinterpret_cast<const char*>(bytes.data()), kCount);
}
template <size_t kCount>
absl::string_view AsView(const std::array<uint8_t, kCount>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), kCount};
}

// Reads in order. After the first read past the end, ok() is false and every
// answer is zero or empty.
class ByteReader {
 public:
  explicit ByteReader(absl::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool done() const { return rest_.empty(); }
  absl::string_view rest() const { return rest_; }

  absl::string_view Bytes(size_t count) {
    if (count > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const absl::string_view bytes = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return bytes;
  }
  template <typename T>
  T Number() {
    T value = 0;
    const absl::string_view bytes = Bytes(sizeof(value));
    if (bytes.size() == sizeof(value)) {
      std::memcpy(&value, bytes.data(), sizeof(value));
    }
    return value;
  }
  template <size_t kCount>
  std::array<uint8_t, kCount> Array() {
    std::array<uint8_t, kCount> out = {};
    const absl::string_view bytes = Bytes(kCount);
    if (bytes.size() == kCount) std::memcpy(out.data(), bytes.data(), kCount);
    return out;
  }

 private:
  absl::string_view rest_;
  bool ok_ = true;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BASE_BYTES_H_
