#include "services/bus/log/durable_event_log.h"

namespace concordat::bus {
namespace {

// Those after `at` and up to `end` of a block's body; moves `at` on.
absl::Status VisitSpines(absl::string_view body, uint64_t first_sequence,
                         uint64_t end, const SpineLog::Visit& visit,
                         Sequence& at) {
  RecordReader records(body);
  Record record;
  for (uint64_t sequence = first_sequence; records.Next(record);) {
    if (!IsEvent(record.kind)) continue;
    const uint64_t of_record = sequence++;
    if (of_record <= at.value) continue;
    // What is written and not yet visible waits for the next time.
    if (of_record > end) return absl::OkStatus();
    const absl::StatusOr<absl::string_view> spine = SpineOfRecord(record);
    if (!spine.ok()) return spine.status();
    absl::Status visited = visit(*spine);
    if (!visited.ok()) return visited;
    at = {of_record};
  }
  return records.damaged() ? absl::DataLossError("a block is malformed")
                           : absl::OkStatus();
}

}  // namespace

absl::StatusOr<Sequence> DurableEventLog::ForEachSpine(
    Sequence after, size_t bytes_max, const Visit& visit) const {
  const uint64_t end = VisibleEnd();
  if (after.value >= end) return after;
  const absl::StatusOr<BlockStore::Blocks> read =
      store_->Read(after.value + 1, bytes_max);
  if (!read.ok()) return read.status();
  Sequence at = after;
  for (const BlockStore::Blocks::One& block : read->blocks) {
    absl::Status visited =
        VisitSpines(absl::string_view(read->bytes)
                        .substr(block.body_offset, block.body_bytes),
                    block.first_sequence, end, visit, at);
    if (!visited.ok()) return visited;
  }
  return at;
}

absl::StatusOr<Sequence> DurableEventLog::FollowSpines(
    Sequence after, size_t bytes_max, const Visit& visit) const {
  const uint64_t end = VisibleEnd();
  if (after.value >= end) return after;
  std::string bytes;
  const std::optional<uint64_t> first =
      recent_blocks_.Copy(after.value + 1, bytes);
  if (!first.has_value()) return ForEachSpine(after, bytes_max, visit);
  Sequence at = after;
  absl::Status visited =
      VisitSpines(absl::string_view(bytes).substr(kBlockHeaderBytes), *first,
                  end, visit, at);
  if (!visited.ok()) return visited;
  return at;
}

}  // namespace concordat::bus
