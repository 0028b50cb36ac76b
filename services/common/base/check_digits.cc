#include "services/common/base/check_digits.h"

#include <cstddef>
#include <cstdint>

#include "absl/strings/ascii.h"

namespace concordat {
namespace {

constexpr absl::string_view kPncLetters = "ZABCDEFGHJKLMNPQRTUVWXY";
constexpr int kDaysMax[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

int Digit(absl::string_view text, size_t i) { return text[i] - '0'; }

bool IsTenDigits(absl::string_view text) {
  if (text.size() != 10) return false;
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

}  // namespace

bool PassesModulus11(absl::string_view ten_digits) {
  if (!IsTenDigits(ten_digits)) return false;
  int sum = 0;
  for (size_t i = 0; i < 9; ++i) {
    sum += Digit(ten_digits, i) * static_cast<int>(10 - i);
  }
  // A remainder of 1 would need the digit 10: such numbers were never issued.
  return (11 - sum % 11) % 11 == Digit(ten_digits, 9);
}

bool PassesModulus10(absl::string_view ten_digits) {
  if (!IsTenDigits(ten_digits)) return false;
  int sum = 0;
  for (size_t i = 0; i < 9; ++i) {
    int digit = Digit(ten_digits, i);
    if (i % 2 == 0) {
      digit *= 2;
      if (digit > 9) digit -= 9;
    }
    sum += digit;
  }
  return (10 - sum % 10) % 10 == Digit(ten_digits, 9);
}

bool LooksLikeChi(absl::string_view ten_digits) {
  if (!IsTenDigits(ten_digits)) return false;
  const int day = Digit(ten_digits, 0) * 10 + Digit(ten_digits, 1);
  const int month = Digit(ten_digits, 2) * 10 + Digit(ten_digits, 3);
  return month >= 1 && month <= 12 && day >= 1 && day <= kDaysMax[month - 1] &&
         (PassesModulus11(ten_digits) || PassesModulus10(ten_digits));
}

char PncCheckLetter(absl::string_view year_and_serial) {
  uint64_t number = 0;
  for (const char c : year_and_serial) {
    number = number * 10 + static_cast<uint64_t>(c - '0');
  }
  return kPncLetters[number % kPncLetters.size()];
}

}  // namespace concordat
