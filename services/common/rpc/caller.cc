#include "services/common/rpc/caller.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "grpc/grpc_security_constants.h"
#include "services/common/crypto/certificate_key.h"
#include "services/common/telemetry/trace.h"

namespace concordat {
namespace {

constexpr size_t kPurposeCharsMax = 64;
constexpr size_t kStaffCharsMax = 64;
constexpr char kOtherCertificateKey[] =
    "the certificate is for another key than its principal's";

bool IsPurpose(absl::string_view text) {
  return text.size() <= kPurposeCharsMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isupper(static_cast<unsigned char>(c)) ||
                  absl::ascii_isdigit(static_cast<unsigned char>(c)) ||
                  c == '_';
         });
}

bool IsStaff(absl::string_view text) {
  return !text.empty() && text.size() <= kStaffCharsMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isgraph(static_cast<unsigned char>(c));
         });
}

// What a caller said under `key`, each time it did.
std::vector<std::string> MetadataOf(const grpc::ServerContextBase& context,
                                    const char* key) {
  std::vector<std::string> values;
  const auto range = context.client_metadata().equal_range(key);
  for (auto it = range.first; it != range.second; ++it) {
    values.emplace_back(it->second.data(), it->second.size());
  }
  return values;
}

// The one SPIFFE URI of the peer's certificate, or nothing.
std::string PeerUri(const grpc::ServerContextBase& context) {
  const auto auth = context.auth_context();
  if (auth == nullptr || !auth->IsPeerAuthenticated()) return "";
  const auto uris = auth->FindPropertyValues(GRPC_PEER_URI_PROPERTY_NAME);
  return uris.size() == 1 ? std::string(uris[0].data(), uris[0].size()) : "";
}

// Of the key that the peer's certificate is for; empty: it cannot be found.
std::string PeerKey(const grpc::ServerContextBase& context) {
  const auto auth = context.auth_context();
  if (auth == nullptr) return "";
  const auto pems = auth->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (pems.size() != 1) return "";
  const auto key = CertificateKeyOfPem({pems[0].data(), pems[0].size()});
  return key.ok() ? *key : "";
}

absl::Time DeadlineOf(const grpc::ServerContextBase& context) {
  const auto deadline = context.deadline();
  return deadline == std::chrono::system_clock::time_point::max()
             ? absl::InfiniteFuture()
             : absl::FromChrono(deadline);
}

// Makes the call that of the principal it is made in the name of.
absl::Status Delegate(const grpc::ServerContextBase& context, bool is_for_doors,
                      Call* call) {
  const bus::v1::Principal& caller = *call->principal;
  const auto names = MetadataOf(context, kPrincipalMetadata);
  const auto staff = MetadataOf(context, kStaffMetadata);
  if (names.empty() && staff.empty()) {
    if (!SpeaksForOthers(caller) || is_for_doors) {
      return absl::OkStatus();
    }
    return absl::PermissionDeniedError(absl::StrCat(
        caller.name(), " has no rights of its own; say ", kPrincipalMetadata));
  }
  // The same words whoever it names: it learns nothing of the registry.
  const auto& allowed = caller.speaks_for();
  const auto* named =
      names.size() == 1 && std::find(allowed.begin(), allowed.end(),
                                     names[0]) != allowed.end()
          ? call->registry->FindByName(names[0])
          : nullptr;
  if (named == nullptr || named->revoked()) {
    return absl::PermissionDeniedError(
        absl::StrCat(kPrincipalMetadata, ": not one that ", caller.name(),
                     " may speak for"));
  }
  if (staff.size() > 1 || (staff.size() == 1 && !IsStaff(staff[0]))) {
    return absl::PermissionDeniedError(absl::StrCat(
        kStaffMetadata, ": one account of 1 to 64 characters, no spaces"));
  }
  call->via = caller.name();
  call->principal = named;
  call->proof = named->certificate_uri();
  if (!staff.empty()) call->staff = staff[0];
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Call> JudgeCaller(
    const grpc::ServerContextBase& context, Call call,
    std::shared_ptr<const PrincipalRegistry> registry,
    const std::optional<CallRules>& rules) {
  const std::string uri = PeerUri(context);
  call.registry = std::move(registry);
  call.principal = call.registry->FindByCertificateUri(uri);
  if (call.principal == nullptr) {
    const std::string here =
        absl::StrCat("spiffe://", EnvironmentName(call.registry->environment()),
                     ".concordat/");
    return absl::UnauthenticatedError(
        absl::StartsWith(uri, here)
            ? "the certificate's principal is not registered"
            : absl::StrCat("the certificate is not of this environment, ",
                           EnvironmentName(call.registry->environment())));
  }
  if (call.principal->revoked()) {
    return absl::UnauthenticatedError("the principal is revoked");
  }
  const std::string key = PeerKey(context);
  if (!call.registry->IsCertificateKey(*call.principal, key)) {
    return absl::UnauthenticatedError(kOtherCertificateKey);
  }
  call.proof = ProofOfCertificate(uri, key);
  if (!rules.has_value()) return absl::UnimplementedError("no such method");
  const absl::Status delegated = Delegate(context, rules->is_for_doors, &call);
  if (!delegated.ok()) return delegated;
  const auto& roles = rules->roles;
  if (!roles.empty() && std::find(roles.begin(), roles.end(),
                                  call.principal->role()) == roles.end()) {
    return absl::PermissionDeniedError(
        absl::StrCat("not for the role ", call.principal->role(), " of ",
                     call.principal->agency()));
  }
  const auto traces = MetadataOf(context, kTraceMetadata);
  if (traces.size() == 1 && ParseTraceparent(traces[0]).has_value()) {
    call.traceparent = traces[0];
  }
  const auto purpose = MetadataOf(context, kPurposeMetadata);
  call.purpose =
      purpose.empty() ? call.principal->default_purpose() : purpose[0];
  if (!IsPurpose(call.purpose)) {
    return absl::InvalidArgumentError(
        absl::StrCat(kPurposeMetadata, ": at most 64 of A-Z 0-9 _"));
  }
  const absl::Time deadline = DeadlineOf(context);
  if (deadline == absl::InfiniteFuture() &&
      rules->latest != absl::InfiniteFuture()) {
    return absl::InvalidArgumentError("a call needs a deadline");
  }
  call.deadline = std::min(deadline, rules->latest);
  return call;
}

void CountRefused(const std::string& method, const absl::Status& refusal,
                  Metrics& metrics) {
  metrics
      .Counter("concordat_rpc_refused_total", "Calls refused at the door.",
               {{"method", method},
                {"code", absl::StatusCodeToString(refusal.code())}})
      .Increment();
  if (refusal.message() != kOtherCertificateKey) return;
  metrics
      .Counter(
          "concordat_rpc_other_certificate_key_total",
          "Calls refused for a certificate of a principal's for a key that "
          "is not its own: stolen, or replaced.")
      .Increment();
}

}  // namespace concordat
