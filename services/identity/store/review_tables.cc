#include "services/identity/store/review_tables.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace concordat::identity {
namespace {

// No identifier holds a control character.
constexpr char kPartEnd = '\x1f';
constexpr char kIdentifierEnd = '\x1e';

std::string WriteIdentifiers(
    const std::vector<CanonicalIdentifier>& identifiers) {
  std::string text;
  for (const CanonicalIdentifier& one : identifiers) {
    absl::StrAppend(&text, SchemeName(one.scheme));
    text.push_back(kPartEnd);
    absl::StrAppend(&text, one.authority);
    text.push_back(kPartEnd);
    absl::StrAppend(&text, one.value);
    text.push_back(kPartEnd);
    absl::StrAppend(&text, one.links_by_itself ? "1" : "0");
    text.push_back(kIdentifierEnd);
  }
  return text;
}

std::vector<CanonicalIdentifier> ReadIdentifiers(absl::string_view text) {
  std::vector<CanonicalIdentifier> identifiers;
  for (const absl::string_view one :
       absl::StrSplit(text, kIdentifierEnd, absl::SkipEmpty())) {
    const std::vector<std::string> parts = absl::StrSplit(one, kPartEnd);
    if (parts.size() != 4) continue;
    CanonicalIdentifier& identifier = identifiers.emplace_back();
    for (const Scheme scheme : {Scheme::kChi, Scheme::kPnc, Scheme::kCro,
                                Scheme::kCouncil, Scheme::kLocal}) {
      if (SchemeName(scheme) == parts[0]) identifier.scheme = scheme;
    }
    identifier.authority = parts[1];
    identifier.value = parts[2];
    identifier.links_by_itself = parts[3] == "1";
  }
  return identifiers;
}

PersonKey KeyOf(const std::string& bytes) {
  const absl::StatusOr<PersonKey> key = PersonKey::FromBytes(bytes);
  return key.ok() ? *key : PersonKey();
}

}  // namespace

absl::StatusOr<int64_t> ReviewTables::Add(const Review& review) {
  const auto seal = [&](absl::string_view column, absl::string_view plain) {
    return sealer_.Seal(column, review.subject, plain);
  };
  const absl::Status added = db_.Run(
      "INSERT INTO review (kind, subject, other, agency, opened_by, "
      "opened_us, happened_us, identifiers, address, note) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {review.kind, SqlValue::Blob(review.subject.bytes()),
       SqlValue::Blob(review.other.bytes()), review.agency, review.opened_by,
       review.opened_us, review.happened_us,
       SqlValue::Blob(
           seal("review.identifiers", WriteIdentifiers(review.identifiers))),
       SqlValue::Blob(seal("review.address", review.address)),
       SqlValue::Blob(seal("review.note", review.note))});
  if (!added.ok()) return added;
  return db_.last_insert_id();
}

absl::StatusOr<std::vector<Review>> ReviewTables::Read(
    const std::string& where, std::initializer_list<SqlValue> values) {
  std::vector<Review> reviews;
  absl::Status opened;
  const absl::Status read = db_.Query(
      absl::StrCat("SELECT number, kind, subject, agency, opened_by, "
                   "opened_us, happened_us, identifiers, address, note, "
                   "proposed_by, decision, decided_by, decided_us, reason, "
                   "decision_note, other, sources FROM review ",
                   where, " ORDER BY number"),
      values, [&](const SqlRow& row) {
        Review& review = reviews.emplace_back();
        review.number = row.Int(0);
        review.kind = row.Text(1);
        review.subject = KeyOf(row.Text(2));
        review.agency = row.Text(3);
        review.opened_by = row.Text(4);
        review.opened_us = row.Uint(5);
        review.happened_us = row.Uint(6);
        const auto open = [&](absl::string_view column, int at) {
          if (row.IsNull(at)) return std::string();
          auto plain = sealer_.Open(column, review.subject, row.Text(at));
          if (!plain.ok()) opened = plain.status();
          return plain.ok() ? *std::move(plain) : std::string();
        };
        review.identifiers = ReadIdentifiers(open("review.identifiers", 7));
        review.address = open("review.address", 8);
        review.note = open("review.note", 9);
        review.proposed_by = row.Text(10);
        review.decision = row.Text(11);
        review.decided_by = row.Text(12);
        review.decided_us = row.Uint(13);
        review.reason = row.Text(14);
        review.decision_note = open("review.decision_note", 15);
        review.other = KeyOf(row.Text(16));
        review.sources = absl::StrSplit(row.Text(17), ' ', absl::SkipEmpty());
      });
  if (!read.ok()) return read;
  if (!opened.ok()) return opened;
  return reviews;
}

absl::StatusOr<std::optional<Review>> ReviewTables::Find(int64_t number) {
  auto found = Read("WHERE number = ?1", {number});
  if (!found.ok()) return std::move(found).status();
  if (found->empty()) return std::nullopt;
  return std::move(found->front());
}

absl::StatusOr<std::vector<Review>> ReviewTables::All(bool with_decided) {
  return with_decided ? Read("", {}) : Read("WHERE decision = ''", {});
}

absl::Status ReviewTables::Propose(int64_t number, absl::string_view by,
                                   const std::vector<std::string>& sources) {
  return db_.Run(
      "UPDATE review SET proposed_by = ?, sources = ? WHERE number = ?",
      {by, absl::StrJoin(sources, " "), number});
}

absl::StatusOr<bool> ReviewTables::IsInDoubt(const PersonKey& person) {
  bool in_doubt = false;
  const absl::Status read = db_.Query(
      "SELECT 1 FROM review WHERE subject = ? AND kind = ? AND decision = ''",
      {SqlValue::Blob(person.bytes()), kLinkDoubted},
      [&](const SqlRow&) { in_doubt = true; });
  if (!read.ok()) return read;
  return in_doubt;
}

absl::Status ReviewTables::Decide(const Review& decided) {
  return db_.Run(
      "UPDATE review SET decision = ?, decided_by = ?, decided_us = ?, "
      "reason = ?, decision_note = ? WHERE number = ?",
      {decided.decision, decided.decided_by, decided.decided_us, decided.reason,
       SqlValue::Blob(sealer_.Seal("review.decision_note", decided.subject,
                                   decided.decision_note)),
       decided.number});
}

absl::Status ReviewTables::Merge(const PersonKey& person,
                                 const PersonKey& survivor, int64_t review) {
  const absl::Status moved = db_.Run(
      "UPDATE merged SET survivor = ? WHERE survivor = ?",
      {SqlValue::Blob(survivor.bytes()), SqlValue::Blob(person.bytes())});
  if (!moved.ok()) return moved;
  return db_.Run(
      "INSERT INTO merged (person, survivor, review) VALUES (?, ?, ?)",
      {SqlValue::Blob(person.bytes()), SqlValue::Blob(survivor.bytes()),
       review});
}

absl::StatusOr<PersonKey> ReviewTables::SurvivorOf(const PersonKey& person) {
  PersonKey survivor = person;
  const absl::Status read =
      db_.Query("SELECT survivor FROM merged WHERE person = ?",
                {SqlValue::Blob(person.bytes())},
                [&](const SqlRow& row) { survivor = KeyOf(row.Text(0)); });
  if (!read.ok()) return read;
  return survivor;
}

absl::StatusOr<std::vector<PersonKey>> ReviewTables::MergedInto(
    const PersonKey& survivor) {
  std::vector<PersonKey> people;
  const absl::Status read = db_.Query(
      "SELECT person FROM merged WHERE survivor = ?",
      {SqlValue::Blob(survivor.bytes())},
      [&](const SqlRow& row) { people.push_back(KeyOf(row.Text(0))); });
  if (!read.ok()) return read;
  return people;
}

}  // namespace concordat::identity
