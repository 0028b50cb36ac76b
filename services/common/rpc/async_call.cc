#include "services/common/rpc/async_call.h"

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/client_context.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/client_callback.h"
#include "services/common/base/mutex.h"
#include "services/common/rpc/client_call.h"
#include "services/common/rpc/status.h"

namespace concordat {
namespace {

absl::Status WithDetails(const grpc::Status& status) {
  absl::Status result = FromGrpc(status);
  if (!result.ok() && !status.error_details().empty()) {
    result.SetPayload(kStatusDetailsUrl, absl::Cord(status.error_details()));
  }
  return result;
}

struct Unary : AsyncCall {
  void Cancel() override { context.TryCancel(); }

  grpc::ClientContext context;
  grpc::ByteBuffer in;
  grpc::ByteBuffer out;
};

class Stream final
    : public AsyncStream,
      public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
      public std::enable_shared_from_this<Stream> {
 public:
  Stream(absl::string_view request, AsyncStreamEvents events)
      : request_(ToBuffer(request)), events_(std::move(events)) {}

  void Begin(const std::shared_ptr<grpc::Channel>& channel,
             absl::string_view method, const CallOptions& options) {
    PrepareContext(options, &context_);
    self_ = shared_from_this();
    grpc::GenericStub stub(channel);
    stub.PrepareBidiStreamingCall(&context_, absl::StrCat("/", method),
                                  grpc::StubOptions(), this);
    // Reads are started from outside of its callbacks.
    AddHold();
    StartWriteLast(&request_, grpc::WriteOptions());
    StartCall();
  }

  void Read() override {
    {
      MutexLock lock(mu_);
      if (reading_ || ended_) return;
      reading_ = true;
    }
    StartRead(&message_);
  }

  void Cancel() override {
    context_.TryCancel();
    {
      MutexLock lock(mu_);
      if (reading_ || ended_) return;
      ended_ = true;
    }
    RemoveHold();
  }

  void OnReadDone(bool ok) override {
    {
      MutexLock lock(mu_);
      reading_ = false;
      if (!ok) ended_ = true;
    }
    if (ok) {
      events_.on_message(ToBytes(message_));
    } else {
      RemoveHold();
    }
  }

  void OnDone(const grpc::Status& status) override {
    events_.on_end(WithDetails(status));
    self_.reset();
  }

 private:
  grpc::ClientContext context_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer message_;
  const AsyncStreamEvents events_;
  std::shared_ptr<Stream> self_;  // Until OnDone().
  Mutex mu_;
  bool reading_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace

std::shared_ptr<AsyncCall> StartGenericCall(
    const std::shared_ptr<grpc::Channel>& channel, absl::string_view method,
    absl::string_view request, const CallOptions& options,
    std::function<void(absl::StatusOr<std::string>)> done) {
  auto call = std::make_shared<Unary>();
  PrepareContext(options, &call->context);
  call->in = ToBuffer(request);
  grpc::GenericStub stub(channel);
  stub.UnaryCall(&call->context, absl::StrCat("/", method), grpc::StubOptions(),
                 &call->in, &call->out,
                 [call, done = std::move(done)](const grpc::Status& status) {
                   if (status.ok()) {
                     done(ToBytes(call->out));
                   } else {
                     done(WithDetails(status));
                   }
                 });
  return call;
}

std::shared_ptr<AsyncStream> StartGenericStream(
    const std::shared_ptr<grpc::Channel>& channel, absl::string_view method,
    absl::string_view request, const CallOptions& options,
    AsyncStreamEvents events) {
  auto stream = std::make_shared<Stream>(request, std::move(events));
  stream->Begin(channel, method, options);
  return stream;
}

}  // namespace concordat
