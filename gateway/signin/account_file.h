// The file of accounts, accounts.textproto in a folder of its own below the
// gateway's state. The gateway reads it, `concordat account` writes it; neither
// waits for the other.
#ifndef CONCORDAT_GATEWAY_SIGNIN_ACCOUNT_FILE_H_
#define CONCORDAT_GATEWAY_SIGNIN_ACCOUNT_FILE_H_

#include <sys/stat.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "concordat/gateway/v1/signin.pb.h"
#include "gateway/signin/accounts.h"
#include "services/common/base/mutex.h"
#include "services/common/config/data_directory.h"

namespace concordat::gateway {

// The folder, made when it is missing.
absl::StatusOr<std::string> AccountsFolder(const DataDirectory& data);

// The accounts as their file says now: a leaver's session must not wait for a
// restart.
//
// Threads  Any.
class LiveAccounts {
 public:
  // No file: no accounts. `on_problem` is told, once a change, of a new file
  // that does not load; until it does the last good one holds.
  //   INVALID_ARGUMENT  the file is not what it should be; names the line.
  static absl::StatusOr<std::unique_ptr<LiveAccounts>> Open(
      const std::string& folder,
      std::function<void(const absl::Status&)> on_problem);

  std::shared_ptr<const Accounts> Current();
  // Current() as a value; the LiveAccounts must outlive it.
  AccountsSource source() {
    return [this] { return Current(); };
  }

 private:
  LiveAccounts(const std::string& folder,
               std::function<void(const absl::Status&)> on_problem);

  const std::string path_;
  const std::function<void(const absl::Status&)> on_problem_;
  Mutex mu_;
  struct stat seen_ ABSL_GUARDED_BY(mu_) = {};
  std::shared_ptr<const Accounts> accounts_ ABSL_GUARDED_BY(mu_);
};

//   NOT_FOUND when there is no file, INVALID_ARGUMENT.
absl::StatusOr<std::shared_ptr<const Accounts>> ReadAccounts(
    const std::string& folder);

// Reads the file, has `edit` change it, and puts the result in its place if it
// is well formed: mode 0600, durable when this returns.
//   FAILED_PRECONDITION  somebody else is changing it.
//   INVALID_ARGUMENT     the result is not well formed.
//   What `edit` returns; then nothing is changed.
absl::Status EditAccounts(
    const std::string& folder,
    const std::function<absl::Status(v1::Accounts&)>& edit);

// Changes that end the account's sessions: they take `now` as its new version.
//   ALREADY_EXISTS
absl::Status AddAccount(v1::Accounts& accounts, v1::Account account,
                        absl::Time now);
//   NOT_FOUND
absl::StatusOr<v1::Account*> ChangeAccount(v1::Accounts& accounts,
                                           absl::string_view name,
                                           absl::Time now);
// For a change that ends no session: what the agency tells of the person.
//   NOT_FOUND
absl::StatusOr<v1::Account*> FindAccount(v1::Accounts& accounts,
                                         absl::string_view name);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_SIGNIN_ACCOUNT_FILE_H_
