#ifndef CONCORDAT_SERVICES_COMMON_CRYPTO_CONSTANT_TIME_H_
#define CONCORDAT_SERVICES_COMMON_CRYPTO_CONSTANT_TIME_H_

#include "absl/strings/string_view.h"

namespace concordat {

// Whether two secrets are equal, in a time that depends on their lengths alone.
bool EqualInConstantTime(absl::string_view a, absl::string_view b);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_CRYPTO_CONSTANT_TIME_H_
