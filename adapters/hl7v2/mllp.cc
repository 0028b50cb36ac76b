#include "adapters/hl7v2/mllp.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace concordat::hl7v2 {
namespace {

constexpr char kStart = '\x0B';
constexpr char kEnd = '\x1C';
constexpr char kCarriageReturn = '\x0D';
constexpr absl::string_view kFrameBytes = "\x0B\x1C";

}  // namespace

absl::Status MllpFramer::Close() {
  state_ = State::kClosed;
  content_.clear();
  return absl::ResourceExhaustedError("a frame is over its bound");
}

Frame MllpFramer::TakeFrame(bool cut_off) {
  Frame frame{std::move(content_), cut_off};
  content_.clear();
  garbage_bytes_ = 0;
  return frame;
}

absl::Status MllpFramer::Feed(absl::string_view bytes,
                              std::vector<Frame>& frames) {
  while (!bytes.empty()) {
    switch (state_) {
      case State::kClosed:
        return Close();
      case State::kBetween: {
        const size_t start = bytes.find(kStart);
        const size_t garbage =
            start == absl::string_view::npos ? bytes.size() : start;
        garbage_bytes_ += garbage;
        if (garbage_bytes_ > kGarbageBytesMax) return Close();
        bytes.remove_prefix(garbage);
        if (bytes.empty()) break;
        bytes.remove_prefix(1);
        state_ = State::kInside;
        break;
      }
      case State::kInside: {
        const absl::string_view run =
            bytes.substr(0, bytes.find_first_of(kFrameBytes));
        if (content_.size() + run.size() > content_bytes_max_) return Close();
        absl::StrAppend(&content_, run);
        bytes.remove_prefix(run.size());
        if (bytes.empty()) break;
        if (bytes.front() == kEnd) {
          state_ = State::kAfterEnd;
        } else {
          frames.push_back(TakeFrame(/*cut_off=*/true));
        }
        bytes.remove_prefix(1);
        break;
      }
      case State::kAfterEnd:
        // The byte that should be 0x0D; any other is looked at again.
        frames.push_back(TakeFrame(bytes.front() != kCarriageReturn));
        if (bytes.front() == kCarriageReturn) bytes.remove_prefix(1);
        state_ = State::kBetween;
        break;
    }
  }
  return absl::OkStatus();
}

std::optional<Frame> MllpFramer::End() {
  const bool begun = state_ == State::kInside || state_ == State::kAfterEnd;
  state_ = State::kClosed;
  if (!begun) return std::nullopt;
  return TakeFrame(/*cut_off=*/true);
}

std::string MllpFrame(absl::string_view content) {
  return absl::StrCat(absl::string_view(&kStart, 1), content,
                      absl::string_view(&kEnd, 1),
                      absl::string_view(&kCarriageReturn, 1));
}

}  // namespace concordat::hl7v2
