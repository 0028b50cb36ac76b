// Whether the hub's programs run, and how far each has come in the log.
#ifndef CONCORDAT_GATEWAY_CLI_DEMO_SETTLE_H_
#define CONCORDAT_GATEWAY_CLI_DEMO_SETTLE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "concordat/hub/v1/status.pb.h"
#include "gateway/cli/hub.h"
#include "gateway/cli/programs.h"
#include "services/common/base/clock.h"

namespace concordat::cli {

struct ProgramStatus {
  std::string program;
  absl::Status reached;  // Not OK: it does not answer.
  hub::v1::GetStatusResponse status;
};

// Each of these, in their order. One that does not answer within `timeout` says so in
// `reached`.
std::vector<ProgramStatus> AskAll(Hub& hub,
                                  const std::vector<HubProgram>& programs,
                                  absl::Duration timeout);

// Waits until every program of the registry is ready.
//   UNAVAILABLE  one is not; names it and why.
absl::Status WaitUntilReady(Hub& hub, const SteadyClock& clock,
                            absl::Duration timeout);

// Waits until every program has taken in the log up to its end, and the end
// has not moved meanwhile.
//   DEADLINE_EXCEEDED  one has not; names it.
absl::Status WaitUntilSettled(Hub& hub, const SteadyClock& clock,
                              absl::Duration timeout);

// Lets `duration` pass.
void Pause(absl::Duration duration);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_DEMO_SETTLE_H_
