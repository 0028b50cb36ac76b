// What text in an event may be. Internal to services/common/event.
#ifndef CONCORDAT_SERVICES_COMMON_EVENT_TEXT_RULES_H_
#define CONCORDAT_SERVICES_COMMON_EVENT_TEXT_RULES_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace concordat {

inline constexpr size_t kFreeTextCharactersMax = 500;

// Well-formed UTF-8, as protobuf wants of every string: no surrogates, nothing
// over U+10FFFF, no longer form than needed.
bool IsUtf8(absl::string_view text);

// The rule of free text that `text` (which is UTF-8) breaks: too long, or
// something in it has the shape of a CHI number, a PNC number, a telephone
// number or a postcode. Empty: none.
absl::string_view BrokenFreeTextRule(absl::string_view text);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_EVENT_TEXT_RULES_H_
