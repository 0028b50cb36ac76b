// An epoch on a log whose database was restored to a moment before its end: what came
// after it is lost, and whoever was shown it is told FORKED, as after a restore of files
// (log_backup.h).
#ifndef CONCORDAT_SERVICES_BUS_LOG_POSTGRES_RESTORED_LOG_H_
#define CONCORDAT_SERVICES_BUS_LOG_POSTGRES_RESTORED_LOG_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/bus/log/block.h"
#include "services/bus/log/key_table.h"
#include "services/bus/log/postgres/connection.h"
#include "services/bus/log/wrapping_keys.h"
#include "services/common/storage/storage.h"

namespace concordat::bus {

struct RestoredReport {
  LogId log_id = {};
  uint32_t epoch = 0;           // The one that begins.
  uint64_t last_sequence = 0;   // That the database has.
  uint64_t known_sequence = 0;  // That the data directory knew of; 0: none.
  bool table =
      false;  // It begins with a newer key table than the database had.
};

// `beside` is the log's folder of a data directory: its durable mark is then of the new
// epoch. `newest` is the key table beside the key file, whose keys are `wrapping`: what
// was erased after the moment stays erased. `process` is of this process alone.
//   FAILED_PRECONDITION  a bus writes the log, or did a moment ago; there is no log;
//                        the key table is of another log; the key file opens no table
//                        that is known.
//   RESOURCE_EXHAUSTED   the key table fills a segment.
//   DATA_LOSS, UNIMPLEMENTED, UNAVAILABLE, INTERNAL  as PostgresBlockStore::Open.
absl::StatusOr<RestoredReport> BeginEpochAfterRestore(
    const PostgresOptions& options, const std::string& process,
    Directory& beside, const WrappingKeys& wrapping, const KeyTable& newest,
    uint64_t segment_bytes, absl::Time now);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_POSTGRES_RESTORED_LOG_H_
