#include "services/identity/domain/matching.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace concordat::identity {
namespace {

// Two numbers that one person cannot both have.
bool Contradict(const CanonicalIdentifier& a, const CanonicalIdentifier& b) {
  const auto numbering = [](const CanonicalIdentifier& identifier) {
    const std::string key = identifier.MatchKey();
    return key.substr(0, key.rfind('\n'));
  };
  return numbering(a) == numbering(b) && a.value != b.value;
}

}  // namespace

std::string FoldName(absl::string_view name) {
  std::string kept;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    // Of letters beyond ASCII every byte counts.
    if (absl::ascii_isalnum(byte) || byte >= 0x80) {
      kept.push_back(absl::ascii_toupper(byte));
    }
  }
  return kept;
}

bool Agree(const NameAndBirth& a, const NameAndBirth& b) {
  const std::string family = FoldName(a.family_name);
  const std::string given_a = FoldName(a.given_name);
  const std::string given_b = FoldName(b.given_name);
  return !family.empty() && family == FoldName(b.family_name) &&
         !a.birth_date.empty() && a.birth_date == b.birth_date &&
         (given_a.empty() || given_b.empty() || given_a[0] == given_b[0]);
}

absl::StatusOr<std::optional<PersonKey>> MatchPerson(
    const std::vector<GivenIdentifier>& given) {
  std::optional<PersonKey> found;
  bool different = false;
  std::set<std::string> schemes;
  for (const GivenIdentifier& one : given) {
    if (!one.holder.has_value()) continue;
    schemes.insert(std::string(SchemeName(one.identifier.scheme)));
    different = different || (found.has_value() && *found != *one.holder);
    found = one.holder;
  }
  if (different) {
    return absl::FailedPreconditionError(
        absl::StrCat("the identifiers belong to different people: ",
                     absl::StrJoin(schemes, ", ")));
  }
  return found;
}

absl::Status CheckCompatible(const std::vector<CanonicalIdentifier>& given,
                             const std::vector<CanonicalIdentifier>& held) {
  std::set<std::string> schemes;
  for (size_t i = 0; i < given.size(); ++i) {
    for (const CanonicalIdentifier& other : held) {
      if (Contradict(given[i], other)) {
        schemes.insert(std::string(SchemeName(given[i].scheme)));
      }
    }
    for (size_t j = 0; j < i; ++j) {
      if (Contradict(given[i], given[j])) {
        schemes.insert(std::string(SchemeName(given[i].scheme)));
      }
    }
  }
  if (schemes.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the person has another number of this scheme: ",
                   absl::StrJoin(schemes, ", ")));
}

}  // namespace concordat::identity
