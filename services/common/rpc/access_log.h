// Who asked what of this service, about whom, for which purpose, and how it ended:
// a record a call, in a chain that is only ever appended to
// (services/common/storage/record_chain.h; concordat.access.v1.Record). Person keys
// are in it, and no payload and no other identifier.
#ifndef CONCORDAT_SERVICES_COMMON_RPC_ACCESS_LOG_H_
#define CONCORDAT_SERVICES_COMMON_RPC_ACCESS_LOG_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "concordat/access/v1/records.pb.h"
#include "services/common/base/mutex.h"
#include "services/common/rpc/persons.h"
#include "services/common/storage/record_chain.h"
#include "services/common/storage/storage.h"
#include "services/common/telemetry/health.h"

namespace concordat {

struct AccessRecord {
  absl::Time at;
  absl::string_view principal;  // Empty: unknown.
  absl::string_view agency;
  absl::string_view role;
  absl::string_view via;    // Empty: it called itself.
  absl::string_view staff;  // No spaces; empty: not said.
  absl::string_view method;
  absl::string_view purpose;
  absl::StatusCode outcome = absl::StatusCode::kOk;
  absl::Duration duration;
  // Of what was asked and, when it went well, answered. Null: nobody.
  const CallPersons* persons = nullptr;
};

// Threads  Any.
class AccessLog {
 public:
  virtual ~AccessLog() = default;
  // When it returns OK the record survives a power cut.
  //   UNAVAILABLE  it does not; what was asked for must not be given.
  virtual absl::Status Append(const AccessRecord& record) = 0;
};

// Another one that knows whether it could be written to last, for the program's health.
//
// Threads  Any.
class WatchedAccessLog : public AccessLog {
 public:
  // `log` outlives it.
  WatchedAccessLog(AccessLog& log) : log_(log) {}  // NOLINT: it is one.

  absl::Status Append(const AccessRecord& record) override;
  // Critical "access" while it cannot be.
  void Judge(Troubles& troubles) const;

 private:
  AccessLog& log_;
  std::atomic<bool> failed_ = false;
};

// What a record of a call is kept as.
access::v1::Record RecordOf(const AccessRecord& record);

// An access log on disk, and the records of other kinds that its program adds.
//
// Threads  Any.
class AccessStore : public AccessLog {
 public:
  // Says what time it is in the log; 0: it is not known.
  using LogTime = std::function<uint64_t()>;

  // `directory` outlives it.
  //   As RecordChain::Open.
  static absl::StatusOr<std::unique_ptr<AccessStore>> Open(
      Directory& directory, LogTime log_time = [] { return uint64_t{0}; });

  // Of a folder that another process may be writing to; it takes no records.
  //   NOT_FOUND  there is none.  As RecordChain::OpenToRead.
  static absl::StatusOr<std::unique_ptr<AccessStore>> OpenToRead(
      const std::string& folder);

  absl::Status Append(const AccessRecord& record) override;
  // All of them, with one sync for two megabytes; log_time as they have it.
  //   UNAVAILABLE  as above.
  absl::Status Add(absl::Span<const access::v1::Record> records);

  uint64_t size() const { return chain_->size(); }
  // Calls `visit` with the number and the record, from `first` on, and with the
  // bytes that it is stored as. Its error ends it and is the answer.
  //   DATA_LOSS, UNAVAILABLE
  using Visit = absl::FunctionRef<absl::Status(uint64_t number,
                                               const access::v1::Record& record,
                                               absl::string_view bytes)>;
  absl::Status Read(uint64_t first, Visit visit) const;

 private:
  friend absl::StatusOr<std::unique_ptr<AccessStore>> OpenAccessLog(
      const std::string& folder, LogTime log_time);
  AccessStore(std::unique_ptr<RecordChain> chain, LogTime log_time)
      : chain_(std::move(chain)), log_time_(std::move(log_time)) {}

  std::unique_ptr<Directory> own_directory_;  // Null: somebody else's.
  const std::unique_ptr<RecordChain> chain_;
  const LogTime log_time_;
  Mutex mu_;  // Held across the disk: who appends waits for its turn.
};

// The store in a folder of its own, which is made when it is not there.
//   FAILED_PRECONDITION  it cannot be.  DATA_LOSS  it is damaged.
absl::StatusOr<std::unique_ptr<AccessStore>> OpenAccessLog(
    const std::string& folder,
    AccessStore::LogTime log_time = [] { return uint64_t{0}; });

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_RPC_ACCESS_LOG_H_
