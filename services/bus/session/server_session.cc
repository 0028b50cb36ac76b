#include "services/bus/session/server_session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/base/check.h"
#include "services/common/event/event.h"

namespace concordat::bus {
namespace {

constexpr int kSilentHeartbeatsMax = 3;
constexpr size_t kPurposeBytesMax = 128;

std::optional<uint64_t> TakeVarint(absl::string_view& bytes) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    value |= uint64_t{byte & 0x7fu} << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return std::nullopt;
}

// How many events a Batch holds, from its outermost fields alone: credit is
// charged before anybody looks inside.
std::optional<uint64_t> CountEvents(absl::string_view batch) {
  constexpr uint64_t kDictionaryTag = (1 << 3) | 2;
  constexpr uint64_t kEventTag = (2 << 3) | 2;
  uint64_t events = 0;
  while (!batch.empty()) {
    const std::optional<uint64_t> tag = TakeVarint(batch);
    if (!tag || (*tag != kDictionaryTag && *tag != kEventTag)) {
      return std::nullopt;
    }
    const std::optional<uint64_t> size = TakeVarint(batch);
    if (!size || *size > batch.size()) return std::nullopt;
    batch.remove_prefix(*size);
    if (*tag == kEventTag) ++events;
  }
  return events;
}

bool ClientMaySay(FrameKind kind, Port port) {
  switch (kind) {
    case FrameKind::kPublish:
    case FrameKind::kReadStream:
    case FrameKind::kChainSigned:
    case FrameKind::kProveConsistency:
    case FrameKind::kCosign:
      return port == Port::kIngest;
    case FrameKind::kSubscribe:
    case FrameKind::kAck:
    case FrameKind::kSettle:
      return port == Port::kDelivery;
    case FrameKind::kHeartbeat:
    case FrameKind::kClosed:
      return true;
    default:
      return false;
  }
}

}  // namespace

ServerSession::ServerSession(const SessionOptions& options, SessionId id,
                             absl::Duration now)
    : options_(options), id_(id), heard_at_(now), said_at_(now), beat_at_(now) {
  CONCORDAT_CHECK(id.value != 0);
}

SessionOutput ServerSession::Receive(const Frame& frame,
                                     const v1::Principal* principal,
                                     const LogPlace& log, absl::Duration now) {
  if (state_ == State::kEnded) return {};
  SessionOutput refused = CheckPrincipal(principal);
  if (refused.ended) return refused;
  const FrameHead& head = frame.head;
  const uint64_t session = state_ == State::kOpen ? id_.value : 0;
  if (head.session != session) {
    return Close(v1::REFUSAL_PROTOCOL, "not this session's frame");
  }
  if (head.number != received_ + 1) {
    return Close(v1::REFUSAL_PROTOCOL,
                 absl::StrCat("frame ", head.number, " came where ",
                              received_ + 1, " was due"));
  }
  ++received_;
  heard_at_ = now;
  if (state_ == State::kConnected) {
    if (head.kind != FrameKind::kHello) {
      return Close(v1::REFUSAL_PROTOCOL, "a session begins with Hello");
    }
    return TakeHello(frame, *principal, log, now);
  }
  if (!ClientMaySay(head.kind, options_.port)) {
    return Close(v1::REFUSAL_PROTOCOL,
                 absl::StrCat(FrameKindName(head.kind), " has no place here"));
  }
  SessionOutput output;
  if (head.kind == FrameKind::kClosed) {
    state_ = State::kEnded;
    output.ended = true;
    return output;
  }
  if (head.kind == FrameKind::kPublish) return TakePublish(frame);
  output.deliver = head.kind != FrameKind::kHeartbeat;
  return output;
}

SessionOutput ServerSession::CheckPrincipal(const v1::Principal* principal) {
  if (principal == nullptr) {
    return Close(v1::REFUSAL_NOT_REGISTERED,
                 "this key is nobody's, or has ended");
  }
  if (principal->revoked()) {
    return Close(v1::REFUSAL_REVOKED, "this key has been revoked");
  }
  if (state_ == State::kOpen &&
      (principal->agency() != agency_ || principal->role() != role_)) {
    return Close(v1::REFUSAL_REVOKED, "this key is another's now");
  }
  return {};
}

SessionOutput ServerSession::TakeHello(const Frame& frame,
                                       const v1::Principal& principal,
                                       const LogPlace& log,
                                       absl::Duration now) {
  v1::Hello hello;
  if (!hello.ParseFromArray(frame.body.data(),
                            static_cast<int>(frame.body.size())) ||
      hello.purpose().size() > kPurposeBytesMax) {
    return Close(v1::REFUSAL_PROTOCOL, "not a Hello");
  }
  if (hello.protocol() != kSessionProtocol) {
    return Close(v1::REFUSAL_PROTOCOL, "the protocol is 1");
  }
  if (hello.environment() != options_.environment) {
    return Close(v1::REFUSAL_WRONG_ENVIRONMENT,
                 absl::StrCat("this bus is ",
                              v1::Environment_Name(options_.environment)));
  }
  if (hello.agency() != principal.agency() ||
      hello.role() != principal.role()) {
    return Close(v1::REFUSAL_NOT_REGISTERED,
                 "this key is not of that agency and role");
  }
  if (log.is_followed) {
    return Close(v1::REFUSAL_NOT_WRITER,
                 "another process writes this log: try its address");
  }
  state_ = State::kOpen;
  agency_ = hello.agency();
  role_ = hello.role();
  purpose_ = hello.purpose();
  v1::Welcome welcome;
  welcome.set_log_id(log.log_id);
  welcome.set_epoch(log.epoch);
  welcome.set_end_sequence(log.end.value);
  welcome.set_credit_events(options_.credit_events);
  welcome.set_credit_bytes(options_.credit_bytes);
  welcome.set_heartbeat_ms(
      static_cast<uint32_t>(absl::ToInt64Milliseconds(options_.heartbeat)));
  welcome.set_environment(options_.environment);
  welcome.set_log_time(log.time_us);
  SessionOutput output;
  output.opened = true;
  output.send = Encode(FrameKind::kWelcome, welcome);
  said_at_ = now;
  return output;
}

SessionOutput ServerSession::TakePublish(const Frame& frame) {
  const std::optional<uint64_t> events = CountEvents(frame.body);
  if (!events || *events == 0 || *events > kBatchEventsMax ||
      frame.body.size() > kBatchBytesMax) {
    return Close(v1::REFUSAL_MALFORMED,
                 "a batch holds 1 to 256 events in 480 KiB");
  }
  events_in_flight_ += *events;
  bytes_in_flight_ += frame.body.size();
  if (events_in_flight_ > options_.credit_events ||
      bytes_in_flight_ > options_.credit_bytes) {
    return Close(v1::REFUSAL_OVER_CREDIT,
                 absl::StrCat(events_in_flight_, " events and ",
                              bytes_in_flight_, " bytes without an answer"));
  }
  unanswered_.push_back({frame.head.number, *events, frame.body.size()});
  SessionOutput output;
  output.deliver = true;
  output.events = *events;
  return output;
}

SessionOutput ServerSession::ReceiveMalformed(absl::string_view why) {
  if (state_ == State::kEnded) return {};
  return Close(v1::REFUSAL_PROTOCOL, std::string(why));
}

void ServerSession::Forgive(absl::Duration stall) { heard_at_ += stall; }

SessionOutput ServerSession::Tick(const v1::Principal* principal,
                                  const LogPlace& log, absl::Duration now) {
  if (state_ == State::kEnded) return {};
  SessionOutput output = CheckPrincipal(principal);
  if (output.ended) return output;
  if (now - heard_at_ >= kSilentHeartbeatsMax * options_.heartbeat) {
    return Close(v1::REFUSAL_PROTOCOL, "silent for three heartbeats");
  }
  const bool is_silent = now - said_at_ >= options_.heartbeat;
  const bool has_news = log.checkpoint != told_checkpoint_ &&
                        now - beat_at_ >= options_.heartbeat;
  if (state_ == State::kOpen && (is_silent || has_news)) {
    v1::Heartbeat heartbeat;
    heartbeat.set_end_sequence(log.end.value);
    heartbeat.set_log_time(log.time_us);
    if (log.checkpoint != told_checkpoint_) {
      heartbeat.set_checkpoint(*log.checkpoint);
      told_checkpoint_ = log.checkpoint;
    }
    output.send = Encode(FrameKind::kHeartbeat, heartbeat);
    said_at_ = now;
    beat_at_ = now;
  }
  return output;
}

std::string ServerSession::Send(FrameKind kind, std::string frame,
                                uint64_t answers, absl::Duration now) {
  CONCORDAT_CHECK(state_ == State::kOpen);
  if (answers != 0) {
    const auto it = std::find_if(
        unanswered_.begin(), unanswered_.end(),
        [&](const Unanswered& one) { return one.number == answers; });
    CONCORDAT_CHECK(it != unanswered_.end());
    events_in_flight_ -= it->events;
    bytes_in_flight_ -= it->bytes;
    unanswered_.erase(it);
  }
  WriteFrameHead({kind, id_.value, ++sent_}, frame);
  said_at_ = now;
  return frame;
}

SessionOutput ServerSession::Close(v1::Refusal refusal, std::string detail) {
  SessionOutput output;
  if (state_ == State::kEnded) return output;
  v1::Closed closed;
  closed.set_refusal(refusal);
  closed.set_detail(detail);
  output.send = Encode(FrameKind::kClosed, closed);
  output.ended = true;
  output.refusal = refusal;
  output.detail = std::move(detail);
  state_ = State::kEnded;
  return output;
}

std::string ServerSession::Encode(FrameKind kind,
                                  const google::protobuf::MessageLite& body) {
  std::string frame(kFrameHeadBytes, '\0');
  body.AppendToString(&frame);
  const uint64_t session = state_ == State::kOpen ? id_.value : 0;
  WriteFrameHead({kind, session, ++sent_}, frame);
  return frame;
}

}  // namespace concordat::bus
