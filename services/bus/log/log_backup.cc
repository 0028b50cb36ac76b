#include "services/bus/log/log_backup.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/bus/log/backup_manifest.h"
#include "services/bus/log/block_walk.h"
#include "services/common/base/bytes.h"
#include "services/bus/log/durable_mark.h"
#include "services/bus/log/segment_index.h"
#include "services/bus/log/segment_store.h"

namespace concordat::bus {
namespace {

// What is written goes to the disk a little at a time, so that no commit of the
// bus waits long behind it.
constexpr uint64_t kSyncBytes = 256 * 1024;
constexpr int kMarkReads = 100;
constexpr absl::string_view kPlacePrefix = "place-";
constexpr absl::string_view kCopying = "copying";

absl::Status At(uint32_t segment, uint64_t offset, const absl::Status& why) {
  return absl::Status(why.code(), absl::StrCat(SegmentName(segment), ":",
                                               offset, ": ", why.message()));
}

class Backup {
 public:
  Backup(Directory& log, Directory& to, const BlockWalk::Pace& pace)
      : log_(log), to_(to), pace_(pace) {}

  absl::StatusOr<BackupReport> Run(Directory& places) {
    absl::Status status = ReadManifest();
    if (status.ok()) status = TakePlaces(places);
    if (status.ok()) status = ReadMark();
    if (status.ok()) status = CopyCompacted();
    if (status.ok()) status = CheckPast();
    if (status.ok()) status = CopySegments();
    if (status.ok()) status = TakeFilesBeside();
    if (status.ok()) status = to_.Sync();
    if (status.ok()) {
      status = ReplaceWhole(to_, kManifestName, EncodeManifest(manifest_));
    }
    if (status.ok()) status = RemoveOldPlaces();
    if (!status.ok()) return status;
    report_.log_id = manifest_.log_id;
    report_.epoch = manifest_.segments.back().end.epoch;
    report_.last_sequence = manifest_.last_sequence();
    report_.accepted_us = manifest_.accepted_us;
    report_.segments = static_cast<uint32_t>(manifest_.segments.size());
    return report_;
  }

 private:
  absl::Status ReadManifest() {
    absl::StatusOr<std::string> text = ReadWhole(to_, kManifestName);
    if (absl::IsNotFound(text.status())) return absl::OkStatus();
    if (!text.ok()) return text.status();
    absl::StatusOr<BackupManifest> manifest = DecodeManifest(*text);
    if (!manifest.ok()) return manifest.status();
    manifest_ = *std::move(manifest);
    return absl::OkStatus();
  }

  // The bus writes it over after each commit; a read may fall in between.
  absl::Status ReadMark() {
    for (int i = 0; i < kMarkReads; ++i) {
      absl::StatusOr<std::string> bytes = ReadWhole(log_, kDurableMarkName);
      if (absl::IsNotFound(bytes.status())) break;
      if (!bytes.ok()) return bytes.status();
      const std::optional<DurableMark> mark = DecodeDurableMark(*bytes);
      if (!mark.has_value()) continue;
      mark_ = *mark;
      return absl::OkStatus();
    }
    return absl::FailedPreconditionError(
        "there is no durable mark: no bus has written a log here");
  }

  absl::Status CheckPast() {
    if (manifest_.segments.empty()) {
      manifest_.log_id = mark_.log_id;
      return absl::OkStatus();
    }
    const auto number = static_cast<uint32_t>(manifest_.segments.size());
    const BackupManifest::Segment& last = manifest_.segments.back();
    if (manifest_.log_id != mark_.log_id ||
        std::pair(mark_.segment, mark_.end_offset) <
            std::pair(number, last.bytes)) {
      return OfAnotherLog();
    }
    absl::StatusOr<std::unique_ptr<File>> file = log_.Open(SegmentName(number));
    if (!file.ok()) return file.status();
    return EndsAs(**file, last) ? absl::OkStatus() : OfAnotherLog();
  }

  static bool EndsAs(const File& file, const BackupManifest::Segment& segment) {
    std::string block(segment.bytes - segment.last_block, '\0');
    if (!file.Read(segment.last_block, block.size(), block.data()).ok()) {
      return false;
    }
    const absl::StatusOr<BlockHeader> header = DecodeBlockHeader(block);
    if (!header.ok()) return false;
    const absl::StatusOr<Sha256Hash> hash = HashOfBlock(*header, block);
    return hash.ok() && *hash == segment.end.hash;
  }

  static absl::Status OfAnotherLog() {
    return absl::FailedPreconditionError(
        "what was backed up here is not the past of this log: it is another "
        "one, or was cut or restored since; use an empty folder");
  }

  // Segments that retention went over since they were copied.
  absl::Status CopyCompacted() {
    if (manifest_.log_id != mark_.log_id) return absl::OkStatus();
    ChainEnd start;
    for (size_t i = 0; i < manifest_.segments.size(); ++i) {
      const auto number = static_cast<uint32_t>(i) + 1;
      if (number >= mark_.segment) break;
      absl::Status status = CopyIfCompacted(number, start);
      if (!status.ok()) return status;
      start = manifest_.segments[i].end;
    }
    return absl::OkStatus();
  }

  // Its file is replaced whole, and by either of them the manifest of before is
  // still true: the same blocks to the same last hash.
  absl::Status CopyIfCompacted(uint32_t number, const ChainEnd& start) {
    BackupManifest::Segment& known = manifest_.segments[number - 1];
    const std::string name = SegmentName(number);
    absl::StatusOr<std::unique_ptr<File>> from = log_.Open(name);
    if (absl::IsNotFound(from.status())) return absl::OkStatus();
    if (!from.ok()) return from.status();
    const absl::StatusOr<uint64_t> compacted = CompactedAt(**from);
    if (!compacted.ok()) return compacted.status();
    if (*compacted == 0) return absl::OkStatus();
    const absl::StatusOr<uint64_t> size = (*from)->Size();
    if (!size.ok()) return size.status();
    absl::StatusOr<std::unique_ptr<File>> old = to_.Open(name);
    if (!old.ok()) return old.status();
    const absl::StatusOr<uint64_t> copied = CompactedAt(**old);
    if (!copied.ok()) return copied.status();
    // The manifest of before may be older than the file.
    if (*copied == *compacted && EndsAs(**old, known)) return absl::OkStatus();

    absl::Status status = to_.Remove(kCopying);  // Left by a run that ended.
    if (!status.ok() && !absl::IsNotFound(status)) return status;
    absl::StatusOr<std::unique_ptr<File>> to = to_.Create(kCopying);
    if (!to.ok()) return to.status();
    BackupManifest::Segment copy;
    bool has_old_end = known.bytes == 0;
    status = CopyBlocks(number, **from, *size, start, **to, copy, [&] {
      has_old_end = has_old_end || copy.end.hash == known.end.hash;
    });
    if (!status.ok()) return status;
    if (!has_old_end) return OfAnotherLog();
    status = to_.Rename(kCopying, name);
    if (!status.ok()) return status;
    known = copy;
    std::vector<BackupManifest::Taken>& taken = manifest_.taken;
    taken.erase(std::remove_if(taken.begin(), taken.end(),
                               [&](const auto& each) {
                                 return each.file == SegmentIndexName(number) ||
                                        each.file == SpineFileName(number);
                               }),
                taken.end());
    return absl::OkStatus();
  }

  absl::Status CopySegments() {
    ChainEnd end;
    if (!manifest_.segments.empty()) end = manifest_.segments.back().end;
    size_t number = std::max<size_t>(manifest_.segments.size(), 1);
    for (; number <= mark_.segment; ++number) {
      if (number > manifest_.segments.size()) {
        BackupManifest::Segment& added = manifest_.segments.emplace_back();
        added.end = end;
      }
      absl::Status status = CopySegment(static_cast<uint32_t>(number));
      if (!status.ok()) return status;
      end = manifest_.segments.back().end;
    }
    if (end.next_sequence - 1 == mark_.last_sequence) return absl::OkStatus();
    return At(mark_.segment, mark_.end_offset,
              absl::DataLossError("the durable mark tells of another event"));
  }

  absl::Status CopySegment(uint32_t number) {
    BackupManifest::Segment& segment = manifest_.segments[number - 1];
    const std::string name = SegmentName(number);
    absl::StatusOr<std::unique_ptr<File>> from = log_.Open(name);
    if (absl::IsNotFound(from.status())) {
      return At(number, 0, absl::DataLossError("the segment is missing"));
    }
    if (!from.ok()) return from.status();
    absl::StatusOr<uint64_t> limit = (*from)->Size();
    if (!limit.ok()) return limit.status();
    if (number == mark_.segment) limit = mark_.end_offset;
    absl::StatusOr<std::unique_ptr<File>> to = to_.Open(name);
    if (absl::IsNotFound(to.status())) to = to_.Create(name);
    if (!to.ok()) return to.status();

    absl::Status status =
        CopyBlocks(number, **from, *limit, segment.end, **to, segment, [] {});
    if (!status.ok()) return status;
    if (segment.bytes != *limit && number == mark_.segment) {
      return At(number, segment.bytes,
                absl::DataLossError("the log ends before its durable mark"));
    }
    return absl::OkStatus();
  }

  // From `segment.bytes`, where `start` is, on; `segment` is then what there is.
  absl::Status CopyBlocks(uint32_t number, const File& from, uint64_t limit,
                          const ChainEnd& start, File& to,
                          BackupManifest::Segment& segment,
                          const std::function<void()>& on_block) {
    BlockWalk walk(from, segment.bytes, limit, start, pace_);
    WalkedBlock block;
    uint64_t unsynced = 0;
    for (;;) {
      const absl::StatusOr<bool> found = walk.Next(block);
      if (!found.ok()) return At(number, walk.at(), found.status());
      if (!*found) break;
      const absl::StatusOr<uint64_t> accepted = AcceptedTimeOf(block);
      if (!accepted.ok()) return At(number, block.offset, accepted.status());
      manifest_.accepted_us = std::max(manifest_.accepted_us, *accepted);
      absl::Status status = to.Write(block.offset, block.whole);
      unsynced += block.whole.size();
      if (status.ok() && unsynced >= kSyncBytes) {
        status = to.Sync();
        unsynced = 0;
      }
      if (!status.ok()) return status;
      report_.copied_bytes += block.whole.size();
      segment = {walk.at(), block.offset, walk.end()};
      on_block();
    }
    return to.Sync();
  }

  // Derived: what is not there yet, or not whole, is left to the next backup.
  absl::Status TakeFilesBeside() {
    std::set<std::string> there;
    for (const BackupManifest::Taken& each : manifest_.taken) {
      there.insert(each.file);
    }
    for (uint32_t number = 1; number < mark_.segment; ++number) {
      for (const std::string& name :
           {SegmentIndexName(number), SpineFileName(number)}) {
        if (there.count(name) > 0) continue;
        absl::StatusOr<std::string> bytes = ReadWhole(log_, name);
        if (!bytes.ok()) continue;
        pace_(bytes->size());
        if (!IsWhole(number, name, *bytes)) continue;
        absl::Status status = WriteInParts(name, *bytes);
        if (!status.ok()) return status;
        Note(name, "", *bytes);
      }
    }
    return absl::OkStatus();
  }

  bool IsWhole(uint32_t number, const std::string& name,
               absl::string_view bytes) const {
    if (name == SpineFileName(number)) {
      return VisitSpines(bytes, [](const Spine&) { return absl::OkStatus(); })
          .ok();
    }
    const absl::StatusOr<SegmentIndex> index = DecodeSegmentIndex(bytes);
    return index.ok() &&
           index->closed.end.hash == manifest_.segments[number - 1].end.hash;
  }

  absl::Status TakePlaces(Directory& places) {
    std::vector<BackupManifest::Taken>& taken = manifest_.taken;
    taken.erase(
        std::remove_if(taken.begin(), taken.end(),
                       [](const auto& each) { return !each.place.empty(); }),
        taken.end());
    absl::StatusOr<std::vector<std::string>> names = places.List();
    if (!names.ok()) return names.status();
    for (const std::string& name : *names) {
      absl::StatusOr<std::string> bytes = ReadWhole(places, name);
      // One that is being replaced.
      if (absl::IsNotFound(bytes.status()) || absl::EndsWith(name, ".new")) {
        continue;
      }
      if (!bytes.ok()) return bytes.status();
      // A name of its own: the manifest of before has its own files still.
      const Sha256Hash hash = Sha256::Of(*bytes);
      const std::string file = absl::StrCat(
          kPlacePrefix, absl::BytesToHexString(AsView(hash).substr(0, 8)));
      absl::Status status = ReplaceWhole(to_, file, *bytes);
      if (!status.ok()) return status;
      Note(file, name, *bytes);
    }
    return absl::OkStatus();
  }

  // No manifest names it yet.
  absl::Status WriteInParts(const std::string& name, absl::string_view bytes) {
    absl::Status status = to_.Remove(name);  // Left by a run that ended.
    if (!status.ok() && !absl::IsNotFound(status)) return status;
    absl::StatusOr<std::unique_ptr<File>> file = to_.Create(name);
    if (!file.ok()) return file.status();
    status = absl::OkStatus();
    for (uint64_t at = 0; status.ok() && at < bytes.size(); at += kSyncBytes) {
      status = (*file)->Write(at, bytes.substr(at, kSyncBytes));
      if (status.ok()) status = (*file)->Sync();
    }
    return status;
  }

  void Note(const std::string& file, const std::string& place,
            absl::string_view bytes) {
    report_.copied_bytes += bytes.size();
    manifest_.taken.push_back({file, place, bytes.size(), Sha256::Of(bytes)});
  }

  absl::Status RemoveOldPlaces() {
    std::set<std::string> used;
    for (const BackupManifest::Taken& each : manifest_.taken) {
      used.insert(each.file);
    }
    absl::StatusOr<std::vector<std::string>> names = to_.List();
    if (!names.ok()) return names.status();
    for (const std::string& name : *names) {
      if (!absl::StartsWith(name, kPlacePrefix) || used.count(name) > 0) {
        continue;
      }
      absl::Status status = to_.Remove(name);
      if (!status.ok()) return status;
    }
    return to_.Sync();
  }

  Directory& log_;
  Directory& to_;
  const BlockWalk::Pace& pace_;
  BackupManifest manifest_;
  DurableMark mark_;
  BackupReport report_;
};

}  // namespace

absl::StatusOr<BackupReport> BackUpLog(
    Directory& log, Directory& places, Directory& to,
    const std::function<void(uint64_t bytes)>& pace) {
  return Backup(log, to, pace).Run(places);
}

}  // namespace concordat::bus
