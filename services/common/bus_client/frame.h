// The session's frame: what goes into one ZeroMQ message. PURE.
// services/bus/PROTOCOL.md has the grammar and the states.
#ifndef CONCORDAT_SERVICES_COMMON_BUS_CLIENT_FRAME_H_
#define CONCORDAT_SERVICES_COMMON_BUS_CLIENT_FRAME_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace concordat {

inline constexpr uint8_t kSessionProtocol = 1;
inline constexpr size_t kFrameHeadBytes = 18;
// Head and body. A batch is at most 480 KiB, so that every body fits.
inline constexpr size_t kFrameBytesMax = 512 * 1024;

enum class FrameKind : uint8_t {
  kHello = 1,
  kWelcome = 2,
  kHeartbeat = 3,
  kClosed = 4,
  // Ingest port.
  kPublish = 5,
  kReceipts = 6,
  kReadStream = 7,
  kStreamEvents = 8,
  // Delivery port.
  kSubscribe = 9,
  kSubscribed = 10,
  kDeliver = 11,
  kAck = 12,
  kAckStored = 13,
  kSettle = 14,
  // Ingest port: evidence.
  kChainSigned = 15,
  kProveConsistency = 16,
  kConsistency = 17,
  kCosign = 18,
};
absl::string_view FrameKindName(FrameKind kind);

// Bytes and what keeps them alive: a buffer of the carrier, moved not copied.
struct OwnedBytes {
  absl::string_view view;
  std::shared_ptr<const void> owner;

  static OwnedBytes Of(std::string bytes);
};

struct FrameHead {
  FrameKind kind = FrameKind::kHello;
  uint64_t session = 0;  // 0 before Welcome.
  uint64_t number = 0;   // Gapless from 1, in each direction.
};

struct Frame {
  FrameHead head;
  absl::string_view body;
};

// A frame's bytes: writes the head into the 18 bytes that `frame` begins with.
void WriteFrameHead(const FrameHead& head, std::string& frame);
std::string MakeFrame(const FrameHead& head, absl::string_view body);

//   INVALID_ARGUMENT  shorter than a head, over 512 KiB, another protocol, or
//                     an unknown kind.
absl::StatusOr<Frame> ParseFrame(absl::string_view bytes);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BUS_CLIENT_FRAME_H_
