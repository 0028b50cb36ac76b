#include "adapters/casefile/file_taker.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace concordat::casefile {
namespace {

using edge::v1::FileTaken;
using edge::v1::WaitingRow;

constexpr size_t kMarkBytes = 16;
constexpr char kVanished[] = "it was in the last file, and is not in this one";

std::string MarkOf(const HmacSha256& marks, absl::string_view use,
                   absl::string_view text) {
  const Sha256Hash hash = marks.Of(absl::StrCat(use, ";", text));
  return std::string(hash.begin(), hash.begin() + kMarkBytes);
}

bool IsOver(uint64_t part, uint64_t whole, uint32_t percent_max,
            const Mapping& mapping) {
  return percent_max > 0 && whole >= mapping.proto().percent_from_rows() &&
         part * 100 > whole * percent_max;
}

// The first of them says more than their number.
std::string TooManyRejects(const FileTaken& file, const Mapping& mapping,
                           const std::vector<WaitingRow>& rows) {
  std::string why = absl::StrCat(file.rejected(), " of ", file.rows(),
                                 " rows cannot be read, over ",
                                 mapping.proto().rejects_percent_max(), "%");
  for (const WaitingRow& row : rows) {
    if (row.kind() != edge::v1::ROW_KIND_REJECT) continue;
    absl::StrAppend(&why, "; line ", row.line(), ": ", row.reason());
    break;
  }
  return why;
}

}  // namespace

std::string FileWords(const FileTaken& file) {
  if (!file.refused().empty()) return absl::StrCat("refused: ", file.refused());
  if (file.again()) return "already taken, 0 new";
  std::vector<std::string> parts;
  parts.push_back(absl::StrCat(
      file.rows() - file.known() - file.outside() - file.rejected(), " new"));
  if (file.known() > 0) parts.push_back(absl::StrCat(file.known(), " known"));
  if (file.rejected() > 0) {
    parts.push_back(absl::StrCat(file.rejected(), " rejected"));
  }
  if (file.outside() > 0) {
    parts.push_back(absl::StrCat(file.outside(), " not ours"));
  }
  return absl::StrCat("taken: ", absl::StrJoin(parts, ", "));
}

absl::StatusOr<size_t> FileTaker::Count(const MappingSet& mappings) const {
  const auto files = folder_.List();
  if (!files.ok()) return files.status();
  const absl::CivilDay today(absl::ToCivilDay(clock_.Now(), zone_));
  size_t count = 0;
  for (const DroppedFile& file : *files) {
    const auto found = mappings.Find(file.name, today);
    if (!found.ok() || found->has_value()) ++count;
  }
  return count;
}

absl::StatusOr<size_t> FileTaker::TakeAll(const MappingSet& mappings) {
  const auto files = folder_.List();
  if (!files.ok()) return files.status();
  const absl::CivilDay today(absl::ToCivilDay(clock_.Now(), zone_));
  std::vector<Due> due;
  size_t there = 0;
  for (const DroppedFile& dropped : *files) {
    auto found = mappings.Find(dropped.name, today);
    if (!found.ok()) {
      FileTaken file;
      file.set_name(dropped.name);
      file.set_day(static_cast<int32_t>(today - absl::CivilDay()));
      const absl::Status refused =
          RefuseFile(std::move(file), found.status().message());
      if (!refused.ok()) return refused;
      continue;
    }
    if (!found->has_value()) {
      if (strangers_.size() < 1000 && strangers_.insert(dropped.name).second) {
        log_.Warning("no mapping takes a file in the drop folder");
      }
      continue;
    }
    ++there;
    const edge::v1::CaseFileMapping& proto = (*found)->mapping->proto();
    if (folder_.IsWhole(dropped, proto.whole_when(),
                        absl::Seconds(proto.settle_seconds()))) {
      due.push_back({dropped, **std::move(found)});
    }
  }
  std::sort(due.begin(), due.end(), [](const Due& a, const Due& b) {
    return std::tie(a.found.day, a.found.order, a.dropped.name) <
           std::tie(b.found.day, b.found.order, b.dropped.name);
  });
  for (const Due& each : due) {
    if (absl::Status taken = TakeOne(each); !taken.ok()) return taken;
    --there;
  }
  return there;
}

absl::Status FileTaker::RefuseFile(FileTaken file, absl::string_view why) {
  file.set_at(static_cast<uint64_t>(absl::ToUnixMicros(clock_.Now())));
  file.set_refused(std::string(why.substr(0, kReasonBytesMax)));
  const std::string name = file.name();
  log_.Warning("a case file is refused", {{"mapping", file.mapping()}});
  if (absl::Status told = store_.Take(file, {}); !told.ok()) return told;
  if (absl::Status moved = folder_.Refuse(name); !moved.ok()) return moved;
  return store_.Clear(name);
}

void FileTaker::MapRows(const FileMapping& found, const Table& table,
                        FileTaken& file, std::vector<WaitingRow>& rows,
                        std::set<std::string>& keys) const {
  const Mapping& mapping = *found.mapping;
  for (const TableRow& read : table.rows) {
    WaitingRow row = mapping.MapRow(read, found.file.name, found.day, marks_);
    row.set_taken_at(file.at());
    if (!row.key().empty()) keys.insert(row.key());
    // Whoever is not in the cohort leaves not a byte here, be the row good or
    // bad. A cohort that is not known now is asked again when it is worked on.
    if (!row.person().empty() &&
        cohort_.Find({{row.scheme(), row.person(), row.system()}}).kind ==
            edge::CohortAnswer::Kind::kOutside) {
      file.set_outside(file.outside() + 1);
      continue;
    }
    const bool reject = row.kind() == edge::v1::ROW_KIND_REJECT;
    if (reject) file.set_rejected(file.rejected() + 1);
    if (row.kind() == edge::v1::ROW_KIND_UNSPECIFIED ||
        store_.IsNothingNew(row)) {
      if (!reject) file.set_known(file.known() + 1);
      continue;
    }
    rows.push_back(std::move(row));
  }
}

absl::Status FileTaker::AddVanished(const FileMapping& found,
                                    const std::set<std::string>& keys,
                                    const FileTaken& file,
                                    std::vector<WaitingRow>& rows) const {
  const edge::v1::CaseFileMapping& proto = found.mapping->proto();
  const std::vector<edge::v1::KnownRow> known =
      store_.KnownOf(found.mapping->name());
  std::vector<WaitingRow> gone;
  for (const edge::v1::KnownRow& each : known) {
    if (keys.count(each.key()) > 0) continue;
    WaitingRow row = each.row();
    row.set_file(file.name());
    row.set_line(0);
    row.set_taken_at(file.at());
    row.set_file_day(file.day());
    row.set_content(MarkOf(marks_, "vanished", each.key() + each.event_id()));
    row.set_kind(edge::v1::ROW_KIND_VANISHED);
    if (proto.vanished() == edge::v1::VANISHED_ASK) {
      row.set_kind(edge::v1::ROW_KIND_REJECT);
      row.set_reason(kVanished);
      row.set_vanished(true);
    }
    gone.push_back(std::move(row));
  }
  if (IsOver(gone.size(), known.size(), proto.vanished_percent_max(),
             *found.mapping)) {
    return absl::InvalidArgumentError(absl::StrCat(
        gone.size(), " of ", known.size(), " rows have vanished, over ",
        proto.vanished_percent_max(), "%"));
  }
  if (proto.vanished() == edge::v1::VANISHED_IGNORE) return absl::OkStatus();
  for (WaitingRow& row : gone) {
    if (!store_.IsNothingNew(row)) rows.push_back(std::move(row));
  }
  return absl::OkStatus();
}

absl::Status FileTaker::CloseQuestions(const Mapping& mapping,
                                       const std::set<std::string>& keys) {
  for (const WaitingRow& reject : store_.rejects()) {
    if (!reject.vanished() || reject.mapping() != mapping.name() ||
        keys.count(reject.key()) == 0) {
      continue;
    }
    if (absl::Status closed = store_.Close(reject.number()); !closed.ok()) {
      return closed;
    }
  }
  return absl::OkStatus();
}

absl::Status FileTaker::TakeOne(const Due& due) {
  const Mapping& mapping = *due.found.mapping;
  const std::string& name = due.dropped.name;
  FileTaken file;
  file.set_name(name);
  file.set_mapping(mapping.name());
  file.set_version(mapping.proto().version());
  file.set_at(static_cast<uint64_t>(absl::ToUnixMicros(clock_.Now())));
  file.set_day(static_cast<int32_t>(due.found.day - absl::CivilDay()));
  auto bytes = folder_.Read(name, mapping.file_bytes_max());
  if (!bytes.ok()) return bytes.status();
  file.set_content(MarkOf(marks_, "file", *bytes));
  if (store_.IsUncleared(name, file.content())) {
    // Taken, and then the process ended.
    if (absl::Status removed = folder_.Remove(name); !removed.ok()) {
      return removed;
    }
    return store_.Clear(name);
  }
  const auto table = mapping.Read(*bytes);
  bytes->clear();
  if (!table.ok()) return RefuseFile(file, table.status().message());
  const auto mark = store_.MarkOf(mapping.name());
  if (mapping.everything() && mark.has_value() && file.day() < mark->day()) {
    return RefuseFile(file, "a file of everything of a later day was taken");
  }
  std::vector<WaitingRow> rows;
  std::set<std::string> keys;
  file.set_rows(static_cast<uint32_t>(table->rows.size()));
  MapRows(due.found, *table, file, rows, keys);
  if (IsOver(file.rejected(), file.rows(),
             mapping.proto().rejects_percent_max(), mapping)) {
    return RefuseFile(file, TooManyRejects(file, mapping, rows));
  }
  if (mapping.everything()) {
    const absl::Status vanished = AddVanished(due.found, keys, file, rows);
    if (!vanished.ok()) return RefuseFile(file, vanished.message());
  }
  const auto before = store_.FindFile(file.content());
  file.set_again(before.has_value() && rows.empty());
  if (const auto complete = mapping.CompleteTo(due.found.file)) {
    file.set_complete_to(static_cast<uint64_t>(absl::ToUnixMicros(*complete)));
  }
  file.set_feed(mapping.proto().feed());
  log_.Info("a case file is taken", {{"mapping", mapping.name()},
                                     {"rows", file.rows()},
                                     {"waiting", rows.size()},
                                     {"known", file.known()},
                                     {"rejected", file.rejected()},
                                     {"not_in_cohort", file.outside()}});
  if (absl::Status taken = store_.Take(file, std::move(rows)); !taken.ok()) {
    return taken;
  }
  if (mapping.everything()) {
    if (absl::Status closed = CloseQuestions(mapping, keys); !closed.ok()) {
      return closed;
    }
  }
  if (absl::Status removed = folder_.Remove(name); !removed.ok()) {
    return removed;
  }
  return store_.Clear(name);
}

}  // namespace concordat::casefile
