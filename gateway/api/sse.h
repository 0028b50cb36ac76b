// Server-sent events as text. PURE.
#ifndef CONCORDAT_GATEWAY_API_SSE_H_
#define CONCORDAT_GATEWAY_API_SSE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace concordat::gateway {

extern const char kSseContentType[];  // text/event-stream

// One event; `event` has no line break, `data` may have several lines.
std::string SseEvent(uint64_t id, absl::string_view event,
                     absl::string_view data);
// One that a reader who comes back does not ask for again: it has no id.
std::string SseEvent(absl::string_view event, absl::string_view data);
// How long a reader waits before it comes again after a break.
std::string SseRetry(uint32_t milliseconds);

// The Last-Event-ID of a request: a number; nothing for an empty one.
// False: something else.
bool ParseLastEventId(absl::string_view text, std::optional<uint64_t>* id);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_API_SSE_H_
