// Registers a command with a gRPC host: the request's command and subject, the
// caller and its purpose go to the runner, and the service says only what the
// request means. A command that does not say when happens now, by the log's time.
#ifndef CONCORDAT_SERVICES_COMMON_PROJECTION_HANDLE_COMMAND_H_
#define CONCORDAT_SERVICES_COMMON_PROJECTION_HANDLE_COMMAND_H_

#include <functional>
#include <string>
#include <utility>

#include "services/common/projection/command_runner.h"
#include "services/common/rpc/server_host.h"

namespace concordat {

// `Request` has `command` and `subject`. `plan` may refer to the request: it is
// run before the handler returns.
template <typename Request>
void HandleCommand(
    ServerHost& host, CommandRunner& runner, std::string method,
    MethodOptions options,
    std::function<absl::StatusOr<CommandPlan>(const Call&, const Request&)>
        plan) {
  host.Handle<Request, hub::v1::CommandReply>(
      std::move(method), std::move(options),
      [&runner, plan = std::move(plan)](const Call& call, const Request& sent)
          -> absl::StatusOr<hub::v1::CommandReply> {
        Request request = sent;
        if (request.command().time() == 0) {
          request.mutable_command()->set_time(runner.NowMicros());
        }
        auto planned = plan(call, request);
        if (!planned.ok()) return planned.status();
        return runner.Run({.principal = call.principal,
                           .purpose = call.purpose,
                           .deadline = call.deadline,
                           .command = request.command(),
                           .subject = request.subject(),
                           .plan = *std::move(planned),
                           .traceparent = call.traceparent});
      });
}

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_PROJECTION_HANDLE_COMMAND_H_
