#include "services/bus/log/block.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "services/common/base/bytes.h"
#include "services/common/base/check.h"
#include "services/common/crypto/crc32c.h"

namespace concordat::bus {
namespace {

constexpr size_t kCrcAt = kBlockHeaderBytes - sizeof(uint32_t);

}  // namespace

void EncodeBlockHeader(const BlockHeader& header, char* out) {
  std::string bytes;
  bytes.reserve(kBlockHeaderBytes);
  PutNumber(bytes, kBlockMagic);
  PutNumber(bytes, header.compacted ? kCompactedFormat : kBlockFormat);
  PutNumber(bytes, uint16_t{0});
  PutBytes(bytes, header.log_id);
  PutNumber(bytes, header.epoch);
  PutNumber(bytes, header.event_count);
  PutNumber(bytes, header.first_sequence);
  PutNumber(bytes, header.synced_through);
  PutNumber(bytes, header.body_bytes);
  PutNumber(bytes, header.body_crc);
  PutBytes(bytes, header.previous);
  PutNumber(bytes, uint32_t{0});
  PutNumber(bytes, Crc32c(bytes));
  CONCORDAT_CHECK(bytes.size() == kBlockHeaderBytes);
  std::memcpy(out, bytes.data(), bytes.size());
}

absl::StatusOr<BlockHeader> DecodeBlockHeader(absl::string_view bytes) {
  if (bytes.size() < kBlockHeaderBytes) {
    return absl::DataLossError("too short for a block header");
  }
  bytes = bytes.substr(0, kBlockHeaderBytes);
  ByteReader in(bytes);
  if (in.Number<uint32_t>() != kBlockMagic) {
    return absl::DataLossError("no block header");
  }
  const uint16_t format = in.Number<uint16_t>();
  const uint16_t zero = in.Number<uint16_t>();
  BlockHeader header;
  header.log_id = in.Array<16>();
  header.epoch = in.Number<uint32_t>();
  header.event_count = in.Number<uint32_t>();
  header.first_sequence = in.Number<uint64_t>();
  header.synced_through = in.Number<uint64_t>();
  header.body_bytes = in.Number<uint32_t>();
  header.body_crc = in.Number<uint32_t>();
  header.previous = in.Array<kSha256Bytes>();
  const uint32_t reserved = in.Number<uint32_t>();
  if (in.Number<uint32_t>() != Crc32c(bytes.substr(0, kCrcAt))) {
    return absl::DataLossError("block header does not match its checksum");
  }
  header.compacted = format == kCompactedFormat;
  if ((format != kBlockFormat && !header.compacted) || zero != 0 ||
      reserved != 0) {
    return absl::UnimplementedError(
        absl::StrCat("block format ", format, " is newer than this program"));
  }
  return header;
}

void AppendCompaction(const Compaction& compaction, std::string& body) {
  const size_t record = BeginRecord(RecordKind::kCompaction, body);
  PutBytes(body, compaction.hash);
  PutNumber(body, compaction.at_us);
  PutNumber(body, compaction.removed);
  EndRecord(record, body);
}

absl::StatusOr<Compaction> CompactionOf(absl::string_view body) {
  RecordReader records(body);
  Record record;
  if (!records.Next(record) || record.kind != RecordKind::kCompaction) {
    return absl::DataLossError("compacted block does not say how it was");
  }
  ByteReader in(record.bytes);
  Compaction compaction;
  compaction.hash = in.Array<kSha256Bytes>();
  compaction.at_us = in.Number<uint64_t>();
  compaction.removed = in.Number<uint32_t>();
  if (!in.ok() || !in.done()) {
    return absl::DataLossError("compaction record is malformed");
  }
  return compaction;
}

absl::StatusOr<Sha256Hash> HashOfBlock(const BlockHeader& header,
                                       absl::string_view whole) {
  if (!header.compacted) return Sha256::Of(whole);
  const absl::StatusOr<Compaction> compaction =
      CompactionOf(whole.substr(kBlockHeaderBytes));
  if (!compaction.ok()) return compaction.status();
  return compaction->hash;
}

absl::Status CheckBlockBody(const BlockHeader& header, absl::string_view body) {
  if (body.size() != header.body_bytes || Crc32c(body) != header.body_crc) {
    return absl::DataLossError("block body does not match its checksum");
  }
  return absl::OkStatus();
}

size_t BeginRecord(RecordKind kind, std::string& body) {
  const size_t begun = body.size();
  body.push_back(static_cast<char>(kind));
  PutNumber(body, uint32_t{0});
  return begun;
}

void EndRecord(size_t begun, std::string& body) {
  const auto length =
      static_cast<uint32_t>(body.size() - begun - kRecordHeadBytes);
  std::memcpy(body.data() + begun + 1, &length, sizeof(length));
}

bool RecordReader::Next(Record& record) {
  if (rest_.empty()) return false;
  ByteReader in(rest_);
  record.kind = static_cast<RecordKind>(in.Number<uint8_t>());
  record.bytes = in.Bytes(in.Number<uint32_t>());
  if (!in.ok()) {
    damaged_ = true;
    rest_ = {};
    return false;
  }
  rest_ = in.rest();
  return true;
}

}  // namespace concordat::bus
