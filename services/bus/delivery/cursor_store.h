// Where durable subscriptions have come to, on disk. One file, `cursors`, that
// is only appended to, and replaced by a short one when it has grown.
//
//   batch  = "CURB" ‖ length u32 ‖ CRC-32C of what follows u32 ‖ record*
//   record = "CUR2" ‖ length u32 ‖ CRC-32C of what follows u32 ‖
//            log id [16] ‖ epoch u32 ‖ acknowledged u64 ‖ judged u64 ‖
//            scanned u64 ‖ used u64 ‖ flags u8 (1 paused, 2 removed) ‖
//            name length u16 ‖ name ‖
//            count u32 ‖ settled* ‖ count u32 ‖ row* ‖ count u32 ‖ order u64*
//   settled = sequence u64 ‖ cause u64 ‖ shown u64
//   row    = order u64 ‖ sequence u64 ‖ cause u64 ‖ key u64 ‖ state u8 ‖
//            attempts u32 ‖ round u32 ‖ first u64 ‖ last u64 ‖ due u64 ‖
//            reason length u8 ‖ reason
//
// A record replaces what is known of its name, but for the rows: it holds those
// that are new or other than before, then the orders of those that are done
// with. So the place of a subscription and its rows change together or not at
// all. Integers are little-endian. A batch is what was written and synced at
// once, so that of a torn append a good end may follow a bad beginning. A bad
// batch with no good one after it is a torn append and is cut. Older files are
// read: records "CUR1", which end after judged with the name, a place without
// rows; and records without batches.
#ifndef CONCORDAT_SERVICES_BUS_DELIVERY_CURSOR_STORE_H_
#define CONCORDAT_SERVICES_BUS_DELIVERY_CURSOR_STORE_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/bus/delivery/place.h"
#include "services/bus/delivery/place_store.h"
#include "services/common/storage/storage.h"

namespace concordat::bus {

// A record with all of a place's rows.
std::string EncodePlace(const std::string& name, const Place& place);
//   DATA_LOSS
absl::StatusOr<std::pair<std::string, Place>> DecodePlace(
    absl::string_view record);

// Threads  One at a time.
class CursorStore : public PlaceStore {
 public:
  // Or four times what its places take.
  static constexpr uint64_t kFileBytesMax = 1u << 20;
  static constexpr size_t kNameBytesMax = 512;

  // `directory` outlives the store.
  //   DATA_LOSS  a damaged record before good ones: places would be forgotten.
  static absl::StatusOr<std::unique_ptr<CursorStore>> Open(
      Directory& directory);

  const Places& places() const { return places_; }

  absl::Status Store(const Places& changed,
                     const std::set<std::string>& removed = {}) override;

 private:
  explicit CursorStore(Directory& directory) : directory_(directory) {}
  absl::Status Compact();

  Directory& directory_;
  std::unique_ptr<File> file_;
  uint64_t size_ = 0;
  uint64_t size_max_ = kFileBytesMax;
  Places places_;
  bool failed_ = false;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DELIVERY_CURSOR_STORE_H_
