#include "services/bus/log/block_walk.h"

#include <algorithm>
#include <string>

#include "services/bus/log/event_record.h"

namespace concordat::bus {

// The next `count` bytes, as far as there are so many before the limit.
absl::StatusOr<absl::string_view> BlockWalk::Read(uint64_t count) {
  count = std::min(count, limit_ - at_);
  if (at_ < part_at_ || at_ + count > part_at_ + part_bytes_) {
    part_at_ = PageStart(at_);
    const size_t least = PageEnd(at_ + count) - part_at_;
    if (least > part_.size()) part_ = PageBuffer(least);
    absl::StatusOr<uint64_t> size = file_.Size();
    if (!size.ok()) return size.status();
    if (*size < at_ + count) return absl::DataLossError("the file ends early");
    part_bytes_ = std::min<uint64_t>(part_.size(), *size - part_at_);
    pace_(part_bytes_);
    absl::Status status = file_.Read(part_at_, part_bytes_, part_.data());
    if (!status.ok()) return status;
  }
  return absl::string_view(part_.data() + (at_ - part_at_), count);
}

absl::StatusOr<bool> BlockWalk::IsBlankFromHere() {
  const uint64_t end = at_;
  bool blank = true;
  while (blank && at_ < limit_) {
    const absl::StatusOr<absl::string_view> bytes = Read(kPageBytes);
    if (!bytes.ok()) return bytes.status();
    blank = UsedBytes(*bytes) == 0;
    at_ += bytes->size();
  }
  at_ = end;
  return blank;
}

absl::StatusOr<bool> BlockWalk::Next(WalkedBlock& block) {
  if (at_ >= limit_) return false;
  absl::StatusOr<absl::string_view> head = Read(kBlockHeaderBytes);
  if (!head.ok()) return head.status();
  const absl::StatusOr<BlockHeader> header = DecodeBlockHeader(*head);
  if (!header.ok()) {
    const absl::StatusOr<bool> blank = IsBlankFromHere();
    if (!blank.ok()) return blank.status();
    if (*blank) return false;
    return header.status();
  }
  const uint64_t bytes = kBlockHeaderBytes + uint64_t{header->body_bytes};
  if (bytes > limit_ - at_) return absl::DataLossError("block too long");
  const absl::StatusOr<absl::string_view> whole = Read(bytes);
  if (!whole.ok()) return whole.status();
  absl::Status status =
      CheckBlockBody(*header, whole->substr(kBlockHeaderBytes));
  if (status.ok()) status = JoinBlock(*header, *whole, end_);
  if (!status.ok()) return status;
  block = {*header, at_, *whole};
  at_ += bytes;
  return true;
}

absl::StatusOr<uint64_t> CompactedAt(const File& file) {
  char head[kBlockHeaderBytes];
  absl::Status status = file.Read(0, sizeof(head), head);
  if (absl::IsOutOfRange(status)) return 0;
  if (!status.ok()) return status;
  const auto header = DecodeBlockHeader({head, sizeof(head)});
  if (!header.ok() || !header->compacted) return 0;
  std::string body(header->body_bytes, '\0');
  status = file.Read(kBlockHeaderBytes, body.size(), body.data());
  if (absl::IsOutOfRange(status)) return 0;
  if (!status.ok()) return status;
  const absl::StatusOr<Compaction> compaction = CompactionOf(body);
  if (!CheckBlockBody(*header, body).ok() || !compaction.ok()) return 0;
  return compaction->at_us;
}

absl::StatusOr<uint64_t> AcceptedTimeOf(const WalkedBlock& block) {
  RecordReader records(block.whole.substr(kBlockHeaderBytes));
  Record record;
  Record last;
  while (records.Next(record)) {
    if (IsEvent(record.kind)) last = record;
  }
  if (last.bytes.empty()) return 0;
  const absl::StatusOr<absl::string_view> bytes = SpineOfRecord(last);
  if (!bytes.ok()) return bytes.status();
  const absl::StatusOr<Spine> spine = DecodeSpine(*bytes);
  if (!spine.ok()) return spine.status();
  return spine->accepted_us;
}

}  // namespace concordat::bus
