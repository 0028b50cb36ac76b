#include "services/bus/delivery/cursor_store.h"

#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/crypto/crc32c.h"

namespace concordat::bus {
namespace {

constexpr char kFile[] = "cursors";
constexpr absl::string_view kMagic = "CUR1";
constexpr absl::string_view kBatchMagic = "CURB";
constexpr size_t kHeadBytes = 12;
constexpr size_t kLogIdBytes = 16;
constexpr size_t kFixedBytes = kLogIdBytes + 4 + 8 + 8;

void Put(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) {
    out.push_back(static_cast<char>(value >> (8 * i)));
  }
}

uint64_t Get(absl::string_view bytes, size_t at, size_t count) {
  uint64_t value = 0;
  for (size_t i = count; i-- > 0;) {
    value = (value << 8) | static_cast<uint8_t>(bytes[at + i]);
  }
  return value;
}

void AppendRecord(const std::string& name, const Place& place,
                  std::string& out) {
  std::string body = place.log_id;
  body.resize(kLogIdBytes);
  Put(body, place.epoch, 4);
  Put(body, place.acknowledged.value, 8);
  Put(body, place.judged.value, 8);
  body += name;
  out.append(kMagic.data(), kMagic.size());
  Put(out, body.size(), 4);
  Put(out, Crc32c(body), 4);
  out += body;
}

// Bytes of the good record at the start of `bytes`, or nothing.
std::optional<size_t> ReadRecord(absl::string_view bytes, std::string& name,
                                 Place& place) {
  if (bytes.size() < kHeadBytes || bytes.substr(0, 4) != kMagic) return {};
  const uint64_t length = Get(bytes, 4, 4);
  if (length < kFixedBytes ||
      length > kFixedBytes + CursorStore::kNameBytesMax ||
      length > bytes.size() - kHeadBytes) {
    return {};
  }
  const absl::string_view body = bytes.substr(kHeadBytes, length);
  if (Crc32c(body) != Get(bytes, 8, 4)) return {};
  place.log_id = std::string(body.substr(0, kLogIdBytes));
  place.epoch = static_cast<uint32_t>(Get(body, kLogIdBytes, 4));
  place.acknowledged = {Get(body, kLogIdBytes + 4, 8)};
  place.judged = {Get(body, kLogIdBytes + 12, 8)};
  name = std::string(body.substr(kFixedBytes));
  return kHeadBytes + length;
}

std::string AsBatch(absl::string_view records) {
  std::string out(kBatchMagic);
  Put(out, records.size(), 4);
  Put(out, Crc32c(records), 4);
  out.append(records.data(), records.size());
  return out;
}

// The records of the good batch at the start of `bytes`, or nothing.
std::optional<absl::string_view> ReadBatch(absl::string_view bytes) {
  if (bytes.size() < kHeadBytes || bytes.substr(0, 4) != kBatchMagic) return {};
  const uint64_t length = Get(bytes, 4, 4);
  if (length > bytes.size() - kHeadBytes) return {};
  const absl::string_view records = bytes.substr(kHeadBytes, length);
  if (Crc32c(records) != Get(bytes, 8, 4)) return {};
  return records;
}

// Reads records up to the first bad one; returns where that is.
size_t ReadRecords(absl::string_view bytes, Places& places) {
  std::string name;
  Place place;
  size_t at = 0;
  while (at < bytes.size()) {
    const std::optional<size_t> read =
        ReadRecord(bytes.substr(at), name, place);
    if (!read.has_value()) break;
    places[name] = place;
    at += *read;
  }
  return at;
}

}  // namespace

absl::StatusOr<std::unique_ptr<CursorStore>> CursorStore::Open(
    Directory& directory) {
  std::unique_ptr<CursorStore> store(new CursorStore(directory));
  const absl::StatusOr<std::string> whole = ReadWhole(directory, kFile);
  if (!whole.ok() && !absl::IsNotFound(whole.status())) return whole.status();
  const absl::string_view bytes =
      whole.ok() ? absl::string_view(*whole) : absl::string_view();
  const bool has_batches = absl::StartsWith(bytes, kBatchMagic);
  size_t at = has_batches ? 0 : ReadRecords(bytes, store->places_);
  while (const auto records = ReadBatch(bytes.substr(at))) {
    if (ReadRecords(*records, store->places_) < records->size()) break;
    at += kHeadBytes + records->size();
  }
  // The first batch came with its file, whole.
  bool damaged = has_batches && at == 0;
  Places unused;
  for (size_t later = at + 1; later < bytes.size() && !damaged; ++later) {
    const absl::string_view rest = bytes.substr(later);
    damaged = ReadBatch(rest).has_value() ||
              (!has_batches && ReadRecords(rest, unused) > 0);
  }
  if (damaged) {
    return absl::DataLossError(absl::StrCat("cursors: damaged at byte ", at));
  }
  // What was read may have been on its way to the disk; now it is there.
  const absl::Status compacted = store->Compact();
  if (!compacted.ok()) return compacted;
  return store;
}

absl::Status CursorStore::Compact() {
  std::string bytes;
  for (const auto& [name, place] : places_) AppendRecord(name, place, bytes);
  bytes = AsBatch(bytes);
  file_.reset();
  absl::Status status = ReplaceWhole(directory_, kFile, bytes);
  if (!status.ok()) return status;
  absl::StatusOr<std::unique_ptr<File>> file = directory_.Open(kFile);
  if (!file.ok()) return file.status();
  file_ = *std::move(file);
  size_ = bytes.size();
  return absl::OkStatus();
}

absl::Status CursorStore::Store(const Places& changed) {
  if (failed_) {
    return absl::FailedPreconditionError("cursors: a write failed before");
  }
  std::string bytes;
  for (const auto& [name, place] : changed) {
    places_[name] = place;
    AppendRecord(name, place, bytes);
  }
  bytes = AsBatch(bytes);
  absl::Status status;
  if (size_ + bytes.size() > kFileBytesMax) {
    status = Compact();
  } else {
    status = file_->Write(size_, bytes);
    if (status.ok()) status = file_->Sync();
    size_ += bytes.size();
  }
  failed_ = !status.ok();
  return status;
}

}  // namespace concordat::bus
