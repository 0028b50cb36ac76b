// Runs a command, the same way for every service: read the record's stream,
// let the domain decide, publish what it decided on condition that the stream
// has not moved, and answer with the place it got in the log.
//
// A repeat    The ids of a command's events are derived from service, caller
//             and request-id, so a repeat finds its own events in the stream
//             and gets the first answer, whatever has happened since.
// Two at once The bus takes one; the other is read and decided anew, or, when
//             its caller said which version it had read, told what changed.
//
// Threads  For one thread at a time; Run() waits for the bus.
#ifndef CONCORDAT_SERVICES_COMMON_PROJECTION_COMMAND_RUNNER_H_
#define CONCORDAT_SERVICES_COMMON_PROJECTION_COMMAND_RUNNER_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/bus/v1/registry.pb.h"
#include "concordat/hub/v1/command.pb.h"
#include "services/common/base/clock.h"
#include "services/common/base/random.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/event/type_table.h"
#include "services/common/projection/decide.h"

namespace concordat {

// What a service makes of a request.
struct CommandPlan {
  std::string stream;  // "referral/R-2001"
  // Called with the stream's events; may be called more than once, and for a
  // repeat again: it rests on nothing else that changes.
  std::function<Decision(const std::vector<View>& history)> decide;
  // Plain words for what happened after version `read`. None: a general text.
  std::function<std::string(const std::vector<View>& history, Sequence read)>
      changed = nullptr;
  // Asked before something new is decided, never for a repeat: what other records
  // and the day say against it. `now` is the log's time. None: nothing.
  std::function<absl::Status(absl::Time now)> admit = nullptr;
};

struct CommandRequest {
  const bus::v1::Principal* principal = nullptr;  // Who commands; borrowed.
  std::string purpose;
  absl::Time deadline;
  hub::v1::Command command;  // With its time.
  std::string subject;       // As the caller wrote it.
  CommandPlan plan;
  std::string traceparent = {};  // The caller's; its events carry it.
};

class CommandRunner {
 public:
  // `self` is the service's own principal: its source and right to publish.
  // `clock` is for deadlines, `log_clock` says when things happen. All but
  // `service` are borrowed.
  CommandRunner(std::string service, const bus::v1::Principal& self,
                BusClient& bus, const TypeRegistry& types, const Clock& clock,
                const Clock& log_clock, Random& random);

  // When a command happens that does not say when, microseconds since 1970. Any
  // thread.
  uint64_t NowMicros() const;

  //   INVALID_ARGUMENT    names the field and the rule; also a request_id that
  //                       was used for another command.
  //   PERMISSION_DENIED   the caller's agency is not one this service acts for.
  //   ABORTED             the record has changed since the caller read it: how.
  //   UNAVAILABLE         the bus is away: nothing was changed; or it did not
  //                       answer: the message says that the outcome is unknown.
  //   and what the domain decides.
  absl::StatusOr<hub::v1::CommandReply> Run(const CommandRequest& request);

  // A stream of this service's own, or of another source.
  //   UNAVAILABLE  the bus is away.
  absl::StatusOr<StreamSlice> Read(absl::string_view stream,
                                   absl::Time deadline,
                                   absl::string_view source = "");

  // The last of what was accepted of this runner.
  Sequence published_through() const { return published_through_; }

 private:
  struct Prepared;
  absl::StatusOr<Prepared> Prepare(const CommandRequest& request) const;
  absl::StatusOr<std::vector<Event>> MakeEvents(
      const CommandRequest& request, const Prepared& prepared,
      const std::vector<ProposedEvent>& proposed, Sequence version) const;
  // The first answer, when the stream holds this command's events.
  absl::StatusOr<std::optional<hub::v1::CommandReply>> FindFirstAnswer(
      const CommandRequest& request, const Prepared& prepared,
      const std::vector<View>& history) const;
  absl::Duration Budget(absl::Time deadline) const;

  const std::string service_;
  const bus::v1::Principal self_;
  BusClient& bus_;
  const TypeRegistry& types_;
  const Clock& clock_;
  const Clock& log_clock_;
  Random& random_;
  Sequence published_through_;
};

// What a refusal of the bus means to whoever sent a command.
absl::Status FromRefusal(const PublishOutcome& outcome);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_PROJECTION_COMMAND_RUNNER_H_
