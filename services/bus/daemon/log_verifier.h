// Goes through the log and checks it, a part at a time.
//
// Threads  Any; it may take seconds.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_LOG_VERIFIER_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_LOG_VERIFIER_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "concordat/bus/v1/service.pb.h"
#include "services/bus/log/event_log.h"

namespace concordat::bus {

// Some seconds of a slow disk, well within a call's deadline.
inline constexpr uint64_t kVerifiedEvents = 200'000;

// The part that follows what `request` has: whole blocks, until there are `events_max`
// or more. `is_over` is asked before each: nobody waits for the answer any more.
//   DATA_LOSS          names the first event that is not there, or as the log's Read().
//   INVALID_ARGUMENT   it goes on from what is no answer of before.
//   DEADLINE_EXCEEDED  it is over.
//   UNAVAILABLE        as the log's Read().
absl::StatusOr<v1::VerifyLogResponse> VerifyPart(
    const EventLog& log, const v1::VerifyLogRequest& request,
    uint64_t events_max, absl::FunctionRef<bool()> is_over);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_LOG_VERIFIER_H_
