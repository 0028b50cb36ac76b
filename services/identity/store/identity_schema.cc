#include "services/identity/store/identity_schema.h"

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/identity/store/identity_store.h"

namespace concordat::identity {
namespace {

// `sealed` columns hold nonce, ciphertext and tag (ColumnSealer). Times are
// microseconds since 1970-01-01T00:00:00Z.
constexpr char kTables[] = R"sql(
CREATE TABLE secret (mark BLOB NOT NULL);
CREATE TABLE person (
  key BLOB PRIMARY KEY,
  record TEXT NOT NULL UNIQUE,   -- Names the person's stream; opaque.
  at_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE details (           -- As each agency wrote them; sealed.
  person BLOB NOT NULL REFERENCES person (key),
  agency TEXT NOT NULL,
  family_name BLOB NOT NULL,
  given_name BLOB NOT NULL,
  birth_date BLOB NOT NULL,
  uprn BLOB NOT NULL,
  address BLOB NOT NULL,
  at_us INTEGER NOT NULL,
  PRIMARY KEY (person, agency)
) WITHOUT ROWID;
CREATE TABLE identifier (
  id INTEGER PRIMARY KEY,
  person BLOB NOT NULL REFERENCES person (key),
  scheme TEXT NOT NULL,
  authority TEXT NOT NULL,
  value_index BLOB NOT NULL,     -- HMAC of the match key.
  value BLOB NOT NULL,           -- Canonical; sealed.
  raw BLOB NOT NULL,             -- As written; sealed.
  check_rule TEXT NOT NULL,
  confirmed INTEGER NOT NULL,
  confirmed_by TEXT,
  reason BLOB,                   -- Sealed.
  given_by TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  UNIQUE (person, value_index)
);
-- A number that may be used is one person's.
CREATE UNIQUE INDEX identifier_usable ON identifier (value_index)
  WHERE confirmed;
CREATE TABLE registration (
  person BLOB NOT NULL REFERENCES person (key),
  agency TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  PRIMARY KEY (person, agency)
) WITHOUT ROWID;
CREATE TABLE request (
  request_key TEXT PRIMARY KEY,
  content BLOB NOT NULL,         -- HMAC of what was asked.
  person BLOB NOT NULL,
  created INTEGER NOT NULL,
  unconfirmed TEXT NOT NULL,
  outbox_id INTEGER NOT NULL,
  at_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  message BLOB NOT NULL,
  seed BLOB NOT NULL,
  subject BLOB NOT NULL,
  stream TEXT NOT NULL,
  controller TEXT NOT NULL,
  time_us INTEGER NOT NULL,
  recorded_us INTEGER NOT NULL,
  purpose TEXT NOT NULL,
  gateway TEXT NOT NULL,
  regime INTEGER NOT NULL,
  on_behalf_of TEXT NOT NULL,
  position INTEGER               -- Null: not accepted by the bus yet.
);
CREATE INDEX outbox_pending ON outbox (id) WHERE position IS NULL;
CREATE TABLE disclosure (        -- How many, never who.
  edge TEXT NOT NULL,
  joined INTEGER NOT NULL,
  left_count INTEGER NOT NULL,
  position INTEGER NOT NULL,
  at_us INTEGER NOT NULL
);
)sql";

// Since version 2.
constexpr char kContacts[] = R"sql(
CREATE TABLE contact (           -- Where a role is told that there is an alert.
  agency TEXT NOT NULL,
  role TEXT NOT NULL,
  channel TEXT NOT NULL,
  address BLOB NOT NULL,         -- Sealed.
  at_us INTEGER NOT NULL,
  PRIMARY KEY (agency, role)
) WITHOUT ROWID;
)sql";

// Since version 3.
constexpr char kReviews[] = R"sql(
ALTER TABLE request ADD COLUMN review INTEGER NOT NULL DEFAULT 0;
CREATE TABLE review (            -- Who is who, for people to decide.
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  subject BLOB NOT NULL REFERENCES person (key),
  agency TEXT NOT NULL,
  opened_by TEXT NOT NULL,
  opened_us INTEGER NOT NULL,
  happened_us INTEGER NOT NULL,
  identifiers BLOB NOT NULL,     -- Sealed, as the next two.
  address BLOB NOT NULL,
  note BLOB NOT NULL,
  proposed_by TEXT NOT NULL DEFAULT '',
  decision TEXT NOT NULL DEFAULT '',
  decided_by TEXT NOT NULL DEFAULT '',
  decided_us INTEGER NOT NULL DEFAULT 0,
  reason TEXT NOT NULL DEFAULT '',
  decision_note BLOB             -- Sealed.
);
CREATE TABLE merged (            -- Two keys of one person.
  person BLOB PRIMARY KEY REFERENCES person (key),
  survivor BLOB NOT NULL REFERENCES person (key),
  review INTEGER NOT NULL REFERENCES review (number)
) WITHOUT ROWID;
)sql";

// Since version 4.
constexpr char kPeople[] = R"sql(
ALTER TABLE details ADD COLUMN family_index BLOB;  -- HMAC of the folded name.
CREATE INDEX details_family ON details (family_index);
CREATE TABLE other_name (        -- In use beside the first; sealed.
  person BLOB NOT NULL REFERENCES person (key),
  agency TEXT NOT NULL,
  number INTEGER NOT NULL,
  family_name BLOB NOT NULL,
  given_name BLOB NOT NULL,
  family_index BLOB NOT NULL,
  PRIMARY KEY (person, agency, number)
) WITHOUT ROWID;
CREATE INDEX other_name_family ON other_name (family_index);
CREATE TABLE number_use (        -- Who may have come to a person by a number.
  person BLOB NOT NULL REFERENCES person (key),
  value_index BLOB NOT NULL,
  system TEXT NOT NULL,          -- urn:concordat:<agency>:<system>
  gave INTEGER NOT NULL,         -- It registered the person with it.
  alone INTEGER NOT NULL,        -- It asked by this one and no other.
  after INTEGER NOT NULL,        -- The log's position when it first had it.
  PRIMARY KEY (person, value_index, system)
) WITHOUT ROWID;
-- What can still be known of uses before.
INSERT INTO number_use
  SELECT person, value_index, given_by, 1, 0, 0 FROM identifier;
INSERT OR IGNORE INTO number_use
  SELECT i.person, i.value_index, d.edge, 0, 0, 0
  FROM identifier i, (SELECT DISTINCT edge FROM disclosure) d
  WHERE i.confirmed AND (i.scheme = 'chi' OR
    i.authority LIKE rtrim(d.edge, replace(d.edge, ':', '')) || '%');
ALTER TABLE review ADD COLUMN other BLOB NOT NULL DEFAULT x'';
ALTER TABLE review ADD COLUMN sources TEXT NOT NULL DEFAULT '';
CREATE TABLE description (       -- Whose name was given to whom.
  person BLOB NOT NULL REFERENCES person (key),
  principal TEXT NOT NULL,
  staff TEXT NOT NULL,
  purpose TEXT NOT NULL,
  at_us INTEGER NOT NULL
);
CREATE INDEX description_person ON description (person, at_us);
CREATE TABLE holders (           -- Who holds an agency's roles.
  agency TEXT NOT NULL,
  version INTEGER NOT NULL,
  effective TEXT NOT NULL,       -- ISO date.
  content BLOB NOT NULL,         -- RoleHolders; sealed.
  PRIMARY KEY (agency, version)
) WITHOUT ROWID;
)sql";

// Since version 5.
constexpr char kErased[] = R"sql(
CREATE TABLE erased (            -- Erasures that were done here; of nobody else.
  ref TEXT PRIMARY KEY,
  at_us INTEGER NOT NULL
) WITHOUT ROWID;
)sql";

}  // namespace

absl::Status PrepareSchema(Database& db) {
  int64_t version = 0;
  absl::Status read =
      db.Query("PRAGMA user_version", {},
               [&](const SqlRow& row) { version = row.Int(0); });
  if (!read.ok() || version == IdentityStore::kSchemaVersion) return read;
  if (version < 0 || version > IdentityStore::kSchemaVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("the identity database has schema version ", version,
                     "; this program knows ", IdentityStore::kSchemaVersion));
  }
  return db.Execute(absl::StrCat(
      "BEGIN IMMEDIATE;", version < 1 ? kTables : "",
      version < 2 ? kContacts : "", version < 3 ? kReviews : "",
      version < 4 ? kPeople : "", version < 5 ? kErased : "",
      "PRAGMA user_version = ", IdentityStore::kSchemaVersion, ";COMMIT"));
}

}  // namespace concordat::identity
