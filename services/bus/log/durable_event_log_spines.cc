#include "services/bus/log/durable_event_log.h"
#include "services/common/base/bytes.h"

namespace concordat::bus {
namespace {

// Those after `at` and up to `end`; moves `at` on.
absl::Status VisitSpines(const SpinesOfBlock& block, uint64_t end,
                         const SpineLog::Visit& visit, Sequence& at) {
  ByteReader in(block.spines);
  for (uint64_t i = 0; i < block.events; ++i) {
    const absl::string_view spine = in.Bytes(in.Number<uint16_t>());
    const uint64_t sequence = block.first_sequence + i;
    if (sequence <= at.value) continue;
    // What is written and not yet visible waits for the next time.
    if (sequence > end) break;
    absl::Status visited = visit(spine);
    if (!visited.ok()) return visited;
    at = {sequence};
  }
  return absl::OkStatus();
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
    const absl::StatusOr<SpinesOfBlock> spines =
        CopySpines(absl::string_view(read->bytes)
                       .substr(block.body_offset, block.body_bytes),
                   block.first_sequence);
    if (!spines.ok()) return spines.status();
    absl::Status visited = VisitSpines(*spines, end, visit, at);
    if (!visited.ok()) return visited;
  }
  return at;
}

absl::StatusOr<Sequence> DurableEventLog::FollowSpines(
    Sequence after, size_t bytes_max, const Visit& visit) const {
  const uint64_t end = VisibleEnd();
  if (after.value >= end) return after;
  const std::shared_ptr<const SpinesOfBlock> block =
      recent_spines_.Of(after.value + 1);
  if (block == nullptr) return ForEachSpine(after, bytes_max, visit);
  Sequence at = after;
  absl::Status visited = VisitSpines(*block, end, visit, at);
  if (!visited.ok()) return visited;
  return at;
}

}  // namespace concordat::bus
