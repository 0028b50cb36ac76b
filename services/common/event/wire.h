// Protobuf's wire format, read and written by hand for the paths that run for
// every event. Internal to services/common/event.
#ifndef CONCORDAT_SERVICES_COMMON_EVENT_WIRE_H_
#define CONCORDAT_SERVICES_COMMON_EVENT_WIRE_H_

#include <array>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/base/optimization.h"
#include "absl/strings/string_view.h"

namespace concordat::wire {

enum Type : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

constexpr uint32_t Tag(uint32_t number, Type type) {
  return number << 3 | type;
}

// The bytes that are left of a message.
struct Input {
  const char* at;
  const char* end;

  explicit Input(absl::string_view bytes)
      : at(bytes.data()), end(bytes.data() + bytes.size()) {}
  bool done() const { return at == end; }
};

// One field as it stands on the wire.
struct Field {
  uint32_t number = 0;
  uint32_t type = 0;
  uint64_t value = 0;       // Of the three numeric types.
  absl::string_view bytes;  // Of kBytes.
};

// False: it is cut off or longer than ten bytes.
inline bool ReadVarint(Input& in, uint64_t& value) {
  const char* at = in.at;
  if (ABSL_PREDICT_FALSE(at == in.end)) return false;
  uint64_t byte = static_cast<uint8_t>(*at++);
  value = byte;
  if (ABSL_PREDICT_FALSE(byte >= 0x80)) {
    value &= 0x7f;
    for (int shift = 7;; shift += 7) {
      if (at == in.end || shift > 63) return false;
      byte = static_cast<uint8_t>(*at++);
      if (shift == 63 && byte > 1) return false;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
  }
  in.at = at;
  return true;
}

// A tag or a length. False: longer than five bytes too, zeroes though they be:
// protobuf's parser, which a recipient has, refuses those.
inline bool ReadVarint32(Input& in, uint32_t& value) {
  const char* const start = in.at;
  uint64_t wide = 0;
  if (!ReadVarint(in, wide) || in.at - start > 5 || wide > 0xffffffffu) {
    return false;
  }
  value = static_cast<uint32_t>(wide);
  return true;
}

// Reads the next field. False: malformed, or a group, which ours never have.
inline bool ReadField(Input& in, Field& field) {
  uint32_t tag = 0;
  if (!ReadVarint32(in, tag)) return false;
  field.number = tag >> 3;
  field.type = tag & 7;
  if (field.number == 0) return false;
  const size_t left_before = static_cast<size_t>(in.end - in.at);
  switch (field.type) {
    case kVarint:
      return ReadVarint(in, field.value);
    case kFixed64:
      if (left_before < 8) return false;
      std::memcpy(&field.value, in.at, 8);
      in.at += 8;
      return true;
    case kBytes: {
      uint32_t count = 0;
      if (!ReadVarint32(in, count)) return false;
      if (count > static_cast<size_t>(in.end - in.at)) return false;
      field.bytes = {in.at, count};
      in.at += count;
      return true;
    }
    case kFixed32: {
      if (left_before < 4) return false;
      uint32_t value = 0;
      std::memcpy(&value, in.at, 4);
      field.value = value;
      in.at += 4;
      return true;
    }
    default:
      return false;
  }
}

constexpr size_t VarintBytes(uint64_t value) {
  size_t count = 1;
  for (; value >= 0x80; value >>= 7) ++count;
  return count;
}

// Two sinks with one interface, so that a message's size and its bytes come
// from one description of it.
class Counter {
 public:
  void Varint(uint64_t value) { count_ += VarintBytes(value); }
  void Fixed64(uint64_t) { count_ += 8; }
  void Raw(absl::string_view bytes) { count_ += bytes.size(); }
  size_t count() const { return count_; }

 private:
  size_t count_ = 0;
};

class Writer {
 public:
  // `out` has room for all that will be written.
  explicit Writer(char* out) : at_(out) {}
  void Varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) *at_++ = static_cast<char>(value | 0x80);
    *at_++ = static_cast<char>(value);
  }
  void Fixed64(uint64_t value) {
    std::memcpy(at_, &value, 8);
    at_ += 8;
  }
  void Raw(absl::string_view bytes) {
    std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }

 private:
  char* at_;
};

template <typename Sink>
void PutVarint(Sink& sink, uint32_t number, uint64_t value) {
  if (value == 0) return;
  sink.Varint(Tag(number, kVarint));
  sink.Varint(value);
}
template <typename Sink>
void PutFixed64(Sink& sink, uint32_t number, uint64_t value) {
  if (value == 0) return;
  sink.Varint(Tag(number, kFixed64));
  sink.Fixed64(value);
}
// Written when it is empty too.
template <typename Sink>
void PutElement(Sink& sink, uint32_t number, absl::string_view bytes) {
  sink.Varint(Tag(number, kBytes));
  sink.Varint(bytes.size());
  if (!bytes.empty()) sink.Raw(bytes);
}
template <typename Sink>
void PutBytes(Sink& sink, uint32_t number, absl::string_view bytes) {
  if (!bytes.empty()) PutElement(sink, number, bytes);
}

// Bytes of a length-delimited field of `count` bytes, tag and length with it.
inline size_t ElementBytes(uint32_t number, size_t count) {
  return VarintBytes(Tag(number, kBytes)) + VarintBytes(count) + count;
}

template <size_t kSize>
absl::string_view AsText(const std::array<uint8_t, kSize>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
// False: another length.
template <size_t kSize>
bool ToArray(absl::string_view bytes, std::array<uint8_t, kSize>& out) {
  if (bytes.size() != kSize) return false;
  std::memcpy(out.data(), bytes.data(), kSize);
  return true;
}

}  // namespace concordat::wire

#endif  // CONCORDAT_SERVICES_COMMON_EVENT_WIRE_H_
