// The client's side of one session, as a state machine: frames and time in,
// outputs out. PURE. services/bus/PROTOCOL.md has the grammar and the states.
#ifndef CONCORDAT_SERVICES_COMMON_BUS_CLIENT_CLIENT_SESSION_H_
#define CONCORDAT_SERVICES_COMMON_BUS_CLIENT_CLIENT_SESSION_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/bus/v1/session.pb.h"
#include "services/common/bus_client/frame.h"

namespace concordat {

struct ClientIdentity {
  std::string agency;
  std::string role;
  bus::v1::Environment environment = bus::v1::ENVIRONMENT_UNSPECIFIED;
  std::string purpose;  // Empty: the registry's default.
};

class ClientSession {
 public:
  enum class Heard {
    kNothing,   // A heartbeat.
    kWelcomed,  // `welcome()` is there; from now on Send() may be called.
    kBody,      // `frame` is for the caller.
    kEnded,     // The bus closed it, or broke the grammar; `refusal`, `detail`.
  };
  struct Output {
    Heard heard = Heard::kNothing;
    Frame frame;       // Borrows what was received.
    std::string send;  // A whole frame; empty: nothing.
    bus::v1::Refusal refusal = bus::v1::REFUSAL_UNSPECIFIED;
    std::string detail;
  };

  explicit ClientSession(ClientIdentity identity);

  // The first frame.
  std::string Hello(absl::Duration now);
  Output Receive(absl::string_view bytes, absl::Duration now);
  // Call at least once per heartbeat. `stall` is how long nobody looked at what
  // came: no silence of the bus.
  Output Tick(absl::Duration now, absl::Duration stall);
  // A whole frame with this body; `number()` is its number then.
  std::string Send(FrameKind kind, absl::string_view body, absl::Duration now);
  // The same, written into the room that `frame` begins with.
  void Send(FrameKind kind, absl::Duration now, std::string& frame);

  bool open() const { return state_ == State::kOpen; }
  uint64_t id() const { return session_; }  // Drawn by the bus; while open.
  uint64_t number() const { return sent_; }
  const bus::v1::Welcome& welcome() const { return welcome_; }
  absl::Duration heartbeat() const { return heartbeat_; }
  // The log's end as last heard.
  uint64_t log_end() const { return log_end_; }
  // Its acceptedtime.
  uint64_t log_time_us() const { return log_time_us_; }
  // The newest checkpoint that it told of, as it came; empty: none.
  const std::string& checkpoint() const { return checkpoint_; }

 private:
  enum class State { kNew, kGreeted, kOpen, kEnded };

  Output Fault(absl::string_view detail);
  Output TakeWelcome(const Frame& frame);

  ClientIdentity identity_;
  State state_ = State::kNew;
  uint64_t session_ = 0;
  uint64_t sent_ = 0;
  uint64_t received_ = 0;
  absl::Duration heartbeat_ = absl::Seconds(1);
  absl::Duration heard_at_;
  absl::Duration said_at_;
  bus::v1::Welcome welcome_;
  uint64_t log_end_ = 0;
  uint64_t log_time_us_ = 0;
  std::string checkpoint_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BUS_CLIENT_CLIENT_SESSION_H_
