#include "adapters/casefile/text_encoding.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace concordat::casefile {
namespace {

using edge::v1::TextEncoding;

constexpr absl::string_view kUtf8Mark("\xef\xbb\xbf", 3);
constexpr absl::string_view kUtf16LittleMark("\xff\xfe", 2);
constexpr absl::string_view kUtf16BigMark("\xfe\xff", 2);
constexpr uint32_t kLastCharacter = 0x10ffff;

// Windows-1252 from 0x80 to 0x9f; 0: not assigned.
constexpr std::array<uint16_t, 32> kWindows1252 = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
    0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017d, 0,
    0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
    0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178};

bool IsSurrogate(uint32_t c) { return c >= 0xd800 && c <= 0xdfff; }

void Append(uint32_t c, std::string& out) {
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xc0 | (c >> 6)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xe0 | (c >> 12)));
    out.push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
  } else {
    out.push_back(static_cast<char>(0xf0 | (c >> 18)));
    out.push_back(static_cast<char>(0x80 | ((c >> 12) & 0x3f)));
    out.push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
  }
}

absl::Status BadAt(const std::string& before, TextEncoding encoding,
                   absl::string_view what) {
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  return absl::InvalidArgumentError(
      absl::StrCat("line ", line, ": ", what, ", so it is not ",
                   EncodingName(encoding), " text"));
}

absl::StatusOr<std::string> FromSingleBytes(absl::string_view bytes,
                                            TextEncoding encoding) {
  const bool windows = encoding == edge::v1::TEXT_ENCODING_WINDOWS_1252;
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 8);
  for (const char byte : bytes) {
    uint32_t c = static_cast<uint8_t>(byte);
    if (c == 0) return BadAt(out, encoding, "a zero character");
    if (c >= 0x80 && c <= 0x9f) {
      // Of ISO 8859-1 these are control characters that no case system writes:
      // such a file is Windows-1252.
      c = windows ? kWindows1252[c - 0x80] : 0;
      if (c == 0) return BadAt(out, encoding, "a byte that means nothing");
    }
    Append(c, out);
  }
  return out;
}

// Length of the well-formed character at the front; 0: none.
size_t Utf8Length(absl::string_view text) {
  const auto at = [&](size_t i) -> uint32_t {
    return i < text.size() ? static_cast<uint8_t>(text[i]) : 0;
  };
  const auto more = [&](size_t i) { return (at(i) & 0xc0) == 0x80; };
  const uint32_t first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return more(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (!more(1) || !more(2)) return 0;
    const uint32_t c =
        ((first & 0xf) << 12) | ((at(1) & 0x3f) << 6) | (at(2) & 0x3f);
    return c >= 0x800 && !IsSurrogate(c) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (!more(1) || !more(2) || !more(3)) return 0;
    const uint32_t c = ((first & 0x7) << 18) | ((at(1) & 0x3f) << 12);
    return c >= 0x10000 && c <= kLastCharacter ? 4 : 0;
  }
  return 0;
}

absl::StatusOr<std::string> FromUtf8(absl::string_view bytes) {
  constexpr TextEncoding kUtf8 = edge::v1::TEXT_ENCODING_UTF_8;
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    if (bytes[0] == '\0') return BadAt(out, kUtf8, "a zero character");
    const size_t length = Utf8Length(bytes);
    if (length == 0) return BadAt(out, kUtf8, "a broken character");
    out.append(bytes.data(), length);
    bytes.remove_prefix(length);
  }
  return out;
}

absl::StatusOr<std::string> FromUtf16(absl::string_view bytes) {
  constexpr TextEncoding kUtf16 = edge::v1::TEXT_ENCODING_UTF_16;
  const bool big = absl::StartsWith(bytes, kUtf16BigMark);
  if (big || absl::StartsWith(bytes, kUtf16LittleMark)) bytes.remove_prefix(2);
  std::string out;
  if (bytes.size() % 2 != 0) {
    return absl::InvalidArgumentError("half a character at the end");
  }
  uint32_t high = 0;
  for (size_t i = 0; i < bytes.size(); i += 2) {
    const uint32_t a = static_cast<uint8_t>(bytes[i]);
    const uint32_t b = static_cast<uint8_t>(bytes[i + 1]);
    uint32_t c = big ? (a << 8 | b) : (b << 8 | a);
    if (c == 0) return BadAt(out, kUtf16, "a zero character");
    const bool low = c >= 0xdc00 && c <= 0xdfff;
    if (low != (high != 0)) return BadAt(out, kUtf16, "half a character");
    if (c >= 0xd800 && c < 0xdc00) {
      high = c;
      continue;
    }
    if (low) c = 0x10000 + ((high - 0xd800) << 10) + (c - 0xdc00);
    high = 0;
    Append(c, out);
  }
  if (high != 0) return BadAt(out, kUtf16, "half a character");
  return out;
}

}  // namespace

absl::string_view EncodingName(TextEncoding encoding) {
  switch (encoding) {
    case edge::v1::TEXT_ENCODING_WINDOWS_1252:
      return "Windows-1252";
    case edge::v1::TEXT_ENCODING_UTF_8:
      return "UTF-8";
    case edge::v1::TEXT_ENCODING_UTF_16:
      return "UTF-16";
    case edge::v1::TEXT_ENCODING_ISO_8859_1:
      return "ISO 8859-1";
    default:
      return "unknown";
  }
}

absl::StatusOr<std::string> ToUtf8(absl::string_view bytes,
                                   TextEncoding encoding) {
  const bool marked_8 = absl::StartsWith(bytes, kUtf8Mark);
  const bool marked_16 = absl::StartsWith(bytes, kUtf16LittleMark) ||
                         absl::StartsWith(bytes, kUtf16BigMark);
  if ((marked_8 && encoding != edge::v1::TEXT_ENCODING_UTF_8) ||
      (marked_16 && encoding != edge::v1::TEXT_ENCODING_UTF_16)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "line 1: it begins with the mark of ", marked_8 ? "UTF-8" : "UTF-16",
        ", so it is not ", EncodingName(encoding), " text"));
  }
  switch (encoding) {
    case edge::v1::TEXT_ENCODING_WINDOWS_1252:
    case edge::v1::TEXT_ENCODING_ISO_8859_1:
      return FromSingleBytes(bytes, encoding);
    case edge::v1::TEXT_ENCODING_UTF_8:
      if (marked_8) bytes.remove_prefix(kUtf8Mark.size());
      return FromUtf8(bytes);
    case edge::v1::TEXT_ENCODING_UTF_16:
      return FromUtf16(bytes);
    default:
      return absl::InvalidArgumentError("no encoding");
  }
}

size_t CountCharacters(absl::string_view utf8) {
  return static_cast<size_t>(std::count_if(
      utf8.begin(), utf8.end(),
      [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

}  // namespace concordat::casefile
