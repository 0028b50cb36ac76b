// How a SegmentStore puts a compacted segment in the place of a closed one.
#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/bus/log/segment_store.h"

namespace concordat::bus {
namespace {

// Written a little at a time, so that no commit waits long behind it.
constexpr size_t kPartBytes = 256 * 1024;

// Of a file that is only appended to.
class Parts {
 public:
  explicit Parts(File& file) : file_(file) {}
  std::string& pending() { return pending_; }
  uint64_t written() const { return written_; }
  absl::Status WriteIfLarge() {
    return pending_.size() < kPartBytes ? absl::OkStatus() : Write();
  }
  absl::Status Write() {
    absl::Status status = file_.Write(written_, pending_);
    if (status.ok()) status = file_.Sync();
    written_ += pending_.size();
    pending_.clear();
    return status;
  }

 private:
  File& file_;
  std::string pending_;
  uint64_t written_ = 0;
};

}  // namespace

std::optional<ClosedSegment> SegmentStore::Closed(uint32_t number) const {
  MutexLock lock(mu_);
  if (number == 0 || number >= segments_.size()) return std::nullopt;
  // With nothing after it on the disk it would be the tail for the next opening,
  // which asks of it what the durable mark says.
  if (segments_[number]->end_offset == 0) return std::nullopt;
  return Close(*segments_[number - 1], segments_[number]->start);
}

absl::StatusOr<std::optional<uint64_t>> SegmentStore::Compact(
    const ClosedSegment& closed, Compactor& compactor,
    const std::function<absl::Status()>& ready) {
  absl::Status status = directory_.Remove(kCompacting);
  if (!status.ok() && !absl::IsNotFound(status)) return status;
  absl::StatusOr<std::unique_ptr<File>> file = directory_.Create(kCompacting);
  if (!file.ok()) return file.status();
  Parts parts(**file);
  status = Scan(closed, [&](const ScannedBlock& block) {
    absl::Status added = compactor.Add(block, parts.pending());
    return added.ok() ? parts.WriteIfLarge() : added;
  });
  if (status.ok()) status = parts.Write();
  if (!status.ok() || compactor.removed() == 0) {
    directory_.Remove(kCompacting).IgnoreError();
    if (!status.ok()) return status;
    return std::optional<uint64_t>();
  }

  // Read back as an opening does: what is there now goes only for what is good.
  auto segment = std::make_shared<Segment>();
  segment->number = closed.number;
  segment->start = closed.start;
  const absl::StatusOr<SegmentScan> scan = ScanSegment(
      **file, closed.start,
      [&](const ScannedBlock& block) { return Note(block, *segment); });
  if (!scan.ok()) return scan.status();
  if (!scan->damage.ok() || scan->end.hash != closed.end.hash ||
      scan->end.next_sequence != closed.end.next_sequence) {
    return absl::DataLossError(
        absl::StrCat(kCompacting, ":", scan->end_offset,
                     ": not what was written; the disk cannot be trusted"));
  }
  segment->size = scan->end_offset;
  segment->end_offset = scan->end_offset;
  status = ready();
  if (status.ok()) {
    status = directory_.Rename(kCompacting, SegmentName(closed.number));
  }
  if (status.ok()) status = directory_.Sync();
  if (!status.ok()) return status;
  segment->file = *std::move(file);
  MutexLock lock(mu_);
  std::shared_ptr<Segment>& old = segments_[closed.number - 1];
  const uint64_t shorter =
      old->size > segment->size ? old->size - segment->size : 0;
  old = std::move(segment);
  return std::optional<uint64_t>(shorter);
}

}  // namespace concordat::bus
