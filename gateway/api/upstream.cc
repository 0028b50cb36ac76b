#include "gateway/api/upstream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "gateway/common/schemas.h"
#include "services/common/telemetry/trace.h"

namespace concordat::gateway {
namespace {

constexpr char kSelf[] = "gateway";
constexpr size_t kNameCharsMax = 64;

bool IsPurpose(absl::string_view text) {
  return text.size() <= kNameCharsMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isupper(static_cast<unsigned char>(c)) ||
                  absl::ascii_isdigit(static_cast<unsigned char>(c)) ||
                  c == '_';
         });
}

// It becomes part of a file's name.
bool IsProgram(absl::string_view text) {
  return text.size() <= kNameCharsMax &&
         (absl::StartsWith(text, "concordat-") ||
          absl::StartsWith(text, "edge-")) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_islower(static_cast<unsigned char>(c)) ||
                  c == '-';
         });
}

}  // namespace

absl::StatusOr<CallOptions> OptionsFor(const Request& request,
                                       const Caller& caller,
                                       absl::Duration timeout) {
  CallOptions options;
  options.timeout = timeout;
  options.principal = caller.principal;
  options.staff = caller.staff;
  const std::string trace(request.Header("traceparent"));
  if (ParseTraceparent(trace).has_value()) options.traceparent = trace;
  options.purpose = std::string(request.Header("concordat-purpose"));
  if (options.purpose.empty()) options.purpose = caller.purpose;
  if (!IsPurpose(options.purpose)) {
    return absl::InvalidArgumentError("Concordat-Purpose is no purpose");
  }
  // Choosing is recorded, with the task or the words.
  if (!caller.session.empty() && options.purpose != caller.purpose &&
      caller.chosen_purposes.count(options.purpose) == 0) {
    return absl::PermissionDeniedError(
        "Concordat-Purpose: choose it first, by POST /session/purpose");
  }
  return options;
}

Upstream::Upstream(DataDirectory data, RegistrySource registry)
    : data_(std::move(data)), registry_(std::move(registry)) {}

absl::StatusOr<std::string> Upstream::ProgramFor(
    const google::protobuf::MethodDescriptor& method, const Request& request,
    const Caller& caller) const {
  const absl::string_view named = request.Header("concordat-program");
  if (!named.empty()) {
    if (IsProgram(named)) return std::string(named);
    return absl::InvalidArgumentError("Concordat-Program is no program");
  }
  if (!absl::StartsWith(method.full_name(), "concordat.edge.")) {
    return ProgramOf(method);
  }
  const auto registry = registry_();
  const auto* const principal = registry->FindByName(caller.principal);
  return ProgramOfEdge(*registry,
                       principal == nullptr ? "" : principal->agency());
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Upstream::ChannelTo(
    absl::string_view program) {
  MutexLock lock(mu_);
  const auto found = channels_.find(program);
  if (found != channels_.end()) return found->second;
  auto channel = OpenChannel(data_, program, kSelf, absl::ZeroDuration());
  if (!channel.ok()) {
    return absl::UnavailableError(absl::StrCat(program, " does not run"));
  }
  channels_.emplace(std::string(program), *channel);
  return channel;
}

void Upstream::Forget(absl::string_view program) {
  MutexLock lock(mu_);
  channels_.erase(std::string(program));
}

absl::StatusOr<std::string> Upstream::CallBytes(absl::string_view program,
                                                absl::string_view method,
                                                absl::string_view request,
                                                const CallOptions& options) {
  const auto channel = ChannelTo(program);
  if (!channel.ok()) return channel.status();
  auto response = GenericCall(*channel, method, request, options);
  if (absl::IsUnavailable(response.status())) Forget(program);
  return response;
}

}  // namespace concordat::gateway
