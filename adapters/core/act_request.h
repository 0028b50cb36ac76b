// What somebody who acts on an item sends with the act, the same at every edge.
#ifndef CONCORDAT_ADAPTERS_CORE_ACT_REQUEST_H_
#define CONCORDAT_ADAPTERS_CORE_ACT_REQUEST_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "concordat/hub/v1/command.pb.h"

namespace concordat::edge {

// A staff reference: short plain text.
//   INVALID_ARGUMENT  names the field.
absl::Status CheckStaffReference(absl::string_view field,
                                 absl::string_view text);
// The request id is there, and all of it is in its bounds.
//   INVALID_ARGUMENT  names the field.
absl::Status CheckActRequest(const hub::v1::Command& command,
                             absl::string_view note);

}  // namespace concordat::edge

#endif  // CONCORDAT_ADAPTERS_CORE_ACT_REQUEST_H_
