#include "services/bus/log/backup_record.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace concordat::bus {
namespace {

constexpr absl::string_view kBackupDone = "{\"act\":\"backup\",\"done\":true";

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

// As text of JSON.
std::string Quoted(absl::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(absl::ascii_iscntrl(static_cast<unsigned char>(c)) ? ' ' : c);
  }
  return out + "\"";
}

}  // namespace

std::string EncodeBackupActed(const BackupActed& acted) {
  std::string line = absl::StrCat(
      "{\"act\":\"", acted.act,
      "\",\"done\":", acted.status.ok() ? "true" : "false", ",\"at\":\"",
      TimeText(acted.at), "\",\"seconds\":",
      absl::ToDoubleSeconds(absl::Trunc(acted.took, absl::Milliseconds(1))));
  if (acted.status.ok()) {
    absl::StrAppend(
        &line, ",\"sequence\":", acted.sequence, ",\"accepted_time\":\"",
        TimeText(absl::FromUnixMicros(static_cast<int64_t>(acted.accepted_us))),
        "\"");
    if (acted.act == "restore") {
      absl::StrAppend(&line, ",\"opened\":", acted.opened ? "true" : "false");
    }
  } else {
    absl::StrAppend(&line, ",\"failed\":", Quoted(acted.status.message()));
  }
  return line + "}\n";
}

std::string AddBackupActed(absl::string_view record, const BackupActed& acted,
                           size_t max) {
  std::string longer = absl::StrCat(record, EncodeBackupActed(acted));
  if (longer.size() <= max) return longer;
  size_t to_go = longer.size() - max / 2;
  std::string kept;
  for (const absl::string_view line :
       absl::StrSplit(longer, '\n', absl::SkipEmpty())) {
    if (to_go > 0 && absl::StartsWith(line, kBackupDone)) {
      to_go -= std::min(to_go, line.size() + 1);
      continue;
    }
    absl::StrAppend(&kept, line, "\n");
  }
  return kept;
}

absl::Status NoteBackupActed(Directory& folder, const BackupActed& acted) {
  const auto record = ReadWhole(folder, kBackupRecordName);
  if (!record.ok() && !absl::IsNotFound(record.status())) {
    return record.status();
  }
  return ReplaceWhole(folder, kBackupRecordName,
                      AddBackupActed(record.ok() ? *record : "", acted));
}

}  // namespace concordat::bus
