// The bus's side of one session, as a state machine: input and time in, outputs
// out. PURE; SessionServer feeds it.
//
//   connected --Hello--> open --Closed, silence, fault, revocation--> ended
#ifndef CONCORDAT_SERVICES_BUS_SESSION_SERVER_SESSION_H_
#define CONCORDAT_SERVICES_BUS_SESSION_SERVER_SESSION_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/bus/v1/registry.pb.h"
#include "concordat/bus/v1/session.pb.h"
#include "google/protobuf/message_lite.h"
#include "services/common/base/ids.h"
#include "services/common/bus_client/frame.h"

namespace concordat::bus {

// Drawn at random: knowing one's own tells nothing about another's.
struct SessionId {
  uint64_t value = 0;
  friend auto operator<=>(const SessionId&, const SessionId&) = default;
  template <typename H>
  friend H AbslHashValue(H h, SessionId id) {
    return H::combine(std::move(h), id.value);
  }
};

enum class Port { kIngest, kDelivery };

struct SessionOptions {
  Port port = Port::kIngest;
  v1::Environment environment = v1::ENVIRONMENT_UNSPECIFIED;
  // Each side says something this often; three times of silence end it.
  absl::Duration heartbeat = absl::Seconds(1);
  // What a client may have published without an answer.
  uint32_t credit_events = 4096;
  uint32_t credit_bytes = 8u << 20;
};

// What the bus tells with Welcome and Heartbeat.
struct LogPlace {
  std::string log_id;
  uint32_t epoch = 0;
  Sequence end;
  uint64_t time_us = 0;  // acceptedtime of `end`.
  // Another process writes the log: who comes to publish is told so.
  bool is_followed = false;
  // The newest of its tree; null: none yet.
  std::shared_ptr<const std::string> checkpoint = nullptr;
};

struct SessionOutput {
  std::string send;  // A whole frame; empty: nothing.
  bool opened = false;
  // The frame just received is for the core. Of a Publish: how many events.
  bool deliver = false;
  uint64_t events = 0;
  // Over; `send` is Closed, unless the peer ended it or has gone.
  bool ended = false;
  v1::Refusal refusal = v1::REFUSAL_UNSPECIFIED;
  std::string detail;
};

class ServerSession {
 public:
  // `id` is not 0.
  ServerSession(const SessionOptions& options, SessionId id,
                absl::Duration now);

  // A frame came. `principal` is whom the registry has for the proven key at
  // this moment; null: nobody.
  SessionOutput Receive(const Frame& frame, const v1::Principal* principal,
                        const LogPlace& log, absl::Duration now);
  // Bytes that are not a frame came.
  SessionOutput ReceiveMalformed(absl::string_view why);
  // Frames may have waited that long for us: the peer was not silent.
  void Forgive(absl::Duration stall);
  // Time has passed: call at least once per heartbeat.
  SessionOutput Tick(const v1::Principal* principal, const LogPlace& log,
                     absl::Duration now);
  // The core says something. `frame` has 18 bytes of room before the body.
  std::string Send(FrameKind kind, std::string frame, uint64_t answers,
                   absl::Duration now);
  // The bus ends it.
  SessionOutput Close(v1::Refusal refusal, std::string detail);

  SessionId id() const { return id_; }
  bool open() const { return state_ == State::kOpen; }
  // What the client asked to act for. Empty: the principal's default.
  const std::string& purpose() const { return purpose_; }

 private:
  enum class State { kConnected, kOpen, kEnded };
  struct Unanswered {
    uint64_t number;
    uint64_t events;
    uint64_t bytes;
  };

  // Still who it was, and not revoked.
  SessionOutput CheckPrincipal(const v1::Principal* principal);
  SessionOutput TakeHello(const Frame& frame, const v1::Principal& principal,
                          const LogPlace& log, absl::Duration now);
  SessionOutput TakePublish(const Frame& frame);
  std::string Encode(FrameKind kind, const google::protobuf::MessageLite& body);

  const SessionOptions& options_;
  const SessionId id_;
  State state_ = State::kConnected;
  uint64_t received_ = 0;  // Number of the last frame.
  uint64_t sent_ = 0;
  absl::Duration heard_at_;
  absl::Duration said_at_;
  // Who gets much has no heartbeats, but checkpoints it has to have.
  absl::Duration beat_at_;
  std::shared_ptr<const std::string> told_checkpoint_;
  std::string agency_;
  std::string role_;
  std::string purpose_;
  std::deque<Unanswered> unanswered_;
  uint64_t events_in_flight_ = 0;
  uint64_t bytes_in_flight_ = 0;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_SESSION_SERVER_SESSION_H_
