#include "services/common/rpc/channel.h"

#include <chrono>
#include <future>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "services/common/rpc/call.h"
#include "services/common/rpc/client_call.h"
#include "services/common/rpc/status.h"
#include "services/common/rpc/tls.h"

namespace concordat {

grpc::ByteBuffer ToBuffer(absl::string_view bytes) {
  const grpc::Slice slice(bytes.data(), bytes.size());
  return grpc::ByteBuffer(&slice, 1);
}

std::string ToBytes(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Valid() || !buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

void PrepareContext(const CallOptions& options, grpc::ClientContext* context) {
  if (options.timeout < absl::InfiniteDuration()) {
    context->set_deadline(gpr_time_add(
        gpr_now(GPR_CLOCK_REALTIME),
        gpr_time_from_micros(absl::ToInt64Microseconds(options.timeout),
                             GPR_TIMESPAN)));
  }
  const auto add = [context](const char* key, const std::string& value) {
    if (!value.empty()) context->AddMetadata(key, value);
  };
  add(kPurposeMetadata, options.purpose);
  add(kPrincipalMetadata, options.principal);
  add(kStaffMetadata, options.staff);
  add(kTraceMetadata, options.traceparent);
}

std::string ServerUri(const PrincipalRegistry& registry,
                      absl::string_view program) {
  const absl::string_view name = absl::StripPrefix(program, "concordat-");
  const auto* principal = registry.FindByName(absl::StrCat("service-", name));
  if (principal == nullptr) principal = registry.FindByName(name);
  if (principal != nullptr) return principal->certificate_uri();
  // Adapters run at an agency's edge, with that agency's certificate.
  if (name == "adapter") {
    for (const auto& each : registry.proto().principals()) {
      if (each.role() == "adapter") return each.certificate_uri();
    }
  }
  return CertificateUri(registry.environment(), "concordat-operator", name);
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(
    const DataDirectory& data, absl::string_view program,
    absl::string_view principal, absl::Duration timeout) {
  const auto registry = data.LoadRegistry();
  if (!registry.ok()) return registry.status();
  const auto tls = data.LoadTls(principal);
  if (!tls.ok()) return tls.status();
  const auto address = data.WaitForAddress(program, "grpc", timeout);
  if (!address.ok()) return address.status();
  return grpc::CreateChannel(
      *address, MakeChannelCredentials(*tls, ServerUri(**registry, program)));
}

absl::StatusOr<std::string> GenericCall(
    const std::shared_ptr<grpc::Channel>& channel, absl::string_view method,
    absl::string_view request, const CallOptions& options) {
  grpc::ClientContext context;
  PrepareContext(options, &context);
  const grpc::ByteBuffer in = ToBuffer(request);
  grpc::ByteBuffer out;
  std::promise<grpc::Status> done;
  grpc::GenericStub stub(channel);
  stub.UnaryCall(&context, absl::StrCat("/", method), grpc::StubOptions(), &in,
                 &out,
                 [&done](grpc::Status s) { done.set_value(std::move(s)); });
  const grpc::Status status = done.get_future().get();
  if (!status.ok()) return FromGrpc(status);
  return ToBytes(out);
}

absl::Status GenericServerStream(
    const std::shared_ptr<grpc::Channel>& channel, absl::string_view method,
    absl::string_view request, const CallOptions& options,
    const std::function<bool(std::string)>& on_message) {
  grpc::ClientContext context;
  PrepareContext(options, &context);
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  const auto stream =
      stub.PrepareCall(&context, absl::StrCat("/", method), &queue);
  stream->StartCall(nullptr);
  bool stopped = false;
  if (wait()) {
    stream->WriteLast(ToBuffer(request), grpc::WriteOptions(), nullptr);
    bool ok = wait();
    while (ok) {
      grpc::ByteBuffer message;
      stream->Read(&message, nullptr);
      ok = wait();
      if (ok && !on_message(ToBytes(message))) {
        stopped = true;
        context.TryCancel();
        break;
      }
    }
  }
  grpc::Status status;
  stream->Finish(&status, nullptr);
  wait();
  queue.Shutdown();
  while (wait()) {
  }
  return stopped ? absl::OkStatus() : FromGrpc(status);
}

}  // namespace concordat
