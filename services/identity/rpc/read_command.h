// What every command of identity has in common: who may give one, how it is read,
// and the wait for its place in the log.
//
// Threads  Any.
#ifndef CONCORDAT_SERVICES_IDENTITY_RPC_READ_COMMAND_H_
#define CONCORDAT_SERVICES_IDENTITY_RPC_READ_COMMAND_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/bus/v1/registry.pb.h"
#include "concordat/hub/v1/command.pb.h"
#include "services/common/base/clock.h"
#include "services/common/rpc/call.h"
#include "services/identity/store/identity_records.h"
#include "services/identity/store/outbox_publisher.h"

namespace concordat::identity {

// A command is committed first and then waits for its place in the log: this long
// at most, or until its deadline. Then the answer is UNAVAILABLE, and a repeat
// with the same request id gets the first answer.
inline constexpr absl::Duration kPublishWait = absl::Seconds(3);

System SystemOf(const bus::v1::Principal& principal);
// Programs and the operator pass messages on; they know nobody.
bool ActsForAnAgency(const bus::v1::Principal& principal);

// Heads what the service does of its own accord.
CommandContext OwnContext(const bus::v1::Principal& self);

//   INVALID_ARGUMENT  names the field.
absl::Status CheckText(absl::string_view field, absl::string_view text,
                       size_t bytes_max);
//   INVALID_ARGUMENT  names the field.
absl::StatusOr<CommandContext> ReadCommand(const Call& call,
                                           const hub::v1::Command& command);

// Where the command's event stands; `here` when it had none.
//   As OutboxPublisher::WaitFor.
absl::StatusOr<Sequence> AwaitPublished(OutboxPublisher& outbox,
                                        const CommandOutcome& outcome,
                                        const Call& call, const Clock& clock,
                                        Sequence here);

}  // namespace concordat::identity

#endif  // CONCORDAT_SERVICES_IDENTITY_RPC_READ_COMMAND_H_
