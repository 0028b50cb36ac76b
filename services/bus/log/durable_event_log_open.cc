// Opening a DurableEventLog, and what is done when a segment has closed.
#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/bus/log/durable_event_log.h"
#include "services/bus/log/segment_index.h"
#include "services/common/base/bytes.h"
#include "services/common/base/check.h"

namespace concordat::bus {
namespace {

constexpr size_t kDerivedPagesBytes = 256 * 1024;
constexpr size_t kHeadFirstRead = 64 * 1024;

absl::StatusOr<SegmentIndex> OfSegment(absl::StatusOr<SegmentIndex> index,
                                       uint32_t number, const ChainEnd& start) {
  if (!index.ok()) return index;
  const ChainEnd& found = index->closed.start;
  if (index->closed.number != number || found.hash != start.hash ||
      found.next_sequence != start.next_sequence ||
      (start.log_id.has_value() && index->log_id != *start.log_id)) {
    return absl::NotFoundError("the index is of another segment");
  }
  return index;
}

// Not synced: what a power cut leaves of it does not match its checksum, and is
// made anew from the segment.
absl::Status WriteDerived(Directory& directory, const std::string& name,
                          absl::string_view bytes) {
  absl::Status status = directory.Remove(name);
  if (!status.ok() && !absl::IsNotFound(status)) return status;
  absl::StatusOr<std::unique_ptr<File>> file = directory.Create(name);
  if (!file.ok()) return file.status();
  // As whole pages while there are many: tens of megabytes are not to fill the
  // system's cache for a file that is read when the log is opened, or never.
  PageBuffer pages(kDerivedPagesBytes);
  status = absl::OkStatus();
  uint64_t at = 0;
  while (status.ok() && bytes.size() - at >= pages.size()) {
    std::memcpy(pages.data(), bytes.data() + at, pages.size());
    status = (*file)->Write(at, {pages.data(), pages.size()});
    at += pages.size();
  }
  if (status.ok()) status = (*file)->Write(at, bytes.substr(at));
  return status;
}

}  // namespace

absl::StatusOr<std::unique_ptr<DurableEventLog>> DurableEventLog::Open(
    const EventLogOptions& options, Directory& directory, WrappingKeys wrapping,
    std::unique_ptr<IndexStore> index, std::unique_ptr<Background> background,
    Random& random) {
  CONCORDAT_CHECK(options.environment != v1::ENVIRONMENT_UNSPECIFIED);
  for (;;) {
    std::unique_ptr<DurableEventLog> log(
        new DurableEventLog(options, wrapping, std::move(index),
                            std::move(background), random, directory));
    absl::Status status = log->OpenAll(random);
    if (status.ok()) return log;
    background = std::move(log->background_);
    index = std::move(log->index_store_);
    if (!absl::IsAborted(status)) return status;
    status = index->Clear();
    if (!status.ok()) return status;
  }
}

struct DurableEventLog::LoadedSegment {
  SegmentIndex index;
  std::string spines;  // Only of one that the index store does not hold.
};

absl::Status DurableEventLog::OpenAll(Random& random) {
  absl::StatusOr<LogIndex::Covered> covered = index_.Open();
  if (!covered.ok()) return absl::AbortedError(covered.status().message());
  covered_ = *std::move(covered);
  covered_found_ = covered_.segment == 0;

  std::vector<ToAbsorb> unabsorbed;
  std::vector<ClosedSegment> unchecked;
  LoadedSegment loaded;
  BlockStore::OpenHooks hooks;
  hooks.load_closed =
      [&](uint32_t number,
          const ChainEnd& start) -> absl::StatusOr<ClosedSegment> {
    absl::StatusOr<LoadedSegment> found = LoadClosed(number, start);
    if (!found.ok()) return absl::NotFoundError(found.status().message());
    // Where in it an epoch begins, only its blocks tell.
    const ClosedSegment& closed = found->index.closed;
    if (closed.end.epoch != std::max<uint32_t>(start.epoch, 1)) {
      return absl::NotFoundError("an epoch begins in it");
    }
    loaded = *std::move(found);
    return loaded.index.closed;
  };
  hooks.on_block = [&](uint32_t, const ScannedBlock& block) {
    return OpenBlock(block);
  };
  hooks.on_closed = [&](const ClosedSegment& closed, bool is_loaded) {
    absl::Status status = is_loaded ? UseLoaded(loaded) : absl::OkStatus();
    if (!status.ok()) return status;
    if (!is_loaded || closed.number > covered_.segment) {
      unabsorbed.push_back({closed, is_loaded});
    }
    if (is_loaded) unchecked.push_back(closed);
    return CheckCovered(closed);
  };
  absl::Status opened = OpenStore(hooks);
  if (!opened.ok()) return opened;
  if (!covered_found_) return absl::AbortedError("the index is ahead");

  if (!store_->end().log_id.has_value()) {
    absl::Status status = Begin(random);
    if (!status.ok()) return status;
  }
  if (keys_.environment() != options_.environment) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the log is of environment ", v1::Environment_Name(keys_.environment()),
        ", not ", v1::Environment_Name(options_.environment)));
  }
  absl::Status status = keys_.Unwrap(*store_->end().log_id);
  if (!status.ok()) return status;
  log_id_ = *store_->end().log_id;
  NoteEpoch(store_->end().epoch, store_->end().next_sequence);
  epoch_ = store_->end().epoch;
  next_sequence_ = store_->end().next_sequence;
  {
    MutexLock lock(mu_);
    end_ = next_sequence_ - 1;
  }
  // Only now: what is posted uses the store, which goes when this fails.
  store_->Start([this](ClosedSegment closed) {
    AbsorbInBackground({std::move(closed), false});
  });
  for (ToAbsorb& segment : unabsorbed) AbsorbInBackground(std::move(segment));
  for (ClosedSegment& closed : unchecked) CheckInBackground(std::move(closed));
  return absl::OkStatus();
}

absl::Status DurableEventLog::OpenStore(const BlockStore::OpenHooks& hooks) {
  if (options_.blocks != nullptr) {
    if (directory_.Open(SegmentName(1)).ok()) {
      return absl::FailedPreconditionError(
          "this data directory has a log in files, and is set to have it in "
          "PostgreSQL");
    }
    absl::StatusOr<std::unique_ptr<BlockStore>> store =
        options_.blocks(directory_, hooks);
    if (store.ok()) store_ = *std::move(store);
    return store.status();
  }
  absl::StatusOr<std::unique_ptr<SegmentStore>> store =
      SegmentStore::Open(directory_, *background_, options_.segments, hooks);
  if (store.ok()) store_ = *std::move(store);
  return store.status();
}

absl::Status DurableEventLog::CheckCovered(const ClosedSegment& closed) {
  if (closed.number != covered_.segment) return absl::OkStatus();
  covered_found_ = true;
  if (covered_.sequence == closed.end.next_sequence - 1 &&
      covered_.hash == AsView(closed.end.hash)) {
    return absl::OkStatus();
  }
  return absl::AbortedError("the index is of another log");
}

void DurableEventLog::NoteEpoch(uint32_t epoch, uint64_t first_sequence) {
  if (!epochs_.empty() && epochs_.back().epoch == epoch) return;
  epochs_.push_back({epoch, {first_sequence}});
}

absl::Status DurableEventLog::OpenBlock(const ScannedBlock& block) {
  NoteEpoch(block.header.epoch, block.header.first_sequence);
  uint64_t sequence = block.header.first_sequence;
  RecordReader records(block.body);
  Record record;
  absl::Status status;
  while (status.ok() && records.Next(record)) {
    switch (record.kind) {
      case RecordKind::kKey:
        status = keys_.ReadKey(record.bytes);
        break;
      case RecordKind::kKeyTable:
        status = keys_.ReadKeyTable(record.bytes);
        break;
      case RecordKind::kEvent:
      case RecordKind::kRemovedEvent: {
        absl::StatusOr<absl::string_view> bytes = SpineOfRecord(record);
        if (!bytes.ok()) return bytes.status();
        absl::StatusOr<Spine> spine = DecodeSpine(*bytes);
        if (!spine.ok()) return spine.status();
        if (spine->sequence.value != sequence ||
            spine->environment != keys_.environment()) {
          return absl::DataLossError(
              absl::StrCat("spine ", sequence, " is of another place"));
        }
        last_accepted_us_ = std::max(last_accepted_us_, spine->accepted_us);
        if (sequence > covered_.sequence) {
          status = index_.Add(sequence, spine->header).status();
        }
        ++sequence;
        break;
      }
      case RecordKind::kProducerSignature:
      case RecordKind::kWitness:
      case RecordKind::kCompaction:
        break;
      default:
        status = absl::UnimplementedError("a record of a newer kind");
    }
  }
  return status;
}

absl::Status DurableEventLog::Begin(Random& random) {
  LogId log_id;
  random.Fill(log_id.data(), log_id.size());
  std::string block(kBlockHeaderBytes, '\0');
  keys_.AppendEmptyTable(log_id, static_cast<uint8_t>(options_.environment),
                         block);
  // Read back as any other opening does.
  RecordReader records(absl::string_view(block).substr(kBlockHeaderBytes));
  Record record;
  CONCORDAT_CHECK(records.Next(record));
  absl::Status status = keys_.ReadKeyTable(record.bytes);
  if (!status.ok()) return status;
  return store_->Append(log_id, 1, 0, block);
}

absl::StatusOr<SegmentIndex> DurableEventLog::LoadIndex(
    uint32_t number, const ChainEnd& start) const {
  absl::StatusOr<std::string> bytes =
      ReadWhole(directory_, SegmentIndexName(number));
  if (!bytes.ok()) return bytes.status();
  return OfSegment(DecodeSegmentIndex(*bytes), number, start);
}

absl::StatusOr<SegmentIndex> DurableEventLog::LoadHead(
    uint32_t number, const ChainEnd& start) const {
  absl::StatusOr<std::unique_ptr<File>> file =
      directory_.Open(SegmentIndexName(number));
  if (!file.ok()) return file.status();
  const absl::StatusOr<uint64_t> size = (*file)->Size();
  if (!size.ok()) return size.status();
  // Most often it is all of the head.
  std::string bytes(std::min<uint64_t>(*size, kHeadFirstRead), '\0');
  absl::Status status = (*file)->Read(0, bytes.size(), bytes.data());
  if (!status.ok()) return status;
  const absl::StatusOr<uint32_t> head = SegmentHeadBytes(bytes);
  if (!head.ok()) return head.status();
  if (*head > *size) return absl::DataLossError("the index is cut off");
  if (*head > bytes.size()) {
    bytes.resize(*head);
    status = (*file)->Read(0, bytes.size(), bytes.data());
    if (!status.ok()) return status;
  }
  return OfSegment(DecodeSegmentHead(bytes), number, start);
}

absl::StatusOr<DurableEventLog::LoadedSegment> DurableEventLog::LoadClosed(
    uint32_t number, const ChainEnd& start) {
  absl::StatusOr<SegmentIndex> index = LoadHead(number, start);
  if (!index.ok()) return index.status();
  LoadedSegment loaded{*std::move(index), ""};
  if (number > covered_.segment) {
    absl::StatusOr<std::string> spines =
        ReadWhole(directory_, SpineFileName(number));
    if (!spines.ok()) return spines.status();
    absl::Status status =
        VisitSpines(*spines, [](const Spine&) { return absl::OkStatus(); });
    if (!status.ok()) return status;
    loaded.spines = *std::move(spines);
  }
  return loaded;
}

absl::Status DurableEventLog::UseLoaded(const LoadedSegment& loaded) {
  const ClosedSegment& closed = loaded.index.closed;
  NoteEpoch(closed.end.epoch, closed.start.next_sequence);
  for (const auto& [kind, record] : loaded.index.keys) {
    absl::Status status = kind == RecordKind::kKey ? keys_.ReadKey(record)
                                                   : keys_.ReadKeyTable(record);
    if (!status.ok()) return status;
  }
  NoteTypes(loaded.index);
  last_accepted_us_ =
      std::max(last_accepted_us_, loaded.index.last_accepted_us);
  if (loaded.spines.empty()) return absl::OkStatus();
  return VisitSpines(loaded.spines, [&](const Spine& spine) {
    return index_.Add(spine.sequence.value, spine.header).status();
  });
}

void DurableEventLog::AbsorbInBackground(ToAbsorb segment) {
  {
    MutexLock lock(mu_);
    unabsorbed_.insert(segment.closed.number);
  }
  background_->Post([this, segment = std::move(segment)]() mutable {
    to_absorb_.push_back(std::move(segment));
    // One that fails stays in memory and is tried again with the next.
    while (!to_absorb_.empty() && Absorb(to_absorb_.front()).ok()) {
      MutexLock lock(mu_);
      unabsorbed_.erase(to_absorb_.front().closed.number);
      to_absorb_.pop_front();
    }
  });
}

void DurableEventLog::CheckInBackground(ClosedSegment closed) {
  background_->Post([this, closed = std::move(closed)]() mutable {
    // Compacted meanwhile: its index is another, or is being made.
    const std::optional<ClosedSegment> now = store_->Closed(closed.number);
    if (!now.has_value() || now->end.hash != closed.end.hash) return;
    // Without an index nobody compacts it, nor begins to.
    if (LoadIndex(closed.number, closed.start).ok()) return;
    // The index store has it, or is given it by who opened the log: the files alone
    // are written.
    ToAbsorb segment{std::move(closed), false};
    WriteClosed(segment, [](const Spine&) {}).IgnoreError();
  });
}

absl::Status DurableEventLog::Absorb(ToAbsorb& segment) {
  const ClosedSegment& closed = segment.closed;
  // Each spine of the segment, from its spine file, else from the segment,
  // beside which both files are written then.
  const auto read = [&](const std::function<void(const Spine&)>& visit) {
    return segment.has_files ? ReadSpines(closed, visit)
                             : WriteClosed(segment, visit);
  };
  if (closed.number <= covered_.segment) return read([](const Spine&) {});
  const LogIndex::Covered covered{closed.number, closed.end.next_sequence - 1,
                                  std::string(AsView(closed.end.hash))};
  return index_.Absorb(covered, [&](const LogIndex::Visitor& visit) {
    return read(
        [&](const Spine& spine) { visit(spine.sequence.value, spine.header); });
  });
}

absl::Status DurableEventLog::ReadSpines(
    const ClosedSegment& closed,
    const std::function<void(const Spine&)>& visit) const {
  absl::StatusOr<std::string> file =
      ReadWhole(directory_, SpineFileName(closed.number));
  if (!file.ok()) return file.status();
  return VisitSpines(*file, [&](const Spine& spine) {
    visit(spine);
    return absl::OkStatus();
  });
}

absl::Status DurableEventLog::WriteClosed(
    ToAbsorb& segment, const std::function<void(const Spine&)>& visit) {
  const ClosedSegment& closed = segment.closed;
  SegmentIndexBuilder builder(closed);
  absl::Status status = store_->Scan(closed, [&](const ScannedBlock& block) {
    return builder.Add(block, visit);
  });
  if (!status.ok()) return status;
  // A compacted one is its own spine file: most of it is spines.
  const bool compacted = closed.removal.at_us > 0;
  if (!compacted) {
    status = WriteDerived(directory_, SpineFileName(closed.number),
                          builder.TakeSpines());
  }
  if (status.ok()) {
    status = WriteDerived(directory_, SegmentIndexName(closed.number),
                          EncodeSegmentIndex(builder.Finish()));
  }
  // The segment has it all; the files only make opening quick.
  segment.has_files = status.ok() && !compacted;
  return absl::OkStatus();
}

}  // namespace concordat::bus
