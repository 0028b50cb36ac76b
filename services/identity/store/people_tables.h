// The tables of what is known of people beside their numbers: other names, the
// search by name, who had which number, to whom a name was given, and who holds
// an agency's roles. Names are sealed. No decisions; a transaction is its
// caller's.
//
// Threads  One at a time.
// Errors   Those of Database; DATA_LOSS: a column does not open.
#ifndef CONCORDAT_SERVICES_IDENTITY_STORE_PEOPLE_TABLES_H_
#define CONCORDAT_SERVICES_IDENTITY_STORE_PEOPLE_TABLES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/identity/v1/holders.pb.h"
#include "services/common/base/random.h"
#include "services/common/projection/sqlite.h"
#include "services/identity/domain/identifiers.h"
#include "services/identity/store/column_sealer.h"
#include "services/identity/store/identity_records.h"

namespace concordat::identity {

// By which people are found who have a family name.
std::string FamilyIndex(const ColumnSealer& sealer, absl::string_view name);

class PeopleTables {
 public:
  // Borrows both.
  PeopleTables(Database& db, absl::string_view secret, Random& random)
      : db_(db), sealer_(secret, random) {}

  // Of names that were kept before there was a search.
  absl::Status FillFamilyIndex();
  // Takes the place of those that the agency gave before.
  absl::Status KeepOtherNames(const PersonKey& person, absl::string_view agency,
                              const std::vector<PersonName>& names);
  // As each agency gave them.
  absl::StatusOr<std::vector<PersonName>> OtherNames(const PersonKey& person);
  // Whoever has such a family name, by whatever agency, once each.
  absl::StatusOr<std::vector<PersonKey>> Named(absl::string_view family_name);

  // Notes that a system had the number, which it gave (`gave`) or asked by. The
  // first time counts.
  absl::Status NoteUse(const PersonKey& person,
                       const CanonicalIdentifier& identifier,
                       const NumberUse& use);
  // Of every number of the person.
  struct UseOf {
    std::string value_index;
    NumberUse use;
  };
  absl::StatusOr<std::vector<UseOf>> Uses(const PersonKey& person);
  std::string ValueIndex(const CanonicalIdentifier& identifier) const {
    return sealer_.Index(identifier.MatchKey());
  }
  absl::Status ForgetUses(const PersonKey& person,
                          const CanonicalIdentifier& identifier);

  absl::Status NoteDescription(const PersonKey& person, const DescribedTo& to,
                               uint64_t at_us);
  // How often the person's name was given to the principal.
  absl::StatusOr<uint64_t> Descriptions(const PersonKey& person,
                                        absl::string_view principal);

  absl::Status KeepHolders(const v1::RoleHolders& holders);
  // Every version, by agency.
  absl::StatusOr<std::vector<v1::RoleHolders>> Holders();

 private:
  Database& db_;
  ColumnSealer sealer_;
};

}  // namespace concordat::identity

#endif  // CONCORDAT_SERVICES_IDENTITY_STORE_PEOPLE_TABLES_H_
