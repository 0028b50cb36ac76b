#include "services/common/event/text_rules.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "absl/strings/ascii.h"
#include "re2/re2.h"

namespace concordat {
namespace {

bool IsContinuation(unsigned char byte) { return (byte & 0xc0) == 0x80; }

// Bytes of the character at the start of `text`, 0: it is not one.
size_t CharacterBytes(const unsigned char* at, size_t left) {
  const unsigned char lead = at[0];
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  if (left < 2 || !IsContinuation(at[1])) return 0;
  if (lead < 0xe0) return 2;
  // The second byte's bounds rule out long forms, surrogates and what is over
  // U+10FFFF.
  if (lead == 0xe0 && at[1] < 0xa0) return 0;
  if (lead == 0xed && at[1] > 0x9f) return 0;
  if (lead == 0xf0 && at[1] < 0x90) return 0;
  if (lead == 0xf4 && at[1] > 0x8f) return 0;
  if (left < 3 || !IsContinuation(at[2])) return 0;
  if (lead < 0xf0) return 3;
  return left >= 4 && IsContinuation(at[3]) ? 4 : 0;
}

struct Shape {
  const char* pattern;
  absl::string_view rule;
};

// Wide on purpose: a sentence that must be put in other words costs less than
// a number that travels. What stands between digits is what people put there.
constexpr Shape kShapes[] = {
    {R"((?:^|\D)\d{6}[ -]?\d{4}(?:\D|$))",
     "holds something shaped like a CHI number"},
    {R"((?i)\b\d{2}(?:\d{2})?[/-]\d{1,7}[A-Z]\b)",
     "holds something shaped like a PNC number"},
    {R"((?:\+44|\b0044|\b0)[ ().-]*\d(?:[ ().-]*\d){8,9}(?:\D|$))",
     "holds something shaped like a telephone number"},
    {R"((?i)\b[A-Z]{1,2}\d[A-Z\d]? *\d[A-Z]{2}\b)",
     "holds something shaped like a postcode"},
};
constexpr size_t kShapeCount = sizeof(kShapes) / sizeof(kShapes[0]);

const RE2& Compiled(size_t shape) {
  static const RE2* const compiled[] = {
      new RE2(kShapes[0].pattern), new RE2(kShapes[1].pattern),
      new RE2(kShapes[2].pattern), new RE2(kShapes[3].pattern)};
  static_assert(sizeof(compiled) / sizeof(compiled[0]) == kShapeCount);
  return *compiled[shape];
}

}  // namespace

bool IsUtf8(absl::string_view text) {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  size_t left = text.size();
  while (left > 0) {
    uint64_t word;
    while (left >= sizeof(word)) {
      std::memcpy(&word, at, sizeof(word));
      if ((word & 0x8080808080808080u) != 0) break;
      at += sizeof(word);
      left -= sizeof(word);
    }
    if (left == 0) break;
    const size_t count = CharacterBytes(at, left);
    if (count == 0) return false;
    at += count;
    left -= count;
  }
  return true;
}

absl::string_view BrokenFreeTextRule(absl::string_view text) {
  const auto characters = std::count_if(text.begin(), text.end(), [](char c) {
    return !IsContinuation(static_cast<unsigned char>(c));
  });
  if (static_cast<size_t>(characters) > kFreeTextCharactersMax) {
    return "over 500 characters";
  }
  // Each shape has a digit.
  if (std::none_of(text.begin(), text.end(),
                   [](char c) { return absl::ascii_isdigit(c); })) {
    return {};
  }
  for (size_t i = 0; i < kShapeCount; ++i) {
    if (RE2::PartialMatch(re2::StringPiece(text.data(), text.size()),
                          Compiled(i))) {
      return kShapes[i].rule;
    }
  }
  return {};
}

}  // namespace concordat
