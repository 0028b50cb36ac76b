// POST /concordat.<package>.v1.<Service>/<Method>: every method of the hub by
// the Connect protocol, forwarded in the caller's name. It knows no service by
// name: messages are as the descriptor set has them.
//
// Threads  Handlers run on the server's thread and gRPC's; none waits.
#ifndef CONCORDAT_GATEWAY_API_CONNECT_DOOR_H_
#define CONCORDAT_GATEWAY_API_CONNECT_DOOR_H_

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/api/connect.h"
#include "gateway/api/upstream.h"
#include "gateway/common/schemas.h"
#include "gateway/http/router.h"
#include "services/common/base/mutex.h"
#include "services/common/telemetry/metrics.h"

namespace concordat::gateway {

struct CallLimits {
  absl::Duration timeout = absl::Seconds(10);  // Of a call that says none.
  absl::Duration timeout_max = absl::Seconds(60);
};

class ConnectDoor {
 public:
  // All outlive it.
  ConnectDoor(const Schemas& schemas, Upstream& upstream, CallLimits limits,
              Metrics& metrics);
  // Waits until every call has ended, as those do that nobody waits for any
  // more: after the server has stopped.
  ~ConnectDoor();
  void Register(Router& router);

 private:
  struct Call;
  void Handle(const std::shared_ptr<Exchange>& exchange);
  // The method, program, channel and bytes, or why not.
  absl::Status Prepare(const Request& request, const Caller& caller,
                       Call* call) const;
  void Unary(const std::shared_ptr<Exchange>& exchange, Call call);
  void Stream(const std::shared_ptr<Exchange>& exchange, Call call);
  void Count(const google::protobuf::MethodDescriptor& method,
             const absl::Status& status);
  void CallBegins();
  void CallEnds();

  const Schemas& schemas_;
  Upstream& upstream_;
  const CallLimits limits_;
  Metrics& metrics_;
  Mutex mu_;
  CondVar changed_;
  int calls_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_API_CONNECT_DOOR_H_
