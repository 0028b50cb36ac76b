#include "services/common/config/principal_registry.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace concordat {
namespace {

constexpr absl::string_view kOperatorRole = "operator";
constexpr absl::string_view kAgreedActs[] = {
    "agreement", "enrolment",   "erasure", "hold", "keys",
    "restore",   "restriction", "review",  "rule", "split"};
constexpr size_t kCurveKeyBytes = 32;
constexpr size_t kCurveKeyZ85Chars = 40;
constexpr size_t kCertificateKeyChars = 64;
constexpr absl::string_view kZ85 =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    ".-:+=^!/*?&<>()[]{}@%$#";

bool IsName(absl::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_islower(static_cast<unsigned char>(c)) ||
                  absl::ascii_isdigit(static_cast<unsigned char>(c)) ||
                  c == '-';
         });
}

// A SHA-256 as the registry writes it.
bool IsKeyName(absl::string_view text) {
  return text.size() == kCertificateKeyChars &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isdigit(static_cast<unsigned char>(c)) ||
                  (c >= 'a' && c <= 'f');
         });
}

using KeyAndDay = std::pair<const std::string*, const std::string*>;

std::vector<DatedKey> KeysOf(std::initializer_list<KeyAndDay> written) {
  std::vector<DatedKey> keys;
  for (const auto& [key, valid_to] : written) {
    if (key->empty()) continue;
    DatedKey& each = keys.emplace_back(DatedKey{*key});
    absl::CivilDay last;
    if (absl::ParseCivilTime(*valid_to, &last)) {
      each.end = absl::FromCivil(last + 1, absl::UTCTimeZone());
    }
  }
  return keys;
}

}  // namespace

absl::string_view EnvironmentName(bus::v1::Environment environment) {
  switch (environment) {
    case bus::v1::ENVIRONMENT_LIVE:
      return "live";
    case bus::v1::ENVIRONMENT_SHADOW:
      return "shadow";
    case bus::v1::ENVIRONMENT_TRAINING:
      return "training";
    case bus::v1::ENVIRONMENT_DEMO:
      return "demo";
    default:
      return "unspecified";
  }
}

absl::StatusOr<bus::v1::Environment> ParseEnvironment(absl::string_view word) {
  for (const auto environment :
       {bus::v1::ENVIRONMENT_LIVE, bus::v1::ENVIRONMENT_SHADOW,
        bus::v1::ENVIRONMENT_TRAINING, bus::v1::ENVIRONMENT_DEMO}) {
    if (word == EnvironmentName(environment)) return environment;
  }
  return absl::InvalidArgumentError(
      "environment must be live, shadow, training or demo");
}

std::string SourceOf(const bus::v1::Principal& principal) {
  return absl::StrCat("urn:concordat:", principal.agency(), ":",
                      principal.system());
}

std::string CertificateUri(bus::v1::Environment environment,
                           absl::string_view agency, absl::string_view system) {
  return absl::StrCat("spiffe://", EnvironmentName(environment), ".concordat/",
                      agency, "/", system);
}

absl::StatusOr<std::string> CurveKeyFromZ85(absl::string_view text) {
  if (text.size() != kCurveKeyZ85Chars) {
    return absl::InvalidArgumentError("a Z85 key has 40 characters");
  }
  std::string bytes;
  for (size_t i = 0; i < text.size(); i += 5) {
    uint64_t value = 0;
    for (size_t j = 0; j < 5; ++j) {
      const size_t digit = kZ85.find(text[i + j]);
      if (digit == absl::string_view::npos) {
        return absl::InvalidArgumentError("a character that is not Z85");
      }
      value = value * 85 + digit;
    }
    if (value > UINT32_MAX) {
      return absl::InvalidArgumentError("not a Z85 number");
    }
    for (const int shift : {24, 16, 8, 0}) {
      bytes.push_back(static_cast<char>((value >> shift) & 0xff));
    }
  }
  return bytes;
}

absl::StatusOr<std::string> CurveKeyToZ85(absl::string_view bytes) {
  if (bytes.size() != kCurveKeyBytes) {
    return absl::InvalidArgumentError("a CURVE key has 32 bytes");
  }
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 4) {
    uint32_t value = 0;
    for (size_t j = 0; j < 4; ++j) {
      value = value << 8 | static_cast<uint8_t>(bytes[i + j]);
    }
    std::array<char, 5> digits = {};
    for (size_t j = 5; j-- > 0; value /= 85) digits[j] = kZ85[value % 85];
    text.append(digits.data(), digits.size());
  }
  return text;
}

std::vector<DatedKey> CurveKeysOf(const bus::v1::Principal& principal) {
  return KeysOf({{&principal.curve_public_key(), &principal.curve_valid_to()},
                 {&principal.second_curve_public_key(),
                  &principal.second_curve_valid_to()}});
}

std::vector<DatedKey> CertificateKeysOf(const bus::v1::Principal& principal) {
  return KeysOf(
      {{&principal.certificate_key(), &principal.certificate_key_valid_to()},
       {&principal.second_certificate_key(),
        &principal.second_certificate_key_valid_to()}});
}

std::string ProofOfCertificate(absl::string_view uri, absl::string_view key) {
  return key.empty() ? std::string(uri) : absl::StrCat(uri, "#", key);
}

bool TypePatternCovers(absl::string_view pattern, absl::string_view type) {
  if (pattern == "*") return true;
  if (absl::EndsWith(pattern, ".*")) {
    return absl::StartsWith(type, pattern.substr(0, pattern.size() - 1));
  }
  return pattern == type;
}

PrincipalRegistry::PrincipalRegistry(bus::v1::Registry registry)
    : registry_(std::move(registry)) {}

absl::StatusOr<std::shared_ptr<const PrincipalRegistry>>
PrincipalRegistry::Build(bus::v1::Registry proto, absl::Time now) {
  if (proto.environment() == bus::v1::ENVIRONMENT_UNSPECIFIED) {
    return absl::InvalidArgumentError("registry: no environment");
  }
  std::shared_ptr<PrincipalRegistry> registry(
      new PrincipalRegistry(std::move(proto)));
  absl::flat_hash_set<std::string> sources;
  for (const bus::v1::Principal& p : registry->registry_.principals()) {
    const auto bad = [&p](absl::string_view what) {
      return absl::InvalidArgumentError(
          absl::StrCat("registry: principal \"", p.name(), "\": ", what));
    };
    if (!IsName(p.name()) || !IsName(p.agency()) || !IsName(p.system()) ||
        !IsName(p.role())) {
      return bad("name, agency, system and role need 1 to 64 of a-z 0-9 -");
    }
    if (!registry->by_name_.emplace(p.name(), &p).second) {
      return bad("the name is taken");
    }
    if (!sources.insert(SourceOf(p)).second) {
      return bad("its agency and system are taken");
    }
    for (const std::string& kind : p.may_agree()) {
      if (!IsAgreedAct(kind)) return bad("may_agree: no act " + kind);
    }
    const std::string wrong = registry->AddKeys(p, now);
    if (!wrong.empty()) return bad(wrong);
    if (!p.certificate_uri().empty()) {
      if (p.certificate_uri() !=
          CertificateUri(registry->environment(), p.agency(), p.system())) {
        return bad("certificate_uri is not of its agency and system here");
      }
      registry->by_uri_.emplace(p.certificate_uri(), &p);
    }
  }
  for (const bus::v1::Principal& p : registry->registry_.principals()) {
    const absl::Status spoken_for = registry->CheckSpeaksFor(p);
    if (!spoken_for.ok()) return spoken_for;
  }
  return std::shared_ptr<const PrincipalRegistry>(std::move(registry));
}

std::string PrincipalRegistry::AddKeys(const bus::v1::Principal& p,
                                       absl::Time now) {
  for (const std::string* date :
       {&p.curve_valid_to(), &p.second_curve_valid_to(),
        &p.certificate_key_valid_to(), &p.second_certificate_key_valid_to()}) {
    absl::CivilDay day;
    if (!date->empty() && !absl::ParseCivilTime(*date, &day)) {
      return absl::StrCat("not a day: ", *date);
    }
  }
  for (const DatedKey& each : CurveKeysOf(p)) {
    const auto key = CurveKeyFromZ85(each.key);
    if (!key.ok()) return std::string(key.status().message());
    if (each.end <= now) continue;
    next_end_ = std::min(next_end_, each.end);
    if (!by_curve_key_.emplace(*key, &p).second) {
      return "its CURVE key is taken";
    }
  }
  return AddCertificateKeys(p, now);
}

std::string PrincipalRegistry::AddCertificateKeys(const bus::v1::Principal& p,
                                                  absl::Time now) {
  for (const DatedKey& each : CertificateKeysOf(p)) {
    if (!IsKeyName(each.key)) {
      return "a certificate_key has 64 of 0-9 a-f";
    }
    if (each.end <= now) continue;
    next_end_ = std::min(next_end_, each.end);
    if (by_certificate_key_.emplace(each.key, &p).first->second != &p) {
      return "its certificate_key is taken";
    }
  }
  return "";
}

absl::Status PrincipalRegistry::CheckSpeaksFor(
    const bus::v1::Principal& p) const {
  if (!SpeaksForOthers(p)) return absl::OkStatus();
  const auto bad = [&p](absl::string_view what, absl::string_view whom = "") {
    return absl::InvalidArgumentError(absl::StrCat(
        "registry: principal \"", p.name(), "\": speaks_for: ", what, whom));
  };
  if (!CurveKeysOf(p).empty() || p.has_process() || p.publish_size() > 0 ||
      p.may_agree_size() > 0) {
    return bad("who speaks for others has no key of the bus and no grant");
  }
  for (const std::string& name : p.speaks_for()) {
    const bus::v1::Principal* named = FindByName(name);
    if (named == nullptr) return bad("there is no ", name);
    if (SpeaksForOthers(*named)) return bad("no chains: ", name);
  }
  return absl::OkStatus();
}

const bus::v1::Principal* PrincipalRegistry::FindByName(
    absl::string_view name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second;
}

const bus::v1::Principal* PrincipalRegistry::FindByCurveKey(
    absl::string_view key) const {
  if (key.size() == kCurveKeyZ85Chars) {
    const auto bytes = CurveKeyFromZ85(key);
    return bytes.ok() ? FindByCurveKey(*bytes) : nullptr;
  }
  const auto it = by_curve_key_.find(key);
  return it == by_curve_key_.end() ? nullptr : it->second;
}

const bus::v1::Principal* PrincipalRegistry::FindByCertificateUri(
    absl::string_view uri) const {
  const auto it = by_uri_.find(uri);
  return it == by_uri_.end() ? nullptr : it->second;
}

bool PrincipalRegistry::IsCertificateKey(const bus::v1::Principal& principal,
                                         absl::string_view key) const {
  if (principal.certificate_key().empty() &&
      principal.second_certificate_key().empty()) {
    return true;
  }
  const auto it = by_certificate_key_.find(key);
  return it != by_certificate_key_.end() && it->second == &principal;
}

const bus::v1::Principal* PrincipalRegistry::FindByProof(
    absl::string_view proof) const {
  if (!absl::StartsWith(proof, "spiffe://")) return FindByCurveKey(proof);
  const size_t at = proof.find('#');
  const auto* const found = FindByCertificateUri(proof.substr(0, at));
  if (found == nullptr || at == absl::string_view::npos) return found;
  return IsCertificateKey(*found, proof.substr(at + 1)) ? found : nullptr;
}

bool PrincipalRegistry::IsAgency(absl::string_view agency) const {
  bool found = false;
  for (const bus::v1::Principal& principal : registry_.principals()) {
    if (principal.agency() != agency) continue;
    if (principal.role() == kOperatorRole) return false;
    found = true;
  }
  return found;
}

bus::v1::ProcessGrant PrincipalRegistry::ProcessedBy(
    absl::string_view agency, absl::string_view role) const {
  bus::v1::ProcessGrant all;
  for (const bus::v1::Principal& principal : registry_.principals()) {
    if (principal.agency() != agency || principal.role() != role) continue;
    all.MergeFrom(principal.process());
  }
  return all;
}

const bus::v1::PublishGrant* FindPublishGrant(
    const bus::v1::Principal& principal, absl::string_view source,
    absl::string_view type) {
  if (principal.revoked()) return nullptr;
  for (const bus::v1::PublishGrant& grant : principal.publish()) {
    if (source != grant.source()) continue;
    for (const std::string& pattern : grant.types()) {
      if (TypePatternCovers(pattern, type)) return &grant;
    }
  }
  return nullptr;
}

bool IsAgreedAct(absl::string_view kind) {
  return std::find(std::begin(kAgreedActs), std::end(kAgreedActs), kind) !=
         std::end(kAgreedActs);
}

bool MayAgree(const bus::v1::Principal& principal, absl::string_view kind) {
  if (principal.revoked()) return false;
  if (kind == kRedriveAct || kind == kParkAct) return principal.may_redrive();
  if (kind == kRetentionAct) return principal.may_run_retention();
  const auto& kinds = principal.may_agree();
  return IsAgreedAct(kind) &&
         std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

std::vector<std::string> AgreedBy(const bus::v1::Principal& principal) {
  std::vector<std::string> kinds;
  for (const absl::string_view kind : {kRedriveAct, kParkAct, kRetentionAct}) {
    if (MayAgree(principal, kind)) kinds.emplace_back(kind);
  }
  for (const absl::string_view kind : kAgreedActs) {
    if (MayAgree(principal, kind)) kinds.emplace_back(kind);
  }
  return kinds;
}

std::string RightTo(absl::string_view kind) {
  if (kind == kRedriveAct || kind == kParkAct) return "may_redrive";
  if (kind == kRetentionAct) return "may_run_retention";
  return absl::StrCat("may_agree: \"", kind, "\"");
}

bool MayNameController(const bus::v1::Principal& principal,
                       const bus::v1::PublishGrant& grant,
                       absl::string_view controller) {
  return grant.any_controller() || controller == principal.agency();
}

}  // namespace concordat
