#include "gateway/common/reference.h"

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace concordat::gateway {
namespace {

constexpr absl::string_view kPrefix = "ref:";
// The others number people in systems of their own.
constexpr absl::string_view kSchemes[] = {"chi", "pnc", "cro", "council",
                                          "local"};

}  // namespace

const char kResolveMethod[] = "concordat.identity.v1.IdentityService/Resolve";

bool IsReference(absl::string_view subject) {
  return absl::StartsWith(subject, kPrefix);
}

absl::StatusOr<identity::v1::ResolveRequest> ParseReference(
    absl::string_view reference) {
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(
      absl::StripPrefix(reference, kPrefix), absl::MaxSplits(':', 1));
  if (!IsReference(reference) || parts.first.empty() || parts.second.empty()) {
    return absl::InvalidArgumentError(
        "a subject is p-… or ref:<system>:<number>");
  }
  identity::v1::ResolveRequest request;
  auto& identifier = *request.add_identifiers();
  bool is_scheme = false;
  for (const absl::string_view scheme : kSchemes) {
    if (parts.first == scheme) is_scheme = true;
  }
  identifier.set_scheme(is_scheme ? std::string(parts.first) : "local");
  if (!is_scheme) identifier.set_authority(std::string(parts.first));
  identifier.set_value(std::string(parts.second));
  return request;
}

}  // namespace concordat::gateway
