#include "services/common/bus_client/client_session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/base/check.h"

namespace concordat {
namespace {

constexpr int kSilentHeartbeatsMax = 3;
constexpr uint32_t kHeartbeatMsMax = 60'000;

}  // namespace

ClientSession::ClientSession(ClientIdentity identity)
    : identity_(std::move(identity)) {}

std::string ClientSession::Hello(absl::Duration now) {
  CONCORDAT_CHECK(state_ == State::kNew);
  bus::v1::Hello hello;
  hello.set_protocol(kSessionProtocol);
  hello.set_agency(identity_.agency);
  hello.set_role(identity_.role);
  hello.set_environment(identity_.environment);
  hello.set_purpose(identity_.purpose);
  state_ = State::kGreeted;
  heard_at_ = said_at_ = now;
  return MakeFrame({FrameKind::kHello, 0, ++sent_}, hello.SerializeAsString());
}

ClientSession::Output ClientSession::Fault(absl::string_view detail) {
  state_ = State::kEnded;
  Output output;
  output.heard = Heard::kEnded;
  output.refusal = bus::v1::REFUSAL_PROTOCOL;
  output.detail = absl::StrCat("the bus broke the protocol: ", detail);
  return output;
}

ClientSession::Output ClientSession::Receive(absl::string_view bytes,
                                             absl::Duration now) {
  if (state_ == State::kEnded || state_ == State::kNew) return {};
  const absl::StatusOr<Frame> frame = ParseFrame(bytes);
  if (!frame.ok()) return Fault(frame.status().message());
  if (frame->head.number != received_ + 1) return Fault("frames out of order");
  ++received_;
  heard_at_ = now;
  if (frame->head.kind == FrameKind::kClosed) {
    bus::v1::Closed closed;
    if (!closed.ParseFromArray(frame->body.data(),
                               static_cast<int>(frame->body.size()))) {
      return Fault("not a Closed");
    }
    state_ = State::kEnded;
    Output output;
    output.heard = Heard::kEnded;
    output.refusal = closed.refusal();
    output.detail = closed.detail();
    return output;
  }
  if (state_ == State::kGreeted) return TakeWelcome(*frame);
  if (frame->head.session != session_) return Fault("another session's frame");

  Output output;
  switch (frame->head.kind) {
    case FrameKind::kHeartbeat: {
      bus::v1::Heartbeat heartbeat;
      if (!heartbeat.ParseFromArray(frame->body.data(),
                                    static_cast<int>(frame->body.size()))) {
        return Fault("not a Heartbeat");
      }
      log_end_ = std::max(log_end_, heartbeat.end_sequence());
      log_time_us_ = std::max(log_time_us_, heartbeat.log_time());
      if (!heartbeat.checkpoint().empty()) {
        checkpoint_ = std::move(*heartbeat.mutable_checkpoint());
      }
      return output;
    }
    case FrameKind::kReceipts:
    case FrameKind::kStreamEvents:
    case FrameKind::kSubscribed:
    case FrameKind::kDeliver:
    case FrameKind::kAckStored:
    case FrameKind::kConsistency:
      output.heard = Heard::kBody;
      output.frame = *frame;
      return output;
    default:
      return Fault(
          absl::StrCat(FrameKindName(frame->head.kind), " out of place"));
  }
}

ClientSession::Output ClientSession::TakeWelcome(const Frame& frame) {
  if (frame.head.kind != FrameKind::kWelcome || frame.head.session == 0 ||
      !welcome_.ParseFromArray(frame.body.data(),
                               static_cast<int>(frame.body.size())) ||
      welcome_.heartbeat_ms() == 0 ||
      welcome_.heartbeat_ms() > kHeartbeatMsMax ||
      welcome_.credit_events() == 0 || welcome_.credit_bytes() == 0) {
    return Fault("not a Welcome");
  }
  if (welcome_.environment() != identity_.environment) {
    Output output = Fault("it is of another environment");
    output.refusal = bus::v1::REFUSAL_WRONG_ENVIRONMENT;
    return output;
  }
  state_ = State::kOpen;
  session_ = frame.head.session;
  heartbeat_ = absl::Milliseconds(welcome_.heartbeat_ms());
  log_end_ = welcome_.end_sequence();
  log_time_us_ = welcome_.log_time();
  Output output;
  output.heard = Heard::kWelcomed;
  return output;
}

ClientSession::Output ClientSession::Tick(absl::Duration now,
                                          absl::Duration stall) {
  Output output;
  if (state_ == State::kNew || state_ == State::kEnded) return output;
  if (stall > heartbeat_) heard_at_ += stall;
  if (now - heard_at_ >= kSilentHeartbeatsMax * heartbeat_) {
    state_ = State::kEnded;
    output.heard = Heard::kEnded;
    output.detail = "the bus has been silent for three heartbeats";
    return output;
  }
  if (state_ == State::kOpen && now - said_at_ >= heartbeat_) {
    output.send = Send(FrameKind::kHeartbeat, "", now);
  }
  return output;
}

std::string ClientSession::Send(FrameKind kind, absl::string_view body,
                                absl::Duration now) {
  std::string frame = MakeFrame({}, body);
  Send(kind, now, frame);
  return frame;
}

void ClientSession::Send(FrameKind kind, absl::Duration now,
                         std::string& frame) {
  CONCORDAT_CHECK(state_ == State::kOpen);
  said_at_ = now;
  WriteFrameHead({kind, session_, ++sent_}, frame);
}

}  // namespace concordat
