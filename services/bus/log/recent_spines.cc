#include "services/bus/log/recent_spines.h"

#include <algorithm>
#include <utility>

#include "services/bus/log/event_record.h"
#include "services/common/base/bytes.h"

namespace concordat::bus {

absl::StatusOr<SpinesOfBlock> CopySpines(absl::string_view body,
                                         uint64_t first_sequence) {
  SpinesOfBlock copied;
  copied.first_sequence = first_sequence;
  RecordReader records(body);
  Record record;
  while (records.Next(record)) {
    if (!IsEvent(record.kind)) continue;
    const absl::StatusOr<absl::string_view> spine = SpineOfRecord(record);
    if (!spine.ok()) return spine.status();
    PutNumber(copied.spines, static_cast<uint16_t>(spine->size()));
    copied.spines.append(spine->data(), spine->size());
    ++copied.events;
  }
  if (records.damaged()) return absl::DataLossError("a block is malformed");
  return copied;
}

void RecentSpines::Add(SpinesOfBlock block) {
  if (block.events == 0) return;
  block.spines.shrink_to_fit();
  auto kept = std::make_shared<const SpinesOfBlock>(std::move(block));
  MutexLock lock(mu_);
  bytes_ += kept->spines.size();
  blocks_.push_back(std::move(kept));
  while (bytes_ > kBytes) {
    bytes_ -= blocks_.front()->spines.size();
    blocks_.pop_front();
  }
}

std::shared_ptr<const SpinesOfBlock> RecentSpines::Of(uint64_t sequence) const {
  MutexLock lock(mu_);
  const auto after = std::partition_point(
      blocks_.begin(), blocks_.end(), [sequence](const auto& block) {
        return block->first_sequence <= sequence;
      });
  if (after == blocks_.begin()) return nullptr;
  const auto& block = *std::prev(after);
  if (sequence - block->first_sequence >= block->events) return nullptr;
  return block;
}

}  // namespace concordat::bus
