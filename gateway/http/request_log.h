// One line a request, in a file that is only ever appended to: routes instead of
// paths, principals, no person and no account. Who asked for what of whom, for
// which purpose and on whose behalf, stands in the access records of the
// services, which are durable; this is for finding out what went wrong.
//
//   2025-11-04T09:30:00.000000+00:00 id=3f… principal=police method=POST
//   route=/concordat.* status=200 in=64 out=812 us=1840
#ifndef CONCORDAT_GATEWAY_HTTP_REQUEST_LOG_H_
#define CONCORDAT_GATEWAY_HTTP_REQUEST_LOG_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace concordat::gateway {

struct RequestRecord {
  absl::Time at;
  absl::string_view id;
  absl::string_view principal;  // Empty: nobody, or not looked at.
  absl::string_view method;
  absl::string_view route;  // Its pattern; empty: refused before.
  unsigned status = 0;
  size_t bytes_in = 0;
  size_t bytes_out = 0;
  absl::Duration duration;
};

// Threads  Any.
class RequestLog {
 public:
  virtual ~RequestLog() = default;
  // Does not wait for the disk.
  virtual void Append(const RequestRecord& record) = 0;
};

// Opens or makes the file, mode 0600.
//   FAILED_PRECONDITION  it cannot be.
absl::StatusOr<std::unique_ptr<RequestLog>> OpenRequestLog(
    const std::string& path);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_HTTP_REQUEST_LOG_H_
