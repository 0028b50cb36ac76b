#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/bus/log/backup_manifest.h"
#include "services/bus/log/block_walk.h"
#include "services/bus/log/key_table.h"
#include "services/bus/log/log_backup.h"
#include "services/bus/log/new_epoch.h"
#include "services/bus/log/segment_index.h"
#include "services/bus/log/segment_store.h"

namespace concordat::bus {
namespace {

absl::Status In(const std::string& file, uint64_t offset,
                const absl::Status& why) {
  return absl::Status(why.code(),
                      absl::StrCat(file, ":", offset, ": ", why.message()));
}

class Restore {
 public:
  Restore(Directory& from, Directory& log, const RestorePoint& point,
          uint64_t segment_bytes, KeyTable newest)
      : from_(from),
        log_(log),
        point_(point),
        segment_bytes_(segment_bytes),
        newest_(std::move(newest)) {}

  absl::StatusOr<RestoreReport> Run(Directory& places, absl::Time now) {
    absl::Status status = Begin();
    for (uint32_t number = 1;
         status.ok() && number <= manifest_.segments.size(); ++number) {
      status = CopySegment(number);
    }
    if (status.ok()) status = CopyFilesBeside();
    if (status.ok()) status = CopyPlaces(places);
    if (status.ok()) status = End(now);
    if (!status.ok()) return status;
    report_.log_id = manifest_.log_id;
    report_.last_sequence = end_.next_sequence - 1;
    report_.left_out = manifest_.last_sequence() - report_.last_sequence;
    return report_;
  }

 private:
  absl::Status Begin() {
    absl::StatusOr<std::string> text = ReadWhole(from_, kManifestName);
    if (absl::IsNotFound(text.status())) {
      return absl::NotFoundError("there is no backup: no manifest");
    }
    if (!text.ok()) return text.status();
    absl::StatusOr<BackupManifest> manifest = DecodeManifest(*text);
    if (!manifest.ok()) return manifest.status();
    manifest_ = *std::move(manifest);
    if (point_.sequence != RestorePoint().sequence &&
        point_.sequence > manifest_.last_sequence()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the backup ends at event ", manifest_.last_sequence()));
    }
    absl::StatusOr<std::vector<std::string>> names = log_.List();
    if (!names.ok()) return names.status();
    if (names->empty()) return absl::OkStatus();
    return absl::FailedPreconditionError(
        "there are files of a log; it is not written over");
  }

  bool IsBeyond(const WalkedBlock& block, uint64_t accepted_us) const {
    const BlockHeader& header = block.header;
    return header.event_count > 0 &&
           (header.first_sequence + header.event_count - 1 > point_.sequence ||
            accepted_us > point_.accepted_us);
  }

  absl::Status CopySegment(uint32_t number) {
    const BackupManifest::Segment& known = manifest_.segments[number - 1];
    const std::string name = SegmentName(number);
    absl::StatusOr<std::unique_ptr<File>> from = from_.Open(name);
    if (absl::IsNotFound(from.status())) {
      return In(name, 0, absl::DataLossError("the file is missing"));
    }
    if (!from.ok()) return from.status();
    // A compacted one takes the place of a segment at once, and may have come
    // after the manifest: then it holds the same blocks in fewer bytes, and more.
    const absl::StatusOr<uint64_t> compacted = CompactedAt(**from);
    if (!compacted.ok()) return compacted.status();
    absl::StatusOr<uint64_t> limit = known.bytes;
    if (*compacted > 0) limit = (*from)->Size();
    if (!limit.ok()) return limit.status();
    if (*compacted > 0) compacted_.insert(number);
    const BlockWalk::Pace at_once = [](uint64_t) {};
    BlockWalk walk(**from, 0, *limit, walked_, at_once);
    WalkedBlock block;
    std::unique_ptr<File> to;
    while (walked_.hash != known.end.hash) {
      const absl::StatusOr<bool> found = walk.Next(block);
      if (!found.ok()) return In(name, walk.at(), found.status());
      if (!*found) break;
      const absl::StatusOr<uint64_t> accepted = AcceptedTimeOf(block);
      if (!accepted.ok()) return In(name, block.offset, accepted.status());
      // An erasure after the point counts for what is before it.
      absl::Status status =
          tables_.Add(manifest_.log_id, block.whole.substr(kBlockHeaderBytes));
      if (!status.ok()) return In(name, block.offset, status);
      walked_ = walk.end();
      reached_ = reached_ || IsBeyond(block, *accepted);
      if (reached_) continue;
      if (to == nullptr) {
        absl::StatusOr<std::unique_ptr<File>> created = log_.Create(name);
        if (!created.ok()) return created.status();
        to = *std::move(created);
        last_segment_ = number;
      }
      status = to->Write(block.offset, block.whole);
      if (!status.ok()) return status;
      if (*accepted > 0) report_.accepted_us = *accepted;
      last_end_ = walk.at();
      end_ = walk.end();
      restored_table_ = tables_.newest().wrapping_key;
    }
    if (walked_.hash != known.end.hash) {
      return In(name, walk.at(),
                absl::DataLossError("not the blocks that were backed up"));
    }
    return to == nullptr ? absl::OkStatus() : to->Sync();
  }

  // Of the segments before the last, which takes blocks again. One that is
  // damaged, or may be of the segment before it was compacted, is left out: the
  // log makes it anew from its segment.
  absl::Status CopyFilesBeside() {
    for (uint32_t number = 1; number < last_segment_; ++number) {
      if (compacted_.contains(number)) continue;
      for (const BackupManifest::Taken& each : manifest_.taken) {
        if (each.file != SegmentIndexName(number) &&
            each.file != SpineFileName(number)) {
          continue;
        }
        const absl::StatusOr<std::string> bytes = ReadTaken(each);
        if (absl::IsDataLoss(bytes.status())) continue;
        if (!bytes.ok()) return bytes.status();
        absl::Status status = ReplaceWhole(log_, each.file, *bytes);
        if (!status.ok()) return status;
      }
    }
    return absl::OkStatus();
  }

  absl::Status CopyPlaces(Directory& places) {
    absl::StatusOr<std::vector<std::string>> names = places.List();
    if (!names.ok()) return names.status();
    // Those that are there are newer. Who is further than the log is told.
    for (const std::string& name : *names) {
      if (!IsLeft(name)) return absl::OkStatus();
    }
    for (const BackupManifest::Taken& each : manifest_.taken) {
      if (each.place.empty()) continue;
      const absl::StatusOr<std::string> bytes = ReadTaken(each);
      if (!bytes.ok()) return bytes.status();
      absl::Status status = ReplaceWhole(places, each.place, *bytes);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  // Begun by ReplaceWhole and not ended.
  static bool IsLeft(absl::string_view name) {
    return name.size() > 4 && name.substr(name.size() - 4) == ".new";
  }

  absl::StatusOr<std::string> ReadTaken(const BackupManifest::Taken& taken) {
    absl::StatusOr<std::string> bytes = ReadWhole(from_, taken.file);
    if (bytes.ok() && Sha256::Of(*bytes) == taken.sha256) return bytes;
    if (!bytes.ok() && !absl::IsNotFound(bytes.status())) return bytes.status();
    return In(taken.file, 0,
              absl::DataLossError("missing, or not what was backed up"));
  }

  absl::Status End(absl::Time now) {
    if (last_segment_ == 0) {
      return absl::InvalidArgumentError("nothing of the log is before that");
    }
    const absl::StatusOr<std::string> table = NewerTable();
    if (!table.ok()) return table.status();
    const uint64_t block_bytes = kBlockHeaderBytes + table->size();
    uint64_t begin = last_end_;
    if (begin + block_bytes > segment_bytes_) {
      absl::StatusOr<std::unique_ptr<File>> next =
          log_.Create(SegmentName(++last_segment_));
      if (!next.ok()) return next.status();
      begin = 0;
    }
    absl::StatusOr<std::unique_ptr<File>> file =
        log_.Open(SegmentName(last_segment_));
    if (!file.ok()) return file.status();
    absl::Status status = (*file)->Zero(begin, segment_bytes_ - begin);
    if (status.ok()) status = (*file)->Sync();
    if (status.ok()) status = log_.Sync();
    if (!status.ok()) return status;
    report_.epoch = NextEpoch(
        std::max(end_.epoch, manifest_.segments.back().end.epoch), now);
    return BeginEpoch(log_, last_segment_, begin, end_, report_.epoch, *table);
  }

  // Of the tables that are known the newest, when what is restored has it not:
  // the wrapping key of its own is destroyed, and with it what was erased since.
  absl::StatusOr<std::string> NewerTable() const {
    const KeyTable* table = &tables_.newest();
    if (newest_.wrapping_key > table->wrapping_key) {
      if (newest_.log_id != manifest_.log_id) {
        return absl::FailedPreconditionError(absl::StrCat(
            kKeyTableFile, " beside the key file is of another log"));
      }
      table = &newest_;
    }
    if (table->wrapping_key <= restored_table_) return std::string();
    if (kBlockHeaderBytes + table->records.size() > segment_bytes_) {
      return absl::ResourceExhaustedError("the key table fills a segment");
    }
    return table->records;
  }

  Directory& from_;
  Directory& log_;
  const RestorePoint point_;
  const uint64_t segment_bytes_;
  const KeyTable newest_;
  BackupManifest manifest_;
  KeyTableFinder tables_;
  uint32_t restored_table_ = 0;  // Wrapping key of the newest that was copied.
  ChainEnd walked_;
  ChainEnd end_;  // Of what was copied.
  uint32_t last_segment_ = 0;
  uint64_t last_end_ = 0;  // In it.
  bool reached_ = false;
  std::set<uint32_t> compacted_;
  RestoreReport report_;
};

}  // namespace

absl::StatusOr<RestoreReport> RestoreLog(Directory& from, Directory& log,
                                         Directory& places,
                                         const RestorePoint& point,
                                         uint64_t segment_bytes, absl::Time now,
                                         const KeyTable& newest) {
  return Restore(from, log, point, segment_bytes, newest).Run(places, now);
}

}  // namespace concordat::bus
