// Who somebody is, decided by strong identifiers alone: exact, or refused. A
// wrong link puts one person's record on another, so every doubt is a refusal.
//
// PURE.
#ifndef CONCORDAT_SERVICES_IDENTITY_DOMAIN_MATCHING_H_
#define CONCORDAT_SERVICES_IDENTITY_DOMAIN_MATCHING_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/base/ids.h"
#include "services/identity/domain/identifiers.h"

namespace concordat::identity {

// An identifier that a caller gave, and who holds it by a confirmed link.
struct GivenIdentifier {
  CanonicalIdentifier identifier;
  std::optional<PersonKey> holder;
};

// The one person that the identifiers point at; nothing when they point at
// nobody. An unconfirmed link points at nobody: leave its `holder` empty.
//   FAILED_PRECONDITION  they point at different people; names the schemes.
absl::StatusOr<std::optional<PersonKey>> MatchPerson(
    const std::vector<GivenIdentifier>& given);

// What an agency says of a person, as far as it can be compared.
struct NameAndBirth {
  std::string family_name;
  std::string given_name;
  std::string birth_date;  // ISO, or empty.
};

// What two spellings of a name have in common: case, blanks and marks away.
std::string FoldName(absl::string_view name);

// They know the same person: family names alike but for case, blanks and marks,
// the same date of birth, and given names that begin alike where both are said.
// What is not said is not the same.
bool Agree(const NameAndBirth& a, const NameAndBirth& b);

// Whether somebody who holds `held` (confirmed or not) may also have `given`:
// nobody has two numbers of one scheme and authority.
//   FAILED_PRECONDITION  names the schemes.
absl::Status CheckCompatible(const std::vector<CanonicalIdentifier>& given,
                             const std::vector<CanonicalIdentifier>& held);

}  // namespace concordat::identity

#endif  // CONCORDAT_SERVICES_IDENTITY_DOMAIN_MATCHING_H_
