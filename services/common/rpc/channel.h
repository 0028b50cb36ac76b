// The calling side: a channel to one of our programs, and a call to any method
// by its name.
//
// Threads  Any. A call waits, so not on a gRPC thread.
#ifndef CONCORDAT_SERVICES_COMMON_RPC_CHANNEL_H_
#define CONCORDAT_SERVICES_COMMON_RPC_CHANNEL_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "services/common/config/data_directory.h"

namespace concordat {

// The URI that a program's certificate must have: that of its principal,
// "service-police" for "concordat-police"; for "concordat-adapter" that of the
// adapter; a program without one, "concordat-bus", is the operator's own.
std::string ServerUri(const PrincipalRegistry& registry,
                      absl::string_view program);

// A channel as `principal` to `program`, wherever it listens now (listener
// "grpc"). After a restart it may listen elsewhere: on UNAVAILABLE, ask again.
//   DEADLINE_EXCEEDED  it did not say where it listens in time.
//   NOT_FOUND          no keys for this principal.
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(
    const DataDirectory& data, absl::string_view program,
    absl::string_view principal, absl::Duration timeout);

struct CallOptions {
  absl::Duration timeout = absl::Seconds(10);
  std::string purpose = {};  // Empty: the registry's default.
  // Of one that speaks for others: in whose name it calls, and the account of
  // the person there. See server_host.h.
  std::string principal = {};
  std::string staff = {};
  std::string traceparent = {};
};

// Calls "concordat.mappa.v1.MappaService/OpenCase" with the request's bytes and
// returns the response's. Errors are the server's, or
//   UNAVAILABLE, DEADLINE_EXCEEDED
absl::StatusOr<std::string> GenericCall(
    const std::shared_ptr<grpc::Channel>& channel, absl::string_view method,
    absl::string_view request, const CallOptions& options);

// Calls a server-streaming method; `on_message` gets each response's bytes and
// returns false to end it. Returns how the stream ended, OK after false.
absl::Status GenericServerStream(
    const std::shared_ptr<grpc::Channel>& channel, absl::string_view method,
    absl::string_view request, const CallOptions& options,
    const std::function<bool(std::string)>& on_message);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_RPC_CHANNEL_H_
