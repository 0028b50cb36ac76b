#include "gateway/api/connect_door.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/http/status.h"
#include "services/common/rpc/async_call.h"

namespace concordat::gateway {
namespace {

using ::google::protobuf::MethodDescriptor;

// The bytes of an answer in the caller's codec.
absl::StatusOr<std::string> Encode(const Schemas& schemas,
                                   const MethodDescriptor& method, Codec codec,
                                   std::string bytes) {
  if (codec == Codec::kProto) return bytes;
  return schemas.ToJson(*method.output_type(), bytes);
}

// Passes one stream on, at the reader's pace: the next message is read when the
// one before is sent.
class Relay : public std::enable_shared_from_this<Relay> {
 public:
  using Encoder = std::function<absl::StatusOr<std::string>(std::string)>;
  using Done = std::function<void(const absl::Status&)>;
  Relay(Encoder encode, Done done)
      : encode_(std::move(encode)), done_(std::move(done)) {}

  // `start` begins the call with the events it is given.
  void Begin(
      const std::shared_ptr<Exchange>& exchange, Response head,
      const std::function<std::shared_ptr<AsyncStream>(AsyncStreamEvents)>&
          start) {
    const auto self = shared_from_this();
    // Nothing is drained before something was read, nor read before `stream_`
    // is there; only the end may come before.
    body_ = exchange->Begin(std::move(head),
                            {.on_drained = [self] { self->Next(); },
                             .on_closed = [self] { self->Cancel(); }});
    auto stream = start(
        {.on_message =
             [self](std::string bytes) { self->Take(std::move(bytes)); },
         .on_end = [self](const absl::Status& status) { self->End(status); }});
    bool cancelled = false;
    {
      MutexLock lock(mu_);
      stream_ = stream;
      cancelled = cancelled_;
    }
    if (cancelled) {
      stream->Cancel();
    } else {
      stream->Read();
    }
  }

 private:
  std::shared_ptr<AsyncStream> stream() {
    MutexLock lock(mu_);
    return stream_;
  }

  void Next() {
    if (const auto s = stream()) s->Read();
  }

  void Cancel() {
    std::shared_ptr<AsyncStream> s;
    {
      MutexLock lock(mu_);
      cancelled_ = true;
      s = stream_;
    }
    if (s != nullptr) s->Cancel();
  }

  void Take(std::string bytes) {
    const auto message = encode_(std::move(bytes));
    if (message.ok()) {
      body_->Write(Envelope(*message));
      return;
    }
    broken_ = message.status();
    Cancel();
  }

  void End(const absl::Status& status) {
    const absl::Status& why = broken_.ok() ? status : broken_;
    body_->Write(EndOfStream(why));
    body_->End();
    done_(why);
    MutexLock lock(mu_);
    stream_ = nullptr;
  }

  const Encoder encode_;
  const Done done_;
  std::shared_ptr<Body> body_;
  absl::Status broken_;  // gRPC's callbacks only.
  Mutex mu_;
  std::shared_ptr<AsyncStream> stream_ ABSL_GUARDED_BY(mu_);
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace

struct ConnectDoor::Call {
  ConnectHead head;
  const MethodDescriptor* method = nullptr;
  std::string program;
  std::shared_ptr<grpc::Channel> channel;
  std::string bytes;
  CallOptions options;
};

ConnectDoor::ConnectDoor(const Schemas& schemas, Upstream& upstream,
                         CallLimits limits, Metrics& metrics)
    : schemas_(schemas),
      upstream_(upstream),
      limits_(limits),
      metrics_(metrics) {}

ConnectDoor::~ConnectDoor() {
  MutexLock lock(mu_);
  changed_.WaitFor(mu_, absl::InfiniteDuration(),
                   [this]()
                       ABSL_NO_THREAD_SAFETY_ANALYSIS { return calls_ == 0; });
}

void ConnectDoor::CallBegins() {
  MutexLock lock(mu_);
  ++calls_;
}

void ConnectDoor::CallEnds() {
  MutexLock lock(mu_);
  --calls_;
  changed_.NotifyAll();
}

void ConnectDoor::Register(Router& router) {
  router.Add(
      "POST", "/concordat.*", Access::kSignedIn,
      [this](const std::shared_ptr<Exchange>& exchange) { Handle(exchange); });
}

void ConnectDoor::Handle(const std::shared_ptr<Exchange>& exchange) {
  const Request& request = exchange->request();
  const absl::string_view name = absl::string_view(request.path).substr(1);
  const auto method = schemas_.FindMethod(name);
  // FindMethod() takes short names too.
  if (!method.ok() || FullName(**method) != name ||
      (*method)->client_streaming()) {
    exchange->Send(ErrorResponse(
        404, absl::UnimplementedError("there is no such method")));
    return;
  }
  const auto type = ParseContentType(request.Header("content-type"));
  if (!type.has_value() || type->streaming != (*method)->server_streaming()) {
    Response response = ErrorResponse(
        415, absl::InvalidArgumentError("not a content type of this method"));
    response.headers.emplace_back("Accept-Post", kAcceptPost);
    exchange->Send(std::move(response));
    return;
  }
  Call call;
  call.head = *type;
  call.method = *method;
  const absl::Status status = Prepare(request, exchange->caller(), &call);
  if (!status.ok()) {
    Count(*call.method, status);
    if (type->streaming) {
      exchange->Send(
          {.content_type = ContentTypeOf(*type), .body = EndOfStream(status)});
    } else {
      exchange->Send(ErrorResponse(status));
    }
  } else if (type->streaming) {
    Stream(exchange, std::move(call));
  } else {
    Unary(exchange, std::move(call));
  }
}

absl::Status ConnectDoor::Prepare(const Request& request, const Caller& caller,
                                  Call* call) const {
  const auto head = ParseConnectHead(call->head, request);
  if (!head.ok()) return head.status();
  call->head = *head;
  absl::Duration timeout =
      head->streaming ? absl::InfiniteDuration() : limits_.timeout;
  if (head->timeout.has_value()) timeout = *head->timeout;
  if (!head->streaming) timeout = std::min(timeout, limits_.timeout_max);
  const auto options = OptionsFor(request, caller, timeout);
  if (!options.ok()) return options.status();
  call->options = *options;
  std::string body = request.body;
  if (head->streaming) {
    auto opened = OpenEnvelope(request.body);
    if (!opened.ok()) return opened.status();
    body = *std::move(opened);
  }
  if (head->codec == Codec::kJson) {
    auto bytes = schemas_.FromJson(*call->method->input_type(), body);
    if (!bytes.ok()) return bytes.status();
    body = *std::move(bytes);
  }
  call->bytes = std::move(body);
  const auto program = upstream_.ProgramFor(*call->method, request, caller);
  if (!program.ok()) return program.status();
  call->program = *program;
  const auto channel = upstream_.ChannelTo(call->program);
  if (!channel.ok()) return channel.status();
  call->channel = *channel;
  return absl::OkStatus();
}

void ConnectDoor::Unary(const std::shared_ptr<Exchange>& exchange, Call call) {
  CallBegins();
  const auto started = StartGenericCall(
      call.channel, FullName(*call.method), call.bytes, call.options,
      [this, exchange, head = call.head, method = call.method,
       program = call.program](absl::StatusOr<std::string> bytes) {
        if (absl::IsUnavailable(bytes.status())) upstream_.Forget(program);
        if (bytes.ok()) {
          bytes = Encode(schemas_, *method, head.codec, *std::move(bytes));
        }
        Count(*method, bytes.status());
        if (bytes.ok()) {
          exchange->Send(
              {.content_type = ContentTypeOf(head), .body = *std::move(bytes)});
        } else {
          exchange->Send(ErrorResponse(bytes.status()));
        }
        CallEnds();
      });
  exchange->OnGone([started] { started->Cancel(); });
}

void ConnectDoor::Stream(const std::shared_ptr<Exchange>& exchange, Call call) {
  const auto relay = std::make_shared<Relay>(
      [this, method = call.method, codec = call.head.codec](std::string bytes) {
        return Encode(schemas_, *method, codec, std::move(bytes));
      },
      [this, method = call.method,
       program = call.program](const absl::Status& status) {
        if (absl::IsUnavailable(status)) upstream_.Forget(program);
        Count(*method, status);
        CallEnds();
      });
  CallBegins();
  relay->Begin(exchange, {.content_type = ContentTypeOf(call.head)},
               [&call](AsyncStreamEvents events) {
                 return StartGenericStream(call.channel, FullName(*call.method),
                                           call.bytes, call.options,
                                           std::move(events));
               });
}

void ConnectDoor::Count(const MethodDescriptor& method,
                        const absl::Status& status) {
  metrics_
      .Counter("concordat_gateway_calls_total",
               "Calls passed on, by method and code.",
               {{"method", FullName(method)},
                {"code", std::string(CodeName(status.code()))}})
      .Increment();
}

}  // namespace concordat::gateway
