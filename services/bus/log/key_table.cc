#include "services/bus/log/key_table.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/base/bytes.h"
#include "services/common/crypto/crc32c.h"

namespace concordat::bus {
namespace {

constexpr absl::string_view kMagic("\xC0\xDC\x4B\x05", 4);

struct PartHead {
  uint32_t wrapping_key = 0;
  uint32_t part = 0;
  uint32_t parts = 0;
};

absl::StatusOr<PartHead> HeadOf(absl::string_view record) {
  ByteReader in(record);
  in.Number<uint8_t>();  // Environment.
  PartHead head;
  head.wrapping_key = in.Number<uint32_t>();
  head.part = in.Number<uint32_t>();
  head.parts = in.Number<uint32_t>();
  if (!in.ok() || head.part >= head.parts || head.wrapping_key == 0) {
    return absl::DataLossError("key table is malformed");
  }
  return head;
}

}  // namespace

absl::Status KeyTableFinder::Add(const LogId& log_id, absl::string_view body) {
  RecordReader records(body);
  Record record;
  while (records.Next(record)) {
    if (record.kind != RecordKind::kKeyTable) continue;
    const absl::StatusOr<PartHead> head = HeadOf(record.bytes);
    if (!head.ok()) return head.status();
    if (head->part == 0) {
      incoming_ = {log_id, head->wrapping_key, ""};
      parts_seen_ = 0;
    }
    if (head->part != parts_seen_) {
      return absl::DataLossError("key table is malformed");
    }
    ++parts_seen_;
    const size_t begun = BeginRecord(RecordKind::kKeyTable, incoming_.records);
    incoming_.records.append(record.bytes.data(), record.bytes.size());
    EndRecord(begun, incoming_.records);
    if (parts_seen_ < head->parts) continue;
    newest_ = std::exchange(incoming_, {});
    parts_seen_ = 0;
  }
  if (records.damaged()) return absl::DataLossError("records are malformed");
  return absl::OkStatus();
}

std::string EncodeKeyTable(const KeyTable& table) {
  std::string bytes(kMagic);
  PutBytes(bytes, table.log_id);
  PutNumber(bytes, static_cast<uint32_t>(table.records.size()));
  bytes += table.records;
  PutNumber(bytes, Crc32c(bytes));
  return bytes;
}

absl::StatusOr<KeyTable> DecodeKeyTable(absl::string_view bytes) {
  const absl::Status malformed =
      absl::DataLossError(absl::StrCat(kKeyTableFile, ": damaged"));
  ByteReader in(bytes);
  if (in.Bytes(kMagic.size()) != kMagic) return malformed;
  KeyTable table;
  table.log_id = in.Array<std::tuple_size_v<LogId>>();
  const absl::string_view records = in.Bytes(in.Number<uint32_t>());
  const size_t checked = bytes.size() - in.rest().size();
  const uint32_t crc = in.Number<uint32_t>();
  if (!in.ok() || !in.done() || crc != Crc32c(bytes.substr(0, checked))) {
    return malformed;
  }
  KeyTableFinder finder;
  const absl::Status found = finder.Add(table.log_id, records);
  if (!found.ok() || finder.newest().records != records) return malformed;
  return finder.newest();
}

absl::StatusOr<KeyTable> LoadKeyTable(Directory& keys) {
  const absl::StatusOr<std::string> bytes = ReadWhole(keys, kKeyTableFile);
  if (absl::IsNotFound(bytes.status())) return KeyTable();
  if (!bytes.ok()) return bytes.status();
  return DecodeKeyTable(*bytes);
}

absl::Status SaveKeyTable(Directory& keys, const KeyTable& table) {
  return ReplaceWhole(keys, kKeyTableFile, EncodeKeyTable(table));
}

}  // namespace concordat::bus
