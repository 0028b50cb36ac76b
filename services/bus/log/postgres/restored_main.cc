// concordat-log-restored: the database of the log was restored to a moment before its
// end, by PostgreSQL's own means. Begins an epoch on it. What `concordat log restored`
// runs; no bus runs meanwhile.
//
//   concordat-log-restored --data DIR [--json]
//
// Exit: 0 done, 1 not done; the message says why and what to do.
#include <unistd.h>

#include <cstdio>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "concordat/bus/v1/settings.pb.h"
#include "services/bus/log/open_event_log.h"
#include "services/bus/log/postgres/restored_log.h"
#include "services/bus/log/segment_store.h"
#include "services/common/base/bytes.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"
#include "services/common/config/data_directory.h"
#include "services/common/config/settings.h"
#include "services/common/storage/posix_directory.h"

namespace concordat::bus {
namespace {

absl::Status Run(const std::string& path, bool as_json) {
  const auto data = DataDirectory::Open(path);
  if (!data.ok()) return data.status();
  v1::StoreSettings settings;
  absl::Status status = LoadCheckedSettings(*data, kStoreSettings, &settings);
  if (!status.ok()) return status;
  if (settings.postgres() == 0) {
    return absl::FailedPreconditionError(
        "this data directory has its log in files: concordat log restore");
  }
  PostgresOptions options;
  options.one_server = settings.one_server() != 0;
  const auto conninfo = data->LoadPostgresConnection();
  if (!conninfo.ok()) return conninfo.status();
  options.conninfo = *conninfo;
  options.name = "concordat-log-restored";
  const auto keys = PosixDirectory::Open(absl::StrCat(path, "/", kKeysFolder));
  if (!keys.ok()) return keys.status();
  const auto shares = PosixDirectory::Open(
      absl::StrCat(path, "/", kKeysFolder, "/", kSharesFolder));
  if (!shares.ok()) return shares.status();
  SystemRandom random;
  KeyFile file(**keys, **shares, random);
  const auto wrapping = file.Load();
  if (!wrapping.ok()) return wrapping.status();
  const auto newest = file.LoadTable();
  if (!newest.ok()) return newest.status();
  // A bus that runs on this directory has it.
  const auto log =
      PosixDirectory::OpenLocked(absl::StrCat(path, "/", kLogFolder));
  if (!log.ok()) return log.status();
  const auto report = BeginEpochAfterRestore(
      options, absl::StrCat("restored-", getpid()), **log, *wrapping, *newest,
      SegmentStoreOptions().segment_bytes, SystemClock().Now());
  if (!report.ok()) return report.status();
  std::printf(
      as_json ? "{\"log_id\":\"%s\",\"epoch\":%u,\"sequence\":%llu,"
                "\"known_sequence\":%llu,\"key_table\":%s}\n"
              : "log %s begins epoch %u\nthe database has it through event "
                "%llu; this data directory knew of %llu\na newer key table was "
                "applied: %s\n",
      absl::BytesToHexString(AsView(report->log_id)).c_str(), report->epoch,
      static_cast<unsigned long long>(report->last_sequence),
      static_cast<unsigned long long>(report->known_sequence),
      report->table ? (as_json ? "true" : "yes") : (as_json ? "false" : "no"));
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  std::string data;
  bool as_json = false;
  for (int i = 1; i < argc; ++i) {
    const absl::string_view flag = argv[i];
    if (flag == "--json") {
      as_json = true;
    } else if (flag == "--data" && i + 1 < argc) {
      data = argv[++i];
    } else {
      data.clear();
      break;
    }
  }
  if (data.empty()) {
    std::fprintf(stderr, "usage: concordat-log-restored --data DIR [--json]\n");
    return 1;
  }
  const absl::Status status = Run(data, as_json);
  if (status.ok()) return 0;
  std::fprintf(stderr, "concordat-log-restored: %s\n",
               std::string(status.message()).c_str());
  return 1;
}

}  // namespace
}  // namespace concordat::bus

int main(int argc, char** argv) { return concordat::bus::Main(argc, argv); }
