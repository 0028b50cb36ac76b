#include "services/bus/log/durable_mark.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/base/bytes.h"
#include "services/bus/log/segment_store.h"
#include "services/common/crypto/crc32c.h"

namespace concordat::bus {
namespace {

constexpr uint32_t kMagic = 0x024DDCC0;

}  // namespace

std::string EncodeDurableMark(const DurableMark& mark) {
  std::string bytes;
  PutNumber(bytes, kMagic);
  PutBytes(bytes, mark.log_id);
  PutNumber(bytes, mark.epoch);
  PutNumber(bytes, mark.segment);
  PutNumber(bytes, mark.end_offset);
  PutNumber(bytes, mark.last_sequence);
  PutNumber(bytes, Crc32c(bytes));
  return bytes;
}

std::optional<DurableMark> DecodeDurableMark(absl::string_view bytes) {
  ByteReader in(bytes);
  if (in.Number<uint32_t>() != kMagic) return std::nullopt;
  DurableMark mark;
  mark.log_id = in.Array<16>();
  mark.epoch = in.Number<uint32_t>();
  mark.segment = in.Number<uint32_t>();
  mark.end_offset = in.Number<uint64_t>();
  mark.last_sequence = in.Number<uint64_t>();
  const absl::string_view checked =
      bytes.substr(0, bytes.size() - in.rest().size());
  if (in.Number<uint32_t>() != Crc32c(checked) || !in.ok()) {
    return std::nullopt;
  }
  return mark;
}

absl::Status CheckDurableMark(absl::string_view mark_bytes, const ChainEnd& end,
                              uint32_t segment, uint64_t offset,
                              absl::string_view what) {
  const std::optional<DurableMark> mark = DecodeDurableMark(mark_bytes);
  if (!mark.has_value()) return absl::OkStatus();
  if (end.log_id.has_value() && mark->log_id != *end.log_id) {
    return absl::DataLossError("the durable mark is of another log");
  }
  if (std::pair(mark->segment, mark->end_offset) > std::pair(segment, offset) ||
      mark->last_sequence >= end.next_sequence) {
    return absl::DataLossError(absl::StrCat(
        what, ", but the log was durable up to ", SegmentName(mark->segment),
        ":", mark->end_offset, " (sequence ", mark->last_sequence, ")"));
  }
  return absl::OkStatus();
}

}  // namespace concordat::bus
