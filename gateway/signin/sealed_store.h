// What people leave with the gateway: drafts of what they were writing, over the
// end of a session, and the reasons they gave for opening a case. Sealed with a
// key of the gateway's own, so that the file alone tells neither. The gateway does
// not follow the log: whoever erases a person says so here (Forget).
//
// Threads  Any. A change is on the disk when it returns, so never on a thread of
//          the network.
// Errors   UNAVAILABLE, DATA_LOSS for the file; others as listed.
#ifndef CONCORDAT_GATEWAY_SIGNIN_SEALED_STORE_H_
#define CONCORDAT_GATEWAY_SIGNIN_SEALED_STORE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/signin/sealer.h"
#include "gateway/signin/session_table.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"
#include "services/common/base/random.h"
#include "services/common/crypto/sha256.h"
#include "services/common/projection/sqlite.h"

namespace concordat::gateway {

// In the data directory.
inline constexpr char kSealedStoreFile[] = "gateway/sign-in.db";
inline constexpr size_t kDraftBytesMax = 64 * 1024;
inline constexpr size_t kDraftsMax = 20;  // Of one account.
inline constexpr absl::Duration kDraftLifetime = absl::Hours(24 * 30);

struct Draft {
  std::string name;
  std::string text;
  absl::Time saved;
};

// That somebody chose a purpose. For a person it has a reason, in their words,
// or the task that led there.
struct PurposeChoice {
  absl::Time at;
  std::string account;
  std::string principal = {};
  std::string staff = {};
  std::string subject = {};  // Person key; empty: for the session.
  std::string purpose = {};
  std::string reason = {};
  std::string task = {};  // Alert reference.
};

class SealedStore {
 public:
  // `clock` and `random` outlive this. The file is made when it is missing.
  static absl::StatusOr<std::unique_ptr<SealedStore>> Open(
      const std::string& path, absl::string_view secret, const Clock& clock,
      Random& random);

  // Drafts are an account's as the principal that it is now: they stay closed
  // to whoever has the account in another role.
  //   INVALID_ARGUMENT    not 1 to 128 bytes of a name, or too long a text.
  //   RESOURCE_EXHAUSTED  it has as many as it may.
  absl::Status PutDraft(const Person& person, absl::string_view name,
                        absl::string_view text);
  //   NOT_FOUND
  absl::StatusOr<Draft> GetDraft(const Person& person, absl::string_view name);
  // By name.
  absl::StatusOr<std::vector<Draft>> ListDrafts(const Person& person);
  // OK when there was none.
  absl::Status DropDraft(const Person& person, absl::string_view name);

  absl::Status Record(const PurposeChoice& choice);
  // Oldest first.
  absl::StatusOr<std::vector<PurposeChoice>> Choices();

  // Of a person who was erased, by their key: destroys drafts that have the key in
  // name or text, and the words of reasons given for opening the person, or with
  // the key in them. Who opened them when, for which purpose and task, stays. How
  // many drafts and reasons went; nothing of them is in the files then. Another
  // process may have the file open.
  //   DATA_LOSS    a draft or a choice does not open, so that nobody knows whose it
  //                is; all else was done.
  //   UNAVAILABLE  others use the file: call again.
  absl::StatusOr<uint64_t> Forget(absl::string_view subject);

 private:
  SealedStore(std::unique_ptr<Database> database, absl::string_view secret,
              const Clock& clock, Random& random);
  absl::Status DropOldDrafts() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // How many of each went; `is_whole` is false when something did not open.
  absl::StatusOr<uint64_t> ForgetDrafts(absl::string_view subject,
                                        bool& is_whole)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<uint64_t> ForgetReasons(absl::string_view subject,
                                         bool& is_whole)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Calls `each` with every draft of a query for sealed, saved, id.
  absl::Status ReadDrafts(const std::string& sql, const std::string& key,
                          const std::function<void(Draft)>& each)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Names in the file, which say nothing without the secret.
  std::string OwnerOf(const Person& person) const;
  std::string IdOf(const Person& person, absl::string_view name) const;

  const Clock& clock_;
  const HmacSha256 names_;
  Mutex mu_;
  const std::unique_ptr<Database> database_ ABSL_PT_GUARDED_BY(mu_);
  Sealer drafts_ ABSL_GUARDED_BY(mu_);
  Sealer choices_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_SIGNIN_SEALED_STORE_H_
