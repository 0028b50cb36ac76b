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
#include "services/bus/log/block_store.h"
#include "services/bus/log/compaction.h"
#include "services/bus/log/segment_scan.h"
#include "services/common/base/mutex.h"
#include "services/common/storage/storage.h"

namespace concordat::bus {

struct SegmentStoreOptions {
  uint64_t segment_bytes = uint64_t{64} << 20;
  uint32_t ready_segments = 2;
};

std::string SegmentName(uint32_t number);
// 0: not the name of a segment.
uint32_t SegmentNumber(absl::string_view name);

class SegmentStore : public BlockStore {
 public:
  // Opens, cuts a torn tail, and syncs what it is about to serve. Both
  // references outlive this; work posted to `background` must have ended
  // before this is destroyed.
  //   DATA_LOSS  damage that is not a torn tail; names segment and offset.
  //   UNIMPLEMENTED  a newer format.  UNAVAILABLE, RESOURCE_EXHAUSTED  the disk
  static absl::StatusOr<std::unique_ptr<SegmentStore>> Open(
      Directory& directory, Background& background,
      const SegmentStoreOptions& options, const OpenHooks& hooks);

  ~SegmentStore() override;

  const ChainEnd& end() const override { return end_; }
  // Also makes the segments that are to be ready.
  void Start(std::function<void(ClosedSegment)> on_closed) override;
  absl::Status Append(const LogId& log_id, uint32_t epoch, uint32_t event_count,
                      std::string& block) override;
  absl::StatusOr<Blocks> Read(uint64_t sequence,
                              size_t bytes_max) const override;
  absl::Status Scan(const ClosedSegment& closed,
                    const std::function<absl::Status(const ScannedBlock&)>&
                        on_block) const override;
  absl::Status Walk(uint64_t sequence, size_t bytes_max,
                    const VisitBlock& visit) const override;
  std::optional<std::pair<uint32_t, ChainEnd>> ClosedWith(
      uint64_t sequence) const override;
  std::optional<ClosedSegment> Closed(uint32_t number) const override;
  absl::StatusOr<std::optional<uint64_t>> Compact(
      const ClosedSegment& closed, Compactor& compactor,
      const std::function<absl::Status()>& ready) override;
  Extent extent() const override;

 private:
  // What is to take the place of a segment, while it is written.
  static constexpr absl::string_view kCompacting = "compacting";

  struct Segment {
    uint32_t number = 0;
    std::unique_ptr<File> file;
    uint64_t size = 0;
    ChainEnd start;
    // Of what is durable.
    uint64_t end_offset = 0;
    uint64_t last_block = 0;
    std::vector<BlockPlace> places;
    Removal removal;
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
  static absl::Status Note(const ScannedBlock& block, Segment& segment);
  static bool EndsAs(const File& file, const ClosedSegment& closed);
  absl::StatusOr<Ready> Prepare(uint32_t number);
  absl::Status PrepareOne();
  void PrepareInBackground();
  absl::Status Roll();
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
