#include "services/bus/delivery/cursor_store.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/crypto/crc32c.h"

namespace concordat::bus {
namespace {

constexpr char kFile[] = "cursors";
constexpr absl::string_view kOldMagic = "CUR1";
constexpr absl::string_view kMagic = "CUR2";
constexpr absl::string_view kBatchMagic = "CURB";
constexpr size_t kHeadBytes = 12;
constexpr size_t kLogIdBytes = 16;
constexpr uint8_t kPaused = 1;
constexpr uint8_t kRemoved = 2;

// What a record says.
struct Record {
  std::string name;
  Place place;                 // Its rows: those that are new or other.
  std::vector<uint64_t> gone;  // Rows, by order.
  bool removed = false;
};

void Put(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) {
    out.push_back(static_cast<char>(value >> (8 * i)));
  }
}

// Takes integers and texts off the front; a short one is told by `ok`.
class Reader {
 public:
  explicit Reader(absl::string_view bytes) : bytes_(bytes) {}
  uint64_t Get(size_t count) {
    uint64_t value = 0;
    const absl::string_view taken = Text(count);
    for (size_t i = taken.size(); i-- > 0;) {
      value = (value << 8) | static_cast<uint8_t>(taken[i]);
    }
    return value;
  }
  Sequence GetSequence() { return {Get(8)}; }
  absl::string_view Text(size_t count) {
    if (count > bytes_.size()) {
      ok_ = false;
      return {};
    }
    const absl::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  size_t left() const { return bytes_.size(); }
  bool ok() const { return ok_; }

 private:
  absl::string_view bytes_;
  bool ok_ = true;
};

void PutRow(const Row& row, std::string& out) {
  Put(out, row.order, 8);
  Put(out, row.id.sequence.value, 8);
  Put(out, row.id.cause.value, 8);
  Put(out, row.key, 8);
  Put(out, static_cast<uint8_t>(row.state), 1);
  Put(out, row.attempts, 4);
  Put(out, row.round, 4);
  Put(out, row.first_us, 8);
  Put(out, row.last_us, 8);
  Put(out, row.due_us, 8);
  Put(out, row.reason.size(), 1);
  out += row.reason;
}

Row GetRow(Reader& in) {
  Row row;
  row.order = in.Get(8);
  row.id.sequence = in.GetSequence();
  row.id.cause = in.GetSequence();
  row.key = in.Get(8);
  row.state = static_cast<RowState>(in.Get(1));
  row.attempts = static_cast<uint32_t>(in.Get(4));
  row.round = static_cast<uint32_t>(in.Get(4));
  row.first_us = in.Get(8);
  row.last_us = in.Get(8);
  row.due_us = in.Get(8);
  row.reason = std::string(in.Text(in.Get(1)));
  return row;
}

void AppendRecord(const Record& record, std::string& out) {
  const Place& place = record.place;
  std::string body = place.log_id;
  body.resize(kLogIdBytes);
  Put(body, place.epoch, 4);
  Put(body, place.acknowledged.value, 8);
  Put(body, place.judged.value, 8);
  Put(body, place.scanned.value, 8);
  Put(body, place.used_us, 8);
  Put(body, (place.paused ? kPaused : 0) | (record.removed ? kRemoved : 0), 1);
  Put(body, record.name.size(), 2);
  body += record.name;
  Put(body, place.settled.size(), 4);
  for (const Settled& settled : place.settled) {
    Put(body, settled.id.sequence.value, 8);
    Put(body, settled.id.cause.value, 8);
    Put(body, settled.shown.value, 8);
  }
  Put(body, place.rows.size(), 4);
  for (const Row& row : place.rows) PutRow(row, body);
  Put(body, record.gone.size(), 4);
  for (const uint64_t order : record.gone) Put(body, order, 8);
  out.append(kMagic.data(), kMagic.size());
  Put(out, body.size(), 4);
  Put(out, Crc32c(body), 4);
  out += body;
}

// Bytes of the good record at the start of `bytes`, or nothing.
std::optional<size_t> ReadRecord(absl::string_view bytes, Record& record) {
  Reader head(bytes);
  const absl::string_view magic = head.Text(4);
  const uint64_t length = head.Get(4);
  const uint64_t checksum = head.Get(4);
  const absl::string_view body = head.Text(length);
  if (!head.ok() || (magic != kMagic && magic != kOldMagic) ||
      Crc32c(body) != checksum) {
    return std::nullopt;
  }
  Reader in(body);
  record = {};
  Place& place = record.place;
  place.log_id = std::string(in.Text(kLogIdBytes));
  place.epoch = static_cast<uint32_t>(in.Get(4));
  place.acknowledged = in.GetSequence();
  place.judged = in.GetSequence();
  if (magic == kOldMagic) {
    record.name = std::string(in.Text(in.left()));
  } else {
    place.scanned = in.GetSequence();
    place.used_us = in.Get(8);
    const uint64_t flags = in.Get(1);
    place.paused = (flags & kPaused) != 0;
    record.removed = (flags & kRemoved) != 0;
    record.name = std::string(in.Text(in.Get(2)));
    for (uint64_t i = in.Get(4); i > 0 && in.ok(); --i) {
      Settled& settled = place.settled.emplace_back();
      settled.id.sequence = in.GetSequence();
      settled.id.cause = in.GetSequence();
      settled.shown = in.GetSequence();
    }
    for (uint64_t i = in.Get(4); i > 0 && in.ok(); --i) {
      place.rows.push_back(GetRow(in));
    }
    for (uint64_t i = in.Get(4); i > 0 && in.ok(); --i) {
      record.gone.push_back(in.Get(8));
    }
  }
  if (!in.ok() || in.left() > 0 ||
      record.name.size() > CursorStore::kNameBytesMax) {
    return std::nullopt;
  }
  return kHeadBytes + length;
}

auto RowAt(std::vector<Row>& rows, uint64_t order) {
  return std::lower_bound(
      rows.begin(), rows.end(), order,
      [](const Row& row, uint64_t at) { return row.order < at; });
}

void Apply(Record record, Places& places) {
  if (record.removed) {
    places.erase(record.name);
    return;
  }
  Place& place = places[record.name];
  std::vector<Row> rows = std::move(place.rows);
  for (const uint64_t order : record.gone) {
    const auto row = RowAt(rows, order);
    if (row != rows.end() && row->order == order) rows.erase(row);
  }
  for (Row& changed : record.place.rows) {
    const auto row = RowAt(rows, changed.order);
    if (row != rows.end() && row->order == changed.order) {
      *row = std::move(changed);
    } else {
      rows.insert(row, std::move(changed));
    }
  }
  place = std::move(record.place);
  place.rows = std::move(rows);
}

// What is to be written for `place` where `before` was.
Record ChangeOf(const std::string& name, const Place& before, Place place) {
  Record record;
  record.name = name;
  std::vector<Row> rows = std::exchange(place.rows, {});
  auto old = before.rows.begin();
  for (Row& row : rows) {
    for (; old != before.rows.end() && old->order < row.order; ++old) {
      record.gone.push_back(old->order);
    }
    const bool is_old = old != before.rows.end() && old->order == row.order;
    if (!is_old || *old != row) place.rows.push_back(std::move(row));
    if (is_old) ++old;
  }
  for (; old != before.rows.end(); ++old) record.gone.push_back(old->order);
  record.place = std::move(place);
  return record;
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
  Reader in(bytes);
  const absl::string_view magic = in.Text(4);
  const uint64_t length = in.Get(4);
  const uint64_t checksum = in.Get(4);
  const absl::string_view records = in.Text(length);
  if (!in.ok() || magic != kBatchMagic || Crc32c(records) != checksum) {
    return std::nullopt;
  }
  return records;
}

// Reads records up to the first bad one; returns where that is.
size_t ReadRecords(absl::string_view bytes, Places& places) {
  Record record;
  size_t at = 0;
  while (at < bytes.size()) {
    const std::optional<size_t> read = ReadRecord(bytes.substr(at), record);
    if (!read.has_value()) break;
    Apply(std::move(record), places);
    at += *read;
  }
  return at;
}

}  // namespace

std::string EncodePlace(const std::string& name, const Place& place) {
  std::string record;
  AppendRecord(ChangeOf(name, Place(), place), record);
  return record;
}

absl::StatusOr<std::pair<std::string, Place>> DecodePlace(
    absl::string_view bytes) {
  Record record;
  if (ReadRecord(bytes, record) != bytes.size()) {
    return absl::DataLossError("a place's record is damaged");
  }
  return std::pair(std::move(record.name), std::move(record.place));
}

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
  for (const auto& [name, place] : places_) {
    AppendRecord(ChangeOf(name, Place(), place), bytes);
  }
  bytes = AsBatch(bytes);
  file_.reset();
  absl::Status status = ReplaceWhole(directory_, kFile, bytes);
  if (!status.ok()) return status;
  absl::StatusOr<std::unique_ptr<File>> file = directory_.Open(kFile);
  if (!file.ok()) return file.status();
  file_ = *std::move(file);
  size_ = bytes.size();
  size_max_ = std::max(kFileBytesMax, 4 * size_);
  return absl::OkStatus();
}

absl::Status CursorStore::Store(const Places& changed,
                                const std::set<std::string>& removed) {
  if (failed_) {
    return absl::FailedPreconditionError("cursors: a write failed before");
  }
  std::string bytes;
  for (const auto& [name, place] : changed) {
    AppendRecord(ChangeOf(name, places_[name], place), bytes);
    places_[name] = place;
  }
  for (const std::string& name : removed) {
    Record record;
    record.name = name;
    record.removed = true;
    AppendRecord(record, bytes);
    places_.erase(name);
  }
  bytes = AsBatch(bytes);
  absl::Status status;
  if (size_ + bytes.size() > size_max_) {
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
