#include "services/bus/log/fsck.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/bus/log/durable_mark.h"
#include "services/bus/log/event_record.h"
#include "services/bus/log/key_ring.h"
#include "services/bus/log/new_epoch.h"
#include "services/bus/log/segment_index.h"
#include "services/bus/log/segment_scan.h"
#include "services/bus/log/segment_store.h"
#include "services/common/event/commitments.h"

namespace concordat::bus {
namespace {

absl::StatusOr<uint32_t> CountSegments(Directory& directory) {
  absl::StatusOr<std::vector<std::string>> names = directory.List();
  if (!names.ok()) return names.status();
  uint32_t highest = 0;
  for (const std::string& name : *names) {
    highest = std::max(highest, SegmentNumber(name));
  }
  return highest;
}

// Whether the spine binds what it says: the digest follows from it.
absl::Status CheckSpine(const Spine& spine) {
  View view;
  view.header = ToOwned(spine.header);
  // Of the header group the spine has the commitment alone.
  view.header.on_behalf_of.clear();
  view.header.correlation.clear();
  view.header.causation.clear();
  view.commitments.assign(spine.commitments.begin(), spine.commitments.end());
  view.header_commitment = spine.header_commitment;
  absl::StatusOr<Digest> digest = DigestOfView(view);
  if (digest.ok() && *digest == spine.digest) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      "digest of event ", spine.sequence.value, " is not its own"));
}

absl::Status CheckGroups(const StoredEvent& event) {
  for (const StoredGroup& group : event.opened) {
    const auto committed = std::find_if(
        event.commitments.begin(), event.commitments.end(),
        [&](const auto& one) { return one.number == group.number; });
    if (committed == event.commitments.end() ||
        committed->hash != CommitGroup(group.salt, group.number, group.data)) {
      return absl::DataLossError(
          absl::StrCat("group ", group.number, " of event ",
                       event.sequence.value, " is not what was committed to"));
    }
  }
  return absl::OkStatus();
}

// One pass over all blocks, with the rules of an opening.
class Pass {
 public:
  using OnRecord = std::function<absl::Status(
      const Record& record, uint64_t sequence, const ScannedBlock& block)>;

  Pass(Directory& directory, FsckReport& report)
      : directory_(directory), report_(report) {}

  // The answer is the disk's; what is wrong is in the report.
  absl::Status Run(const OnRecord& on_record) {
    absl::StatusOr<uint32_t> count = CountSegments(directory_);
    if (!count.ok()) return count.status();
    report_.segments = 0;
    report_.blocks = 0;
    for (uint32_t number = 1; number <= *count; ++number) {
      absl::Status status = RunSegment(number, on_record);
      if (!status.ok()) return status;
      if (!report_.fault.ok()) return absl::OkStatus();
    }
    return CheckMark();
  }

 private:
  absl::Status RunSegment(uint32_t number, const OnRecord& on_record) {
    absl::StatusOr<std::unique_ptr<File>> file =
        directory_.Open(SegmentName(number));
    if (absl::IsNotFound(file.status())) {
      Fault(number, 0, end_.next_sequence - 1,
            absl::DataLossError("the segment is missing"));
      return absl::OkStatus();
    }
    if (!file.ok()) return file.status();
    uint64_t at = 0;
    uint64_t events_before = 0;
    absl::Status wrong;
    absl::StatusOr<SegmentScan> scan =
        ScanSegment(**file, end_, [&](const ScannedBlock& block) {
          at = block.offset;
          uint64_t sequence = block.header.first_sequence;
          events_before = sequence - 1;
          RecordReader records(block.body);
          Record record;
          while (wrong.ok() && records.Next(record)) {
            wrong = on_record(record, sequence, block);
            if (IsEvent(record.kind)) ++sequence;
          }
          return wrong;
        });
    if (!wrong.ok()) {
      Fault(number, at, events_before, wrong);
      return absl::OkStatus();
    }
    if (!scan.ok()) return scan.status();
    if (scan->used_bytes > 0 && torn_.has_value()) {
      // What looked like the tail has a segment in use after it.
      Fault(torn_->number, torn_->offset, torn_->events, torn_->damage);
      return absl::OkStatus();
    }
    end_ = scan->end;
    report_.blocks += scan->blocks;
    if (scan->blocks > 0) {
      ++report_.segments;
      last_ = {number, scan->end_offset};
    }
    if (!scan->damage.ok()) {
      if (scan->beyond_tear) {
        Fault(number, scan->end_offset, end_.next_sequence - 1, scan->damage);
      } else {
        torn_ = Torn{number, scan->end_offset, end_.next_sequence - 1,
                     scan->damage};
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckMark() {
    report_.epoch = end_.epoch;
    report_.events = end_.next_sequence - 1;
    if (end_.log_id.has_value()) report_.log_id = *end_.log_id;
    std::optional<DurableMark> mark;
    absl::StatusOr<std::string> bytes = ReadWhole(directory_, kDurableMarkName);
    if (bytes.ok()) mark = DecodeDurableMark(*bytes);
    if (mark.has_value() &&
        (std::pair(mark->segment, mark->end_offset) > last_ ||
         end_.synced_through >= end_.next_sequence)) {
      Fault(last_.first, last_.second, end_.next_sequence - 1,
            absl::DataLossError(absl::StrCat(
                torn_.has_value() ? torn_->damage.message() : "the log ends",
                " here, but it was durable up to ", SegmentName(mark->segment),
                ":", mark->end_offset)));
    } else if (torn_.has_value()) {
      Fault(torn_->number, torn_->offset, torn_->events, torn_->damage);
      report_.torn_tail = true;
    }
    return absl::OkStatus();
  }

  void Fault(uint32_t segment, uint64_t offset, uint64_t events,
             const absl::Status& why) {
    if (end_.log_id.has_value()) report_.log_id = *end_.log_id;
    report_.epoch = end_.epoch;
    report_.events = events;
    report_.fault = absl::DataLossError(why.message());
    report_.fault_segment = segment;
    report_.fault_offset = offset;
  }

  struct Torn {
    uint32_t number = 0;
    uint64_t offset = 0;
    uint64_t events = 0;  // Before it.
    absl::Status damage;
  };

  Directory& directory_;
  FsckReport& report_;
  ChainEnd end_;
  std::pair<uint32_t, uint64_t> last_ = {1, 0};  // End of the last good block.
  std::optional<Torn> torn_;
};

}  // namespace

absl::StatusOr<FsckReport> CheckLog(Directory& directory,
                                    const WrappingKeys* wrapping,
                                    Random& random) {
  FsckReport report;
  std::optional<KeyRing> keys;
  if (wrapping != nullptr) keys.emplace(*wrapping, random);
  std::optional<LogId> log_id;
  absl::Status status =
      Pass(directory, report)
          .Run([&](const Record& record, uint64_t sequence,
                   const ScannedBlock& block) -> absl::Status {
            log_id = block.header.log_id;
            switch (record.kind) {
              case RecordKind::kKey:
                return keys.has_value() ? keys->ReadKey(record.bytes)
                                        : absl::OkStatus();
              case RecordKind::kKeyTable:
                return keys.has_value() ? keys->ReadKeyTable(record.bytes)
                                        : absl::OkStatus();
              case RecordKind::kEvent:
              case RecordKind::kRemovedEvent: {
                absl::StatusOr<absl::string_view> bytes = SpineOfRecord(record);
                if (!bytes.ok()) return bytes.status();
                absl::StatusOr<Spine> spine = DecodeSpine(*bytes);
                if (!spine.ok()) return spine.status();
                if (spine->sequence.value != sequence ||
                    spine->epoch != block.header.epoch) {
                  return absl::DataLossError(
                      absl::StrCat("spine ", sequence, " is of another place"));
                }
                if (record.kind == RecordKind::kRemovedEvent) ++report.removed;
                return CheckSpine(*spine);
              }
              default:
                return absl::OkStatus();
            }
          });
  if (!status.ok()) return status;
  const bool readable = report.fault.ok() || report.torn_tail;
  if (!readable || !keys.has_value() || !log_id.has_value()) return report;
  status = keys->Unwrap(*log_id);
  if (!status.ok()) {
    report.fault = status;
    return report;
  }
  report.keys = keys->size();

  EventOpener opener(*keys);
  status = Pass(directory, report)
               .Run([&](const Record& record, uint64_t,
                        const ScannedBlock&) -> absl::Status {
                 if (record.kind != RecordKind::kEvent) return absl::OkStatus();
                 Arena arena;
                 absl::StatusOr<StoredEvent> event =
                     opener.Open(record, arena, nullptr);
                 if (!event.ok()) return event.status();
                 const bool whole =
                     event->opened.size() == event->commitments.size();
                 ++(whole ? report.opened : report.erased);
                 return CheckGroups(*event);
               });
  if (!status.ok()) return status;
  return report;
}

absl::Status CutLog(Directory& directory, const LogCut& cut, absl::Time now,
                    const KeyTable& newest) {
  const uint32_t segment = cut.segment;
  const uint64_t offset = cut.offset;
  absl::StatusOr<uint32_t> count = CountSegments(directory);
  if (!count.ok()) return count.status();
  if (segment == 1 && offset == 0) {
    return absl::InvalidArgumentError(
        "nothing would be left; begin a new log instead");
  }
  ChainEnd end;
  KeyTableFinder tables;
  std::unique_ptr<File> file;
  for (uint32_t number = 1; number <= segment; ++number) {
    absl::StatusOr<std::unique_ptr<File>> opened =
        directory.Open(SegmentName(number));
    if (!opened.ok()) return opened.status();
    file = *std::move(opened);
    // Up to the cut; what is wrong after it goes.
    bool found = number < segment || offset == 0;
    ChainEnd before_cut = end;
    absl::StatusOr<SegmentScan> scan =
        ScanSegment(*file, end, [&](const ScannedBlock& block) -> absl::Status {
          if (number == segment && block.offset >= offset) {
            return absl::OkStatus();
          }
          before_cut.log_id = block.header.log_id;
          before_cut.epoch = block.header.epoch;
          before_cut.next_sequence =
              block.header.first_sequence + block.header.event_count;
          std::string whole(kBlockHeaderBytes, '\0');
          EncodeBlockHeader(block.header, whole.data());
          whole.append(block.body.data(), block.body.size());
          const absl::StatusOr<Sha256Hash> hash =
              HashOfBlock(block.header, whole);
          if (!hash.ok()) return hash.status();
          before_cut.hash = *hash;
          const absl::Status noted =
              tables.Add(block.header.log_id, block.body);
          if (!noted.ok()) return noted;
          found = found || block.offset + whole.size() == offset;
          return absl::OkStatus();
        });
    if (!scan.ok()) return scan.status();
    if (number < segment && !scan->damage.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(SegmentName(number), ":", scan->end_offset,
                       " is damaged before the cut"));
    }
    if (!found) {
      return absl::InvalidArgumentError(absl::StrCat(
          "no block ends at ", SegmentName(segment), ":", offset,
          "; the last good one before damage ends at ", scan->end_offset));
    }
    end = before_cut;
  }

  if (end.next_sequence - 1 != cut.last_kept) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a cut at ", SegmentName(segment), ":", offset, " keeps events 1 to ",
        end.next_sequence - 1, ", not to ", cut.last_kept));
  }

  const bool has_newer = newest.wrapping_key > tables.newest().wrapping_key;
  const absl::StatusOr<uint64_t> size = file->Size();
  if (!size.ok()) return size.status();
  if (has_newer &&
      (newest.log_id != *end.log_id ||
       offset + kBlockHeaderBytes + newest.records.size() > *size)) {
    return absl::FailedPreconditionError(absl::StrCat(
        kKeyTableFile,
        " beside the key file is of another log, or does not fit behind the "
        "cut: restore a backup instead"));
  }

  // Later segments first, the last one first: a cut that stops half way leaves
  // a log that is shorter than its mark says, and does not open.
  uint32_t epoch = end.epoch;
  absl::StatusOr<std::string> mark = ReadWhole(directory, kDurableMarkName);
  if (mark.ok()) {
    const std::optional<DurableMark> old = DecodeDurableMark(*mark);
    if (old.has_value()) epoch = std::max(epoch, old->epoch);
  }
  epoch = NextEpoch(epoch, now);
  for (uint32_t number = segment; number <= *count; ++number) {
    for (const std::string& name :
         {SegmentIndexName(number), SpineFileName(number)}) {
      absl::Status status = directory.Remove(name);
      if (!status.ok() && !absl::IsNotFound(status)) return status;
    }
  }
  for (uint32_t number = *count; number > segment; --number) {
    absl::Status status = directory.Rename(
        SegmentName(number),
        absl::StrFormat("cut-%u-%s", epoch, SegmentName(number)));
    if (absl::IsNotFound(status)) continue;
    if (status.ok()) status = directory.Sync();
    if (!status.ok()) return status;
  }
  std::string tail(*size - offset, '\0');
  absl::Status status = file->Read(offset, tail.size(), tail.data());
  if (!status.ok()) return status;
  tail.resize(UsedBytes(tail));
  const std::string kept =
      absl::StrFormat("cut-%u-%s-%u", epoch, SegmentName(segment), offset);
  if (!directory.Open(kept).ok()) {  // Else a cut that stopped half way did it.
    status = ReplaceWhole(directory, kept, tail);
    if (!status.ok()) return status;
  }

  status = file->Zero(offset, tail.size());
  if (!status.ok()) return status;
  return BeginEpoch(directory, segment, offset, end, epoch,
                    has_newer ? absl::string_view(newest.records) : "");
}

}  // namespace concordat::bus
