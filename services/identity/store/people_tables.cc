#include "services/identity/store/people_tables.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/identity/domain/matching.h"

namespace concordat::identity {
namespace {

PersonKey KeyOf(const std::string& bytes) {
  const absl::StatusOr<PersonKey> key = PersonKey::FromBytes(bytes);
  return key.ok() ? *key : PersonKey();
}

// Content moved to another version does not open.
std::string HoldersColumn(absl::string_view agency, int64_t version) {
  return absl::StrCat("holders.content/", agency, "/", version);
}

}  // namespace

std::string FamilyIndex(const ColumnSealer& sealer, absl::string_view name) {
  return sealer.Index(absl::StrCat("family-name\n", FoldName(name)));
}

absl::Status PeopleTables::FillFamilyIndex() {
  struct Row {
    PersonKey person;
    std::string agency;
    std::string sealed;
  };
  std::vector<Row> rows;
  absl::Status done = db_.Query(
      "SELECT person, agency, family_name FROM details "
      "WHERE family_index IS NULL",
      {}, [&](const SqlRow& row) {
        rows.push_back({KeyOf(row.Text(0)), row.Text(1), row.Text(2)});
      });
  for (const Row& row : rows) {
    if (!done.ok()) return done;
    const auto name =
        sealer_.Open("details.family_name", row.person, row.sealed);
    if (!name.ok()) return name.status();
    done = db_.Run(
        "UPDATE details SET family_index = ? WHERE person = ? AND agency = ?",
        {SqlValue::Blob(FamilyIndex(sealer_, *name)),
         SqlValue::Blob(row.person.bytes()), row.agency});
  }
  return done;
}

absl::Status PeopleTables::KeepOtherNames(
    const PersonKey& person, absl::string_view agency,
    const std::vector<PersonName>& names) {
  absl::Status done =
      db_.Run("DELETE FROM other_name WHERE person = ? AND agency = ?",
              {SqlValue::Blob(person.bytes()), agency});
  for (size_t i = 0; i < names.size() && done.ok(); ++i) {
    done = db_.Run(
        "INSERT INTO other_name (person, agency, number, family_name, "
        "given_name, family_index) VALUES (?, ?, ?, ?, ?, ?)",
        {SqlValue::Blob(person.bytes()), agency, static_cast<int64_t>(i),
         SqlValue::Blob(sealer_.Seal("other_name.family_name", person,
                                     names[i].family_name)),
         SqlValue::Blob(sealer_.Seal("other_name.given_name", person,
                                     names[i].given_name)),
         SqlValue::Blob(FamilyIndex(sealer_, names[i].family_name))});
  }
  return done;
}

absl::StatusOr<std::vector<PersonName>> PeopleTables::OtherNames(
    const PersonKey& person) {
  std::vector<PersonName> names;
  absl::Status opened;
  const absl::Status read = db_.Query(
      "SELECT family_name, given_name FROM other_name WHERE person = ? "
      "ORDER BY agency, number",
      {SqlValue::Blob(person.bytes())}, [&](const SqlRow& row) {
        auto family =
            sealer_.Open("other_name.family_name", person, row.Text(0));
        auto given = sealer_.Open("other_name.given_name", person, row.Text(1));
        if (family.ok() && given.ok()) {
          names.push_back({*std::move(family), *std::move(given)});
        } else {
          opened = family.ok() ? given.status() : family.status();
        }
      });
  if (!read.ok()) return read;
  if (!opened.ok()) return opened;
  return names;
}

absl::StatusOr<std::vector<PersonKey>> PeopleTables::Named(
    absl::string_view family_name) {
  std::vector<PersonKey> people;
  const std::string index = FamilyIndex(sealer_, family_name);
  const absl::Status read = db_.Query(
      "SELECT person FROM details WHERE family_index = ?1 "
      "UNION SELECT person FROM other_name WHERE family_index = ?1",
      {SqlValue::Blob(index)},
      [&](const SqlRow& row) { people.push_back(KeyOf(row.Text(0))); });
  if (!read.ok()) return read;
  return people;
}

absl::Status PeopleTables::NoteUse(const PersonKey& person,
                                   const CanonicalIdentifier& identifier,
                                   const NumberUse& use) {
  const std::string index = ValueIndex(identifier);
  bool known = false;
  const absl::Status read = db_.Query(
      "SELECT 1 FROM number_use WHERE person = ? AND value_index = ? "
      "AND system = ? AND gave >= ? AND alone >= ?",
      {SqlValue::Blob(person.bytes()), SqlValue::Blob(index), use.system,
       use.gave, use.alone},
      [&](const SqlRow&) { known = true; });
  // Most asking is a repeat, and must not wait for a disk.
  if (!read.ok() || known) return read;
  return db_.Run(
      "INSERT INTO number_use (person, value_index, system, gave, alone, after)"
      " VALUES (?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (person, value_index, system) DO UPDATE SET "
      "gave = max(gave, excluded.gave), alone = max(alone, excluded.alone)",
      {SqlValue::Blob(person.bytes()), SqlValue::Blob(index), use.system,
       use.gave, use.alone, use.after.value});
}

absl::StatusOr<std::vector<PeopleTables::UseOf>> PeopleTables::Uses(
    const PersonKey& person) {
  std::vector<UseOf> uses;
  const absl::Status read = db_.Query(
      "SELECT value_index, system, gave, alone, after FROM number_use "
      "WHERE person = ? ORDER BY system, value_index",
      {SqlValue::Blob(person.bytes())}, [&](const SqlRow& row) {
        UseOf& one = uses.emplace_back();
        one.value_index = row.Text(0);
        one.use.system = row.Text(1);
        one.use.gave = row.Int(2) != 0;
        one.use.alone = row.Int(3) != 0;
        one.use.after = {row.Uint(4)};
      });
  if (!read.ok()) return read;
  return uses;
}

absl::Status PeopleTables::ForgetUses(const PersonKey& person,
                                      const CanonicalIdentifier& identifier) {
  return db_.Run(
      "DELETE FROM number_use WHERE person = ? AND value_index = ?",
      {SqlValue::Blob(person.bytes()), SqlValue::Blob(ValueIndex(identifier))});
}

absl::Status PeopleTables::NoteDescription(const PersonKey& person,
                                           const DescribedTo& to,
                                           uint64_t at_us) {
  return db_.Run(
      "INSERT INTO description (person, principal, staff, purpose, at_us) "
      "VALUES (?, ?, ?, ?, ?)",
      {SqlValue::Blob(person.bytes()), to.principal, to.staff, to.purpose,
       at_us});
}

absl::StatusOr<uint64_t> PeopleTables::Descriptions(
    const PersonKey& person, absl::string_view principal) {
  uint64_t count = 0;
  const absl::Status read = db_.Query(
      "SELECT count(*) FROM description WHERE person = ? AND principal = ?",
      {SqlValue::Blob(person.bytes()), principal},
      [&](const SqlRow& row) { count = row.Uint(0); });
  if (!read.ok()) return read;
  return count;
}

absl::Status PeopleTables::KeepHolders(const v1::RoleHolders& holders) {
  const std::string sealed =
      sealer_.Seal(HoldersColumn(holders.agency(), holders.version()),
                   PersonKey(), holders.SerializeAsString());
  return db_.Run(
      "INSERT INTO holders (agency, version, effective, content) "
      "VALUES (?, ?, ?, ?)",
      {holders.agency(), int64_t{holders.version()}, holders.effective(),
       SqlValue::Blob(sealed)});
}

absl::StatusOr<std::vector<v1::RoleHolders>> PeopleTables::Holders() {
  std::vector<v1::RoleHolders> all;
  absl::Status opened;
  const absl::Status read = db_.Query(
      "SELECT agency, version, content FROM holders ORDER BY agency, version",
      {}, [&](const SqlRow& row) {
        const auto content = sealer_.Open(
            HoldersColumn(row.Text(0), row.Int(1)), PersonKey(), row.Text(2));
        if (!content.ok() || !all.emplace_back().ParseFromString(*content)) {
          opened = absl::DataLossError("who holds the roles does not open");
        }
      });
  if (!read.ok()) return read;
  if (!opened.ok()) return opened;
  return all;
}

}  // namespace concordat::identity
