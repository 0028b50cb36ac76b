#ifndef CONCORDAT_SERVICES_BUS_DAEMON_LOOP_METERS_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_LOOP_METERS_H_

#include <atomic>
#include <cstddef>
#include <deque>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "services/common/base/clock.h"
#include "services/common/base/ids.h"
#include "services/common/base/mutex.h"
#include "services/common/telemetry/metrics.h"

namespace concordat::bus {

// What the bus's loops measure as they go: something a frame and a block, nothing
// an event.
class LoopMeters {
 public:
  // Everything outlives it. `end` is the log's at the start.
  LoopMeters(Metrics& metrics, const SteadyClock& clock, Sequence end);

  absl::Duration Now() const { return clock_.Elapsed(); }

  // Ingest's thread. A Publish was taken at that time; it will be answered.
  void Taken(absl::Duration at) { taken_.push_back(at); }
  // The oldest that was taken is answered: receipts go out.
  void Answered();
  void SetStaged(size_t blocks_out, size_t open_block_bytes);
  void SetBulkWaiting(size_t bytes) { bulk_waiting_bytes_ = bytes; }

  // The disk's thread. A block's write and sync took from `began` until now.
  void Wrote(absl::Duration began);

  // Ingest's thread. A block is durable, up to this event.
  void Durable(Sequence last);
  // Delivery's thread. A frame with views up to this event goes out. One from
  // before the last thousand blocks is catching up and says nothing of how fast
  // the bus is.
  void Delivered(Sequence last);

  // Any thread.
  size_t blocks_out() const { return blocks_out_; }
  size_t open_block_bytes() const { return open_block_bytes_; }
  size_t bulk_waiting_bytes() const { return bulk_waiting_bytes_; }

 private:
  struct Block {
    Sequence last;
    absl::Duration at;
  };

  const SteadyClock& clock_;
  prometheus::Histogram& publish_seconds_;
  prometheus::Histogram& disk_seconds_;
  prometheus::Histogram& delivery_seconds_;
  std::deque<absl::Duration> taken_;
  std::atomic<size_t> blocks_out_ = 0;
  std::atomic<size_t> open_block_bytes_ = 0;
  std::atomic<size_t> bulk_waiting_bytes_ = 0;
  Mutex mu_;
  std::deque<Block> blocks_ ABSL_GUARDED_BY(mu_);
  Sequence forgotten_ ABSL_GUARDED_BY(mu_);  // Of blocks up to here.
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_LOOP_METERS_H_
