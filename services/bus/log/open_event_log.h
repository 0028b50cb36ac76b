// The log as a program has it: files, key file, index and threads put together.
#ifndef CONCORDAT_SERVICES_BUS_LOG_OPEN_EVENT_LOG_H_
#define CONCORDAT_SERVICES_BUS_LOG_OPEN_EVENT_LOG_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/bus/log/durable_event_log.h"
#include "services/bus/log/key_file.h"
#include "services/common/base/random.h"
#include "services/common/storage/posix_directory.h"

namespace concordat::bus {

// Where a data directory has the log's files.
inline constexpr char kLogFolder[] = "bus/log";      // Segments.
inline constexpr char kIndexFolder[] = "bus/index";  // Derived.
inline constexpr char kKeysFolder[] = "keys";

struct OpenedEventLog {
  std::unique_ptr<PosixDirectory> directory;
  std::unique_ptr<DurableEventLog> log;  // Ends before its directory.
};

// Opens the log of `data_directory`, or begins it. `random` outlives the log.
//   NOT_FOUND, INVALID_ARGUMENT  the key file; else as DurableEventLog::Open,
//   and FAILED_PRECONDITION when another process has the log.
absl::StatusOr<OpenedEventLog> OpenEventLog(const std::string& data_directory,
                                            const EventLogOptions& options,
                                            Random& random);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_OPEN_EVENT_LOG_H_
