#include "gateway/api/sse.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace concordat::gateway {

const char kSseContentType[] = "text/event-stream";

std::string SseEvent(uint64_t id, absl::string_view event,
                     absl::string_view data) {
  return absl::StrCat("id: ", id, "\n", SseEvent(event, data));
}

std::string SseEvent(absl::string_view event, absl::string_view data) {
  // A lone carriage return ends a line there, too.
  const std::string lines = absl::StrReplaceAll(
      data, {{"\r\n", "\ndata: "}, {"\r", "\ndata: "}, {"\n", "\ndata: "}});
  return absl::StrCat("event: ", event, "\ndata: ", lines, "\n\n");
}

std::string SseRetry(uint32_t milliseconds) {
  return absl::StrCat("retry: ", milliseconds, "\n\n");
}

bool ParseLastEventId(absl::string_view text, std::optional<uint64_t>* id) {
  id->reset();
  if (text.empty()) return true;
  const bool digits = std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
  uint64_t value = 0;
  if (!digits || !absl::SimpleAtoi(text, &value)) return false;
  *id = value;
  return true;
}

}  // namespace concordat::gateway
