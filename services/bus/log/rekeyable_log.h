// What an erasure, and a change of the wrapping key, asks of a log: a table of
// the keys that survive, under another wrapping key (FORMAT.md, "Key table
// record").
//
// Threads  The core's: the one of EventLog::Stage.
#ifndef CONCORDAT_SERVICES_BUS_LOG_REKEYABLE_LOG_H_
#define CONCORDAT_SERVICES_BUS_LOG_REKEYABLE_LOG_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "services/bus/log/key_table.h"
#include "services/bus/log/wrapping_keys.h"
#include "services/common/base/ids.h"

namespace concordat::bus {

struct StagedKeyTable {
  KeyTable table;     // What to keep beside the key file.
  size_t kept = 0;    // Keys that go on.
  size_t erased = 0;  // Keys that are gone.
};

class RekeyableLog {
 public:
  virtual ~RekeyableLog() = default;

  // Stages the table, under the newest key of `wrapping`, without the keys of
  // these persons: from here on nothing that was sealed with them is read, nor is
  // anything kept opened. The event that is staged next goes to the disk with the
  // table's last part: either both are there or neither. When that is durable, the
  // caller destroys every wrapping key but the newest; not before.
  //   FAILED_PRECONDITION  the log takes no writes.
  virtual absl::StatusOr<StagedKeyTable> StageKeyTable(
      const WrappingKeys& wrapping, const absl::flat_hash_set<PersonKey>& erase,
      uint64_t now_us) = 0;

  // Keys of the person that are there.
  virtual size_t KeysOf(const PersonKey& person) const = 0;
  // No lower wrapping key opens anything of the log any more.
  virtual uint32_t oldest_wrapping_key() const = 0;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_REKEYABLE_LOG_H_
