// The programs of the hub, as the gateway calls them: in the name of whoever
// asks, with that principal's rights and none of its own.
#ifndef CONCORDAT_GATEWAY_API_UPSTREAM_H_
#define CONCORDAT_GATEWAY_API_UPSTREAM_H_

#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/http/caller.h"
#include "gateway/http/request.h"
#include "google/protobuf/descriptor.h"
#include "services/common/base/mutex.h"
#include "services/common/config/data_directory.h"
#include "services/common/config/live_registry.h"
#include "services/common/rpc/channel.h"

namespace concordat::gateway {

// For `caller`, with the purpose that the request says in Concordat-Purpose,
// else the caller's own.
//   INVALID_ARGUMENT   that is no purpose.
//   PERMISSION_DENIED  the caller's session has not chosen it.
absl::StatusOr<CallOptions> OptionsFor(const Request& request,
                                       const Caller& caller,
                                       absl::Duration timeout);

// Threads  Any.
class Upstream {
 public:
  Upstream(DataDirectory data, RegistrySource registry);

  // The program that a call is for: the one that Concordat-Program names, else
  // the method's own; for an edge that of the caller's agency.
  //   INVALID_ARGUMENT  no name of a program.
  absl::StatusOr<std::string> ProgramFor(
      const google::protobuf::MethodDescriptor& method, const Request& request,
      const Caller& caller) const;

  // Kept. Never waits.
  //   UNAVAILABLE  the program does not run.
  absl::StatusOr<std::shared_ptr<grpc::Channel>> ChannelTo(
      absl::string_view program);
  // After UNAVAILABLE: it may have come back at another port.
  void Forget(absl::string_view program);

  // Waits for the answer: not on a server's own thread.
  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(absl::string_view program,
                                absl::string_view method,
                                const Request& request,
                                const CallOptions& options) {
    const auto bytes =
        CallBytes(program, method, request.SerializeAsString(), options);
    if (!bytes.ok()) return bytes.status();
    Response response;
    if (!response.ParseFromString(*bytes)) {
      return absl::InternalError(
          absl::StrCat(method, " answered with something else"));
    }
    return response;
  }
  absl::StatusOr<std::string> CallBytes(absl::string_view program,
                                        absl::string_view method,
                                        absl::string_view request,
                                        const CallOptions& options);

 private:
  const DataDirectory data_;
  const RegistrySource registry_;
  Mutex mu_;
  std::map<std::string, std::shared_ptr<grpc::Channel>, std::less<>> channels_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_API_UPSTREAM_H_
