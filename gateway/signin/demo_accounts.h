// Accounts of a demo: one for each principal that the gateway speaks for, with
// the principal's name and a password of its own.
#ifndef CONCORDAT_GATEWAY_SIGNIN_DEMO_ACCOUNTS_H_
#define CONCORDAT_GATEWAY_SIGNIN_DEMO_ACCOUNTS_H_

#include "absl/status/status.h"
#include "gateway/signin/password.h"
#include "services/common/base/clock.h"
#include "services/common/base/random.h"
#include "services/common/config/data_directory.h"

namespace concordat::gateway {

// Where the passwords stand, in the data directory, mode 0600: lines of account,
// password and the person's name, with tabs between.
inline constexpr char kDemoSignIns[] = "gateway/demo-sign-ins";

// Does nothing when there are accounts already.
//   FAILED_PRECONDITION  the directory is no demo's.
//   UNAVAILABLE          a file cannot be written.
absl::Status MakeDemoAccounts(const DataDirectory& data, PasswordHasher& hasher,
                              const Clock& clock, Random& random);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_SIGNIN_DEMO_ACCOUNTS_H_
