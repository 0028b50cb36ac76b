#include "gateway/signin/attempt_limit.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace concordat::gateway {
namespace {

Sha256Hash AccountKey(absl::string_view account) {
  return Sha256::Of(absl::AsciiStrToLower(account));
}

// Forgets the entry of the oldest `last` when there is no room for another.
template <typename Map>
void MakeRoom(Map& map, size_t entries_max) {
  if (map.size() < entries_max) return;
  map.erase(std::min_element(map.begin(), map.end(),
                             [](const auto& a, const auto& b) {
                               return a.second.last < b.second.last;
                             }));
}

}  // namespace

std::string AddressKey(absl::string_view address) {
  const std::string text(address.substr(0, address.find('%')));
  std::array<unsigned char, 16> bytes;
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return text;
  const absl::string_view view(reinterpret_cast<const char*>(bytes.data()),
                               bytes.size());
  if (view.substr(0, 12) ==
      absl::string_view("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12)) {
    return absl::StrCat(bytes[12], ".", bytes[13], ".", bytes[14], ".",
                        bytes[15]);
  }
  return std::string(view.substr(0, 8));
}

double AttemptLimit::LeftOf(const Address& address, absl::Duration now) const {
  const double leaked =
      absl::FDivDuration(now - address.last, limits_.address_pace);
  return std::max(0.0, address.failures - leaked);
}

absl::Duration AttemptLimit::Admit(absl::string_view account,
                                   absl::string_view address,
                                   absl::Duration now) {
  const Sha256Hash account_key = AccountKey(account);
  const std::string address_key = AddressKey(address);
  if (!accounts_.contains(account_key)) {
    MakeRoom(accounts_, limits_.entries_max);
  }
  if (!addresses_.contains(address_key)) {
    MakeRoom(addresses_, limits_.entries_max);
  }
  Account& of_account = accounts_[account_key];
  Address& of_address = addresses_[address_key];
  if (now - of_account.last >= limits_.forget_after) of_account = {};
  of_address = {LeftOf(of_address, now), now};
  const absl::Duration wait = std::max(
      of_account.until - now,
      (of_address.failures + 1 - limits_.per_address) * limits_.address_pace);
  if (wait > absl::ZeroDuration()) return wait;
  of_address.failures += 1;
  of_account.last = now;
  of_account.failures += 1;
  const int beyond = of_account.failures - limits_.per_account;
  if (beyond > 0) {
    // Far more doublings than any limit needs, and no overflow.
    const absl::Duration next =
        limits_.first_wait *
        static_cast<double>(1u << std::min(beyond - 1, 30));
    of_account.until = now + std::min(next, limits_.last_wait);
  }
  return absl::ZeroDuration();
}

void AttemptLimit::Succeeded(absl::string_view account,
                             absl::string_view address) {
  accounts_.erase(AccountKey(account));
  const auto found = addresses_.find(AddressKey(address));
  if (found != addresses_.end()) {
    found->second.failures = std::max(0.0, found->second.failures - 1);
  }
}

}  // namespace concordat::gateway
