// How a person is named by a number instead of a key.
#ifndef CONCORDAT_GATEWAY_COMMON_REFERENCE_H_
#define CONCORDAT_GATEWAY_COMMON_REFERENCE_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/identity/v1/service.pb.h"

namespace concordat::gateway {

// What identity is asked for "ref:<system>:<number>". <system> is chi, pnc, cro,
// council, or the name of a system that numbers people.
//   INVALID_ARGUMENT  not of that form.
absl::StatusOr<identity::v1::ResolveRequest> ParseReference(
    absl::string_view reference);

// Whether it begins as one.
bool IsReference(absl::string_view subject);

extern const char kResolveMethod[];  // Of concordat-identity.

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_COMMON_REFERENCE_H_
