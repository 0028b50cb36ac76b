#include "services/identity/store/identity_tables.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "concordat/identity/v1/events.pb.h"
#include "services/common/event/make_event.h"
#include "services/identity/store/people_tables.h"

namespace concordat::identity {
namespace {

constexpr char kService[] = "identity";

// A request is its caller's own: two systems may use the same id.
std::string RequestKey(const CommandContext& context) {
  return absl::StrCat(context.caller.ToUrn(), "\n", context.request_id);
}

PersonKey KeyOf(const SqlRow& row, int column) {
  absl::StatusOr<PersonKey> key = PersonKey::FromBytes(row.Text(column));
  return key.ok() ? *key : PersonKey();
}

}  // namespace

IdentityTables::IdentityTables(std::unique_ptr<Database> db,
                               absl::string_view secret, const Clock& clock,
                               Random& random)
    : db_(std::move(db)),
      sealer_(secret, random),
      clock_(clock),
      random_(random) {}

uint64_t IdentityTables::NowUs() const {
  return static_cast<uint64_t>(absl::ToUnixMicros(clock_.Now()));
}

// Another secret would find nobody, and make everybody a second time.
absl::Status IdentityTables::CheckSecret() {
  const std::string mark = sealer_.Index("concordat/identity/secret");
  std::string kept;
  absl::Status read =
      db_->Query("SELECT mark FROM secret", {},
                 [&](const SqlRow& row) { kept = row.Text(0); });
  if (!read.ok()) return read;
  if (kept.empty()) {
    return db_->Run("INSERT INTO secret (mark) VALUES (?)",
                    {SqlValue::Blob(mark)});
  }
  if (kept == mark) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "the identity database was made with another secret");
}

absl::StatusOr<std::optional<CommandOutcome>> IdentityTables::FindAnswer(
    const CommandContext& context, absl::string_view content) {
  std::optional<CommandOutcome> found;
  std::string kept_content;
  absl::Status read = db_->Query(
      "SELECT content, person, created, unconfirmed, outbox_id, review "
      "FROM request "
      "WHERE request_key = ?",
      {RequestKey(context)}, [&](const SqlRow& row) {
        kept_content = row.Text(0);
        found.emplace();
        found->person = KeyOf(row, 1);
        found->created = row.Int(2) != 0;
        found->unconfirmed_schemes =
            absl::StrSplit(row.Text(3), ',', absl::SkipEmpty());
        found->outbox_id = row.Int(4);
        found->review = row.Int(5);
        found->duplicate = true;
      });
  if (!read.ok()) return read;
  if (found.has_value() && kept_content != sealer_.Index(content)) {
    return absl::InvalidArgumentError(
        "request_id: it was used for another request");
  }
  return found;
}

absl::Status IdentityTables::KeepAnswer(const CommandContext& context,
                                        absl::string_view content,
                                        const CommandOutcome& outcome) {
  return db_->Run(
      "INSERT INTO request (request_key, content, person, created, "
      "unconfirmed, outbox_id, review, at_us) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      {RequestKey(context), SqlValue::Blob(sealer_.Index(content)),
       SqlValue::Blob(outcome.person.bytes()), outcome.created,
       absl::StrJoin(outcome.unconfirmed_schemes, ","), outcome.outbox_id,
       outcome.review, NowUs()});
}

absl::StatusOr<std::optional<PersonKey>> IdentityTables::HolderOf(
    const CanonicalIdentifier& identifier) {
  std::optional<PersonKey> holder;
  absl::Status read = db_->Query(
      "SELECT person FROM identifier WHERE value_index = ? AND confirmed",
      {SqlValue::Blob(sealer_.Index(identifier.MatchKey()))},
      [&](const SqlRow& row) { holder = KeyOf(row, 0); });
  if (!read.ok()) return read;
  return holder;
}

absl::StatusOr<std::optional<PersonKey>> IdentityTables::OwnHolderOf(
    const CanonicalIdentifier& identifier, absl::string_view agency) {
  std::optional<PersonKey> holder;
  absl::Status read = db_->Query(
      "SELECT i.person FROM identifier i JOIN registration r "
      "ON r.person = i.person WHERE i.value_index = ? AND r.agency = ? "
      "AND NOT i.confirmed AND (? OR i.confirmed_by IS NOT NULL) "
      "ORDER BY i.id DESC",
      {SqlValue::Blob(sealer_.Index(identifier.MatchKey())), agency,
       identifier.links_by_itself},
      [&](const SqlRow& row) { holder = KeyOf(row, 0); });
  if (!read.ok()) return read;
  return holder;
}

absl::StatusOr<std::vector<PersonKey>> IdentityTables::ClaimantsOf(
    const CanonicalIdentifier& identifier) {
  std::vector<PersonKey> claimants;
  absl::Status read = db_->Query(
      "SELECT person FROM identifier WHERE value_index = ? AND NOT confirmed "
      "ORDER BY id",
      {SqlValue::Blob(sealer_.Index(identifier.MatchKey()))},
      [&](const SqlRow& row) { claimants.push_back(KeyOf(row, 0)); });
  if (!read.ok()) return read;
  return claimants;
}

absl::StatusOr<std::vector<PersonKey>> IdentityTables::ClaimedHolders() {
  std::vector<PersonKey> holders;
  absl::Status read = db_->Query(
      "SELECT DISTINCT b.person FROM identifier a JOIN identifier b "
      "ON a.value_index = b.value_index WHERE NOT a.confirmed AND b.confirmed",
      {}, [&](const SqlRow& row) { holders.push_back(KeyOf(row, 0)); });
  if (!read.ok()) return read;
  return holders;
}

absl::Status IdentityTables::NoteConfirmation(
    const PersonKey& person, const CanonicalIdentifier& identifier,
    absl::string_view by, absl::string_view reason) {
  return db_->Run(
      "UPDATE identifier SET confirmed_by = ?, reason = ? "
      "WHERE person = ? AND value_index = ?",
      {by, SqlValue::Blob(sealer_.Seal("identifier.reason", person, reason)),
       SqlValue::Blob(person.bytes()),
       SqlValue::Blob(sealer_.Index(identifier.MatchKey()))});
}

absl::StatusOr<bool> IdentityTables::HasPerson(const PersonKey& person) {
  bool known = false;
  absl::Status read = db_->Query("SELECT 1 FROM person WHERE key = ?",
                                 {SqlValue::Blob(person.bytes())},
                                 [&](const SqlRow&) { known = true; });
  if (!read.ok()) return read;
  return known;
}

absl::Status IdentityTables::ConfirmIdentifier(
    const PersonKey& person, const CanonicalIdentifier& identifier,
    absl::string_view by, absl::string_view reason) {
  return db_->Run(
      "UPDATE identifier SET confirmed = 1, confirmed_by = ?, reason = ? "
      "WHERE person = ? AND value_index = ?",
      {by, SqlValue::Blob(sealer_.Seal("identifier.reason", person, reason)),
       SqlValue::Blob(person.bytes()),
       SqlValue::Blob(sealer_.Index(identifier.MatchKey()))});
}

absl::Status IdentityTables::RemoveIdentifier(
    const PersonKey& person, const CanonicalIdentifier& identifier) {
  return db_->Run("DELETE FROM identifier WHERE person = ? AND value_index = ?",
                  {SqlValue::Blob(person.bytes()),
                   SqlValue::Blob(sealer_.Index(identifier.MatchKey()))});
}

absl::StatusOr<std::vector<HeldIdentifier>> IdentityTables::HeldBy(
    const PersonKey& person) {
  std::vector<HeldIdentifier> held;
  absl::Status opened;
  absl::Status read = db_->Query(
      "SELECT scheme, authority, value, check_rule, confirmed, confirmed_by "
      "FROM identifier WHERE person = ? ORDER BY id",
      {SqlValue::Blob(person.bytes())}, [&](const SqlRow& row) {
        absl::StatusOr<std::string> value =
            sealer_.Open("identifier.value", person, row.Text(2));
        if (!value.ok()) {
          opened = value.status();
          return;
        }
        HeldIdentifier one;
        for (const Scheme scheme : {Scheme::kChi, Scheme::kPnc, Scheme::kCro,
                                    Scheme::kCouncil, Scheme::kLocal}) {
          if (SchemeName(scheme) == row.Text(0)) one.identifier.scheme = scheme;
        }
        one.identifier.authority = row.Text(1);
        one.identifier.value = *std::move(value);
        one.identifier.links_by_itself = row.Text(3) != "modulus-10";
        one.confirmed = row.Int(4) != 0;
        if (!row.IsNull(5)) one.confirmed_by = row.Text(5);
        held.push_back(std::move(one));
      });
  if (!read.ok()) return read;
  if (!opened.ok()) return opened;
  return held;
}

absl::StatusOr<PersonKey> IdentityTables::MakePerson() {
  std::array<uint8_t, PersonKey::kBytes> bytes;
  random_.Fill(bytes.data(), bytes.size());
  const PersonKey person(bytes);
  random_.Fill(bytes.data(), bytes.size());
  const std::string record = absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  absl::Status made =
      db_->Run("INSERT INTO person (key, record, at_us) VALUES (?, ?, ?)",
               {SqlValue::Blob(person.bytes()), record, NowUs()});
  if (!made.ok()) return made;
  return person;
}

absl::Status IdentityTables::AddIdentifier(const PersonKey& person,
                                           const System& from,
                                           const WrittenIdentifier& identifier,
                                           bool confirmed) {
  const CanonicalIdentifier& canonical = identifier.canonical;
  return db_->Run(
      "INSERT INTO identifier (person, scheme, authority, value_index, value, "
      "raw, check_rule, confirmed, given_by, at_us) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {SqlValue::Blob(person.bytes()), SchemeName(canonical.scheme),
       canonical.authority, SqlValue::Blob(sealer_.Index(canonical.MatchKey())),
       SqlValue::Blob(
           sealer_.Seal("identifier.value", person, canonical.value)),
       SqlValue::Blob(sealer_.Seal("identifier.raw", person, identifier.raw)),
       canonical.check, confirmed, from.ToUrn(), NowUs()});
}

absl::Status IdentityTables::KeepDetails(const PersonKey& person,
                                         absl::string_view agency,
                                         const PersonDetails& details) {
  const std::string uprn =
      details.uprn.has_value() ? FormatUprn(*details.uprn) : "";
  const auto seal = [&](absl::string_view column, absl::string_view plain) {
    return sealer_.Seal(column, person, plain);
  };
  // What is not given this time stays as it was.
  return db_->Run(
      "INSERT INTO details (person, agency, family_name, given_name, "
      "birth_date, uprn, address, at_us, family_index) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?14) "
      "ON CONFLICT (person, agency) DO UPDATE SET "
      "family_name = iif(?9, excluded.family_name, family_name), "
      "family_index = iif(?9, excluded.family_index, family_index), "
      "given_name = iif(?10, excluded.given_name, given_name), "
      "birth_date = iif(?11, excluded.birth_date, birth_date), "
      "uprn = iif(?12, excluded.uprn, uprn), "
      "address = iif(?13, excluded.address, address)",
      {SqlValue::Blob(person.bytes()), agency,
       SqlValue::Blob(seal("details.family_name", details.family_name)),
       SqlValue::Blob(seal("details.given_name", details.given_name)),
       SqlValue::Blob(seal("details.birth_date", details.birth_date)),
       SqlValue::Blob(seal("details.uprn", uprn)),
       SqlValue::Blob(seal("details.address", details.address)), NowUs(),
       !details.family_name.empty(), !details.given_name.empty(),
       !details.birth_date.empty(), !uprn.empty(), !details.address.empty(),
       SqlValue::Blob(FamilyIndex(sealer_, details.family_name))});
}

absl::StatusOr<int64_t> IdentityTables::NoteRegistration(
    const CommandContext& context, const PersonKey& person) {
  bool known = false;
  absl::Status read =
      db_->Query("SELECT 1 FROM registration WHERE person = ? AND agency = ?",
                 {SqlValue::Blob(person.bytes()), context.caller.agency},
                 [&](const SqlRow&) { known = true; });
  if (!read.ok()) return read;
  if (known) return 0;
  absl::Status noted = db_->Run(
      "INSERT INTO registration (person, agency, at_us) VALUES (?, ?, ?)",
      {SqlValue::Blob(person.bytes()), context.caller.agency, NowUs()});
  if (!noted.ok()) return noted;
  v1::PersonRegistered registered;
  registered.set_agency(context.caller.agency);
  return AddToOutbox(context, person, registered);
}

absl::StatusOr<int64_t> IdentityTables::AddToOutbox(
    const CommandContext& context, const PersonKey& person,
    const google::protobuf::Message& event, uint32_t index) {
  std::string record;
  absl::Status read =
      db_->Query("SELECT record FROM person WHERE key = ?",
                 {SqlValue::Blob(person.bytes())},
                 [&](const SqlRow& row) { record = row.Text(0); });
  if (!read.ok()) return read;
  return AddToOutbox(context, person,
                     absl::StrCat("person-registration/", record), event,
                     index);
}

absl::StatusOr<int64_t> IdentityTables::AddToOutbox(
    const CommandContext& context, const PersonKey& person,
    absl::string_view stream, const google::protobuf::Message& event,
    uint32_t index) {
  // Drawn once and kept, so that every attempt publishes the same bytes.
  const Seed seed = DrawSeed(random_);
  const uint64_t now_us = NowUs();
  absl::Status added = db_->Run(
      "INSERT INTO outbox (event_id, type, message, seed, subject, stream, "
      "controller, time_us, recorded_us, purpose, gateway, regime, "
      "on_behalf_of) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {DerivedId(kService, RequestKey(context), index),
       event.GetDescriptor()->full_name(),
       SqlValue::Blob(event.SerializeAsString()),
       SqlValue::Blob(absl::string_view(
           reinterpret_cast<const char*>(seed.data()), seed.size())),
       SqlValue::Blob(person.bytes()), stream, context.caller.agency,
       context.time_us == 0 ? now_us : context.time_us, now_us, context.purpose,
       context.gateway, static_cast<int>(context.regime),
       context.on_behalf_of});
  if (!added.ok()) return added;
  return db_->last_insert_id();
}

absl::StatusOr<std::optional<PersonDetails>> IdentityTables::Describe(
    const PersonKey& person, absl::string_view agency) {
  static constexpr absl::string_view kColumns[] = {
      "details.family_name", "details.given_name", "details.birth_date",
      "details.uprn", "details.address"};
  std::vector<std::string> sealed;
  absl::Status read = db_->Query(
      "SELECT family_name, given_name, birth_date, uprn, address FROM details "
      "WHERE person = ? ORDER BY agency = ? DESC, at_us, agency LIMIT 1",
      {SqlValue::Blob(person.bytes()), agency}, [&](const SqlRow& row) {
        for (int i = 0; i < 5; ++i) sealed.push_back(row.Text(i));
      });
  if (!read.ok()) return read;
  if (sealed.empty()) return std::nullopt;
  std::vector<std::string> values;
  for (size_t i = 0; i < sealed.size(); ++i) {
    absl::StatusOr<std::string> value =
        sealer_.Open(kColumns[i], person, sealed[i]);
    if (!value.ok()) return std::move(value).status();
    values.push_back(*std::move(value));
  }
  PersonDetails details;
  details.family_name = values[0];
  details.given_name = values[1];
  details.birth_date = values[2];
  if (absl::StatusOr<uint64_t> uprn = ParseUprn(values[3]); uprn.ok()) {
    details.uprn = *uprn;
  }
  details.address = values[4];
  return details;
}

absl::StatusOr<std::string> IdentityTables::AddressBy(
    const PersonKey& person, absl::string_view agency) {
  std::string sealed;
  absl::Status read =
      db_->Query("SELECT address FROM details WHERE person = ? AND agency = ?",
                 {SqlValue::Blob(person.bytes()), agency},
                 [&](const SqlRow& row) { sealed = row.Text(0); });
  if (!read.ok()) return read;
  if (sealed.empty()) return std::string();
  return sealer_.Open("details.address", person, sealed);
}

absl::StatusOr<bool> IdentityTables::IsRegisteredBy(const PersonKey& person,
                                                    absl::string_view agency) {
  bool found = false;
  absl::Status read =
      db_->Query("SELECT 1 FROM registration WHERE person = ? AND agency = ?",
                 {SqlValue::Blob(person.bytes()), agency},
                 [&](const SqlRow&) { found = true; });
  if (!read.ok()) return read;
  return found;
}

absl::StatusOr<std::vector<OutboxEntry>> IdentityTables::PendingOutbox(
    int64_t after, int count_max) {
  std::vector<OutboxEntry> entries;
  bool damaged = false;
  absl::Status read = db_->Query(
      "SELECT id, event_id, type, message, seed, subject, stream, controller, "
      "time_us, recorded_us, purpose, gateway, regime, on_behalf_of "
      "FROM outbox WHERE position IS NULL AND id > ? ORDER BY id LIMIT ?",
      {after, count_max}, [&](const SqlRow& row) {
        OutboxEntry entry;
        entry.id = row.Int(0);
        entry.type = row.Text(2);
        entry.message = row.Text(3);
        const std::string seed = row.Text(4);
        if (seed.size() != entry.seed.size()) {
          damaged = true;
          return;
        }
        std::copy(seed.begin(), seed.end(), entry.seed.begin());
        Header& header = entry.header;
        header.id = row.Text(1);
        header.type = entry.type;
        header.subject = KeyOf(row, 5);
        header.stream = row.Text(6);
        header.controller = row.Text(7);
        header.time_us = static_cast<uint64_t>(row.Int(8));
        header.recorded_us = static_cast<uint64_t>(row.Int(9));
        header.time_precision = bus::v1::TIME_PRECISION_SECOND;
        header.purpose = row.Text(10);
        header.gateway = row.Text(11);
        header.regime = static_cast<bus::v1::Regime>(row.Int(12));
        header.basis = bus::v1::BASIS_OBSERVED;
        header.classification = bus::v1::CLASSIFICATION_OFFICIAL_SENSITIVE;
        header.on_behalf_of = row.Text(13);
        entries.push_back(std::move(entry));
      });
  if (!read.ok()) return read;
  if (damaged) return absl::DataLossError("an outbox entry has no seed");
  return entries;
}

absl::Status IdentityTables::MarkPublished(int64_t outbox_id,
                                           Sequence position) {
  return db_->Run("UPDATE outbox SET position = ? WHERE id = ?",
                  {position.value, outbox_id});
}

absl::StatusOr<std::optional<Sequence>> IdentityTables::PositionOf(
    int64_t outbox_id) {
  std::optional<Sequence> found;
  absl::Status read = db_->Query(
      "SELECT position FROM outbox WHERE id = ? AND position IS NOT NULL",
      {outbox_id}, [&](const SqlRow& row) {
        found = Sequence{static_cast<uint64_t>(row.Int(0))};
      });
  if (!read.ok()) return read;
  return found;
}

absl::Status IdentityTables::RecordDisclosure(const System& edge,
                                              uint64_t joined, uint64_t left,
                                              Sequence position) {
  return db_->Run(
      "INSERT INTO disclosure (edge, joined, left_count, position, at_us) "
      "VALUES (?, ?, ?, ?, ?)",
      {edge.ToUrn(), joined, left, position.value, NowUs()});
}

absl::StatusOr<Disclosures> IdentityTables::DisclosedTo(const System& edge) {
  Disclosures sum;
  absl::Status read = db_->Query(
      "SELECT ifnull(sum(joined), 0), ifnull(sum(left_count), 0) "
      "FROM disclosure WHERE edge = ?",
      {edge.ToUrn()}, [&](const SqlRow& row) {
        sum.joined = static_cast<uint64_t>(row.Int(0));
        sum.left = static_cast<uint64_t>(row.Int(1));
      });
  if (!read.ok()) return read;
  return sum;
}

}  // namespace concordat::identity
