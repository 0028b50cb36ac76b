#include "services/bus/log/open_event_log.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/bus/log/rocks_index_store.h"

namespace concordat::bus {

absl::StatusOr<OpenedEventLog> OpenEventLog(const std::string& data_directory,
                                            const EventLogOptions& options,
                                            Random& random) {
  absl::StatusOr<std::unique_ptr<PosixDirectory>> keys =
      PosixDirectory::Open(absl::StrCat(data_directory, "/", kKeysFolder));
  if (!keys.ok()) return keys.status();
  absl::StatusOr<std::unique_ptr<PosixDirectory>> shares = PosixDirectory::Open(
      absl::StrCat(data_directory, "/", kKeysFolder, "/", kSharesFolder));
  if (!shares.ok()) return shares.status();
  absl::StatusOr<WrappingKeys> wrapping =
      KeyFile(**keys, **shares, random).Load();
  if (!wrapping.ok()) return wrapping.status();
  absl::StatusOr<std::unique_ptr<PosixDirectory>> directory =
      PosixDirectory::OpenLocked(absl::StrCat(data_directory, "/", kLogFolder));
  if (!directory.ok()) return directory.status();
  absl::StatusOr<std::unique_ptr<RocksIndexStore>> index =
      RocksIndexStore::Open(absl::StrCat(data_directory, "/", kIndexFolder));
  if (!index.ok()) return index.status();
  absl::StatusOr<std::unique_ptr<DurableEventLog>> log = DurableEventLog::Open(
      options, **directory, *std::move(wrapping), *std::move(index),
      std::make_unique<BackgroundThread>(), random);
  if (!log.ok()) return log.status();
  return OpenedEventLog{*std::move(directory), *std::move(log)};
}

}  // namespace concordat::bus
