#include "gateway/signin/id_token.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/common/crypto/constant_time.h"
#include "services/common/crypto/sha256.h"

namespace concordat::gateway {
namespace {

namespace json = boost::json;

constexpr size_t kStaffMax = 64;
constexpr size_t kDisplayNameMax = 100;
// Of a person's "sub" (Core 1.0, section 2).
constexpr size_t kSubjectMax = 255;

absl::Status Wrong(absl::string_view claim) {
  return absl::UnauthenticatedError(
      absl::StrCat("the token's ", claim, " is missing or wrong"));
}

absl::string_view TextOf(const json::object& claims, json::string_view name) {
  const json::value* const value = claims.if_contains(name);
  if (value == nullptr || !value->is_string()) return "";
  return {value->as_string().data(), value->as_string().size()};
}

// Whether a claim, a text or a list of texts, is or has `text`.
bool Has(const json::value* claim, absl::string_view text) {
  const auto is = [text](const json::value& value) {
    return value.is_string() &&
           absl::string_view(value.as_string().data(),
                             value.as_string().size()) == text;
  };
  if (claim == nullptr) return false;
  if (!claim->is_array()) return is(*claim);
  return std::any_of(claim->as_array().begin(), claim->as_array().end(), is);
}

// Seconds since 1970, which may have a fraction.
std::optional<absl::Time> TimeOf(const json::object& claims,
                                 json::string_view name) {
  const json::value* const value = claims.if_contains(name);
  json::error_code error;
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const double seconds = value->to_number<double>(error);
  // Year 9999; beyond it and before 1970 it is no time of a token.
  if (error || !(seconds >= 0 && seconds < 253402300800.0)) return std::nullopt;
  return absl::UnixEpoch() + absl::Seconds(seconds);
}

absl::Status CheckAudience(const json::object& claims,
                           absl::string_view client_id) {
  const json::value* const audience = claims.if_contains("aud");
  if (!Has(audience, client_id)) return Wrong("audience");
  const absl::string_view party = TextOf(claims, "azp");
  const bool is_for_several =
      audience->is_array() && audience->as_array().size() > 1;
  if (party.empty() && (claims.contains("azp") || is_for_several)) {
    return Wrong("authorised party");
  }
  if (!party.empty() && party != client_id) return Wrong("authorised party");
  return absl::OkStatus();
}

bool IsPrintable(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c <= '~'; });
}

const json::value* AtPath(
    const json::object& claims,
    const google::protobuf::RepeatedPtrField<std::string>& path) {
  const json::value* at = nullptr;
  for (const std::string& name : path) {
    if (at != nullptr && !at->is_object()) return nullptr;
    at = (at == nullptr ? claims : at->as_object()).if_contains(name);
    if (at == nullptr) return nullptr;
  }
  return at;
}

// As people write it, on one line. Control characters would reach a page.
std::string DisplayName(absl::string_view text) {
  std::string name;
  for (const char c : text.substr(0, kDisplayNameMax)) {
    if (!absl::ascii_iscntrl(static_cast<unsigned char>(c))) name += c;
  }
  return name;
}

}  // namespace

absl::Status CheckIdToken(const json::object& claims,
                          const ExpectedToken& expected, absl::Time now) {
  if (TextOf(claims, "iss") != expected.issuer) return Wrong("issuer");
  if (auto status = CheckAudience(claims, expected.client_id); !status.ok()) {
    return status;
  }
  const auto expires = TimeOf(claims, "exp");
  if (!expires || now >= *expires + kClockSkew) return Wrong("end");
  const auto issued = TimeOf(claims, "iat");
  if (!issued || *issued > now + kClockSkew ||
      *issued < now - kTokenAgeMax - kClockSkew) {
    return Wrong("time of issue");
  }
  if (claims.contains("nbf")) {
    const auto from = TimeOf(claims, "nbf");
    if (!from || *from > now + kClockSkew) return Wrong("beginning");
  }
  if (expected.nonce.empty() ||
      !EqualInConstantTime(TextOf(claims, "nonce"), expected.nonce)) {
    return Wrong("nonce");
  }
  if (expected.proved_since) {
    const auto proved = TimeOf(claims, "auth_time");
    if (!proved || *proved < *expected.proved_since - kClockSkew) {
      return Wrong("time of authentication");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Person> PersonOf(const json::object& claims,
                                const v1::OidcSettings& settings) {
  const absl::string_view subject = TextOf(claims, "sub");
  if (subject.empty() || subject.size() > kSubjectMax ||
      !IsPrintable(subject)) {
    return Wrong("subject");
  }
  Person person;
  // Never the name of a local account: those have no colon.
  person.account = absl::StrCat("oidc:", subject);
  const absl::string_view staff = settings.staff_claim().empty()
                                      ? subject
                                      : TextOf(claims, settings.staff_claim());
  if (staff.empty() || staff.size() > kStaffMax || !IsPrintable(staff)) {
    return Wrong("staff reference");
  }
  person.staff = std::string(staff);
  person.display_name = DisplayName(TextOf(claims, "name"));
  if (person.display_name.empty()) person.display_name = person.staff;
  const json::value* const roles = AtPath(claims, settings.role_claim());
  for (const v1::RoleMapping& mapping : settings.roles()) {
    if (!Has(roles, mapping.value())) continue;
    person.principal = mapping.principal();
    return person;
  }
  return absl::PermissionDeniedError(
      "You are known, but your organisation has given you no role in "
      "Concordat. Ask the person who manages access in your team.");
}

}  // namespace concordat::gateway
