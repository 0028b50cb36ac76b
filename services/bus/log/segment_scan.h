// Reads a segment from its start, checking every block against the one before:
// what opening, index building and concordat-log-fsck share.
#ifndef CONCORDAT_SERVICES_BUS_LOG_SEGMENT_SCAN_H_
#define CONCORDAT_SERVICES_BUS_LOG_SEGMENT_SCAN_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/bus/log/block.h"
#include "services/common/storage/storage.h"

namespace concordat::bus {

// Where the next block is joined on.
struct ChainEnd {
  std::optional<LogId> log_id;  // None before the log's first block.
  uint32_t epoch = 0;
  uint64_t next_sequence = 1;
  uint64_t synced_through = 0;  // The highest that a block has told.
  Sha256Hash hash = {};         // Of the last block.
};

// Whether a block with good checksums belongs where `end` is, and its records
// add up; `end` is then after it. `whole` is header and body.
//   DATA_LOSS  says why not; `end` is as it was.
absl::Status JoinBlock(const BlockHeader& header, absl::string_view whole,
                       ChainEnd& end);

// A block that is whole and in its place.
struct ScannedBlock {
  BlockHeader header;
  uint64_t offset = 0;
  absl::string_view body;
};

struct SegmentScan {
  ChainEnd end;
  uint64_t end_offset = 0;  // Of the last good block's end.
  uint64_t used_bytes = 0;  // Beyond it the file is all zeroes.
  uint64_t blocks = 0;
  // What stands at end_offset when used_bytes is more.
  absl::Status damage;
  // The damage cannot be the torn end of the last write: something whole comes
  // after it, or it is whole itself and does not belong there.
  bool beyond_tear = false;
};

// Calls `on_block` for each good block, in order; its error ends the scan and
// is the answer.
//   UNAVAILABLE  the disk does not read.
absl::StatusOr<SegmentScan> ScanSegment(
    const File& file, const ChainEnd& start,
    const std::function<absl::Status(const ScannedBlock&)>& on_block);

// Whether every byte of the file is zero.
absl::StatusOr<bool> IsBlank(const File& file);

// The end of `bytes` without the zeroes at its end.
uint64_t UsedBytes(absl::string_view bytes);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_SEGMENT_SCAN_H_
