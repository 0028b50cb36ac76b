#include "services/common/event/reference_rules.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/base/check_digits.h"

namespace concordat {
namespace {

constexpr absl::string_view kChi = "is shaped like a CHI number";
constexpr absl::string_view kPnc = "is shaped like a PNC number";
constexpr absl::string_view kPostcode = "is shaped like a postcode";
constexpr size_t kChiDigits = 10;
constexpr size_t kPncDigits = 9;  // Two of the year and seven.

enum Kind : uint8_t { kOther = 0, kDigit = 1, kLetter = 2 };

constexpr std::array<uint8_t, 256> Kinds() {
  std::array<uint8_t, 256> kinds = {};
  for (int c = '0'; c <= '9'; ++c) kinds[static_cast<size_t>(c)] = kDigit;
  for (int c = 'a'; c <= 'z'; ++c) kinds[static_cast<size_t>(c)] = kLetter;
  for (int c = 'A'; c <= 'Z'; ++c) kinds[static_cast<size_t>(c)] = kLetter;
  return kinds;
}
constexpr std::array<uint8_t, 256> kKinds = Kinds();

bool IsDigit(char c) { return kKinds[static_cast<uint8_t>(c)] == kDigit; }
bool IsLetter(char c) { return kKinds[static_cast<uint8_t>(c)] == kLetter; }
bool IsHex(char c) { return absl::ascii_isxdigit(static_cast<uint8_t>(c)); }

// Letters and digits with nothing else between.
struct Word {
  absl::string_view text;
  size_t digits = 0;

  bool all_digits() const { return digits == text.size(); }
};

bool IsChi(const Word& word) {
  if (word.digits != kChiDigits) return false;
  const auto first = std::find_if(word.text.begin(), word.text.end(), IsDigit);
  const absl::string_view digits =
      word.text.substr(static_cast<size_t>(first - word.text.begin()),
                       kChiDigits);
  const bool in_one = digits.size() == kChiDigits &&
                      std::all_of(digits.begin(), digits.end(), IsDigit);
  const bool hex = !word.all_digits() &&
                   std::all_of(word.text.begin(), word.text.end(), IsHex);
  return in_one && !hex && LooksLikeChi(digits);
}

// "1998" or "98", a slash, "990002E".
bool IsPnc(const Word& year, const Word& rest) {
  if (!year.all_digits() || (year.text.size() != 2 && year.text.size() != 4) ||
      rest.digits + 1 != rest.text.size() || rest.digits == 0 ||
      rest.digits > kPncDigits - 2 || !IsLetter(rest.text.back())) {
    return false;
  }
  std::array<char, kPncDigits> digits;
  digits.fill('0');
  std::copy_n(year.text.end() - 2, 2, digits.begin());
  std::copy_n(rest.text.begin(), rest.digits, digits.end() - rest.digits);
  return PncCheckLetter({digits.data(), digits.size()}) ==
         absl::ascii_toupper(static_cast<uint8_t>(rest.text.back()));
}

// "DD4", "EH1", "W1A".
bool IsOutward(absl::string_view text) {
  size_t at = 0;
  while (at < 2 && at < text.size() && IsLetter(text[at])) ++at;
  if (at == 0 || at == text.size() || !IsDigit(text[at])) return false;
  return text.size() - at <= 2;
}

// "9ZZ": two letters of those that postcodes have there.
bool IsInward(absl::string_view text) {
  constexpr absl::string_view kNever = "CIKMOV";
  return text.size() == 3 && IsDigit(text[0]) && IsLetter(text[1]) &&
         IsLetter(text[2]) &&
         std::none_of(text.begin() + 1, text.end(), [&](char c) {
           return absl::StrContains(
               kNever, absl::ascii_toupper(static_cast<uint8_t>(c)));
         });
}

bool IsPostcodeInOne(const Word& word) {
  if (word.text.size() < 5 || word.text.size() > 7) return false;
  const size_t outward = word.text.size() - 3;
  return std::none_of(word.text.begin(), word.text.end(),
                      [](char c) {
                        return absl::ascii_islower(static_cast<uint8_t>(c));
                      }) &&
         IsOutward(word.text.substr(0, outward)) &&
         IsInward(word.text.substr(outward));
}

}  // namespace

absl::string_view BrokenReferenceRule(absl::string_view text) {
  Word before;
  char between = 0;  // What alone stands between the two words, else 0.
  size_t at = 0;
  while (at < text.size()) {
    const size_t gap = at;
    while (at < text.size() && kKinds[static_cast<uint8_t>(text[at])] == 0) {
      ++at;
    }
    between = gap > 0 && at - gap == 1 ? text[gap] : '\0';
    const size_t start = at;
    Word word;
    for (; at < text.size(); ++at) {
      const uint8_t kind = kKinds[static_cast<uint8_t>(text[at])];
      if (kind == kOther) break;
      word.digits += kind == kDigit ? 1 : 0;
    }
    word.text = text.substr(start, at - start);
    if (word.digits > 0) {
      if (IsChi(word)) return kChi;
      if (between == '/' && IsPnc(before, word)) return kPnc;
      if (IsPostcodeInOne(word) || (between == ' ' && IsInward(word.text) &&
                                    IsOutward(before.text))) {
        return kPostcode;
      }
    }
    before = word;
  }
  return {};
}

absl::Status CheckReferences(const HeaderView& header) {
  const std::pair<absl::string_view, absl::string_view> texts[] = {
      {"id", header.id},
      {"stream", header.stream},
      {"subjectrole", header.subject_role},
      {"onbehalfof", header.on_behalf_of},
      {"correlation", header.correlation},
      {"causation", header.causation},
      {"corrects", header.corrects},
      {"retracts", header.retracts},
  };
  for (const auto& [field, text] : texts) {
    const absl::string_view broken = BrokenReferenceRule(text);
    if (!broken.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(field, ": ", broken));
    }
  }
  return absl::OkStatus();
}

}  // namespace concordat
