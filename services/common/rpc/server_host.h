// A gRPC server on loopback for one program. What every call needs is done
// here, once: mutual TLS, who it is, its role, purpose, deadline, the access
// record, metrics, and status codes. A handler has none of that.
//
//   ServerHost host(options, registry, clock, log, metrics, access);
//   host.Handle<StartManagementRequest, hub::v1::CommandReply>(
//       "concordat.police.v1.PoliceService/StartManagement", {{"police"}},
//       [&](const Call& call, const StartManagementRequest& request) {…});
//   start.Value(host.Start());
//
// Every call is judged in this order:
//   UNAUTHENTICATED    no such principal in the registry now, revoked, or a
//                      certificate of another environment or for another key
//                      than the registry has for it
//   UNIMPLEMENTED      no such method
//   PERMISSION_DENIED  it calls in the name of one it may not speak for or that
//                      is revoked; or in nobody's name, and speaks for others
//   PERMISSION_DENIED  the method is not for this principal's role
//   INVALID_ARGUMENT   no deadline, a purpose that is not one, bad bytes
//   RESOURCE_EXHAUSTED the queue of waiting calls is full; try again later
//   DEADLINE_EXCEEDED  it waited too long; the handler did not run
//   UNAVAILABLE        the access could not be recorded: nothing is answered,
//                      and the program's health is critical ("access")
//
// Delegation  A principal of the registry with `speaks_for` (the gateway) calls
//           in the name of another: metadata concordat-principal has the name,
//           concordat-staff the account of the person, 1 to 64 printable
//           characters without spaces. From there on the call is that of the
//           one named, with its role, agency, purpose and nothing of the
//           caller's; handlers find the caller in Call::via.
// Threads   Handle* before Start(). Handlers run one at a time on the host's
//           own thread, except those marked inline, which run on gRPC's and
//           must never wait.
// Also      concordat.hub.v1.StatusService and grpc.health.v1.Health, which
//           any certificate of our CA may ask (the latter is gRPC's own).
#ifndef CONCORDAT_SERVICES_COMMON_RPC_SERVER_HOST_H_
#define CONCORDAT_SERVICES_COMMON_RPC_SERVER_HOST_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "concordat/hub/v1/status.pb.h"
#include "concordat/hub/v1/watch.pb.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/byte_buffer.h"
#include "services/common/base/clock.h"
#include "services/common/config/live_registry.h"
#include "services/common/rpc/access_log.h"
#include "services/common/rpc/call.h"
#include "services/common/rpc/persons.h"
#include "services/common/rpc/status.h"
#include "services/common/telemetry/health.h"
#include "services/common/telemetry/log.h"
#include "services/common/telemetry/metrics.h"

namespace concordat {

struct ServerHostOptions {
  std::string program = {};  // "concordat-police"
  uint16_t port = 0;         // On 127.0.0.1; 0: any.
  TlsCredentials tls = {};
  absl::Duration deadline_max = absl::Seconds(60);  // Longer ones are cut.
  size_t queue_max = 256;  // Calls that wait for the host's thread.
  int message_bytes_max = 1 << 20;
  // Written to one stream and not yet sent: who reads slower is cut.
  size_t stream_messages_max = 4096;
  size_t stream_bytes_max = 16u << 20;
  absl::Duration drain = absl::Seconds(2);  // For calls under way at Stop().
  // A certificate that ends within this is said, and what is wrong so often.
  absl::Duration expiry_warning = absl::Hours(24 * 30);
  absl::Duration repeat_every = absl::Minutes(10);
};

// The times of `settings`, which are checked.
void SetWatch(const hub::v1::WatchSettings& settings,
              ServerHostOptions* options);

struct MethodOptions {
  std::vector<std::string> roles;  // Of the registry; none: every principal.
  bool is_inline = false;          // Never waits, is not recorded.
};

// The answering side of a call that is not answered on the spot. Threads  Any.
class RawStream {
 public:
  virtual ~RawStream() = default;
  // One message, when the status is OK, and the end. The first end counts.
  virtual void Answer(const absl::Status& status, grpc::ByteBuffer message) = 0;
  // The same with a message about these, once it is recorded that the call reached
  // them; UNAVAILABLE instead when it cannot be.
  virtual void AnswerAbout(CallPersons persons, grpc::ByteBuffer message) = 0;
  // False: the stream has ended; the caller has gone or did not keep up.
  virtual bool Write(grpc::ByteBuffer message) = 0;
  // Has it recorded, elsewhere, that the call reached these. False: it cannot be,
  // and the stream has ended.
  virtual bool Record(CallPersons persons) = 0;
  // The first one counts.
  virtual void Finish(const absl::Status& status) = 0;
};

// The answering side of a call that has messages both ways. Threads  Any.
class RawSession : public RawStream {
 public:
  // Asks for one more message of the caller's; the host asks for the first.
  virtual void Read() = 0;
  // Ends it at once, losing what was not sent.
  virtual void Cut() = 0;
};

// What is told of such a call, on gRPC's threads: it must never wait.
class SessionListener {
 public:
  virtual ~SessionListener() = default;
  // What one Read() asked for.
  virtual void OnMessage(grpc::ByteBuffer message) = 0;
  // Nothing more comes, whoever ended it. The last one, once.
  virtual void OnEnd() = 0;
};

// Answers a call once, from any thread; never waits.
template <typename Response>
using Reply = std::function<void(absl::StatusOr<Response>)>;

template <typename Response>
class ResponseStream {
 public:
  explicit ResponseStream(std::shared_ptr<RawStream> raw)
      : raw_(std::move(raw)) {}
  bool Write(const Response& message) {
    CallPersons persons;
    persons.Add(message);
    grpc::ByteBuffer bytes;
    bool own = false;
    return grpc::SerializationTraits<Response>::Serialize(message, &bytes, &own)
               .ok() &&
           (persons.subjects.empty() || raw_->Record(std::move(persons))) &&
           raw_->Write(std::move(bytes));
  }
  void Finish(const absl::Status& status) { raw_->Finish(status); }

 private:
  std::shared_ptr<RawStream> raw_;
};

class ServerHost {
 public:
  // All but the options must outlive it.
  ServerHost(ServerHostOptions options, RegistrySource registry,
             const Clock& clock, const Logger& log, Metrics& metrics,
             AccessLog& access);
  ~ServerHost();  // Stop().

  template <typename Request, typename Response>
  void Handle(
      std::string method, MethodOptions options,
      std::function<absl::StatusOr<Response>(const Call&, const Request&)>
          handler) {
    AddUnary(std::move(method), std::move(options),
             [handler = std::move(handler)](
                 const Call& call, grpc::ByteBuffer* in, grpc::ByteBuffer* out,
                 CallPersons& persons) -> absl::Status {
               Request request;
               if (!Parse(in, &request)) return BadBytes();
               persons.AddRequest(request);
               const absl::StatusOr<Response> response = handler(call, request);
               if (!response.ok()) return response.status();
               persons.Add(*response);
               return Serialize(*response, out);
             });
  }

  // For what other threads do: the handler sets it going and returns. It is
  // recorded before the handler runs, with the persons that were asked about, and
  // once more before an answer about others goes out; who answers waits for neither.
  template <typename Request, typename Response>
  void HandleLater(
      std::string method, MethodOptions options,
      std::function<void(const Call&, const Request&, Reply<Response>)>
          handler) {
    AddStream(
        std::move(method), std::move(options), /*needs_deadline=*/true,
        [handler = std::move(handler)](
            const Call& call, grpc::ByteBuffer* in, const Recorder& record,
            std::shared_ptr<RawStream> raw) -> absl::Status {
          Request request;
          if (!Parse(in, &request)) return BadBytes();
          const absl::Status recorded = RecordRequest(request, record);
          if (!recorded.ok()) return recorded;
          CallPersons asked;
          asked.AddRequest(request);
          handler(call, request,
                  [raw = std::move(raw), asked = std::move(asked)](
                      absl::StatusOr<Response> response) {
                    grpc::ByteBuffer bytes;
                    absl::Status status = response.status();
                    if (status.ok()) status = Serialize(*response, &bytes);
                    CallPersons others;
                    if (status.ok()) others.Add(*response);
                    others.Remove(asked);
                    if (others.subjects.empty()) {
                      raw->Answer(status, std::move(bytes));
                    } else {
                      raw->AnswerAbout(std::move(others), std::move(bytes));
                    }
                  });
          return absl::OkStatus();
        });
  }

  // The handler starts the stream and returns; it is recorded as it opens, and the
  // persons of each message soon after it is written. Such a call needs no
  // deadline. An error ends the stream.
  template <typename Request, typename Response>
  void HandleStream(
      std::string method, MethodOptions options,
      std::function<absl::Status(const Call&, const Request&,
                                 std::shared_ptr<ResponseStream<Response>>)>
          handler) {
    AddStream(
        std::move(method), std::move(options), /*needs_deadline=*/false,
        [handler = std::move(handler)](
            const Call& call, grpc::ByteBuffer* in, const Recorder& record,
            std::shared_ptr<RawStream> raw) -> absl::Status {
          Request request;
          if (!Parse(in, &request)) return BadBytes();
          const absl::Status recorded = RecordRequest(request, record);
          if (!recorded.ok()) return recorded;
          return handler(
              call, request,
              std::make_shared<ResponseStream<Response>>(std::move(raw)));
        });
  }

  // The handler makes the listener of a call that has messages both ways, or
  // finishes it and returns null; it is recorded as it opens, and needs no deadline.
  using SessionHandler = std::function<std::shared_ptr<SessionListener>(
      const Call&, std::shared_ptr<RawSession>)>;
  void HandleSession(std::string method, MethodOptions options,
                     SessionHandler handler);

  // Fills what a process knows of itself: ready, position, log_end, degraded.
  // Called on any thread, from Start() to Stop(); never waits. Without it: ready,
  // position 0.
  void SetStatus(std::function<void(hub::v1::GetStatusResponse*)> status);

  // What else is asked whether something is wrong, before Start(): it stands in
  // the state, in the metrics (concordat_trouble) and in the log. The host itself
  // adds certificates that end soon.
  Health& health();

  // Runs `task` on the thread that handlers run on. False: the queue is full.
  bool Post(std::function<void()> task);

  // Returns the port.
  //   UNAVAILABLE  it is taken, or the certificate is not usable.
  absl::StatusOr<uint16_t> Start();
  // Takes no new call, gives those under way `drain`, then cuts them off.
  void Stop();

 private:
  class Reactor;
  class Service;
  struct Method;
  struct State;
  using UnaryHandler = std::function<absl::Status(
      const Call&, grpc::ByteBuffer*, grpc::ByteBuffer*, CallPersons&)>;
  using Recorder = std::function<absl::Status(const CallPersons&)>;
  using StreamHandler =
      std::function<absl::Status(const Call&, grpc::ByteBuffer*,
                                 const Recorder&, std::shared_ptr<RawStream>)>;

  static absl::Status RecordRequest(const google::protobuf::Message& request,
                                    const Recorder& record) {
    CallPersons persons;
    persons.AddRequest(request);
    return record(persons);
  }
  template <typename Request>
  static bool Parse(grpc::ByteBuffer* in, Request* request) {
    return grpc::SerializationTraits<Request>::Deserialize(in, request).ok();
  }
  template <typename Response>
  static absl::Status Serialize(const Response& response,
                                grpc::ByteBuffer* out) {
    bool own = false;
    return FromGrpc(
        grpc::SerializationTraits<Response>::Serialize(response, out, &own));
  }
  static absl::Status BadBytes() {
    return absl::InvalidArgumentError("the request is not of its type");
  }
  void Add(Method method);
  void AddUnary(std::string name, MethodOptions options, UnaryHandler handler);
  void AddStream(std::string name, MethodOptions options, bool needs_deadline,
                 StreamHandler handler);

  std::unique_ptr<State> state_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_RPC_SERVER_HOST_H_
