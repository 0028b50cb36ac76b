#include "services/bus/log/segment_store.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "services/bus/log/durable_mark.h"
#include "services/common/base/check.h"
#include "services/common/crypto/sha256.h"

namespace concordat::bus {
namespace {

constexpr absl::string_view kPrefix = "segment-";
constexpr absl::string_view kPreparing = "preparing";
constexpr uint64_t kFillBytes = 1 << 20;
constexpr size_t kScanBytes = 1 << 20;
// A block is shorter, and the pages that it is written in.
constexpr uint64_t kTornBytesMax = 2 << 20;

absl::Status At(uint32_t segment, uint64_t offset, const absl::Status& why) {
  return absl::Status(why.code(), absl::StrCat(SegmentName(segment), ":",
                                               offset, ": ", why.message()));
}

// Zeroes what may be left of a torn write at `offset`, `used_bytes` and beyond
// what is seen: an opening before this one may have zeroed it and been told that
// the sync failed, after which the system shows zeroes and the disk has none.
absl::Status ZeroTorn(File& file, uint64_t offset, uint64_t used_bytes,
                      uint64_t size) {
  const uint64_t end =
      std::max(used_bytes, std::min(size, offset + kTornBytesMax));
  return end > offset ? file.Zero(offset, end - offset) : absl::OkStatus();
}

}  // namespace

std::string SegmentName(uint32_t number) {
  return absl::StrFormat("%s%08u", kPrefix, number);
}

uint32_t SegmentNumber(absl::string_view name) {
  uint32_t number = 0;
  if (!absl::ConsumePrefix(&name, kPrefix) || name.size() != 8 ||
      !absl::SimpleAtoi(name, &number)) {
    return 0;
  }
  return number;
}

ClosedSegment SegmentStore::Close(const Segment& segment, const ChainEnd& end) {
  return {segment.number,     segment.start,      end,
          segment.end_offset, segment.last_block, segment.places,
          segment.removal};
}

absl::Status SegmentStore::Note(const ScannedBlock& block, Segment& segment) {
  AddPlace(segment.places, block.header.first_sequence, block.offset);
  segment.last_block = block.offset;
  if (!block.header.compacted) return absl::OkStatus();
  const absl::StatusOr<Compaction> compaction = CompactionOf(block.body);
  if (!compaction.ok()) return compaction.status();
  Removal& removal = segment.removal;
  removal.events += compaction->removed;
  removal.at_us = std::max(removal.at_us, compaction->at_us);
  if (compaction->removed > 0) {
    removal.through = {block.header.first_sequence + block.header.event_count -
                       1};
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<SegmentStore>> SegmentStore::Open(
    Directory& directory, Background& background,
    const SegmentStoreOptions& options, const OpenHooks& hooks) {
  CONCORDAT_CHECK(options.ready_segments > 0);
  std::unique_ptr<SegmentStore> store(
      new SegmentStore(directory, background, options));
  absl::Status status = store->OpenMark();
  if (status.ok()) status = store->OpenSegments(hooks);
  if (!status.ok()) return status;
  return store;
}

SegmentStore::~SegmentStore() {
  // After a clean end the mark says all.
  if (mark_ != nullptr) mark_->Sync().IgnoreError();
}

absl::Status SegmentStore::OpenMark() {
  absl::StatusOr<std::unique_ptr<File>> file =
      directory_.Open(kDurableMarkName);
  if (absl::IsNotFound(file.status())) {
    file = directory_.Create(kDurableMarkName);
    if (file.ok()) {
      absl::Status status = directory_.Sync();
      if (!status.ok()) return status;
    }
  }
  if (!file.ok()) return file.status();
  absl::StatusOr<uint64_t> size = (*file)->Size();
  if (!size.ok()) return size.status();
  mark_bytes_at_open_.resize(*size);
  absl::Status status = (*file)->Read(0, *size, mark_bytes_at_open_.data());
  mark_ = *std::move(file);
  return status;
}

absl::Status SegmentStore::OpenSegments(const OpenHooks& hooks) {
  absl::StatusOr<std::vector<std::string>> names = directory_.List();
  if (!names.ok()) return names.status();
  std::vector<std::shared_ptr<Segment>> found;
  for (const std::string& name : *names) {
    const uint32_t number = SegmentNumber(name);
    // Left half way; what it was to replace is here.
    if (name == kCompacting) {
      absl::Status status = directory_.Remove(name);
      if (!status.ok()) return status;
    }
    if (number == 0) continue;
    if (number != found.size() + 1) {
      return absl::DataLossError(
          absl::StrCat(SegmentName(static_cast<uint32_t>(found.size() + 1)),
                       ":0: the segment is missing"));
    }
    auto segment = std::make_shared<Segment>();
    segment->number = number;
    absl::StatusOr<std::unique_ptr<File>> file = directory_.Open(name);
    if (!file.ok()) return file.status();
    segment->file = *std::move(file);
    absl::StatusOr<uint64_t> size = segment->file->Size();
    if (!size.ok()) return size.status();
    segment->size = *size;
    found.push_back(std::move(segment));
  }
  // Blank ones at the end are the ready ones.
  size_t used = found.size();
  while (used > 0) {
    absl::StatusOr<bool> blank = IsBlank(*found[used - 1]->file);
    if (!blank.ok()) return blank.status();
    if (!*blank) break;
    --used;
  }
  if (used < found.size()) {
    Segment& first = *found[used];
    absl::Status status = ZeroTorn(*first.file, 0, 0, first.size);
    if (status.ok()) status = first.file->Sync();
    if (!status.ok()) return status;
  }
  {
    MutexLock prepare_lock(prepare_mu_);
    next_number_ = static_cast<uint32_t>(found.size()) + 1;
    MutexLock lock(mu_);
    for (size_t i = used; i < found.size(); ++i) {
      ready_.push_back(
          {found[i]->number, std::move(found[i]->file), found[i]->size});
    }
  }
  found.resize(used);

  for (size_t i = 0; i + 1 < used; ++i) {
    Segment& segment = *found[i];
    segment.start = end_;
    absl::StatusOr<ClosedSegment> known =
        hooks.load_closed(segment.number, end_);
    if (known.ok() && EndsAs(*segment.file, *known)) {
      end_ = known->end;
      segment.end_offset = known->end_offset;
      segment.last_block = known->last_block;
      segment.places = known->places;
      segment.removal = known->removal;
      absl::Status status = hooks.on_closed(*known, true);
      if (!status.ok()) return status;
      continue;
    }
    absl::StatusOr<SegmentScan> scan =
        ScanSegment(*segment.file, end_, [&](const ScannedBlock& block) {
          absl::Status noted = Note(block, segment);
          return noted.ok() ? hooks.on_block(segment.number, block) : noted;
        });
    if (!scan.ok()) return scan.status();
    if (!scan->damage.ok()) {
      return At(segment.number, scan->end_offset,
                absl::IsUnimplemented(scan->damage)
                    ? scan->damage
                    : absl::DataLossError(scan->damage.message()));
    }
    end_ = scan->end;
    segment.end_offset = scan->end_offset;
    absl::Status status = hooks.on_closed(Close(segment, end_), false);
    if (!status.ok()) return status;
  }
  if (used > 0) {
    absl::Status status = OpenTail(*found.back(), hooks);
    if (!status.ok()) return status;
  } else {
    absl::Status status =
        CheckDurableMark(mark_bytes_at_open_, end_, 1, 0, "the log is empty");
    if (!status.ok()) return status;
  }
  {
    MutexLock lock(mu_);
    segments_ = std::move(found);
  }
  return used > 0 ? absl::OkStatus() : Roll();
}

bool SegmentStore::EndsAs(const File& file, const ClosedSegment& closed) {
  if (closed.last_block >= closed.end_offset) return false;
  const size_t bytes = closed.end_offset - closed.last_block;
  absl::StatusOr<uint64_t> size = file.Size();
  if (!size.ok() || *size < closed.end_offset) return false;
  std::string last(
      std::min<uint64_t>(bytes + kBlockHeaderBytes, *size - closed.last_block),
      '\0');
  if (!file.Read(closed.last_block, last.size(), last.data()).ok()) {
    return false;
  }
  const absl::string_view whole = absl::string_view(last).substr(0, bytes);
  const absl::StatusOr<BlockHeader> header = DecodeBlockHeader(whole);
  if (!header.ok() ||
      !CheckBlockBody(*header, whole.substr(kBlockHeaderBytes)).ok()) {
    return false;
  }
  const absl::StatusOr<Sha256Hash> hash = HashOfBlock(*header, whole);
  return hash.ok() && *hash == closed.end.hash &&
         UsedBytes(absl::string_view(last).substr(bytes)) == 0;
}

absl::Status SegmentStore::OpenTail(Segment& segment, const OpenHooks& hooks) {
  segment.start = end_;
  absl::StatusOr<SegmentScan> scan =
      ScanSegment(*segment.file, end_, [&](const ScannedBlock& block) {
        absl::Status noted = Note(block, segment);
        return noted.ok() ? hooks.on_block(segment.number, block) : noted;
      });
  if (!scan.ok()) return scan.status();
  end_ = scan->end;
  segment.end_offset = scan->end_offset;
  absl::Status status = scan->damage;
  if (scan->beyond_tear) {
    return At(segment.number, segment.end_offset, status);
  }
  if (end_.synced_through >= end_.next_sequence) {
    return At(segment.number, segment.end_offset,
              absl::DataLossError("a block here was durable and is gone"));
  }
  status = CheckDurableMark(
      mark_bytes_at_open_, end_, segment.number, segment.end_offset,
      status.ok() ? "the log ends here" : status.message());
  if (!status.ok()) return At(segment.number, segment.end_offset, status);
  status = ZeroTorn(*segment.file, segment.end_offset, scan->used_bytes,
                    segment.size);
  if (!status.ok()) return status;
  const uint64_t page = PageStart(segment.end_offset);
  status = segment.file->Read(page, segment.end_offset - page, pages_.data());
  if (!status.ok()) return status;
  // What is about to be served may be in memory alone: its writer can have died
  // before the sync, or have been told that it failed, after which the system
  // takes the pages for clean. Only the last block can be such, and writing it
  // once more makes the sync mean something.
  if (segment.last_block < segment.end_offset) {
    std::string bytes(segment.end_offset - segment.last_block, '\0');
    status = segment.file->Read(segment.last_block, bytes.size(), bytes.data());
    if (status.ok()) status = segment.file->Write(segment.last_block, bytes);
    if (!status.ok()) return status;
  }
  return segment.file->Sync();
}

absl::StatusOr<SegmentStore::Ready> SegmentStore::Prepare(uint32_t number) {
  // What a crash left half prepared is used again.
  absl::StatusOr<std::unique_ptr<File>> file = directory_.Open(kPreparing);
  if (file.ok()) {
    absl::StatusOr<uint64_t> size = (*file)->Size();
    if (!size.ok()) return size.status();
    if (*size > options_.segment_bytes) {
      absl::Status status = directory_.Remove(kPreparing);
      if (!status.ok()) return status;
      file = absl::NotFoundError("removed");
    }
  }
  if (absl::IsNotFound(file.status())) file = directory_.Create(kPreparing);
  if (!file.ok()) return file.status();
  // Written, not only allocated: a first write into an extent that is merely
  // reserved makes every sync change the file's metadata too.
  // A little at a time, so that no commit waits long behind this on the disk.
  absl::Status status;
  for (uint64_t at = 0; status.ok() && at < options_.segment_bytes;
       at += kFillBytes) {
    status =
        (*file)->Zero(at, std::min(kFillBytes, options_.segment_bytes - at));
    if (status.ok()) status = (*file)->Sync();
  }
  if (status.ok()) status = directory_.Rename(kPreparing, SegmentName(number));
  if (status.ok()) status = directory_.Sync();
  if (!status.ok()) return status;
  return Ready{number, *std::move(file), options_.segment_bytes};
}

absl::Status SegmentStore::PrepareOne() {
  MutexLock prepare_lock(prepare_mu_);
  {
    MutexLock lock(mu_);
    if (ready_.size() >= options_.ready_segments) return absl::OkStatus();
  }
  absl::StatusOr<Ready> ready = Prepare(next_number_);
  if (!ready.ok()) return ready.status();
  ++next_number_;
  MutexLock lock(mu_);
  ready_.push_back(*std::move(ready));
  return absl::OkStatus();
}

void SegmentStore::Start(std::function<void(ClosedSegment)> on_closed) {
  on_closed_ = std::move(on_closed);
  PrepareInBackground();
}

void SegmentStore::PrepareInBackground() {
  background_.Post([this] {
    for (uint32_t i = 0; i < options_.ready_segments; ++i) {
      // A failure is met again, and told, by the write that needs the segment.
      if (!PrepareOne().ok()) return;
    }
  });
}

absl::Status SegmentStore::Roll() {
  Ready ready;
  for (;;) {
    {
      MutexLock lock(mu_);
      if (!ready_.empty()) {
        ready = std::move(ready_.front());
        ready_.pop_front();
        break;
      }
    }
    absl::Status status = PrepareOne();
    if (!status.ok()) return status;
  }
  auto segment = std::make_shared<Segment>();
  segment->number = ready.number;
  segment->file = std::move(ready.file);
  segment->size = ready.size;
  segment->start = end_;
  ClosedSegment closed;
  {
    MutexLock lock(mu_);
    if (!segments_.empty()) closed = Close(*segments_.back(), end_);
    segments_.push_back(std::move(segment));
  }
  if (closed.number != 0 && on_closed_) on_closed_(std::move(closed));
  return absl::OkStatus();
}

absl::Status SegmentStore::Append(const LogId& log_id, uint32_t epoch,
                                  uint32_t event_count, std::string& block) {
  std::shared_ptr<Segment> segment;
  uint64_t offset = 0;
  const auto take_last = [&] {
    MutexLock lock(mu_);
    segment = segments_.back();
    offset = segment->end_offset;
  };
  CONCORDAT_CHECK(block.size() <= options_.segment_bytes);
  take_last();
  while (offset + block.size() > segment->size) {
    absl::Status status = Roll();
    if (!status.ok()) return status;
    PrepareInBackground();
    take_last();
  }
  const BlockHeader header =
      CompleteHeader(end_, log_id, epoch, event_count, block);

  // From the page that the block begins in, whose start is the end of the block
  // before and is written as it was, to the end of the one that it ends in.
  const uint64_t page = PageStart(offset);
  const size_t before = offset - page;
  const size_t used = before + block.size();
  const size_t whole = std::min(PageEnd(page + used), segment->size) - page;
  if (whole > pages_.size()) {
    PageBuffer larger(PageEnd(whole));
    std::memcpy(larger.data(), pages_.data(), before);
    pages_ = std::move(larger);
  }
  std::memcpy(pages_.data() + before, block.data(), block.size());
  std::memset(pages_.data() + used, 0, whole - used);
  absl::Status status = segment->file->Write(page, {pages_.data(), whole});
  if (status.ok()) status = segment->file->Sync();
  if (!status.ok()) return status;
  std::memmove(pages_.data(), pages_.data() + PageStart(used),
               used - PageStart(used));

  end_ = EndAfter(header, block);
  {
    MutexLock lock(mu_);
    AddPlace(segment->places, header.first_sequence, offset);
    segment->last_block = offset;
    segment->end_offset = offset + block.size();
  }
  // Its failure loses a warning, not an event.
  mark_
      ->Write(
          0, EncodeDurableMark({log_id, epoch, segment->number,
                                offset + block.size(), end_.next_sequence - 1}))
      .IgnoreError();
  return absl::OkStatus();
}

absl::StatusOr<SegmentStore::Blocks> SegmentStore::Read(
    uint64_t sequence, size_t bytes_max) const {
  std::shared_ptr<Segment> segment;
  uint64_t at = 0;
  uint64_t end_offset = 0;
  {
    MutexLock lock(mu_);
    const auto after = std::partition_point(
        segments_.begin(), segments_.end(),
        [&](const auto& one) { return one->start.next_sequence <= sequence; });
    if (after == segments_.begin()) {
      return absl::OutOfRangeError("before the log's first event");
    }
    segment = *std::prev(after);
    const auto& places = segment->places;
    const auto place = std::partition_point(
        places.begin(), places.end(),
        [&](const BlockPlace& one) { return one.first_sequence <= sequence; });
    if (place == places.begin()) {
      return absl::OutOfRangeError("past the log's last event");
    }
    at = std::prev(place)->offset;
    end_offset = segment->end_offset;
  }
  const File& file = *segment->file;
  const auto header_at = [&](uint64_t offset) -> absl::StatusOr<BlockHeader> {
    char bytes[kBlockHeaderBytes];
    absl::Status status = file.Read(offset, sizeof(bytes), bytes);
    if (!status.ok()) return status;
    return DecodeBlockHeader({bytes, sizeof(bytes)});
  };
  size_t whole = 0;
  for (;; at += whole) {
    if (at >= end_offset) {
      return absl::OutOfRangeError("past the log's last event");
    }
    const absl::StatusOr<BlockHeader> header = header_at(at);
    if (!header.ok()) return At(segment->number, at, header.status());
    whole = kBlockHeaderBytes + header->body_bytes;
    if (at + whole > end_offset) {
      return At(segment->number, at, absl::DataLossError("block too long"));
    }
    if (header->first_sequence + header->event_count > sequence) break;
  }
  Blocks blocks;
  blocks.bytes.resize(std::max<uint64_t>(
      whole, std::min<uint64_t>(bytes_max, end_offset - at)));
  absl::Status status = file.Read(at, blocks.bytes.size(), blocks.bytes.data());
  if (!status.ok()) return At(segment->number, at, status);
  const absl::string_view bytes = blocks.bytes;
  for (size_t used = 0; used + kBlockHeaderBytes <= bytes.size();
       used += whole) {
    const absl::StatusOr<BlockHeader> header =
        DecodeBlockHeader(bytes.substr(used));
    status = header.status();
    if (status.ok()) {
      whole = kBlockHeaderBytes + header->body_bytes;
      if (used + whole > bytes.size()) break;
      const size_t body_at = used + kBlockHeaderBytes;
      status =
          CheckBlockBody(*header, bytes.substr(body_at, header->body_bytes));
      if (status.ok() && header->event_count > 0) {
        blocks.blocks.push_back({header->first_sequence, header->event_count,
                                 body_at, header->body_bytes});
      }
    }
    if (!status.ok()) {
      // Those before it are good; who reads on meets it.
      if (!blocks.blocks.empty()) break;
      return At(segment->number, at + used, status);
    }
  }
  return blocks;
}

std::optional<std::pair<uint32_t, ChainEnd>> SegmentStore::ClosedWith(
    uint64_t sequence) const {
  MutexLock lock(mu_);
  const auto after = std::partition_point(
      segments_.begin(), segments_.end(),
      [&](const auto& one) { return one->start.next_sequence <= sequence; });
  // The last one takes blocks still.
  if (after == segments_.begin() || after == segments_.end()) {
    return std::nullopt;
  }
  const Segment& segment = **std::prev(after);
  return std::pair{segment.number, segment.start};
}

absl::Status SegmentStore::Scan(
    const ClosedSegment& closed,
    const std::function<absl::Status(const ScannedBlock&)>& on_block) const {
  std::shared_ptr<Segment> segment;
  {
    MutexLock lock(mu_);
    segment = segments_[closed.number - 1];
  }
  // A part at a time: the segment whole would be 64 MiB of new memory.
  PageBuffer part(kScanBytes);
  uint64_t part_at = 0;
  size_t part_bytes = 0;
  const auto read = [&](uint64_t at,
                        size_t count) -> absl::StatusOr<absl::string_view> {
    if (at < part_at || at + count > part_at + part_bytes) {
      part_at = PageStart(at);
      const size_t least = PageEnd(at + count) - part_at;
      if (least > part.size()) part = PageBuffer(least);
      part_bytes = std::min<uint64_t>(part.size(), segment->size - part_at);
      absl::Status status =
          segment->file->Read(part_at, part_bytes, part.data());
      if (!status.ok()) return status;
    }
    return absl::string_view(part.data() + (at - part_at), count);
  };
  uint64_t next_sequence = closed.start.next_sequence;
  size_t bytes = 0;
  for (uint64_t at = 0; at < closed.end_offset; at += bytes) {
    if (closed.end_offset - at < kBlockHeaderBytes) {
      return At(closed.number, at, absl::DataLossError("not the block here"));
    }
    const auto head = read(at, kBlockHeaderBytes);
    if (!head.ok()) return At(closed.number, at, head.status());
    const absl::StatusOr<BlockHeader> header = DecodeBlockHeader(*head);
    if (!header.ok()) return At(closed.number, at, header.status());
    bytes = kBlockHeaderBytes + header->body_bytes;
    if (header->first_sequence != next_sequence ||
        at + bytes > closed.end_offset) {
      return At(closed.number, at, absl::DataLossError("not the block here"));
    }
    next_sequence += header->event_count;
    const auto block = read(at, bytes);
    if (!block.ok()) return At(closed.number, at, block.status());
    const absl::string_view body = block->substr(kBlockHeaderBytes);
    absl::Status status = CheckBlockBody(*header, body);
    if (!status.ok()) return At(closed.number, at, status);
    status = on_block({*header, at, body});
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

BlockStore::Extent SegmentStore::extent() const {
  MutexLock lock(mu_);
  Extent extent;
  for (const auto& segment : segments_) {
    extent.bytes += segment->end_offset;
    const Removal& removal = segment->removal;
    extent.removal.events += removal.events;
    extent.removal.through = std::max(extent.removal.through, removal.through);
    extent.removal.at_us = std::max(extent.removal.at_us, removal.at_us);
  }
  extent.segments = static_cast<uint32_t>(segments_.size());
  return extent;
}

}  // namespace concordat::bus
