#ifndef CONCORDAT_GATEWAY_CLI_GATEWAY_PROBE_H_
#define CONCORDAT_GATEWAY_CLI_GATEWAY_PROBE_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/common/config/data_directory.h"

namespace concordat::cli {

// Asks the gateway for /healthz over TLS, as a browser would; each step waits
// for `timeout` at most.
//   UNAVAILABLE  it does not run, does not answer, not with 200, or shows a
//                certificate that is not of this hub's authority; says which.
absl::Status ProbeGateway(const DataDirectory& data, absl::Duration timeout);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_GATEWAY_PROBE_H_
