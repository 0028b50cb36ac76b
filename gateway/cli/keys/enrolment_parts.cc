#include "gateway/cli/keys/enrolment_parts.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "services/common/config/data_directory.h"
#include "services/common/config/evidence_keys.h"
#include "services/common/config/principal_registry.h"
#include "services/common/evidence/note.h"

namespace concordat::cli {

using bus::v1::EnrolmentRequest;
using bus::v1::Principal;
using bus::v1::Registry;

std::string TextOf(const google::protobuf::Message& message) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(message, &text);
  return text;
}

absl::StatusOr<Registry> ParseRegistry(absl::string_view text) {
  Registry registry;
  const absl::Status parsed =
      ParseTextProto({"the registry", std::string(text)}, &registry);
  if (!parsed.ok()) return parsed;
  return registry;
}

const Principal* Find(const Registry& registry, absl::string_view name) {
  for (const Principal& each : registry.principals()) {
    if (each.name() == name) return &each;
  }
  return nullptr;
}

absl::StatusOr<Principal> CheckedPrincipal(const EnrolmentRequest& request) {
  Registry one;
  const auto environment = ParseEnvironment(request.environment());
  if (!environment.ok()) return environment.status();
  one.set_environment(*environment);
  Principal& principal = *one.add_principals();
  principal.set_name(request.name());
  principal.set_agency(request.agency());
  principal.set_system(request.system());
  principal.set_role(request.role());
  principal.set_display_name(request.display_name());
  principal.set_curve_public_key(request.curve_public_key());
  principal.set_certificate_uri(
      CertificateUri(*environment, request.agency(), request.system()));
  const auto checked = PrincipalRegistry::Build(one);
  if (!checked.ok()) return checked.status();
  if (request.curve_public_key().empty()) {
    return absl::InvalidArgumentError("there is no curve_public_key");
  }
  if (!request.signing_key().empty()) {
    const auto key = ParseSigningKey(request.signing_key());
    if (!key.ok()) return key.status();
    principal.add_signing_keys(request.signing_key());
  }
  if (!request.witness_key().empty()) {
    const auto key = ParseVerifier(request.witness_key());
    if (!key.ok()) return key.status();
    if (!absl::StartsWith(
            request.witness_key(),
            absl::StrCat(WitnessName(*environment, request.name()), "+"))) {
      return absl::InvalidArgumentError("witness_key is of another name");
    }
    principal.set_witness_key(request.witness_key());
  }
  return principal;
}

}  // namespace concordat::cli
