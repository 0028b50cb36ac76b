// CloudEvents over HTTP, as a request's three forms have them: binary (one
// event, attributes in ce- headers), structured (one, as JSON) and batched
// (several). Each becomes the JSON of one event, whatever its type: what is not
// of a type of ours is for EventMaker to refuse, with the reason. PURE.
#ifndef CONCORDAT_GATEWAY_API_CLOUDEVENTS_HTTP_H_
#define CONCORDAT_GATEWAY_API_CLOUDEVENTS_HTTP_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/http/request.h"

namespace concordat::gateway {

struct CloudEventsBody {
  bool is_batch = false;
  std::vector<std::string> events;  // JSON, each an object.
};

// Whether the request has one of the three forms at all; else it is a 415.
bool HasCloudEvents(const Request& request);

//   INVALID_ARGUMENT  not what its form should be; says why, without a value.
absl::StatusOr<CloudEventsBody> ReadCloudEvents(const Request& request);

// The value of a ce- header: quotes off, then escapes. Nothing: bad escapes, or
// not UTF-8.
std::optional<std::string> DecodeHeaderValue(absl::string_view value);

extern const char kBatchContentType[];  // application/cloudevents-batch+json

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_API_CLOUDEVENTS_HTTP_H_
