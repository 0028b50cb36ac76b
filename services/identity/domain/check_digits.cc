#include <cstddef>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "services/identity/domain/identifiers.h"

namespace concordat::identity {
namespace {

int Digit(absl::string_view text, size_t i) { return text[i] - '0'; }

bool AllDigits(absl::string_view text) {
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

// DDMMYY in one century or the other. They differ only for 29 February of a
// year 00, which 2000 had.
bool IsBirthDate(absl::string_view ddmmyy) {
  const int day = Digit(ddmmyy, 0) * 10 + Digit(ddmmyy, 1);
  const int month = Digit(ddmmyy, 2) * 10 + Digit(ddmmyy, 3);
  const int year = 2000 + Digit(ddmmyy, 4) * 10 + Digit(ddmmyy, 5);
  const absl::CivilDay date(year, month, day);
  return date.day() == day && date.month() == month;
}

ChiCheck CheckTenDigits(absl::string_view text) {
  ChiCheck check;
  if (!IsBirthDate(text.substr(0, 6))) {
    check.verdict = ChiVerdict::kInvalidDate;
    return check;
  }
  check.modulus11 = PassesModulus11(text);
  check.modulus10 = PassesModulus10(text);
  check.verdict = check.modulus11 || check.modulus10
                      ? ChiVerdict::kValid
                      : ChiVerdict::kInvalidChecksum;
  return check;
}

}  // namespace

absl::string_view ToWords(ChiVerdict verdict) {
  switch (verdict) {
    case ChiVerdict::kValid:
      return "valid";
    case ChiVerdict::kInvalidCharacters:
      return "invalid characters";
    case ChiVerdict::kTooMany:
      return "too many characters";
    case ChiVerdict::kTooFew:
      return "too few characters";
    case ChiVerdict::kInvalidDate:
      return "invalid date";
    case ChiVerdict::kInvalidChecksum:
      return "invalid checksum";
    case ChiVerdict::kMissing:
      return "missing";
    case ChiVerdict::kBlank:
      return "blank";
  }
  return "";
}

ChiCheck CheckChi(std::optional<absl::string_view> text) {
  ChiCheck check;
  if (!text.has_value()) return check;
  if (absl::StripAsciiWhitespace(*text).empty()) {
    check.verdict = ChiVerdict::kBlank;
  } else if (!AllDigits(*text)) {
    check.verdict = ChiVerdict::kInvalidCharacters;
  } else if (text->size() > 10) {
    check.verdict = ChiVerdict::kTooMany;
  } else if (text->size() < 10) {
    check.verdict = ChiVerdict::kTooFew;
    if (text->size() == 9) {
      const std::string padded = "0" + std::string(*text);
      if (CheckTenDigits(padded).verdict == ChiVerdict::kValid) {
        check.padded_offer = padded;
      }
    }
  } else {
    check = CheckTenDigits(*text);
  }
  return check;
}

}  // namespace concordat::identity
