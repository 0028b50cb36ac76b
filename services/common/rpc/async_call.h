// The calling side for those who must not wait: calls to any method by its name
// that answer by a callback.
//
// Threads  Any. Callbacks run on gRPC's threads and must not wait. Letting go of
//          what Start* returns changes nothing: a call ends by itself or by
//          Cancel().
#ifndef CONCORDAT_SERVICES_COMMON_RPC_ASYNC_CALL_H_
#define CONCORDAT_SERVICES_COMMON_RPC_ASYNC_CALL_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "grpcpp/channel.h"
#include "services/common/rpc/channel.h"

namespace concordat {

// Payload of a status that came with details: the bytes of google.rpc.Status.
inline constexpr char kStatusDetailsUrl[] =
    "type.googleapis.com/google.rpc.Status";

class AsyncCall {
 public:
  virtual ~AsyncCall() = default;
  // It ends soon, CANCELLED unless it ended before; still called back.
  virtual void Cancel() = 0;
};

// As GenericCall(). `done` runs once.
std::shared_ptr<AsyncCall> StartGenericCall(
    const std::shared_ptr<grpc::Channel>& channel, absl::string_view method,
    absl::string_view request, const CallOptions& options,
    std::function<void(absl::StatusOr<std::string>)> done);

struct AsyncStreamEvents {
  std::function<void(std::string)> on_message;      // Once for each Read().
  std::function<void(const absl::Status&)> on_end;  // The last one, once.
};

class AsyncStream : public AsyncCall {
 public:
  // Asks for the next message. One at a time.
  virtual void Read() = 0;
};

// A server-streaming method. Nothing is read before Read(), so that whoever
// passes it on goes at its reader's pace; its end too is told to one who reads
// or cancels.
std::shared_ptr<AsyncStream> StartGenericStream(
    const std::shared_ptr<grpc::Channel>& channel, absl::string_view method,
    absl::string_view request, const CallOptions& options,
    AsyncStreamEvents events);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_RPC_ASYNC_CALL_H_
