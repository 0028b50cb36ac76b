// Signing in with an account of ours: whether a password is right, and no
// faster than somebody may try. An account that does not exist, one that is
// disabled and a wrong password cost the same and say the same.
//
// Threads  Any; a call takes as long as a hash.
#ifndef CONCORDAT_GATEWAY_SIGNIN_PASSWORD_SIGN_IN_H_
#define CONCORDAT_GATEWAY_SIGNIN_PASSWORD_SIGN_IN_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/signin/accounts.h"
#include "gateway/signin/attempt_limit.h"
#include "gateway/signin/password.h"
#include "gateway/signin/session_table.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"

namespace concordat::gateway {

class PasswordSignIn {
 public:
  // `hasher` and `steady` outlive this.
  //   RESOURCE_EXHAUSTED  no memory to hash.
  static absl::StatusOr<std::unique_ptr<PasswordSignIn>> Make(
      const AttemptLimits& limits, AccountsSource accounts,
      PasswordHasher& hasher, const SteadyClock& steady);

  // `wait` gets how long to wait after RESOURCE_EXHAUSTED.
  //   UNAUTHENTICATED     for people.
  //   RESOURCE_EXHAUSTED  too many attempts; for people.
  absl::StatusOr<Person> Check(absl::string_view account,
                               absl::string_view password,
                               absl::string_view address, absl::Duration* wait);

 private:
  PasswordSignIn(const AttemptLimits& limits, AccountsSource accounts,
                 PasswordHasher& hasher, const SteadyClock& steady,
                 std::string nobodys_hash);

  const AccountsSource accounts_;
  PasswordHasher& hasher_;
  const SteadyClock& steady_;
  // Checked where there is no account; its outcome counts for nothing.
  const std::string nobodys_hash_;
  Mutex mu_;
  AttemptLimit limit_ ABSL_GUARDED_BY(mu_);
};

// "4 minutes", "1 minute", "20 seconds": rounded up.
std::string InWords(absl::Duration wait);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_SIGNIN_PASSWORD_SIGN_IN_H_
