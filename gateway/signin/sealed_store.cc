#include "gateway/signin/sealed_store.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace concordat::gateway {
namespace {

constexpr size_t kNameMax = 128;
constexpr char kSchema[] =
    "CREATE TABLE IF NOT EXISTS draft ("
    " id BLOB PRIMARY KEY, owner BLOB NOT NULL, saved INTEGER NOT NULL,"
    " sealed BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS draft_owner ON draft (owner);"
    "CREATE TABLE IF NOT EXISTS choice ("
    " id INTEGER PRIMARY KEY, at INTEGER NOT NULL, sealed BLOB NOT NULL);";
// Between the fields of what is hashed or sealed; only the last may hold one.
constexpr char kBreak[] = "\n";
constexpr char kChoice[] = "choice";
// Of a choice, in their order.
constexpr size_t kChoiceFields = 7;
constexpr size_t kSubjectField = 3;
constexpr size_t kReasonField = 6;

std::string ToString(const Sha256Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

// Empty: it does not open.
std::vector<std::string> FieldsOf(const std::optional<std::string>& choice) {
  if (!choice) return {};
  std::vector<std::string> fields =
      absl::StrSplit(*choice, absl::MaxSplits(kBreak, kChoiceFields - 1));
  if (fields.size() != kChoiceFields) fields.clear();
  return fields;
}

}  // namespace

SealedStore::SealedStore(std::unique_ptr<Database> database,
                         absl::string_view secret, const Clock& clock,
                         Random& random)
    : clock_(clock),
      names_(ToString(HmacSha256(secret).Of("concordat/gateway/names/1"))),
      database_(std::move(database)),
      drafts_(secret, "concordat/gateway/draft/1", random),
      choices_(secret, "concordat/gateway/purpose/2", random) {}

absl::StatusOr<std::unique_ptr<SealedStore>> SealedStore::Open(
    const std::string& path, absl::string_view secret, const Clock& clock,
    Random& random) {
  auto database = Database::Open(path, Database::Durability::kFull);
  if (!database.ok()) return database.status();
  if (auto status = (*database)->Execute(kSchema); !status.ok()) return status;
  std::unique_ptr<SealedStore> store(
      new SealedStore(*std::move(database), secret, clock, random));
  MutexLock lock(store->mu_);
  if (auto status = store->DropOldDrafts(); !status.ok()) return status;
  return store;
}

std::string SealedStore::OwnerOf(const Person& person) const {
  return ToString(names_.Of(
      absl::StrCat("owner\n", person.account, kBreak, person.principal)));
}

std::string SealedStore::IdOf(const Person& person,
                              absl::string_view name) const {
  return ToString(names_.Of(absl::StrCat("draft\n", person.account, kBreak,
                                         person.principal, kBreak, name)));
}

absl::Status SealedStore::DropOldDrafts() {
  return database_->Run("DELETE FROM draft WHERE saved < ?1",
                        {absl::ToUnixMicros(clock_.Now() - kDraftLifetime)});
}

absl::Status SealedStore::ReadDrafts(const std::string& sql,
                                     const std::string& key,
                                     const std::function<void(Draft)>& each) {
  const absl::Time from = clock_.Now() - kDraftLifetime;
  bool is_whole = true;
  const auto status = database_->Query(
      sql, {SqlValue::Blob(key)},
      [&](const SqlRow& row) ABSL_NO_THREAD_SAFETY_ANALYSIS {
        const absl::Time saved = absl::FromUnixMicros(row.Int(1));
        if (saved < from) return;
        const auto text = drafts_.Open(row.Text(2), row.Text(0));
        const size_t end = text ? text->find(kBreak) : std::string::npos;
        is_whole &= end != std::string::npos;
        if (end == std::string::npos) return;
        each({text->substr(0, end), text->substr(end + 1), saved});
      });
  if (!status.ok() || is_whole) return status;
  return absl::DataLossError("a draft does not open");
}

absl::StatusOr<std::vector<Draft>> SealedStore::ListDrafts(
    const Person& person) {
  std::vector<Draft> drafts;
  MutexLock lock(mu_);
  const auto status = ReadDrafts(
      "SELECT sealed, saved, id FROM draft WHERE owner = ?1", OwnerOf(person),
      [&drafts](Draft draft) { drafts.push_back(std::move(draft)); });
  if (!status.ok()) return status;
  std::sort(drafts.begin(), drafts.end(),
            [](const Draft& a, const Draft& b) { return a.name < b.name; });
  return drafts;
}

absl::StatusOr<Draft> SealedStore::GetDraft(const Person& person,
                                            absl::string_view name) {
  absl::StatusOr<Draft> found = absl::NotFoundError("There is no such draft.");
  MutexLock lock(mu_);
  const auto status = ReadDrafts(
      "SELECT sealed, saved, id FROM draft WHERE id = ?1", IdOf(person, name),
      [&found](Draft draft) { found = std::move(draft); });
  if (!status.ok()) return status;
  return found;
}

absl::Status SealedStore::PutDraft(const Person& person, absl::string_view name,
                                   absl::string_view text) {
  if (name.empty() || name.size() > kNameMax ||
      absl::StrContains(name, kBreak)) {
    return absl::InvalidArgumentError(
        "A draft has a name of 1 to 128 characters.");
  }
  if (text.size() > kDraftBytesMax) {
    return absl::InvalidArgumentError("A draft has at most 64 kilobytes.");
  }
  const std::string id = IdOf(person, name);
  const std::string owner = OwnerOf(person);
  MutexLock lock(mu_);
  Transaction transaction(*database_);
  if (auto status = DropOldDrafts(); !status.ok()) return status;
  int64_t others = 0;
  auto status = database_->Query(
      "SELECT COUNT(*) FROM draft WHERE owner = ?1 AND id <> ?2",
      {SqlValue::Blob(owner), SqlValue::Blob(id)},
      [&others](const SqlRow& row) { others = row.Int(0); });
  if (!status.ok()) return status;
  if (others >= static_cast<int64_t>(kDraftsMax)) {
    return absl::ResourceExhaustedError(
        "You have 20 drafts already. Finish or delete one.");
  }
  const std::string sealed = drafts_.Seal(id, absl::StrCat(name, kBreak, text));
  status = database_->Run(
      "INSERT INTO draft (id, owner, saved, sealed) VALUES (?1, ?2, ?3, ?4)"
      " ON CONFLICT (id) DO UPDATE SET saved = ?3, sealed = ?4",
      {SqlValue::Blob(id), SqlValue::Blob(owner),
       absl::ToUnixMicros(clock_.Now()), SqlValue::Blob(sealed)});
  if (!status.ok()) return status;
  return transaction.Commit();
}

absl::Status SealedStore::DropDraft(const Person& person,
                                    absl::string_view name) {
  const std::string id = IdOf(person, name);
  MutexLock lock(mu_);
  return database_->Run("DELETE FROM draft WHERE id = ?1",
                        {SqlValue::Blob(id)});
}

absl::Status SealedStore::Record(const PurposeChoice& choice) {
  const std::string text = absl::StrJoin(
      {choice.account, choice.principal, choice.staff, choice.subject,
       choice.purpose, choice.task, choice.reason},
      kBreak);
  MutexLock lock(mu_);
  return database_->Run("INSERT INTO choice (at, sealed) VALUES (?1, ?2)",
                        {absl::ToUnixMicros(choice.at),
                         SqlValue::Blob(choices_.Seal(kChoice, text))});
}

absl::StatusOr<std::vector<PurposeChoice>> SealedStore::Choices() {
  std::vector<PurposeChoice> choices;
  bool is_whole = true;
  MutexLock lock(mu_);
  const auto status = database_->Query(
      "SELECT at, sealed FROM choice ORDER BY id", {},
      [&](const SqlRow& row) ABSL_NO_THREAD_SAFETY_ANALYSIS {
        const auto parts = FieldsOf(choices_.Open(kChoice, row.Text(1)));
        is_whole &= !parts.empty();
        if (parts.empty()) return;
        choices.push_back({absl::FromUnixMicros(row.Int(0)), parts[0], parts[1],
                           parts[2], parts[3], parts[4], parts[6], parts[5]});
      });
  if (!status.ok()) return status;
  if (!is_whole) return absl::DataLossError("a purpose does not open");
  return choices;
}

absl::StatusOr<uint64_t> SealedStore::ForgetDrafts(absl::string_view subject,
                                                   bool& is_whole) {
  std::vector<std::string> ids;
  const auto status = database_->Query(
      "SELECT id, sealed FROM draft", {},
      [&](const SqlRow& row) ABSL_NO_THREAD_SAFETY_ANALYSIS {
        const auto text = drafts_.Open(row.Text(0), row.Text(1));
        is_whole &= text.has_value();
        if (text && absl::StrContains(*text, subject)) {
          ids.push_back(row.Text(0));
        }
      });
  if (!status.ok()) return status;
  for (const std::string& id : ids) {
    const auto gone =
        database_->Run("DELETE FROM draft WHERE id = ?1", {SqlValue::Blob(id)});
    if (!gone.ok()) return gone;
  }
  return ids.size();
}

absl::StatusOr<uint64_t> SealedStore::ForgetReasons(absl::string_view subject,
                                                    bool& is_whole) {
  std::vector<std::pair<int64_t, std::string>> changed;
  const auto status = database_->Query(
      "SELECT id, sealed FROM choice", {},
      [&](const SqlRow& row) ABSL_NO_THREAD_SAFETY_ANALYSIS {
        auto fields = FieldsOf(choices_.Open(kChoice, row.Text(1)));
        is_whole &= !fields.empty();
        if (fields.empty() || fields[kReasonField].empty()) return;
        if (fields[kSubjectField] != subject &&
            !absl::StrContains(fields[kReasonField], subject)) {
          return;
        }
        fields[kReasonField].clear();
        changed.emplace_back(
            row.Int(0), choices_.Seal(kChoice, absl::StrJoin(fields, kBreak)));
      });
  if (!status.ok()) return status;
  for (const auto& [id, sealed] : changed) {
    const auto kept =
        database_->Run("UPDATE choice SET sealed = ?2 WHERE id = ?1",
                       {id, SqlValue::Blob(sealed)});
    if (!kept.ok()) return kept;
  }
  return changed.size();
}

absl::StatusOr<uint64_t> SealedStore::Forget(absl::string_view subject) {
  bool is_whole = true;
  MutexLock lock(mu_);
  Transaction transaction(*database_);
  const auto drafts = ForgetDrafts(subject, is_whole);
  if (!drafts.ok()) return drafts.status();
  const auto reasons = ForgetReasons(subject, is_whole);
  if (!reasons.ok()) return reasons.status();
  if (auto status = transaction.Commit(); !status.ok()) return status;
  // The write-ahead log still has the pages of before.
  if (auto status = database_->EmptyLog(); !status.ok()) return status;
  if (!is_whole) {
    return absl::DataLossError("a draft or a choice does not open");
  }
  return *drafts + *reasons;
}

}  // namespace concordat::gateway
