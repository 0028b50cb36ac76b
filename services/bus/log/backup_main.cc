// concordat-log-backup: copies a log while a bus writes it, and makes a log from
// such a copy. What `concordat log backup` and `concordat log restore` run.
//
//   concordat-log-backup --data DIR --to DIR [--rate MIB] [--json]
//   concordat-log-backup --data DIR --from DIR [--at SEQUENCE|TIME] [--json]
//
// Exit: 0 done, 1 not done; the message says why and what to do.
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "services/bus/log/backup_record.h"
#include "services/bus/log/fsck.h"
#include "services/bus/log/log_backup.h"
#include "services/bus/log/open_event_log.h"
#include "services/bus/log/segment_store.h"
#include "services/common/base/bytes.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"
#include "services/common/storage/record_chain.h"

namespace concordat::bus {
namespace {

constexpr uint32_t kRateMibDefault = 8;
constexpr int kPriority = 5;
constexpr char kRestoring[] = "bus/log.restoring";
// In the folder of a program, and of a backup.
constexpr char kAccess[] = "access";
constexpr char kPlacesFolder[] = "bus/places";

struct Arguments {
  std::string data;
  std::string to;
  std::string from;
  std::string at;
  uint32_t rate_mib = kRateMibDefault;
  bool json = false;
};

// Spreads what is read over time, so that the bus finds its disk free.
class Pace {
 public:
  explicit Pace(uint32_t rate_mib) : bytes_per_s_(double{1 << 20} * rate_mib) {}
  void Take(uint64_t bytes) {
    const absl::Duration now = steady_.Elapsed();
    due_ = std::max(due_, now);
    if (due_ > now) {
      timespec pause = absl::ToTimespec(due_ - now);
      while (nanosleep(&pause, &pause) != 0) {
      }
    }
    due_ += absl::Seconds(static_cast<double>(bytes) / bytes_per_s_);
  }

 private:
  const double bytes_per_s_;
  SystemSteadyClock steady_;
  absl::Duration due_ = -absl::InfiniteDuration();
};

std::string TimeOf(uint64_t us) {
  return absl::FormatTime(absl::FromUnixMicros(static_cast<int64_t>(us)),
                          absl::UTCTimeZone());
}

// The folders in `parent` that have a folder `access` in them, or are one.
std::vector<std::string> FoldersIn(const std::string& parent,
                                   const std::string& holds) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(parent, error), end;
       !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (std::filesystem::is_directory(entry->path() / holds, ignored)) {
      names.push_back(entry->path().filename().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Who reached what: of every program of the data directory, to a folder each.
absl::Status BackUpAccess(const Arguments& arguments) {
  for (const std::string& program : FoldersIn(arguments.data, kAccess)) {
    auto from = PosixDirectory::Open(
        absl::StrCat(arguments.data, "/", program, "/", kAccess));
    if (!from.ok()) return from.status();
    auto to = PosixDirectory::Open(
        absl::StrCat(arguments.to, "/", kAccess, "/", program));
    if (!to.ok()) return to.status();
    const auto records = CopyRecords(**from, **to);
    if (!records.ok()) {
      return absl::Status(records.status().code(),
                          absl::StrCat("the access log of ", program, ": ",
                                       records.status().message()));
    }
    if (arguments.json) continue;
    std::printf("%llu access records of %s\n",
                static_cast<unsigned long long>(*records), program.c_str());
  }
  return absl::OkStatus();
}

// Those that are not there: one that goes on here is not written over.
absl::Status RestoreAccess(const Arguments& arguments) {
  const std::string folder = absl::StrCat(arguments.from, "/", kAccess);
  for (const std::string& program : FoldersIn(folder, "")) {
    auto to = PosixDirectory::Open(
        absl::StrCat(arguments.data, "/", program, "/", kAccess));
    if (!to.ok()) return to.status();
    const auto names = (*to)->List();
    if (!names.ok()) return names.status();
    if (!names->empty()) {
      std::fprintf(stderr,
                   "concordat-log-backup: %s has an access log, which stays\n",
                   program.c_str());
      continue;
    }
    auto from = PosixDirectory::Open(absl::StrCat(folder, "/", program));
    if (!from.ok()) return from.status();
    const auto records = CopyRecords(**from, **to);
    if (!records.ok()) return records.status();
  }
  return absl::OkStatus();
}

absl::Status BackUp(const Arguments& arguments, BackupActed& acted) {
  const std::string log_path = absl::StrCat(arguments.data, "/", kLogFolder);
  std::error_code error;
  if (!std::filesystem::is_directory(log_path, error)) {
    return absl::NotFoundError(absl::StrCat(log_path, ": there is no log"));
  }
  // Not locked: the bus has it, and nothing that is read here changes.
  auto log = PosixDirectory::Open(log_path);
  if (!log.ok()) return log.status();
  auto places =
      PosixDirectory::Open(absl::StrCat(arguments.data, "/", kPlacesFolder));
  if (!places.ok()) return places.status();
  auto to = PosixDirectory::OpenLocked(arguments.to);
  if (!to.ok()) return to.status();
  // The bus goes first, on the processor too.
  setpriority(PRIO_PROCESS, 0, kPriority);
  Pace pace(arguments.rate_mib);
  const auto report = BackUpLog(**log, **places, **to,
                                [&pace](uint64_t bytes) { pace.Take(bytes); });
  if (!report.ok()) return report.status();
  acted.sequence = report->last_sequence;
  acted.accepted_us = report->accepted_us;
  std::printf(
      arguments.json
          ? "{\"log_id\":\"%s\",\"epoch\":%u,\"sequence\":%llu,"
            "\"accepted_time\":\"%s\",\"segments\":%u,\"copied_bytes\":%llu}\n"
          : "log %s epoch %u\nbacked up through event %llu, accepted at %s\n"
            "%u segments; %llu bytes were new\n",
      absl::BytesToHexString(AsView(report->log_id)).c_str(), report->epoch,
      static_cast<unsigned long long>(report->last_sequence),
      TimeOf(report->accepted_us).c_str(), report->segments,
      static_cast<unsigned long long>(report->copied_bytes));
  return BackUpAccess(arguments);
}

absl::StatusOr<RestorePoint> PointOf(const std::string& at) {
  RestorePoint point;
  absl::Time time;
  std::string why;
  if (at.empty() || absl::SimpleAtoi(at, &point.sequence)) return point;
  if (absl::ParseTime(absl::RFC3339_full, at, &time, &why)) {
    point.accepted_us =
        static_cast<uint64_t>(std::max<int64_t>(absl::ToUnixMicros(time), 0));
    return point;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--at ", at, ": neither a sequence nor a time like ",
                   "2026-11-26T09:30:00Z"));
}

// Everything, with the keys when they are there - then it answers true: the log is
// given its name after this alone.
absl::StatusOr<bool> Prove(const std::string& data, Directory& log) {
  auto keys = PosixDirectory::Open(absl::StrCat(data, "/", kKeysFolder));
  if (!keys.ok()) return keys.status();
  auto shares = PosixDirectory::Open(
      absl::StrCat(data, "/", kKeysFolder, "/", kSharesFolder));
  if (!shares.ok()) return shares.status();
  SystemRandom random;
  const absl::StatusOr<WrappingKeys> wrapping =
      KeyFile(**keys, **shares, random).Load();
  if (!wrapping.ok() && !absl::IsNotFound(wrapping.status())) {
    return wrapping.status();
  }
  if (!wrapping.ok()) {
    std::fprintf(stderr,
                 "concordat-log-backup: no %s/%s: whether the payloads open "
                 "was not looked at\n",
                 kKeysFolder, kWrappingKeyFile);
  }
  const absl::StatusOr<FsckReport> report =
      CheckLog(log, wrapping.ok() ? &*wrapping : nullptr, random);
  if (!report.ok()) return report.status();
  if (!report->fault.ok()) return report->fault;
  return wrapping.ok();
}

absl::Status Empty(Directory& directory) {
  absl::StatusOr<std::vector<std::string>> names = directory.List();
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    absl::Status status = directory.Remove(name);
    if (!status.ok()) return status;
  }
  return directory.Sync();
}

absl::Status RestoreFrom(const Arguments& arguments, BackupActed& acted) {
  const absl::StatusOr<RestorePoint> point = PointOf(arguments.at);
  if (!point.ok()) return point.status();
  std::error_code error;
  if (!std::filesystem::is_directory(arguments.from, error)) {
    return absl::NotFoundError(absl::StrCat(arguments.from, ": no folder"));
  }
  const std::string log_path = absl::StrCat(arguments.data, "/", kLogFolder);
  const std::string restoring = absl::StrCat(arguments.data, "/", kRestoring);
  // Held to the end: no bus begins a log here meanwhile.
  auto there = PosixDirectory::OpenLocked(log_path);
  if (!there.ok()) return there.status();
  const auto names = (*there)->List();
  if (!names.ok()) return names.status();
  if (!names->empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        log_path,
        ": there is a log, and it is not written over; move it away"));
  }
  auto from = PosixDirectory::Open(arguments.from);
  if (!from.ok()) return from.status();
  auto places =
      PosixDirectory::Open(absl::StrCat(arguments.data, "/", kPlacesFolder));
  if (!places.ok()) return places.status();
  auto log = PosixDirectory::OpenLocked(restoring);
  if (!log.ok()) return log.status();
  auto keys =
      PosixDirectory::Open(absl::StrCat(arguments.data, "/", kKeysFolder));
  if (!keys.ok()) return keys.status();
  const absl::StatusOr<KeyTable> newest = LoadKeyTable(**keys);
  if (!newest.ok()) return newest.status();
  // Of a restore that did not end.
  absl::Status status = Empty(**log);
  if (!status.ok()) return status;
  const absl::StatusOr<RestoreReport> report = RestoreLog(
      **from, **log, **places, *point, SegmentStoreOptions().segment_bytes,
      SystemClock().Now(), *newest);
  if (!report.ok()) return report.status();
  const auto opened = Prove(arguments.data, **log);
  if (!opened.ok()) return opened.status();
  acted.sequence = report->last_sequence;
  acted.accepted_us = report->accepted_us;
  acted.opened = *opened;
  std::filesystem::rename(restoring, log_path, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("rename to ", log_path, ": ", error.message()));
  }
  auto parent = PosixDirectory::Open(
      std::filesystem::path(log_path).parent_path().string());
  if (!parent.ok()) return parent.status();
  status = (*parent)->Sync();
  if (status.ok()) status = RestoreAccess(arguments);
  if (!status.ok()) return status;
  std::printf(
      arguments.json
          ? "{\"log_id\":\"%s\",\"epoch\":%u,\"sequence\":%llu,"
            "\"accepted_time\":\"%s\",\"left_out\":%llu}\n"
          : "log %s begins epoch %u\nrestored through event %llu, accepted at "
            "%s\n%llu later events of the backup were left out\n",
      absl::BytesToHexString(AsView(report->log_id)).c_str(), report->epoch,
      static_cast<unsigned long long>(report->last_sequence),
      TimeOf(report->accepted_us).c_str(),
      static_cast<unsigned long long>(report->left_out));
  return absl::OkStatus();
}

// That it cannot be noted undoes nothing.
void Note(const Arguments& arguments, const BackupActed& acted) {
  std::error_code error;
  // Where nothing is kept of a hub, nothing is begun.
  if (!std::filesystem::is_directory(absl::StrCat(arguments.data, "/bus"),
                                     error)) {
    return;
  }
  const auto folder = PosixDirectory::OpenLocked(
      absl::StrCat(arguments.data, "/", kBackupRecordFolder));
  const absl::Status noted =
      folder.ok() ? NoteBackupActed(**folder, acted) : folder.status();
  if (noted.ok()) return;
  std::fprintf(stderr, "concordat-log-backup: it is not noted in %s: %s\n",
               kBackupRecordFolder, std::string(noted.message()).c_str());
}

std::optional<Arguments> Parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const absl::string_view flag = argv[i];
    const bool has_value = i + 1 < argc;
    if (flag == "--json") {
      arguments.json = true;
    } else if (flag == "--data" && has_value) {
      arguments.data = argv[++i];
    } else if (flag == "--to" && has_value) {
      arguments.to = argv[++i];
    } else if (flag == "--from" && has_value) {
      arguments.from = argv[++i];
    } else if (flag == "--at" && has_value) {
      arguments.at = argv[++i];
    } else if (flag != "--rate" || !has_value ||
               !absl::SimpleAtoi(argv[++i], &arguments.rate_mib) ||
               arguments.rate_mib == 0) {
      return std::nullopt;
    }
  }
  if (arguments.data.empty() ||
      arguments.to.empty() == arguments.from.empty() ||
      (arguments.from.empty() && !arguments.at.empty())) {
    return std::nullopt;
  }
  return arguments;
}

int Main(int argc, char** argv) {
  const std::optional<Arguments> arguments = Parse(argc, argv);
  if (!arguments.has_value()) {
    std::fprintf(stderr,
                 "usage: concordat-log-backup --data DIR --to DIR [--rate MIB] "
                 "[--json]\n"
                 "       concordat-log-backup --data DIR --from DIR "
                 "[--at SEQUENCE|TIME] [--json]\n");
    return 2;
  }
  const SystemSteadyClock steady;
  const absl::Duration began = steady.Elapsed();
  const bool is_backup = arguments->from.empty();
  BackupActed acted;
  acted.act = is_backup ? "backup" : "restore";
  acted.at = SystemClock().Now();
  const absl::Status status =
      is_backup ? BackUp(*arguments, acted) : RestoreFrom(*arguments, acted);
  acted.took = steady.Elapsed() - began;
  acted.status = status;
  Note(*arguments, acted);
  if (status.ok()) return 0;
  std::fprintf(stderr, "concordat-log-backup: %s\n",
               std::string(status.message()).c_str());
  return 1;
}

}  // namespace
}  // namespace concordat::bus

int main(int argc, char** argv) { return concordat::bus::Main(argc, argv); }
