// What the gateway offers, for programs to read: OpenAPI 3.1 of every method,
// AsyncAPI 3.0 of every event type. Made from the descriptor set and the words
// in it. PURE.
#ifndef CONCORDAT_GATEWAY_API_DOCUMENTS_H_
#define CONCORDAT_GATEWAY_API_DOCUMENTS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gateway/common/schemas.h"

namespace concordat::gateway {

// Whether `documented` is the descriptor set `types` with its comments.
//   INVALID_ARGUMENT     one of them is not a descriptor set
//   FAILED_PRECONDITION  it is of other protos
absl::Status CheckDocumented(absl::string_view types,
                             absl::string_view documented);

std::string OpenApi(const Schemas& schemas);
std::string AsyncApi(const Schemas& schemas);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_API_DOCUMENTS_H_
