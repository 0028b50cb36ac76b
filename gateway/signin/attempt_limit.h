// How often somebody may try a password: for one account with waits that grow,
// for one address at a steady rate. PURE: the caller says what time it is.
//
// It does not know which accounts there are, so that it treats one that does
// not exist as one that does. What was typed as an account may be a password by
// mistake: only its hash is kept.
//
// Threads  One at a time.
// Time     Durations of a SteadyClock.
#ifndef CONCORDAT_GATEWAY_SIGNIN_ATTEMPT_LIMIT_H_
#define CONCORDAT_GATEWAY_SIGNIN_ATTEMPT_LIMIT_H_

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/common/crypto/sha256.h"

namespace concordat::gateway {

struct AttemptLimits {
  // Failures of an account without a wait. After the next it is `first_wait`,
  // then twice as long each time up to `last_wait`; it is forgotten
  // `forget_after` after the last.
  int per_account = 5;
  absl::Duration first_wait = absl::Seconds(2);
  absl::Duration last_wait = absl::Minutes(15);
  absl::Duration forget_after = absl::Hours(2);
  // Failures from an address at once, and how long one takes to be forgotten.
  // Many people of one agency may come from one address.
  int per_address = 20;
  absl::Duration address_pace = absl::Seconds(30);
  // Of accounts and of addresses each; above it the one that was tried longest
  // ago is forgotten.
  size_t entries_max = 50'000;
};

class AttemptLimit {
 public:
  explicit AttemptLimit(const AttemptLimits& limits) : limits_(limits) {}

  // Zero: it may be tried, and counts as a failure from now on, so that many at
  // once are no way round. Else how long to wait; such an attempt is not
  // counted. `address` is an IPv4 or IPv6 address in writing.
  absl::Duration Admit(absl::string_view account, absl::string_view address,
                       absl::Duration now);

  // The attempt that was admitted succeeded. The account has a clean slate; of
  // the address, this one attempt is taken back and no more: else whoever has
  // one account could try others for ever.
  void Succeeded(absl::string_view account, absl::string_view address);

 private:
  struct Account {
    int failures = 0;
    absl::Duration last;
    absl::Duration until;
  };
  // A bucket that leaks: `failures` were there at `last`.
  struct Address {
    double failures = 0;
    absl::Duration last;
  };
  double LeftOf(const Address& address, absl::Duration now) const;

  const AttemptLimits limits_;
  absl::flat_hash_map<Sha256Hash, Account> accounts_;
  absl::flat_hash_map<std::string, Address> addresses_;
};

// What counts as one address: IPv4 whole, of IPv6 the first 64 bits (a network
// that one customer gets), what is no address as itself.
std::string AddressKey(absl::string_view address);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_SIGNIN_ATTEMPT_LIMIT_H_
