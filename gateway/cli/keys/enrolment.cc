#include "gateway/cli/keys/enrolment.h"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gateway/cli/keys/enrolment_parts.h"
#include "gateway/cli/keys/key_files.h"
#include "services/common/config/evidence_keys.h"

namespace concordat::cli {
namespace {

namespace fs = std::filesystem;
using bus::v1::EnrolmentAnswer;
using bus::v1::EnrolmentRequest;
using bus::v1::Principal;
using bus::v1::Registry;

constexpr size_t kFingerprintBytes = 16;
constexpr size_t kFileBytesMax = 4u << 20;
constexpr char kDomain[] = "concordat/enrolment/1";
constexpr char kServiceRole[] = "service";
constexpr char kLoopback[] = "127.0.0.1";

std::string Hex(absl::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (absl::ascii_isxdigit(static_cast<unsigned char>(c))) {
      digits.push_back(absl::ascii_tolower(static_cast<unsigned char>(c)));
    }
  }
  return digits;
}

absl::StatusOr<EnrolmentRequest> ParseRequest(absl::string_view text) {
  EnrolmentRequest request;
  if (text.size() > kFileBytesMax) {
    return absl::InvalidArgumentError("this is not an enrolment request");
  }
  const absl::Status parsed =
      ParseTextProto({"the request", std::string(text)}, &request);
  if (!parsed.ok()) return parsed;
  const absl::Status signed_by_key =
      CheckCertificateRequest(request.certificate_request());
  if (!signed_by_key.ok()) return signed_by_key;
  return request;
}

// Of what two people agree to. The last days of keys that are replaced are left out:
// they count from the day of the second one's answer.
Sha256Hash DigestOf(absl::string_view request_text, Principal principal) {
  principal.clear_second_curve_valid_to();
  principal.clear_second_certificate_key_valid_to();
  // Fields are written in the order of their numbers, and no field is a map.
  const std::string bytes = principal.SerializeAsString();
  return Sha256()
      .Update(absl::StrCat(kDomain, "\n", request_text.size(), "\n",
                           request_text, "\n", bytes.size(), "\n", bytes))
      .Finish();
}

// What it may do beyond reading what agreements give it.
std::string RightsInWords(const Principal& principal) {
  size_t types = 0;
  for (const auto& grant : principal.publish()) {
    types += static_cast<size_t>(grant.types_size());
  }
  std::string words =
      types == 0 ? "publishes nothing"
                 : absl::StrCat("publishes ", types, " types or patterns");
  if (principal.process().headers_size() > 0) {
    absl::StrAppend(&words, ", IS SENT HEADERS OF TYPES");
  }
  if (principal.process().types_size() > 0) {
    absl::StrAppend(&words, ", PROCESSES TYPES");
  }
  if (SpeaksForOthers(principal)) {
    absl::StrAppend(&words, ", SPEAKS FOR ", principal.speaks_for_size());
  }
  if (principal.may_redrive() || principal.may_run_retention() ||
      principal.may_agree_size() > 0) {
    absl::StrAppend(&words, ", ACTS OF TWO PEOPLE");
  }
  return words;
}

absl::StatusOr<Principal> NewPrincipal(const EnrolmentRequest& request,
                                       const Principal& rights,
                                       const Registry& registry) {
  auto checked = CheckedPrincipal(request);
  if (!checked.ok()) return checked.status();
  if (!rights.name().empty() || !rights.agency().empty() ||
      !rights.system().empty() || !rights.role().empty() ||
      !rights.certificate_uri().empty() || rights.signing_keys_size() > 0 ||
      !rights.witness_key().empty() || !CurveKeysOf(rights).empty() ||
      !CertificateKeysOf(rights).empty()) {
    return absl::InvalidArgumentError(
        "rights: names, role and keys are the request's");
  }
  const auto& agencies = registry.agencies();
  if (std::none_of(agencies.begin(), agencies.end(), [&](const auto& agency) {
        return agency.name() == request.agency();
      })) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the registry has no agency ", request.agency(), ": add it first"));
  }
  auto key = KeyOfRequest(request.certificate_request());
  if (!key.ok()) return key.status();
  Principal principal = *std::move(checked);
  principal.set_certificate_key(*std::move(key));
  principal.MergeFrom(rights);
  for (bus::v1::PublishGrant& grant : *principal.mutable_publish()) {
    if (grant.source().empty()) grant.set_source(SourceOf(principal));
  }
  return principal;
}

bool HasEnded(const std::string& valid_to, absl::CivilDay today) {
  absl::CivilDay last;
  return absl::ParseCivilTime(valid_to, &last) && last < today;
}

// The last day of a key that is replaced: no later than it had.
std::string EndOfOld(const std::string& valid_to, absl::CivilDay today) {
  const absl::CivilDay most = today + kOldKeyDays;
  absl::CivilDay last;
  const bool ends_before = absl::ParseCivilTime(valid_to, &last) && last < most;
  return absl::FormatCivilTime(ends_before ? last : most);
}

// The request's key, and the one of before for as long as the CURVE key of before.
absl::Status RenewCertificateKey(const EnrolmentRequest& request,
                                 absl::CivilDay today, Principal& principal) {
  const auto key = KeyOfRequest(request.certificate_request());
  if (!key.ok()) return key.status();
  std::string before = principal.certificate_key();
  if (before.empty()) before = request.certificate_key_in_use();
  const std::string end = EndOfOld(principal.certificate_key_valid_to(), today);
  principal.set_certificate_key(*key);
  principal.clear_certificate_key_valid_to();
  principal.clear_second_certificate_key();
  principal.clear_second_certificate_key_valid_to();
  if (principal.revoked()) return absl::OkStatus();
  if (before.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "neither the registry nor the request says which key the certificate "
        "of ",
        request.name(), " is for: make the request again with this program"));
  }
  principal.set_second_certificate_key(before);
  principal.set_second_certificate_key_valid_to(end);
  return absl::OkStatus();
}

absl::StatusOr<Principal> RenewedPrincipal(const EnrolmentRequest& request,
                                           const Registry& registry,
                                           absl::CivilDay today) {
  const auto checked = CheckedPrincipal(request);
  if (!checked.ok()) return checked.status();
  const Principal* const there = Find(registry, request.name());
  if (there == nullptr || there->agency() != request.agency() ||
      there->system() != request.system() || there->role() != request.role()) {
    return absl::NotFoundError(
        absl::StrCat("the registry has no ", request.name(), " of ",
                     request.agency(), "/", request.system(), " as ",
                     request.role(), ": nobody has keys to renew"));
  }
  for (const auto& [key, valid_to] :
       {std::pair(there->second_curve_public_key(),
                  there->second_curve_valid_to()),
        {there->second_certificate_key(),
         there->second_certificate_key_valid_to()}}) {
    if (key.empty() || HasEnded(valid_to, today)) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(request.name(), " has two keys: the second goes on to ",
                     valid_to.empty() ? "no end" : valid_to));
  }
  Principal principal = *there;
  const absl::Status renewed = RenewCertificateKey(request, today, principal);
  if (!renewed.ok()) return renewed;
  principal.set_curve_public_key(request.curve_public_key());
  principal.clear_curve_valid_to();
  // What it signed before is checked with the keys of before.
  for (const std::string& key : checked->signing_keys()) {
    const auto& keys = principal.signing_keys();
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      principal.add_signing_keys(key);
    }
  }
  if (!checked->witness_key().empty()) {
    principal.set_witness_key(checked->witness_key());
  }
  principal.clear_second_curve_public_key();
  principal.clear_second_curve_valid_to();
  if (there->revoked()) {
    // Whoever may have the old one is out.
    principal.clear_revoked();
  } else if (!there->curve_public_key().empty()) {
    principal.set_second_curve_public_key(there->curve_public_key());
    principal.set_second_curve_valid_to(
        EndOfOld(there->curve_valid_to(), today));
  }
  return principal;
}

// What people wrote above the first field.
std::string HeadOf(absl::string_view text) {
  std::string head;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!line.empty() && line[0] != '#') break;
    absl::StrAppend(&head, line, "\n");
  }
  return head;
}

absl::StatusOr<std::string> Rewritten(absl::string_view before,
                                      const Registry& registry) {
  const auto checked = PrincipalRegistry::Build(registry);
  if (!checked.ok()) return checked.status();
  return HeadOf(before) + TextOf(registry);
}

// Where the hub's programs are, as they say themselves.
absl::Status AddAddresses(const DataDirectory& hub, absl::string_view host,
                          EnrolmentAnswer& answer) {
  std::error_code error;
  std::vector<std::string> programs;
  for (const auto& entry : fs::directory_iterator(hub.PathOf("run"), error)) {
    if (entry.path().extension() == ".addr") {
      programs.push_back(entry.path().stem().string());
    }
  }
  std::sort(programs.begin(), programs.end());
  for (const std::string& program : programs) {
    const auto text =
        ReadWholeFile(hub.PathOf(absl::StrCat("run/", program, ".addr")));
    if (!text.ok()) continue;  // It has just ended.
    for (const absl::string_view line :
         absl::StrSplit(*text, '\n', absl::SkipEmpty())) {
      const std::pair<absl::string_view, absl::string_view> parts =
          absl::StrSplit(line, absl::MaxSplits('=', 1));
      if (parts.first == "metrics") continue;
      bus::v1::ProgramAddress& address = *answer.add_addresses();
      address.set_program(program);
      address.set_listener(std::string(parts.first));
      address.set_endpoint(
          host.empty()
              ? std::string(parts.second)
              : absl::StrReplaceAll(parts.second, {{kLoopback, host}}));
    }
  }
  if (answer.addresses_size() > 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "the hub does not run here: there are no addresses to tell");
}

}  // namespace

std::string FingerprintOf(absl::string_view bytes) {
  const Sha256Hash hash = Sha256::Of(bytes);
  std::string groups;
  for (size_t i = 0; i < kFingerprintBytes; ++i) {
    if (i > 0 && i % 2 == 0) groups.push_back(' ');
    absl::StrAppend(&groups, absl::Hex(hash[i], absl::kZeroPad2));
  }
  return groups;
}

absl::Status CheckFingerprint(absl::string_view bytes,
                              absl::string_view read_out) {
  if (Hex(read_out) == Hex(FingerprintOf(bytes))) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the file's fingerprint is ", FingerprintOf(bytes),
      read_out.empty()
          ? "; compare it by telephone, then say --fingerprint"
          : ", not what was read out: it is not the file that was sent"));
}

absl::StatusOr<Enrolment> PlanEnrolment(absl::string_view request_text,
                                        const Principal& rights,
                                        const Registry& registry,
                                        absl::CivilDay today) {
  Enrolment enrolment;
  auto request = ParseRequest(request_text);
  if (!request.ok()) return request.status();
  enrolment.request = *std::move(request);
  const EnrolmentRequest& asked = enrolment.request;
  if (asked.environment() != EnvironmentName(registry.environment())) {
    return absl::InvalidArgumentError(
        absl::StrCat("the request is for the environment ", asked.environment(),
                     "; this is ", EnvironmentName(registry.environment())));
  }
  if (asked.renews() && rights.ByteSizeLong() > 0) {
    return absl::InvalidArgumentError("rights: who renews keys keeps its own");
  }
  auto principal = asked.renews() ? RenewedPrincipal(asked, registry, today)
                                  : NewPrincipal(asked, rights, registry);
  if (!principal.ok()) return principal.status();
  enrolment.principal = *std::move(principal);
  enrolment.is_new = !asked.renews();
  if (asked.renews()) enrolment.before = *Find(registry, asked.name());
  const Principal& it = enrolment.principal;
  enrolment.what =
      absl::StrCat(enrolment.is_new ? "enrolment of " : "new keys of ",
                   it.name(), ", ", it.agency(), "/", it.system(), " as ",
                   it.role(), ": ", RightsInWords(it));
  enrolment.digest = DigestOf(request_text, it);
  // What is taken is said before two people have agreed to it.
  Registry with = registry;
  if (enrolment.is_new) *with.add_principals() = it;
  for (Principal& each : *with.mutable_principals()) {
    if (!enrolment.is_new && each.name() == it.name()) each = it;
  }
  const auto built = PrincipalRegistry::Build(with);
  if (!built.ok()) return built.status();
  return enrolment;
}

absl::StatusOr<std::string> AddToRegistry(absl::string_view registry_text,
                                          const Enrolment& enrolment) {
  auto registry = ParseRegistry(registry_text);
  if (!registry.ok()) return registry.status();
  if (!enrolment.is_new) {
    for (Principal& each : *registry->mutable_principals()) {
      if (each.SerializeAsString() == enrolment.before.SerializeAsString()) {
        each = enrolment.principal;
        return Rewritten(registry_text, *registry);
      }
    }
    return absl::FailedPreconditionError(absl::StrCat(
        "what the registry has of ", enrolment.principal.name(),
        " has been changed meanwhile; nothing is done, ask for it anew"));
  }
  Registry one;
  *one.add_principals() = enrolment.principal;
  std::string text = absl::StrCat(registry_text, "\n", TextOf(one));
  const auto with = ParseRegistry(text);
  if (!with.ok()) return with.status();
  const auto checked = PrincipalRegistry::Build(*with);
  if (!checked.ok()) return checked.status();
  return text;
}

absl::StatusOr<std::string> RevokeInRegistry(absl::string_view registry_text,
                                             absl::string_view name) {
  auto registry = ParseRegistry(registry_text);
  if (!registry.ok()) return registry.status();
  for (Principal& each : *registry->mutable_principals()) {
    if (each.name() != name) continue;
    each.set_revoked(true);
    return Rewritten(registry_text, *registry);
  }
  return absl::NotFoundError(
      absl::StrCat("the registry has no principal ", name));
}

absl::StatusOr<EnrolmentAnswer> AnswerTo(const Enrolment& enrolment,
                                         std::string certificate,
                                         const DataDirectory& hub,
                                         absl::string_view host,
                                         std::string approval) {
  EnrolmentAnswer answer;
  const auto registry = hub.LoadRegistry();
  if (!registry.ok()) return registry.status();
  const auto authority = ReadWholeFile(hub.PathOf("keys/ca.crt.pem"));
  if (!authority.ok()) return authority.status();
  const auto bus_key = hub.LoadBusPublicKey();
  if (!bus_key.ok()) return bus_key.status();
  auto types = hub.LoadTypes();
  if (!types.ok()) return types.status();
  answer.set_environment(enrolment.request.environment());
  answer.set_name(enrolment.principal.name());
  Registry& told = *answer.mutable_registry();
  told.set_environment((*registry)->environment());
  *told.mutable_agencies() = (*registry)->proto().agencies();
  *told.add_principals() = enrolment.principal;
  for (const Principal& each : (*registry)->proto().principals()) {
    if (each.role() != kServiceRole || each.name() == answer.name()) continue;
    Principal& service = *told.add_principals();
    service.set_name(each.name());
    service.set_agency(each.agency());
    service.set_system(each.system());
    service.set_role(each.role());
    service.set_certificate_uri(each.certificate_uri());
  }
  answer.set_certificate(std::move(certificate));
  answer.set_authority(*authority);
  answer.set_bus_public_key(*bus_key);
  answer.set_types(*std::move(types));
  answer.set_approval(std::move(approval));
  const auto log_key =
      ReadWholeFile(hub.PathOf(absl::StrCat("keys/", kLogSigningKey, ".pub")));
  if (log_key.ok()) answer.set_log_key(*log_key);
  const absl::Status added = AddAddresses(hub, host, answer);
  if (!added.ok()) return added;
  return answer;
}

}  // namespace concordat::cli
