#include "services/bus/log/durable_event_log.h"

namespace concordat::bus {

absl::StatusOr<Sequence> DurableEventLog::ForEachSpine(
    Sequence after, size_t bytes_max, const Visit& visit) const {
  uint64_t end = 0;
  {
    MutexLock lock(mu_);
    end = end_;
  }
  if (after.value >= end) return after;
  const absl::StatusOr<BlockStore::Blocks> read =
      store_->Read(after.value + 1, bytes_max);
  if (!read.ok()) return read.status();
  Sequence at = after;
  for (const BlockStore::Blocks::One& block : read->blocks) {
    RecordReader records(absl::string_view(read->bytes)
                             .substr(block.body_offset, block.body_bytes));
    Record record;
    uint64_t sequence = block.first_sequence;
    while (records.Next(record)) {
      if (!IsEvent(record.kind)) continue;
      const uint64_t of_record = sequence++;
      if (of_record <= at.value) continue;
      // What is written and not yet visible waits for the next time.
      if (of_record > end) return at;
      const absl::StatusOr<absl::string_view> spine = SpineOfRecord(record);
      if (!spine.ok()) return spine.status();
      absl::Status visited = visit(*spine);
      if (!visited.ok()) return visited;
      at = {of_record};
    }
    if (records.damaged()) return absl::DataLossError("a block is malformed");
  }
  return at;
}

}  // namespace concordat::bus
