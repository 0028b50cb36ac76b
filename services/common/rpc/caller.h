// Who calls, in whose name, for what purpose and until when: what ServerHost asks
// of every call, in the order that its head has.
//
// Threads  Any.
#ifndef CONCORDAT_SERVICES_COMMON_RPC_CALLER_H_
#define CONCORDAT_SERVICES_COMMON_RPC_CALLER_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/server_context.h"
#include "services/common/config/principal_registry.h"
#include "services/common/rpc/call.h"
#include "services/common/telemetry/metrics.h"

namespace concordat {

struct CallRules {
  const std::vector<std::string>& roles;  // None: every principal.
  // One who speaks for others may call it in nobody's name.
  bool is_for_doors = false;
  // When its deadline is at the latest; infinite: it needs none.
  absl::Time latest;
};

// Fills `call`, whose method is known. No rules: there is no such method.
//   As the head of server_host.h has them.
absl::StatusOr<Call> JudgeCaller(
    const grpc::ServerContextBase& context, Call call,
    std::shared_ptr<const PrincipalRegistry> registry,
    const std::optional<CallRules>& rules);

// Counts a call of `method` that JudgeCaller() refused.
void CountRefused(const std::string& method, const absl::Status& refusal,
                  Metrics& metrics);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_RPC_CALLER_H_
