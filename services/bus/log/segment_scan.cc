#include "services/bus/log/segment_scan.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "services/common/crypto/sha256.h"

namespace concordat::bus {
namespace {

bool AllZero(absl::string_view bytes) {
  // Each byte equals the one before it, and the first is zero.
  return bytes.empty() ||
         (bytes[0] == 0 &&
          std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

absl::StatusOr<bool> IsBlankFrom(const File& file, uint64_t at, uint64_t size) {
  std::string bytes;
  for (; at < size; at += bytes.size()) {
    bytes.resize(std::min<uint64_t>(size - at, 256 * 1024));
    absl::Status status = file.Read(at, bytes.size(), bytes.data());
    if (!status.ok()) return status;
    if (!AllZero(bytes)) return false;
  }
  return true;
}

// Why a block with good checksums does not belong at this place.
absl::Status CheckPlace(const ChainEnd& end, const BlockHeader& header) {
  if (end.log_id.has_value() && header.log_id != *end.log_id) {
    return absl::DataLossError("block of another log");
  }
  if (header.first_sequence != end.next_sequence) {
    return absl::DataLossError(absl::StrCat("block begins at sequence ",
                                            header.first_sequence, " where ",
                                            end.next_sequence, " was to come"));
  }
  if (header.previous != end.hash) {
    return absl::DataLossError("block does not follow the one before it");
  }
  if (header.epoch < end.epoch || header.epoch == 0) {
    return absl::DataLossError("block of an earlier epoch");
  }
  if (header.synced_through >= header.first_sequence) {
    return absl::DataLossError("block claims that it was durable already");
  }
  return absl::OkStatus();
}

absl::Status CheckRecords(const BlockHeader& header, absl::string_view body) {
  RecordReader records(body);
  Record record;
  uint32_t events = 0;
  bool removes = false;
  while (records.Next(record)) {
    if (IsEvent(record.kind)) ++events;
    removes = removes || record.kind == RecordKind::kRemovedEvent;
  }
  if (records.damaged() || events != header.event_count ||
      (removes && !header.compacted)) {
    return absl::DataLossError("block's records do not add up");
  }
  return absl::OkStatus();
}

// Whether a whole block header of the log stands anywhere in `bytes`.
bool HasHeader(const ChainEnd& end, absl::string_view bytes) {
  const absl::string_view magic(reinterpret_cast<const char*>(&kBlockMagic),
                                sizeof(kBlockMagic));
  for (size_t at = bytes.find(magic); at != absl::string_view::npos;
       at = bytes.find(magic, at + 1)) {
    const absl::StatusOr<BlockHeader> header =
        DecodeBlockHeader(bytes.substr(at));
    if (header.ok() && (!end.log_id || header->log_id == *end.log_id)) {
      return true;
    }
  }
  return false;
}

struct Judged {
  absl::Status damage;
  bool beyond_tear = false;  // It is whole, and does not belong there.
  BlockHeader header;
  absl::string_view body;
  ChainEnd end;
};

// The block that `rest` of a segment begins with.
Judged JudgeBlock(absl::string_view rest, const ChainEnd& end) {
  Judged judged;
  const absl::StatusOr<BlockHeader> header = DecodeBlockHeader(rest);
  judged.damage = header.status();
  if (!header.ok()) return judged;
  judged.header = *header;
  judged.end = end;
  judged.body =
      rest.substr(kBlockHeaderBytes).substr(0, judged.header.body_bytes);
  judged.damage = CheckBlockBody(judged.header, judged.body);
  if (!judged.damage.ok()) return judged;
  judged.damage = JoinBlock(
      judged.header, rest.substr(0, kBlockHeaderBytes + judged.body.size()),
      judged.end);
  judged.beyond_tear = !judged.damage.ok();
  return judged;
}

// A file's bytes a piece at a time: memory for all of a segment, fresh from the
// system, would cost more than its checksums.
class Window {
 public:
  Window(const File& file, uint64_t size) : file_(file), size_(size) {}

  // bytes() then begin at `at`, and are at least `count`, or all there are.
  absl::Status Read(uint64_t at, uint64_t count) {
    count = std::min(count, size_ - at);
    if (at >= start_ && at + count <= start_ + held_) {
      at_ = at;
      return absl::OkStatus();
    }
    held_ = std::min(std::max<uint64_t>(count, kPiece), size_ - at);
    if (buffer_.size() < held_) buffer_.resize(held_);
    start_ = at_ = at;
    absl::Status status = file_.Read(at, held_, buffer_.data());
    if (!status.ok()) held_ = 0;
    return status;
  }
  absl::string_view bytes() const {
    return absl::string_view(buffer_).substr(0, held_).substr(at_ - start_);
  }

 private:
  static constexpr uint64_t kPiece = 1 << 20;

  const File& file_;
  const uint64_t size_;
  std::string buffer_;
  uint64_t start_ = 0;  // Of what the buffer holds, in the file.
  uint64_t held_ = 0;
  uint64_t at_ = 0;
};

// No good block stands at scan.end_offset: says how much is used, and whether what
// there is can be the torn end of the last write.
absl::Status LookAtEnd(const File& file, uint64_t size, SegmentScan& scan) {
  scan.used_bytes = scan.end_offset;
  const absl::StatusOr<bool> blank = IsBlankFrom(file, scan.end_offset, size);
  if (!blank.ok()) return blank.status();
  if (*blank) return absl::OkStatus();
  std::string rest(size - scan.end_offset, '\0');
  absl::Status status = file.Read(scan.end_offset, rest.size(), rest.data());
  if (!status.ok()) return status;
  scan.used_bytes += UsedBytes(rest);
  const Judged judged = JudgeBlock(rest, scan.end);
  scan.damage = judged.damage;
  scan.beyond_tear = judged.beyond_tear ||
                     absl::IsUnimplemented(judged.damage) ||
                     HasHeader(scan.end, absl::string_view(rest).substr(1));
  return absl::OkStatus();
}

}  // namespace

absl::Status JoinBlock(const BlockHeader& header, absl::string_view whole,
                       ChainEnd& end) {
  absl::Status status = CheckPlace(end, header);
  if (status.ok()) {
    status = CheckRecords(header, whole.substr(kBlockHeaderBytes));
  }
  if (!status.ok()) return status;
  const absl::StatusOr<Sha256Hash> hash = HashOfBlock(header, whole);
  if (!hash.ok()) return hash.status();
  end.log_id = header.log_id;
  end.epoch = header.epoch;
  end.next_sequence = header.first_sequence + header.event_count;
  end.synced_through = std::max(end.synced_through, header.synced_through);
  end.hash = *hash;
  return absl::OkStatus();
}

uint64_t UsedBytes(absl::string_view bytes) {
  constexpr size_t kStep = 4096;
  while (bytes.size() > kStep && AllZero(bytes.substr(bytes.size() - kStep))) {
    bytes.remove_suffix(kStep);
  }
  while (!bytes.empty() && bytes.back() == 0) bytes.remove_suffix(1);
  return bytes.size();
}

absl::StatusOr<bool> IsBlank(const File& file) {
  const absl::StatusOr<uint64_t> size = file.Size();
  if (!size.ok()) return size.status();
  return IsBlankFrom(file, 0, *size);
}

absl::StatusOr<SegmentScan> ScanSegment(
    const File& file, const ChainEnd& start,
    const std::function<absl::Status(const ScannedBlock&)>& on_block) {
  absl::StatusOr<uint64_t> size = file.Size();
  if (!size.ok()) return size.status();
  SegmentScan scan;
  scan.end = start;
  Window window(file, *size);
  while (scan.end_offset < *size) {
    Judged judged;
    absl::Status status = window.Read(scan.end_offset, kBlockHeaderBytes);
    if (!status.ok()) return status;
    const absl::StatusOr<BlockHeader> header =
        DecodeBlockHeader(window.bytes());
    if (header.ok()) {
      status = window.Read(scan.end_offset,
                           kBlockHeaderBytes + uint64_t{header->body_bytes});
      if (!status.ok()) return status;
      judged = JudgeBlock(window.bytes(), scan.end);
    }
    if (!header.ok() || !judged.damage.ok()) {
      status = LookAtEnd(file, *size, scan);
      if (!status.ok()) return status;
      return scan;
    }
    status = on_block({judged.header, scan.end_offset, judged.body});
    if (!status.ok()) return status;
    scan.end = judged.end;
    scan.end_offset += kBlockHeaderBytes + judged.body.size();
    ++scan.blocks;
  }
  scan.used_bytes = scan.end_offset;
  return scan;
}

}  // namespace concordat::bus
