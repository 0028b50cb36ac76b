// The two pure functions of a service, Decide(history, command) → events or an
// error and Evolve(state, event) → state, speak of these. PURE.
#ifndef CONCORDAT_SERVICES_COMMON_PROJECTION_DECIDE_H_
#define CONCORDAT_SERVICES_COMMON_PROJECTION_DECIDE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "services/common/event/event.h"

namespace concordat {

// A fact that a command would make. Who, when and why is added by whoever runs
// the command.
struct ProposedEvent {
  std::string type;
  std::string data;  // The message's bytes.
};

// What a Decide() answers.
using Decision = absl::StatusOr<std::vector<ProposedEvent>>;

ProposedEvent Propose(const google::protobuf::Message& message);

// Reads the event's message when it is of this type and was not erased. An
// Evolve() that sees false leaves its state alone.
template <typename Message>
bool ReadAs(const View& view, Message* message) {
  return view.header.type == Message::descriptor()->full_name() &&
         message->ParseFromString(view.Data());
}

// A reference that can name a stream: 1 to 40 of A-Z a-z 0-9 / _ . -
//   INVALID_ARGUMENT  names `field`.
absl::Status CheckReference(absl::string_view field, absl::string_view value);

// What a command says has happened, has: its time is on no day after that of
// `now`, in this zone.
//   INVALID_ARGUMENT  names `command.time`.
absl::Status CheckHappened(uint64_t time_us, absl::Time now,
                           absl::TimeZone zone);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_PROJECTION_DECIDE_H_
