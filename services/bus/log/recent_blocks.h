// The bytes of the blocks written last: whoever follows the log closely need not
// have read back from the disk what was on its way there a moment ago. And the
// buffers of those that are older, for blocks to come: memory fresh from the system
// costs more than sealing.
//
// Threads  Any.
// Bounds   kBytes, of the newest blocks; kSpare buffers.
#ifndef CONCORDAT_SERVICES_BUS_LOG_RECENT_BLOCKS_H_
#define CONCORDAT_SERVICES_BUS_LOG_RECENT_BLOCKS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "services/common/base/mutex.h"

namespace concordat::bus {

class RecentBlocks {
 public:
  // At 70,000 events a second of a kilobyte, a quarter of a second.
  static constexpr size_t kBytes = size_t{16} << 20;
  static constexpr size_t kSpare = 8;

  // A block as it was written, with `events` of them from `first_sequence` on.
  void Add(uint64_t first_sequence, uint64_t events, std::string bytes);
  // Copies the one that holds the event into `bytes`, and tells its first event.
  // Null: it is not here (any more).
  std::optional<uint64_t> Copy(uint64_t sequence, std::string& bytes) const;
  // An empty buffer, of one used before if there is one.
  std::string TakeBuffer();

 private:
  struct Block {
    uint64_t first_sequence = 0;
    uint64_t events = 0;
    std::string bytes;
  };
  void GiveBack(std::string bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable Mutex mu_;
  std::deque<Block> blocks_ ABSL_GUARDED_BY(mu_);  // In the log's order.
  size_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<std::string> spare_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_RECENT_BLOCKS_H_
