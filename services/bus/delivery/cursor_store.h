// Where durable subscriptions have come to, on disk. One file, `cursors`, that
// is only appended to, and replaced by a short one when it has grown.
//
//   batch  = "CURB" ‖ length u32 ‖ CRC-32C of what follows u32 ‖ record*
//   record = "CUR1" ‖ length u32 ‖ CRC-32C of what follows u32 ‖
//            log id [16] ‖ epoch u32 ‖ acknowledged u64 ‖ judged u64 ‖ name
//
// Integers are little-endian. The newest record of a name counts. A batch is what
// was written and synced at once, so that of a torn append a good end may follow
// a bad beginning. A bad batch with no good one after it is a torn append and is
// cut. An older file is records without batches, and is read.
#ifndef CONCORDAT_SERVICES_BUS_DELIVERY_CURSOR_STORE_H_
#define CONCORDAT_SERVICES_BUS_DELIVERY_CURSOR_STORE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/base/ids.h"
#include "services/common/storage/storage.h"

namespace concordat::bus {

// How far a subscription has come.
struct Place {
  std::string log_id;  // 16 bytes.
  uint32_t epoch = 0;
  Sequence acknowledged;  // Everything up to here is done with.
  Sequence judged;        // And back-fill for policy events up to here.
  friend bool operator==(const Place&, const Place&) = default;
};

// By "<agency>/<role>/<name>".
using Places = std::map<std::string, Place>;

// Threads  One at a time.
class CursorStore {
 public:
  static constexpr uint64_t kFileBytesMax = 1u << 20;
  static constexpr size_t kNameBytesMax = 512;

  // `directory` outlives the store.
  //   DATA_LOSS  a damaged record before good ones: places would be forgotten.
  static absl::StatusOr<std::unique_ptr<CursorStore>> Open(
      Directory& directory);

  const Places& places() const { return places_; }

  // Writes and syncs; when this returns OK they are durable, all of them.
  //   FAILED_PRECONDITION  a write failed before; open the store again.
  absl::Status Store(const Places& changed);

 private:
  explicit CursorStore(Directory& directory) : directory_(directory) {}
  absl::Status Compact();

  Directory& directory_;
  std::unique_ptr<File> file_;
  uint64_t size_ = 0;
  Places places_;
  bool failed_ = false;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DELIVERY_CURSOR_STORE_H_
