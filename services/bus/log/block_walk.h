// Goes through a part of a segment block by block with little memory, seeing of
// each that it is whole and follows the one before. Internal to
// services/bus/log.
#ifndef CONCORDAT_SERVICES_BUS_LOG_BLOCK_WALK_H_
#define CONCORDAT_SERVICES_BUS_LOG_BLOCK_WALK_H_

#include <cstdint>
#include <functional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/bus/log/block.h"
#include "services/bus/log/segment_scan.h"
#include "services/common/storage/storage.h"

namespace concordat::bus {

struct WalkedBlock {
  BlockHeader header;
  uint64_t offset = 0;
  absl::string_view whole;  // Until the next one is asked for.
};

class BlockWalk {
 public:
  using Pace = std::function<void(uint64_t bytes)>;

  // From `at`, where `start` is, to `limit`, or to where the file is all zeroes
  // up to there. All is borrowed.
  BlockWalk(const File& file, uint64_t at, uint64_t limit,
            const ChainEnd& start, const Pace& pace)
      : file_(file), pace_(pace), at_(at), limit_(limit), end_(start) {}

  // False: there is none further.
  //   DATA_LOSS  names no segment.  UNIMPLEMENTED  a newer format.
  //   UNAVAILABLE
  absl::StatusOr<bool> Next(WalkedBlock& block);

  uint64_t at() const { return at_; }  // Where the next one begins.
  const ChainEnd& end() const { return end_; }

 private:
  absl::StatusOr<absl::string_view> Read(uint64_t count);
  absl::StatusOr<bool> IsBlankFromHere();

  const File& file_;
  const Pace& pace_;
  uint64_t at_;
  const uint64_t limit_;
  ChainEnd end_;
  PageBuffer part_ = PageBuffer(256 * 1024);
  uint64_t part_at_ = 0;
  uint64_t part_bytes_ = 0;
};

// When retention went over the segment in `file` last, as its first block says; 0
// for one that is as it was written, or whose first block is damaged. No two
// compactions of a segment have the same.  UNAVAILABLE
absl::StatusOr<uint64_t> CompactedAt(const File& file);

// When the block's last event was accepted; 0 for a block without events.
//   DATA_LOSS
absl::StatusOr<uint64_t> AcceptedTimeOf(const WalkedBlock& block);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_BLOCK_WALK_H_
