#include "services/bus/daemon/loop_meters.h"

#include <algorithm>

namespace concordat::bus {
namespace {

constexpr size_t kBlocksKept = 1024;

}  // namespace

LoopMeters::LoopMeters(Metrics& metrics, const SteadyClock& clock, Sequence end)
    : clock_(clock),
      publish_seconds_(metrics.Seconds(
          "concordat_bus_publish_seconds",
          "From a Publish being taken to its Receipts going out.")),
      disk_seconds_(metrics.Seconds("concordat_bus_disk_seconds",
                                    "Write and sync of a block.")),
      delivery_seconds_(metrics.Seconds(
          "concordat_bus_delivery_seconds",
          "From a block being durable to a frame with its views going out.")),
      forgotten_(end) {}

void LoopMeters::Answered() {
  publish_seconds_.Observe(absl::ToDoubleSeconds(Now() - taken_.front()));
  taken_.pop_front();
}

void LoopMeters::SetStaged(size_t blocks_out, size_t open_block_bytes) {
  blocks_out_ = blocks_out;
  open_block_bytes_ = open_block_bytes;
}

void LoopMeters::Wrote(absl::Duration began) {
  disk_seconds_.Observe(absl::ToDoubleSeconds(Now() - began));
}

void LoopMeters::Durable(Sequence last) {
  MutexLock lock(mu_);
  blocks_.push_back({last, Now()});
  if (blocks_.size() <= kBlocksKept) return;
  forgotten_ = blocks_.front().last;
  blocks_.pop_front();
}

void LoopMeters::Delivered(Sequence last) {
  absl::Duration durable_at;
  {
    MutexLock lock(mu_);
    if (last <= forgotten_) return;
    const auto block = std::lower_bound(
        blocks_.begin(), blocks_.end(), last,
        [](const Block& each, Sequence at) { return each.last < at; });
    if (block == blocks_.end()) return;
    durable_at = block->at;
  }
  delivery_seconds_.Observe(absl::ToDoubleSeconds(Now() - durable_at));
}

}  // namespace concordat::bus
