// Where a log's blocks stand: appended one at a time, each durable before the
// next, and read back. Two of them: segments on a disk (segment_store.h) and
// rows of PostgreSQL (postgres/postgres_block_store.h). What is in the blocks
// (sequences, seals, duplicates, versions) is the log's above, the same on both.
#ifndef CONCORDAT_SERVICES_BUS_LOG_BLOCK_STORE_H_
#define CONCORDAT_SERVICES_BUS_LOG_BLOCK_STORE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/bus/log/block.h"
#include "services/bus/log/compaction.h"
#include "services/bus/log/event_log.h"
#include "services/bus/log/segment_scan.h"
#include "services/common/storage/storage.h"

namespace concordat::bus {

// Every so many bytes of a segment, the block that begins there is remembered.
inline constexpr uint64_t kRegionBytes = 64 * 1024;

struct BlockPlace {
  uint64_t first_sequence = 0;
  uint64_t offset = 0;
};

// Remembers the block when it is the first that begins in its region.
void AddPlace(std::vector<BlockPlace>& places, uint64_t first_sequence,
              uint64_t offset);

// Completes the header that `block` begins with: the one that joins on to `end`.
BlockHeader CompleteHeader(const ChainEnd& end, const LogId& log_id,
                           uint32_t epoch, uint32_t event_count,
                           std::string& block);
// Where the next one joins, after `block` of that header.
ChainEnd EndAfter(const BlockHeader& header, absl::string_view block);

// A segment that takes no more blocks.
struct ClosedSegment {
  uint32_t number = 0;
  ChainEnd start;
  ChainEnd end;
  uint64_t end_offset = 0;
  uint64_t last_block = 0;         // Its offset; end_offset when there is none.
  std::vector<BlockPlace> places;  // One for each region that a block begins.
  Removal removal = {};            // at_us is 0: it was never compacted.
};

// Threads  Append: one, the disk's. Read, Scan, ClosedWith, extent: any.
class BlockStore {
 public:
  // What opening asks of, and tells, the log above. Called in log order.
  struct OpenHooks {
    // The segment as its index tells it, when it has one that continues from
    // `start`; of it only the last block is read then, to see that the index
    // is of these very blocks.  NOT_FOUND: read it all.
    std::function<absl::StatusOr<ClosedSegment>(uint32_t number,
                                                const ChainEnd& start)>
        load_closed;
    std::function<absl::Status(uint32_t number, const ScannedBlock&)> on_block;
    // Every closed one, read or as load_closed had it; its error ends the
    // opening.
    std::function<absl::Status(const ClosedSegment&, bool loaded)> on_closed;
  };

  virtual ~BlockStore() = default;

  // Where the next block joins. Before the first Append(), and then on its
  // thread.
  virtual const ChainEnd& end() const = 0;

  // Once, when it is certain that this stays; what is posted to a background
  // before that would outlive it. `on_closed` is called on the disk's thread when
  // a segment has taken its last block.
  virtual void Start(std::function<void(ClosedSegment)> on_closed) = 0;

  // Completes the header that `block` begins with, writes it and makes it
  // durable. After an error the outcome is unknown and nothing more may be
  // appended.
  //   RESOURCE_EXHAUSTED  no room.  UNAVAILABLE
  virtual absl::Status Append(const LogId& log_id, uint32_t epoch,
                              uint32_t event_count, std::string& block) = 0;

  struct Blocks {
    std::string bytes;
    struct One {
      uint64_t first_sequence = 0;
      uint32_t event_count = 0;
      size_t body_offset = 0;
      size_t body_bytes = 0;
    };
    std::vector<One> blocks;  // Those with events.
  };
  // Whole blocks from the one with `sequence` on, of one segment, at least one
  // and else at most about `bytes_max`; their checksums hold.
  //   OUT_OF_RANGE  not written.  DATA_LOSS, UNAVAILABLE
  virtual absl::StatusOr<Blocks> Read(uint64_t sequence,
                                      size_t bytes_max) const = 0;

  // The blocks of a closed segment, for who builds its index. Their checksums
  // and sequences are looked at, not the chain of hashes: this process wrote
  // them, or looked when it opened.
  //   DATA_LOSS, UNAVAILABLE
  virtual absl::Status Scan(
      const ClosedSegment& closed,
      const std::function<absl::Status(const ScannedBlock&)>& on_block)
      const = 0;

  // Goes through the blocks after those that end before `sequence`, with events
  // and without, as long as `visit` says so, and about `bytes_max` of them.
  //   DATA_LOSS, UNAVAILABLE, UNIMPLEMENTED
  using VisitBlock =
      std::function<bool(const BlockHeader& header, absl::string_view body)>;
  virtual absl::Status Walk(uint64_t sequence, size_t bytes_max,
                            const VisitBlock& visit) const {
    static_cast<void>(sequence);
    static_cast<void>(bytes_max);
    static_cast<void>(visit);
    return absl::UnimplementedError("this store is not gone through");
  }

  // The closed segment that holds `sequence`: its number, and where it begins.
  virtual std::optional<std::pair<uint32_t, ChainEnd>> ClosedWith(
      uint64_t sequence) const = 0;

  // For retention, which a store need not have: of one that has none nothing is
  // ever removed.
  // Nothing: there is no such segment, or it takes blocks still.
  virtual std::optional<ClosedSegment> Closed(uint32_t number) const {
    static_cast<void>(number);
    return std::nullopt;
  }
  // Puts what `compactor` makes of a closed segment in its place, once `ready` has
  // answered OK: by then all is on the disk but its name. Returns by how many
  // bytes it is shorter; nothing when nothing is to be removed. For one thread at
  // a time.
  //   DATA_LOSS, UNAVAILABLE, RESOURCE_EXHAUSTED  as it was, or, on the disk
  //   alone, compacted.  UNIMPLEMENTED
  virtual absl::StatusOr<std::optional<uint64_t>> Compact(
      const ClosedSegment& closed, Compactor& compactor,
      const std::function<absl::Status()>& ready);

  struct Extent {
    uint64_t bytes = 0;  // Of all blocks.
    uint32_t segments = 0;
    Removal removal = {};
  };
  virtual Extent extent() const = 0;
};

// Opens a store, telling `hooks`; what it keeps on this machine is in `beside`.
// Called again when what is derived from the blocks has to be made anew.
//   DATA_LOSS  damage; names segment and offset.  UNIMPLEMENTED  a newer format.
//   UNAVAILABLE, RESOURCE_EXHAUSTED, FAILED_PRECONDITION
using OpenBlockStore =
    std::function<absl::StatusOr<std::unique_ptr<BlockStore>>(
        Directory& beside, const BlockStore::OpenHooks& hooks)>;

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_BLOCK_STORE_H_
