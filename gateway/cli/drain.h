#ifndef CONCORDAT_GATEWAY_CLI_DRAIN_H_
#define CONCORDAT_GATEWAY_CLI_DRAIN_H_

#include <string>

#include "absl/status/status.h"
#include "concordat/bus/v1/service.pb.h"
#include "gateway/cli/hub.h"

namespace concordat::cli {

// Drains the bus and shows whom it waits for, until it may be stopped.
absl::Status DrainBus(Hub& hub, const std::string& why);
absl::Status ResumeBus(Hub& hub, const std::string& why);
// `until`: a time, or how long from now.
absl::Status Maintain(Hub& hub, bool over, const std::string& until,
                      const std::string& why);

// What `log status` says of both; nothing when there is neither.
void PrintOperation(const bus::v1::GetLogStatusResponse& status);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_DRAIN_H_
