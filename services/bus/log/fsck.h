// Checks a whole log, and cuts it where a person says. What concordat-log-fsck
// runs, and the tests after every injected fault.
#ifndef CONCORDAT_SERVICES_BUS_LOG_FSCK_H_
#define CONCORDAT_SERVICES_BUS_LOG_FSCK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/bus/log/block.h"
#include "services/bus/log/key_table.h"
#include "services/bus/log/wrapping_keys.h"
#include "services/common/base/random.h"
#include "services/common/storage/storage.h"

namespace concordat::bus {

struct FsckReport {
  LogId log_id = {};
  uint32_t epoch = 0;
  uint32_t segments = 0;
  uint64_t blocks = 0;
  uint64_t events = 0;
  uint64_t opened = 0;   // Events whose every group opened.
  uint64_t erased = 0;   // Events with a group whose key is gone.
  uint64_t removed = 0;  // Events of which retention left the spine.
  size_t keys = 0;
  // OK, or what is wrong first. DATA_LOSS: damage. FAILED_PRECONDITION: keys.
  absl::Status fault;
  // With damage: where it begins.
  uint32_t fault_segment = 0;
  uint64_t fault_offset = 0;  // `events` counts those before it.
  // The fault is a torn tail: the bus cuts it by itself when it opens.
  bool torn_tail = false;
};

// Reads every block: checksums, chain, sequences, digests; with `wrapping`,
// that every group opens and is what was committed to. Changes nothing.
//   UNAVAILABLE  the disk does not read.
absl::StatusOr<FsckReport> CheckLog(Directory& directory,
                                    const WrappingKeys* wrapping,
                                    Random& random);

// Where to cut, and what whoever says so knows will be left.
struct LogCut {
  uint32_t segment = 0;
  uint64_t offset = 0;
  uint64_t last_kept = 0;  // Sequence of the last event before the cut.
};

// Takes away everything from the block at the place on, keeping what it takes in
// files named cut-…, and begins a new epoch, by which whoever holds a place after
// the cut learns that it is gone. When `newest`, the table beside the key file, is
// newer than those that are left, it stands at the epoch's beginning: no erasure is
// cut away.
//   INVALID_ARGUMENT  no block ends at the offset, or another event is the last
//                     before it; nothing is changed.  NOT_FOUND  no such segment.
//   FAILED_PRECONDITION  `newest` is of another log, or does not fit before the
//                     segment's end; nothing is changed.
//   UNAVAILABLE, RESOURCE_EXHAUSTED  the disk; run it again.
absl::Status CutLog(Directory& directory, const LogCut& cut, absl::Time now,
                    const KeyTable& newest = {});

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_FSCK_H_
