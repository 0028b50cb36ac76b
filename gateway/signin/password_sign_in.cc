#include "gateway/signin/password_sign_in.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace concordat::gateway {

std::string InWords(absl::Duration wait) {
  const bool minutes = wait > absl::Seconds(90);
  const absl::Duration unit = minutes ? absl::Minutes(1) : absl::Seconds(1);
  const int64_t count = absl::Ceil(wait, unit) / unit;
  return absl::StrCat(count, minutes ? " minute" : " second",
                      count == 1 ? "" : "s");
}

absl::StatusOr<std::unique_ptr<PasswordSignIn>> PasswordSignIn::Make(
    const AttemptLimits& limits, AccountsSource accounts,
    PasswordHasher& hasher, const SteadyClock& steady) {
  auto hash = hasher.Hash("whatever is typed, it is not right");
  if (!hash.ok()) return hash.status();
  return std::unique_ptr<PasswordSignIn>(new PasswordSignIn(
      limits, std::move(accounts), hasher, steady, *std::move(hash)));
}

PasswordSignIn::PasswordSignIn(const AttemptLimits& limits,
                               AccountsSource accounts, PasswordHasher& hasher,
                               const SteadyClock& steady,
                               std::string nobodys_hash)
    : accounts_(std::move(accounts)),
      hasher_(hasher),
      steady_(steady),
      nobodys_hash_(std::move(nobodys_hash)),
      limit_(limits) {}

absl::StatusOr<Person> PasswordSignIn::Check(absl::string_view account,
                                             absl::string_view password,
                                             absl::string_view address,
                                             absl::Duration* wait) {
  {
    MutexLock lock(mu_);
    *wait = limit_.Admit(account, address, steady_.Elapsed());
  }
  if (*wait > absl::ZeroDuration()) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "There were too many attempts. Try again in ", InWords(*wait), "."));
  }
  const auto accounts = accounts_();
  const v1::Account* const found = accounts->Find(account);
  // One check each time, of the same cost, whatever is known before.
  const bool is_right =
      hasher_.Verify(found == nullptr ? nobodys_hash_ : found->password_hash(),
                     password.substr(0, kPasswordMax + 1));
  if (!is_right || found == nullptr || found->disabled()) {
    return absl::UnauthenticatedError(
        "The account or the password is not right.");
  }
  {
    MutexLock lock(mu_);
    limit_.Succeeded(account, address);
  }
  return Person{.account = found->name(),
                .principal = found->principal(),
                .staff = found->staff(),
                .display_name = found->display_name(),
                .version = found->changed()};
}

}  // namespace concordat::gateway
