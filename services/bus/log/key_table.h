// A log's newest key table outside of it. Erasing destroys the wrapping key that
// tables before were under: a backup of before opens with the newest table alone,
// which therefore stands beside the key file too, in `key-table`:
//
//   magic C0 DC 4B 05, log id (16), length:u32, records as a block has them,
//   CRC-32C of all before it
//
// Every key in it is wrapped: without the key file it tells who has keys, as the
// log does.
#ifndef CONCORDAT_SERVICES_BUS_LOG_KEY_TABLE_H_
#define CONCORDAT_SERVICES_BUS_LOG_KEY_TABLE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/bus/log/block.h"
#include "services/common/storage/storage.h"

namespace concordat::bus {

inline constexpr char kKeyTableFile[] = "key-table";

// A later table is under a higher wrapping key.
struct KeyTable {
  LogId log_id = {};
  uint32_t wrapping_key = 0;  // 0: there is none.
  std::string records;        // Its parts, in order.
};

// Finds the newest whole table among the records of a log.
class KeyTableFinder {
 public:
  // The records of one block, in the log's order.  DATA_LOSS
  absl::Status Add(const LogId& log_id, absl::string_view body);
  const KeyTable& newest() const { return newest_; }

 private:
  KeyTable newest_;
  KeyTable incoming_;
  uint32_t parts_seen_ = 0;
};

std::string EncodeKeyTable(const KeyTable& table);
//   DATA_LOSS  not such a file, or damaged.
absl::StatusOr<KeyTable> DecodeKeyTable(absl::string_view bytes);

// The one that is kept in `keys`; one of no wrapping key when there is no file.
//   DATA_LOSS, UNAVAILABLE
absl::StatusOr<KeyTable> LoadKeyTable(Directory& keys);
// Durably.  UNAVAILABLE, RESOURCE_EXHAUSTED
absl::Status SaveKeyTable(Directory& keys, const KeyTable& table);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_KEY_TABLE_H_
