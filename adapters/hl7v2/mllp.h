// The minimal lower layer protocol: a message between 0x0B and 0x1C 0x0D.
// PURE: fed with what a socket gave.
#ifndef CONCORDAT_ADAPTERS_HL7V2_MLLP_H_
#define CONCORDAT_ADAPTERS_HL7V2_MLLP_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "adapters/hl7v2/message.h"

namespace concordat::hl7v2 {

inline constexpr size_t kGarbageBytesMax = 4096;

struct Frame {
  std::string content;
  // Its end never came: another began, or 0x1C stood without its 0x0D.
  bool cut_off = false;
};

// Finds the frames in a stream of bytes. One thread at a time.
class MllpFramer {
 public:
  explicit MllpFramer(size_t content_bytes_max = kMessageBytesMax)
      : content_bytes_max_(content_bytes_max) {}

  // Takes the next bytes and appends the frames that end in them. Bytes
  // between frames are dropped.
  //   RESOURCE_EXHAUSTED  a frame, or what stands between two, is over its
  //                       bound: close the socket. The framer takes no more.
  absl::Status Feed(absl::string_view bytes, std::vector<Frame>& frames);
  // The stream ended: what had begun, if anything.
  std::optional<Frame> End();

 private:
  enum class State { kBetween, kInside, kAfterEnd, kClosed };

  absl::Status Close();
  // Hands out what was collected.
  Frame TakeFrame(bool cut_off);

  const size_t content_bytes_max_;
  State state_ = State::kBetween;
  std::string content_;
  size_t garbage_bytes_ = 0;  // Since the last frame.
};

// `content` between its frame bytes.
std::string MllpFrame(absl::string_view content);

}  // namespace concordat::hl7v2

#endif  // CONCORDAT_ADAPTERS_HL7V2_MLLP_H_
