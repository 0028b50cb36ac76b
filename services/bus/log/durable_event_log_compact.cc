// What retention asks of a DurableEventLog.
#include <algorithm>
#include <optional>
#include <utility>

#include "services/bus/log/compaction.h"
#include "services/bus/log/durable_event_log.h"
#include "services/bus/log/segment_index.h"

namespace concordat::bus {
namespace {

absl::Status RemoveIfThere(Directory& directory, const std::string& name) {
  const absl::Status status = directory.Remove(name);
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

}  // namespace

std::optional<SegmentIndex> DurableEventLog::AbsorbedAt(
    uint32_t segment) const {
  const std::optional<ClosedSegment> closed = store_->Closed(segment);
  if (!closed.has_value()) return std::nullopt;
  {
    MutexLock lock(mu_);
    if (unabsorbed_.contains(segment)) return std::nullopt;
  }
  // One that is damaged is made anew when the bus starts.
  absl::StatusOr<SegmentIndex> index = LoadIndex(segment, closed->start);
  if (!index.ok()) return std::nullopt;
  return *std::move(index);
}

std::vector<CompactableLog::Segment> DurableEventLog::ClosedBefore(
    uint64_t accepted_us) const {
  std::vector<Segment> segments;
  for (uint32_t number = 1;; ++number) {
    const std::optional<SegmentIndex> index = AbsorbedAt(number);
    if (!index.has_value() || index->last_accepted_us >= accepted_us) break;
    segments.push_back({number,
                        {index->closed.end.next_sequence - 1},
                        index->last_accepted_us});
  }
  return segments;
}

absl::Status DurableEventLog::VisitKept(
    uint32_t segment,
    const std::function<void(const EventFacts&)>& visit) const {
  const std::optional<ClosedSegment> closed = store_->Closed(segment);
  if (!closed.has_value()) return absl::NotFoundError("no such segment");
  return store_->Scan(*closed, [&](const ScannedBlock& block) {
    RecordReader records(block.body);
    Record record;
    while (records.Next(record)) {
      if (record.kind != RecordKind::kEvent) continue;
      const absl::StatusOr<absl::string_view> bytes = SpineOfRecord(record);
      if (!bytes.ok()) return bytes.status();
      const absl::StatusOr<Spine> spine = DecodeSpine(*bytes);
      if (!spine.ok()) return spine.status();
      visit({spine->sequence, spine->accepted_us, spine->header});
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<CompactableLog::Outcome> DurableEventLog::Compact(
    uint32_t segment, const Keep& keep, uint64_t now_us) {
  const std::optional<ClosedSegment> closed = store_->Closed(segment);
  if (!closed.has_value() || !AbsorbedAt(segment).has_value()) {
    return absl::FailedPreconditionError("the index does not have it yet");
  }
  Compactor compactor(keep, now_us);
  const absl::StatusOr<std::optional<uint64_t>> shorter =
      store_->Compact(*closed, compactor, [&] {
        // They tell where in the segment something is, and go first: what has
        // none is read whole, and has them made anew.
        absl::Status status =
            RemoveIfThere(directory_, SegmentIndexName(segment));
        if (status.ok()) {
          status = RemoveIfThere(directory_, SpineFileName(segment));
        }
        return status.ok() ? directory_.Sync() : status;
      });
  if (!shorter.ok()) return shorter.status();
  if (!shorter->has_value()) return Outcome();
  ForgetSegment(*closed);
  const std::optional<ClosedSegment> compacted = store_->Closed(segment);
  ToAbsorb again{*compacted, false};
  const absl::Status status = WriteClosed(again, [](const Spine&) {});
  if (!status.ok()) return status;
  return Outcome{compactor.removed(), **shorter};
}

void DurableEventLog::ForgetSegment(const ClosedSegment& closed) {
  const auto is_in = [&](const std::shared_ptr<const EventBlock>& block) {
    return block != nullptr && !block->events.empty() &&
           block->events.front().sequence.value < closed.end.next_sequence;
  };
  MutexLock lock(mu_);
  while (!recent_.empty() && is_in(recent_.front())) {
    recent_bytes_ -= recent_sizes_.front();
    recent_.pop_front();
    recent_sizes_.pop_front();
  }
  if (is_in(last_read_)) last_read_ = nullptr;
  regions_.erase(std::remove_if(regions_.begin(), regions_.end(),
                                [&](const auto& each) {
                                  return each.first == closed.number;
                                }),
                 regions_.end());
}

}  // namespace concordat::bus
