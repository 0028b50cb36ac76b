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
  absl::StatusOr<uint64_t> size = file.Size();
  if (!size.ok()) return size.status();
  std::string bytes;
  for (uint64_t at = 0; at < *size; at += bytes.size()) {
    bytes.resize(std::min<uint64_t>(*size - at, 1 << 20));
    absl::Status status = file.Read(at, bytes.size(), bytes.data());
    if (!status.ok()) return status;
    if (!AllZero(bytes)) return false;
  }
  return true;
}

absl::StatusOr<SegmentScan> ScanSegment(
    const File& file, const ChainEnd& start,
    const std::function<absl::Status(const ScannedBlock&)>& on_block) {
  absl::StatusOr<uint64_t> size = file.Size();
  if (!size.ok()) return size.status();
  std::string whole(*size, '\0');
  absl::Status status = file.Read(0, whole.size(), whole.data());
  if (!status.ok()) return status;

  SegmentScan scan;
  scan.end = start;
  scan.used_bytes = UsedBytes(whole);
  while (scan.end_offset < scan.used_bytes) {
    const absl::string_view rest =
        absl::string_view(whole).substr(scan.end_offset);
    const absl::StatusOr<BlockHeader> header = DecodeBlockHeader(rest);
    scan.damage = header.status();
    absl::string_view body;
    ChainEnd end = scan.end;
    if (header.ok()) {
      body = rest.substr(kBlockHeaderBytes);
      body = body.substr(0, header->body_bytes);
      scan.damage = CheckBlockBody(*header, body);
      if (scan.damage.ok()) {
        scan.damage = JoinBlock(
            *header, rest.substr(0, kBlockHeaderBytes + body.size()), end);
        scan.beyond_tear = !scan.damage.ok();
      }
    }
    if (!scan.damage.ok()) {
      scan.beyond_tear = scan.beyond_tear ||
                         absl::IsUnimplemented(scan.damage) ||
                         HasHeader(scan.end, rest.substr(1));
      return scan;
    }
    status = on_block({*header, scan.end_offset, body});
    if (!status.ok()) return status;
    scan.end = end;
    scan.end_offset += kBlockHeaderBytes + body.size();
    ++scan.blocks;
  }
  // The last block's own last bytes may be zeroes.
  scan.used_bytes = std::max(scan.used_bytes, scan.end_offset);
  return scan;
}

}  // namespace concordat::bus
