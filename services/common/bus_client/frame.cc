#include "services/common/bus_client/frame.h"

#include <utility>

#include "absl/status/status.h"

namespace concordat {
namespace {

constexpr FrameKind kLastKind = FrameKind::kCosign;

void WriteU64(uint64_t value, char* out) {
  for (int i = 0; i < 8; ++i) out[i] = static_cast<char>(value >> (8 * i));
}

uint64_t ReadU64(const char* in) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i) {
    value = (value << 8) | static_cast<uint8_t>(in[i]);
  }
  return value;
}

}  // namespace

absl::string_view FrameKindName(FrameKind kind) {
  switch (kind) {
    case FrameKind::kHello:
      return "Hello";
    case FrameKind::kWelcome:
      return "Welcome";
    case FrameKind::kHeartbeat:
      return "Heartbeat";
    case FrameKind::kClosed:
      return "Closed";
    case FrameKind::kPublish:
      return "Publish";
    case FrameKind::kReceipts:
      return "Receipts";
    case FrameKind::kReadStream:
      return "ReadStream";
    case FrameKind::kStreamEvents:
      return "StreamEvents";
    case FrameKind::kSubscribe:
      return "Subscribe";
    case FrameKind::kSubscribed:
      return "Subscribed";
    case FrameKind::kDeliver:
      return "Deliver";
    case FrameKind::kAck:
      return "Ack";
    case FrameKind::kAckStored:
      return "AckStored";
    case FrameKind::kSettle:
      return "Settle";
    case FrameKind::kChainSigned:
      return "ChainSigned";
    case FrameKind::kProveConsistency:
      return "ProveConsistency";
    case FrameKind::kConsistency:
      return "Consistency";
    case FrameKind::kCosign:
      return "Cosign";
  }
  return "unknown";
}

OwnedBytes OwnedBytes::Of(std::string bytes) {
  auto owner = std::make_shared<const std::string>(std::move(bytes));
  const absl::string_view view = *owner;
  return {view, std::move(owner)};
}

void WriteFrameHead(const FrameHead& head, std::string& frame) {
  if (frame.size() < kFrameHeadBytes) frame.resize(kFrameHeadBytes);
  frame[0] = static_cast<char>(kSessionProtocol);
  frame[1] = static_cast<char>(head.kind);
  WriteU64(head.session, &frame[2]);
  WriteU64(head.number, &frame[10]);
}

std::string MakeFrame(const FrameHead& head, absl::string_view body) {
  std::string frame;
  frame.reserve(kFrameHeadBytes + body.size());
  WriteFrameHead(head, frame);
  frame.append(body.data(), body.size());
  return frame;
}

absl::StatusOr<Frame> ParseFrame(absl::string_view bytes) {
  if (bytes.size() < kFrameHeadBytes) {
    return absl::InvalidArgumentError("a frame has a head of 18 bytes");
  }
  if (bytes.size() > kFrameBytesMax) {
    return absl::InvalidArgumentError("a frame is at most 512 KiB");
  }
  if (static_cast<uint8_t>(bytes[0]) != kSessionProtocol) {
    return absl::InvalidArgumentError("the protocol is 1");
  }
  const auto kind = static_cast<uint8_t>(bytes[1]);
  if (kind == 0 || kind > static_cast<uint8_t>(kLastKind)) {
    return absl::InvalidArgumentError("no such kind of frame");
  }
  Frame frame;
  frame.head.kind = static_cast<FrameKind>(kind);
  frame.head.session = ReadU64(&bytes[2]);
  frame.head.number = ReadU64(&bytes[10]);
  frame.body = bytes.substr(kFrameHeadBytes);
  return frame;
}

}  // namespace concordat
