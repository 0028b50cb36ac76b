#include "services/bus/daemon/log_verifier.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace concordat::bus {
namespace {

constexpr size_t kReadBytes = 4u << 20;

}  // namespace

absl::StatusOr<v1::VerifyLogResponse> VerifyPart(
    const EventLog& log, const v1::VerifyLogRequest& request,
    uint64_t events_max, absl::FunctionRef<bool()> is_over) {
  const LogStatus status = log.Status();
  const uint64_t end = request.end() == 0 ? status.end.value : request.end();
  if (end > status.end.value || request.events() > end) {
    return absl::InvalidArgumentError(
        absl::StrCat("events, end: the log has ", status.end.value));
  }
  v1::VerifyLogResponse response;
  response.set_blocks(request.blocks());
  Sequence at = {request.events()};
  while (at.value < end && at.value - request.events() < events_max) {
    if (is_over()) {
      return absl::DeadlineExceededError(
          absl::StrCat("verified to event ", at.value));
    }
    const auto block = log.Read(at, kReadBytes);
    if (!block.ok()) return block.status();
    const uint64_t before = at.value;
    for (const StoredEvent& event : (*block)->events) {
      if (event.sequence.value != at.value + 1) break;
      at = event.sequence;
    }
    if (at.value == before || at != (*block)->events.back().sequence) {
      return absl::DataLossError(absl::StrCat("no event ", at.value + 1));
    }
    response.set_blocks(response.blocks() + 1);
  }
  response.set_events(at.value);
  // What has come since is gone through with the last block.
  response.set_end(std::max(end, at.value));
  response.set_bytes(status.bytes);
  return response;
}

}  // namespace concordat::bus
