// A copy of a log in a folder of its own, taken while a bus writes the log, and
// a log made from such a copy. services/bus/FORMAT.md has the folder's files;
// deploy/docs/backup.md tells operators what to do with them.
//
// Neither holds a wrapping key: who has the copy alone reads envelopes.
#ifndef CONCORDAT_SERVICES_BUS_LOG_LOG_BACKUP_H_
#define CONCORDAT_SERVICES_BUS_LOG_LOG_BACKUP_H_

#include <cstdint>
#include <functional>
#include <limits>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/bus/log/block.h"
#include "services/bus/log/key_table.h"
#include "services/common/storage/storage.h"

namespace concordat::bus {

struct BackupReport {
  LogId log_id = {};
  uint32_t epoch = 0;
  uint64_t last_sequence = 0;
  uint64_t accepted_us = 0;  // Of that event.
  uint32_t segments = 0;
  uint64_t copied_bytes = 0;  // By this run.
};

// Brings the backup in `to` up to what is durable in `log` now: copies what is
// not there yet, and sees of each block, before it is written, that it is whole
// and follows the one before. The places are taken first, so that none passes the
// log's end. What retention removed from the log goes from the backup too. Nothing
// of `log` is changed or locked. `pace` is told before so many
// bytes are read, and may wait.
// What ends half way leaves the backup of before; run it again.
//   DATA_LOSS            a block of the log, named by segment and offset, or the
//                        manifest in `to`, is damaged.
//   FAILED_PRECONDITION  `to` holds a backup of something else than the past of
//                        this log; or there is no log yet.
//   UNAVAILABLE, RESOURCE_EXHAUSTED  either disk.
absl::StatusOr<BackupReport> BackUpLog(
    Directory& log, Directory& places, Directory& to,
    const std::function<void(uint64_t bytes)>& pace);

// How far to restore. A block, the unit of commit, is restored whole or not at
// all: an atomic set is never torn.
struct RestorePoint {
  uint64_t sequence = std::numeric_limits<uint64_t>::max();
  uint64_t accepted_us = std::numeric_limits<uint64_t>::max();
};

struct RestoreReport {
  LogId log_id = {};
  uint32_t epoch = 0;          // The new one.
  uint64_t last_sequence = 0;  // The last event that is there.
  uint64_t accepted_us = 0;    // Its time.
  uint64_t left_out = 0;       // Events that the backup has after it.
};

// Makes in `log` the log that was backed up, as far as `point`, and begins a new
// epoch. Every block is checked as it is copied, and every file against the
// manifest. `places` gets those of the backup, unless it holds some.
// What was erased after the point, or after the backup, stays erased: the new epoch
// begins with the newest key table that the backup, or `newest`, has.
// `log` is empty. What ends half way leaves no log in it: a mark is missing;
// empty it and run again.
//   DATA_LOSS            the backup is damaged; names file and offset.
//   INVALID_ARGUMENT     it does not reach to `point.sequence`, or begins later.
//   FAILED_PRECONDITION  `log` is not empty; or `newest` is of another log.
//   NOT_FOUND            `from` is no backup.
//   UNAVAILABLE, RESOURCE_EXHAUSTED  either disk.
absl::StatusOr<RestoreReport> RestoreLog(Directory& from, Directory& log,
                                         Directory& places,
                                         const RestorePoint& point,
                                         uint64_t segment_bytes, absl::Time now,
                                         const KeyTable& newest = {});

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_LOG_BACKUP_H_
