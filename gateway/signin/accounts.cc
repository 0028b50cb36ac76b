#include "gateway/signin/accounts.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"

namespace concordat::gateway {
namespace {

constexpr size_t kNameMax = 64;
constexpr size_t kDisplayNameMax = 100;

bool IsName(absl::string_view name) {
  return !name.empty() && name.size() <= kNameMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_islower(static_cast<unsigned char>(c)) ||
                  absl::ascii_isdigit(static_cast<unsigned char>(c)) ||
                  c == '.' || c == '_' || c == '-';
         });
}

bool IsStaff(absl::string_view staff) {
  return !staff.empty() && staff.size() <= kNameMax &&
         std::all_of(staff.begin(), staff.end(),
                     [](char c) { return c > ' ' && c <= '~'; });
}

bool IsDisplayName(absl::string_view name) {
  return !name.empty() && name.size() <= kDisplayNameMax &&
         std::none_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_iscntrl(static_cast<unsigned char>(c));
         });
}

bool IsDayOrEmpty(const std::string& text) {
  absl::CivilDay day;
  // Parsing takes "2026-3-1" too, and days are compared as texts.
  return text.empty() || (absl::ParseCivilTime(text, &day) &&
                          absl::FormatCivilTime(day) == text);
}

absl::Status Check(const v1::Account& account) {
  if (!IsName(account.name())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "account ", account.name(),
        ": a name has 1 to 64 of a-z, 0-9, full stop, hyphen and underscore"));
  }
  const auto no = [&account](absl::string_view why) {
    return absl::InvalidArgumentError(
        absl::StrCat("account ", account.name(), ": ", why));
  };
  if (!absl::StartsWith(account.password_hash(), "$argon2id$")) {
    return no("its password is not hashed with Argon2id");
  }
  if (account.principal().empty()) return no("it has no principal");
  if (account.changed() == 0) return no("it does not say when it was changed");
  if (!IsStaff(account.staff())) {
    return no("a staff reference has 1 to 64 printable characters");
  }
  if (!IsDisplayName(account.display_name())) {
    return no("a person's name has 1 to 100 characters");
  }
  if (!IsDayOrEmpty(account.trained_on())) {
    return no("trained_on is not a day like 2026-03-31");
  }
  if (!IsDayOrEmpty(account.vetted_to())) {
    return no("vetted_to is not a day like 2026-03-31");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckPassword(absl::string_view account,
                           absl::string_view password) {
  if (password.size() < kPasswordMin || password.size() > kPasswordMax) {
    return absl::InvalidArgumentError(
        "A password has 12 characters or more. Three random words do well.");
  }
  if (absl::EqualsIgnoreCase(account, password)) {
    return absl::InvalidArgumentError(
        "The password must not be the name of the account.");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Accounts>> Accounts::Build(
    v1::Accounts proto) {
  std::shared_ptr<Accounts> accounts(new Accounts(std::move(proto)));
  for (const v1::Account& account : accounts->proto_.accounts()) {
    if (auto status = Check(account); !status.ok()) return status;
    if (!accounts->by_name_.emplace(account.name(), &account).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("account ", account.name(), " is there twice"));
    }
  }
  return accounts;
}

const v1::Account* Accounts::Find(absl::string_view name) const {
  const auto found = by_name_.find(absl::AsciiStrToLower(name));
  return found == by_name_.end() ? nullptr : found->second;
}

}  // namespace concordat::gateway
