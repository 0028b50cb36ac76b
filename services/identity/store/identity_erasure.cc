// The part of the identity store that forgets people.
#include <string>

#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/erasure.pb.h"
#include "services/identity/store/identity_store.h"
#include "services/identity/store/identity_tables.h"

namespace concordat::identity {
namespace {

constexpr char kErasuresStream[] = "erasures";

// What holds something of a person, and by which columns; those that others refer
// to last.
constexpr struct {
  const char* table;
  const char* where;
} kHolds[] = {
    {"details", "person = ?1"},
    {"identifier", "person = ?1"},
    {"registration", "person = ?1"},
    {"other_name", "person = ?1"},
    {"number_use", "person = ?1"},
    {"description", "person = ?1"},
    {"merged", "person = ?1 OR survivor = ?1"},
    {"review", "subject = ?1 OR other = ?1"},
    {"request", "person = ?1"},
    // Published or not: the bus takes nothing of the person under the old key.
    {"outbox", "subject = ?1"},
    {"person", "key = ?1"},
};

}  // namespace

absl::StatusOr<uint64_t> IdentityStore::EraseNow(Database& db,
                                                 const PersonKey& person) {
  uint64_t destroyed = 0;
  for (const auto& [table, where] : kHolds) {
    absl::Status status =
        db.Run(absl::StrCat("DELETE FROM ", table, " WHERE ", where),
               {SqlValue::Blob(person.bytes())});
    if (status.ok()) {
      status = db.Query("SELECT changes()", {},
                        [&](const SqlRow& row) { destroyed += row.Uint(0); });
    }
    if (!status.ok()) return status;
  }
  return destroyed;
}

absl::StatusOr<bool> IdentityStore::ErasePerson(const PersonKey& person,
                                                const std::string& ref) {
  MutexLock lock(mu_);
  Database& db = tables_->db();
  bool done = false;
  absl::Status status = db.Query("SELECT 1 FROM erased WHERE ref = ?1", {ref},
                                 [&done](const SqlRow&) { done = true; });
  if (!status.ok()) return status;
  if (done) {
    // A version of before confirmed it first.
    status = db.EmptyLog();
    if (!status.ok()) return status;
    return false;
  }
  uint64_t destroyed = 0;
  auto outcome = InTransaction(
      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::StatusOr<CommandOutcome> {
        const auto erased = EraseNow(db, person);
        if (!erased.ok()) return erased.status();
        destroyed = *erased;
        return CommandOutcome();
      });
  if (!outcome.ok()) return outcome.status();
  // The write-ahead log still has the pages of before. It is not confirmed before they
  // are gone: until then each start begins here again, and finds nothing to destroy.
  status = db.EmptyLog();
  if (!status.ok()) return status;
  outcome = InTransaction(
      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::StatusOr<CommandOutcome> {
        absl::Status kept = db.Run("INSERT INTO erased VALUES (?1, ?2)",
                                   {ref, tables_->NowUs()});
        if (!kept.ok()) return kept;
        hub::v1::ErasureConfirmed confirmed;
        confirmed.set_erasure_ref(ref);
        confirmed.set_destroyed(destroyed);
        CommandContext own = self_;
        // Of this time: where a copy of before was put back it is done again, and
        // what it confirms then is another event than the first.
        own.request_id = absl::StrCat("erasure/", ref, "/", tables_->NowUs());
        const auto added =
            tables_->AddToOutbox(own, PersonKey(), kErasuresStream, confirmed);
        if (!added.ok()) return added.status();
        return CommandOutcome();
      });
  if (!outcome.ok()) return outcome.status();
  return true;
}

}  // namespace concordat::identity
