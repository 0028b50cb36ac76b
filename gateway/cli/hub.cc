#include "gateway/cli/hub.h"

#include <array>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_join.h"
#include "concordat/identity/v1/service.pb.h"
#include "gateway/cli/json.h"
#include "gateway/common/reference.h"
#include "google/protobuf/message.h"
#include "services/common/base/system_random.h"

namespace concordat::cli {
namespace {

using ::concordat::gateway::FullName;
using ::concordat::gateway::ProgramOf;
using ::concordat::gateway::Schemas;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;

// How long a program that is just starting may take to say where it listens.
constexpr absl::Duration kAddressTimeout = absl::Seconds(2);

const FieldDescriptor* StringField(const Message& message, const char* name) {
  const FieldDescriptor* const field =
      message.GetDescriptor()->FindFieldByName(name);
  const bool is_string = field != nullptr && !field->is_repeated() &&
                         field->type() == FieldDescriptor::TYPE_STRING;
  return is_string ? field : nullptr;
}

std::string RandomId() {
  std::array<uint8_t, 16> bytes;
  SystemRandom().Fill(bytes.data(), bytes.size());
  return absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void FillRequestId(Message& request) {
  const FieldDescriptor* const command =
      request.GetDescriptor()->FindFieldByName("command");
  if (command == nullptr || command->type() != FieldDescriptor::TYPE_MESSAGE ||
      command->message_type()->full_name() != "concordat.hub.v1.Command") {
    return;
  }
  Message* const message =
      request.GetReflection()->MutableMessage(&request, command);
  const FieldDescriptor* const id = StringField(*message, "request_id");
  if (id == nullptr) return;
  if (message->GetReflection()->GetString(*message, id).empty()) {
    message->GetReflection()->SetString(message, id, RandomId());
  }
}

}  // namespace

Hub::Hub(DataDirectory data, bus::v1::Principal principal,
         std::unique_ptr<Schemas> schemas)
    : data_(std::move(data)),
      principal_(std::move(principal)),
      schemas_(std::move(schemas)) {}

absl::StatusOr<std::unique_ptr<Hub>> Hub::Open(DataDirectory data,
                                               std::string profile) {
  const auto registry = data.LoadRegistry();
  if (!registry.ok()) return registry.status();
  const bus::v1::Principal* const principal = (*registry)->FindByName(profile);
  if (principal == nullptr) {
    std::vector<std::string> names;
    for (const auto& each : (*registry)->proto().principals()) {
      if (each.role() != "service" && each.role() != "adapter") {
        names.push_back(each.name());
      }
    }
    return absl::InvalidArgumentError(absl::StrCat(
        profile.empty() ? "say who you are with --profile"
                        : absl::StrCat("there is no profile ", profile),
        ": ", absl::StrJoin(names, ", ")));
  }
  const auto types = data.LoadTypes();
  if (!types.ok()) return types.status();
  auto schemas = Schemas::Build(*types);
  if (!schemas.ok()) return schemas.status();
  return std::unique_ptr<Hub>(
      new Hub(std::move(data), *principal, *std::move(schemas)));
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Hub::ChannelTo(
    absl::string_view program) {
  MutexLock lock(mu_);
  const auto found = channels_.find(program);
  if (found != channels_.end()) return found->second;
  auto channel = OpenChannel(data_, program, profile(), kAddressTimeout);
  if (channel.status().code() == absl::StatusCode::kDeadlineExceeded) {
    return absl::UnavailableError(absl::StrCat(
        program, " does not run on ", data_.path(), "; deploy/up starts it"));
  }
  if (channel.ok()) channels_.emplace(std::string(program), *channel);
  return channel;
}

absl::StatusOr<std::string> Hub::CallBytes(absl::string_view program,
                                           absl::string_view method,
                                           absl::string_view request,
                                           const CallOptions& options) {
  const auto channel = ChannelTo(program);
  if (!channel.ok()) return channel.status();
  auto response = GenericCall(*channel, method, request, options);
  if (response.status().code() == absl::StatusCode::kUnavailable) {
    // It may have come back at another port.
    MutexLock lock(mu_);
    channels_.erase(std::string(program));
    return absl::UnavailableError(
        absl::StrCat(program, ": ", response.status().message()));
  }
  if (absl::IsDeadlineExceeded(response.status())) {
    return absl::DeadlineExceededError(
        absl::StrCat(program, ": ", response.status().message()));
  }
  return response;
}

absl::StatusOr<std::string> Hub::CallJson(absl::string_view method,
                                          absl::string_view json,
                                          const CallOptions& options) {
  const auto found = schemas_->FindMethod(method);
  if (!found.ok()) return found.status();
  if ((*found)->server_streaming() || (*found)->client_streaming()) {
    return absl::InvalidArgumentError(
        absl::StrCat(method, " streams; it cannot be called here"));
  }
  const auto request = schemas_->NewMessage(*(*found)->input_type());
  auto parsed = FromJson(json, request.get());
  if (!parsed.ok()) return parsed;
  FillRequestId(*request);
  const FieldDescriptor* const subject = StringField(*request, "subject");
  if (subject != nullptr) {
    const auto* const reflection = request->GetReflection();
    const auto key = ResolveSubject(reflection->GetString(*request, subject));
    if (!key.ok()) return key.status();
    reflection->SetString(request.get(), subject, *key);
  }
  const auto bytes = CallBytes(ProgramOf(**found), FullName(**found),
                               request->SerializeAsString(), options);
  if (!bytes.ok()) return bytes.status();
  const auto response = schemas_->NewMessage(*(*found)->output_type());
  if (!response->ParseFromString(*bytes)) {
    return absl::DataLossError(absl::StrCat(
        "the answer is not a ", response->GetDescriptor()->full_name()));
  }
  return ToJson(*response);
}

absl::StatusOr<std::string> Hub::ResolveSubject(absl::string_view subject) {
  if (!gateway::IsReference(subject)) return std::string(subject);
  const auto request = gateway::ParseReference(subject);
  if (!request.ok()) return request.status();
  const auto response = Call<identity::v1::ResolveResponse>(
      "concordat-identity", gateway::kResolveMethod, *request);
  if (!response.ok()) {
    return absl::Status(
        response.status().code(),
        absl::StrCat("resolving the subject: ", response.status().message()));
  }
  return response->subject();
}

}  // namespace concordat::cli
