#ifndef CONCORDAT_GATEWAY_API_ALERT_TASK_H_
#define CONCORDAT_GATEWAY_API_ALERT_TASK_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/api/upstream.h"

namespace concordat::gateway {

// Whether `alert_ref` is an open alert of the caller's about this person. Waits
// for the alerts service.
//   FAILED_PRECONDITION  it is not; for people.
//   UNAVAILABLE          nobody knows now; for people.
absl::Status CheckAlertTask(Upstream& upstream, const Caller& caller,
                            const std::string& subject,
                            const std::string& alert_ref,
                            absl::Duration timeout);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_API_ALERT_TASK_H_
