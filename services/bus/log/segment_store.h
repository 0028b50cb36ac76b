// The log's segments on disk: opening and its rules, one block appended and
// synced at a time, and blocks read back (FORMAT.md).
#ifndef CONCORDAT_SERVICES_BUS_LOG_SEGMENT_STORE_H_
#define CONCORDAT_SERVICES_BUS_LOG_SEGMENT_STORE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/bus/log/background.h"
#include "services/bus/log/block.h"
#include "services/bus/log/segment_scan.h"
#include "services/common/base/mutex.h"
#include "services/common/storage/storage.h"

namespace concordat::bus {

// Every so many bytes of a segment, the block that begins there is remembered.
inline constexpr uint64_t kRegionBytes = 64 * 1024;

struct BlockPlace {
  uint64_t first_sequence = 0;
  uint64_t offset = 0;
};

// A segment that takes no more blocks.
struct ClosedSegment {
  uint32_t number = 0;
  ChainEnd start;
  ChainEnd end;
  uint64_t end_offset = 0;
  uint64_t last_block = 0;         // Its offset; end_offset when there is none.
  std::vector<BlockPlace> places;  // One for each region that a block begins.
};

struct SegmentStoreOptions {
  uint64_t segment_bytes = uint64_t{64} << 20;
  uint32_t ready_segments = 2;
};

std::string SegmentName(uint32_t number);
// 0: not the name of a segment.
uint32_t SegmentNumber(absl::string_view name);

// Threads  Append: the disk's. Read, bytes, segments: any.
class SegmentStore {
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

  // Opens, cuts a torn tail, and syncs what it is about to serve. Both
  // references outlive this; work posted to `background` must have ended
  // before this is destroyed.
  //   DATA_LOSS  damage that is not a torn tail; names segment and offset.
  //   UNIMPLEMENTED  a newer format.  UNAVAILABLE, RESOURCE_EXHAUSTED  the disk
  static absl::StatusOr<std::unique_ptr<SegmentStore>> Open(
      Directory& directory, Background& background,
      const SegmentStoreOptions& options, const OpenHooks& hooks);

  ~SegmentStore();

  // Where the next block joins. Before the first Append(), and then on its
  // thread.
  const ChainEnd& end() const { return end_; }

  // Called on the disk's thread when a segment has taken its last block.
  void set_on_closed(std::function<void(ClosedSegment)> on_closed) {
    on_closed_ = std::move(on_closed);
  }

  // Makes the segments that are to be ready. Once it is certain that this stays:
  // before, nothing is posted.
  void PrepareInBackground();

  // Completes the header that `block` begins with, writes and syncs. After an
  // error the outcome is unknown and nothing more may be appended.
  //   RESOURCE_EXHAUSTED, UNAVAILABLE
  absl::Status Append(const LogId& log_id, uint32_t epoch, uint32_t event_count,
                      std::string& block);

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
  absl::StatusOr<Blocks> Read(uint64_t sequence, size_t bytes_max) const;

  // The blocks of a closed segment, for who builds its index. Their checksums
  // and sequences are looked at, not the chain of hashes: this process wrote
  // them, or looked when it opened.
  //   DATA_LOSS, UNAVAILABLE
  absl::Status Scan(
      const ClosedSegment& closed,
      const std::function<absl::Status(const ScannedBlock&)>& on_block) const;

  // The closed segment that holds `sequence`: its number, and where it begins.
  std::optional<std::pair<uint32_t, ChainEnd>> ClosedWith(
      uint64_t sequence) const;

  uint64_t bytes() const;  // Of all blocks.
  uint32_t segments() const;
  uint64_t segment_bytes() const { return options_.segment_bytes; }

 private:
  struct Segment {
    uint32_t number = 0;
    std::unique_ptr<File> file;
    uint64_t size = 0;
    ChainEnd start;
    // Of what is durable.
    uint64_t end_offset = 0;
    uint64_t last_block = 0;
    std::vector<BlockPlace> places;
  };
  struct Ready {
    uint32_t number = 0;
    std::unique_ptr<File> file;
    uint64_t size = 0;
  };

  SegmentStore(Directory& directory, Background& background,
               const SegmentStoreOptions& options)
      : directory_(directory),
        background_(background),
        options_(options),
        pages_(kPageBytes) {}

  absl::Status OpenSegments(const OpenHooks& hooks);
  absl::Status OpenTail(Segment& segment, const OpenHooks& hooks);
  absl::Status OpenMark();
  static bool EndsAs(const File& file, const ClosedSegment& closed);
  absl::Status CheckMark(uint32_t segment, uint64_t offset,
                         absl::string_view what) const;
  absl::StatusOr<Ready> Prepare(uint32_t number);
  absl::Status PrepareOne();
  absl::Status Roll();
  static void AddPlace(std::vector<BlockPlace>& places, uint64_t first_sequence,
                       uint64_t offset);
  static ClosedSegment Close(const Segment& segment, const ChainEnd& end);

  Directory& directory_;
  Background& background_;
  const SegmentStoreOptions options_;
  std::function<void(ClosedSegment)> on_closed_;
  std::unique_ptr<File> mark_;

  // The disk's thread.
  ChainEnd end_;
  // What goes to the disk is whole pages. That which the next block begins in
  // stands here first, as far as it is used.
  PageBuffer pages_;
  std::string mark_bytes_at_open_;

  Mutex prepare_mu_ ABSL_ACQUIRED_BEFORE(mu_);  // Held across the disk.
  uint32_t next_number_ ABSL_GUARDED_BY(prepare_mu_) = 1;

  mutable Mutex mu_;
  std::vector<std::shared_ptr<Segment>> segments_ ABSL_GUARDED_BY(mu_);
  std::deque<Ready> ready_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_SEGMENT_STORE_H_
