// absl::Status over HTTP, as the Connect protocol has it. PURE.
//
//   {"code":"invalid_argument","message":"…","details":[…]}
#ifndef CONCORDAT_GATEWAY_HTTP_STATUS_H_
#define CONCORDAT_GATEWAY_HTTP_STATUS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gateway/http/request.h"

namespace concordat::gateway {

// Payload of a status that has details: the bytes of google.rpc.Status.
inline constexpr char kDetailsUrl[] = "type.googleapis.com/google.rpc.Status";

// "invalid_argument".
absl::string_view CodeName(absl::StatusCode code);
// 400.
unsigned HttpStatusOf(absl::StatusCode code);

// The object above. Details that are no google.rpc.Status are left out.
std::string ErrorJson(const absl::Status& status);

// The object above, with the HTTP status of the code or another.
Response ErrorResponse(const absl::Status& status);
Response ErrorResponse(unsigned http_status, const absl::Status& status);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_HTTP_STATUS_H_
