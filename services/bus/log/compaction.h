// What is left of a closed segment once retention went over it: the same blocks
// in the same order with every spine, and the boxes of the events that are kept
// (FORMAT.md, "Compacted blocks").
#ifndef CONCORDAT_SERVICES_BUS_LOG_COMPACTION_H_
#define CONCORDAT_SERVICES_BUS_LOG_COMPACTION_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "services/bus/log/compactable_log.h"
#include "services/bus/log/segment_scan.h"

namespace concordat::bus {

// Compacts the blocks of one segment, one after the other.
class Compactor {
 public:
  // What is removed is marked with `now_us`. `keep` is borrowed.
  Compactor(const CompactableLog::Keep& keep, uint64_t now_us)
      : keep_(keep), now_us_(now_us) {}

  // Appends what stands in the block's place. One that loses nothing stays as it
  // was, byte by byte, but for the segment's first, by which the segment is known
  // to be compacted.
  //   DATA_LOSS  a record is malformed.
  absl::Status Add(const ScannedBlock& block, std::string& out);

  uint64_t removed() const { return removed_; }  // By this one.

 private:
  const CompactableLog::Keep& keep_;
  const uint64_t now_us_;
  bool is_first_ = true;
  uint64_t removed_ = 0;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_COMPACTION_H_
