// Check digits of the numbers that name a person. PURE.
#ifndef CONCORDAT_SERVICES_COMMON_BASE_CHECK_DIGITS_H_
#define CONCORDAT_SERVICES_COMMON_BASE_CHECK_DIGITS_H_

#include "absl/strings/string_view.h"

namespace concordat {

// True when the last of ten digits is the modulus 11 check digit of the first
// nine (CHI and NHS numbers).
bool PassesModulus11(absl::string_view ten_digits);
// The Luhn check digit, doubling from the ninth digit leftwards.
bool PassesModulus10(absl::string_view ten_digits);

// Ten digits that begin with a day and month and pass one of the two checks, as
// every CHI number does. The year is in some century.
bool LooksLikeChi(absl::string_view ten_digits);

// Of the two last digits of the year and the serial of a PNC ID, seven digits.
char PncCheckLetter(absl::string_view year_and_serial);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BASE_CHECK_DIGITS_H_
