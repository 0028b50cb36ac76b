// Who asked what of this service, for which purpose, and how it ended: one line
// a call in a file that is only ever appended to. No identifiers, no payloads.
//
//   2025-11-04T09:30:00.000000+00:00 principal=coordinator
//   agency=mappa-tayside via=gateway staff=m.carnbee method=…/DecideReferral
//   purpose=… outcome=OK us=812
#ifndef CONCORDAT_SERVICES_COMMON_RPC_ACCESS_LOG_H_
#define CONCORDAT_SERVICES_COMMON_RPC_ACCESS_LOG_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace concordat {

struct AccessRecord {
  absl::Time at;
  absl::string_view principal;  // Empty: unknown.
  absl::string_view agency;
  absl::string_view via;    // Empty: it called itself.
  absl::string_view staff;  // No spaces; empty: not said.
  absl::string_view method;
  absl::string_view purpose;
  absl::StatusCode outcome = absl::StatusCode::kOk;
  absl::Duration duration;
};

// Threads  Any.
class AccessLog {
 public:
  virtual ~AccessLog() = default;
  // When it returns OK the record survives a power cut.
  //   UNAVAILABLE  it does not; what was asked for must not be given.
  virtual absl::Status Append(const AccessRecord& record) = 0;
};

// Opens or makes the file, mode 0600.
//   FAILED_PRECONDITION  it cannot be.
absl::StatusOr<std::unique_ptr<AccessLog>> OpenAccessLog(
    const std::string& path);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_RPC_ACCESS_LOG_H_
