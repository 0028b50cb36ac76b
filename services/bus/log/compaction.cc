#include "services/bus/log/compaction.h"

#include <algorithm>
#include <string>

#include "services/bus/log/event_record.h"
#include "services/common/crypto/crc32c.h"

namespace concordat::bus {
namespace {

void AppendRecord(const Record& record, std::string& body) {
  const size_t begun = BeginRecord(record.kind, body);
  body.append(record.bytes.data(), record.bytes.size());
  EndRecord(begun, body);
}

void AppendBlock(BlockHeader header, absl::string_view body, std::string& out) {
  header.body_bytes = static_cast<uint32_t>(body.size());
  header.body_crc = Crc32c(body);
  const size_t at = out.size();
  out.resize(at + kBlockHeaderBytes);
  EncodeBlockHeader(header, out.data() + at);
  out.append(body.data(), body.size());
}

}  // namespace

absl::Status Compactor::Add(const ScannedBlock& block, std::string& out) {
  const size_t at = out.size();
  AppendBlock(block.header, block.body, out);
  Compaction compaction;
  const absl::StatusOr<Sha256Hash> hash =
      HashOfBlock(block.header, absl::string_view(out).substr(at));
  if (!hash.ok()) return hash.status();
  compaction.hash = *hash;
  compaction.at_us = now_us_;

  std::string records;
  uint64_t removed = 0;
  RecordReader reader(block.body);
  Record record;
  while (reader.Next(record)) {
    if (record.kind == RecordKind::kCompaction) {
      const absl::StatusOr<Compaction> before = CompactionOf(block.body);
      if (!before.ok()) return before.status();
      // By its time one compaction of a segment is told from the next.
      compaction.at_us = std::max(now_us_, before->at_us + 1);
      continue;
    }
    if (record.kind == RecordKind::kRemovedEvent) ++compaction.removed;
    if (record.kind != RecordKind::kEvent) {
      AppendRecord(record, records);
      continue;
    }
    const absl::StatusOr<absl::string_view> bytes = SpineOfRecord(record);
    if (!bytes.ok()) return bytes.status();
    const absl::StatusOr<Spine> spine = DecodeSpine(*bytes);
    if (!spine.ok()) return spine.status();
    if (keep_({spine->sequence, spine->accepted_us, spine->header})) {
      AppendRecord(record, records);
      continue;
    }
    AppendRemoved(*bytes, now_us_, records);
    ++compaction.removed;
    ++removed;
  }
  if (removed == 0 && !is_first_) return absl::OkStatus();
  is_first_ = false;
  removed_ += removed;
  BlockHeader header = block.header;
  header.compacted = true;
  std::string body;
  AppendCompaction(compaction, body);
  body += records;
  out.resize(at);
  AppendBlock(header, body, out);
  return absl::OkStatus();
}

}  // namespace concordat::bus
