// The spines of the blocks written last: whoever follows the log closely need not
// have read back from the disk what was on its way there a moment ago.
//
// Threads  Any.
// Bounds   kBytes, of the newest.
#ifndef CONCORDAT_SERVICES_BUS_LOG_RECENT_SPINES_H_
#define CONCORDAT_SERVICES_BUS_LOG_RECENT_SPINES_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/base/mutex.h"

namespace concordat::bus {

// Of one block, one after the other.
struct SpinesOfBlock {
  uint64_t first_sequence = 0;
  uint64_t events = 0;
  std::string spines;  // Each after its length, a uint16.
};

// Those of a block's body.  DATA_LOSS
absl::StatusOr<SpinesOfBlock> CopySpines(absl::string_view body,
                                         uint64_t first_sequence);

class RecentSpines {
 public:
  // 50,000 of a common size: at the highest rate half a second.
  static constexpr size_t kBytes = size_t{16} << 20;

  // In the log's order.
  void Add(SpinesOfBlock block);
  // The block that holds the event; null: it is not here (any more).
  std::shared_ptr<const SpinesOfBlock> Of(uint64_t sequence) const;

 private:
  mutable Mutex mu_;
  std::deque<std::shared_ptr<const SpinesOfBlock>> blocks_ ABSL_GUARDED_BY(mu_);
  size_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_RECENT_SPINES_H_
