#include "gateway/signin/demo_accounts.h"

#include <array>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/signin/account_file.h"
#include "services/common/storage/posix_directory.h"

namespace concordat::gateway {
namespace {

// Four groups of four of base32, which has no digits that look like a letter:
// 80 bits, to be read from a screen and typed.
std::string MakePassword(Random& random) {
  constexpr absl::string_view kLetters = "abcdefghijklmnopqrstuvwxyz234567";
  static_assert(kLetters.size() == 32);
  std::array<uint8_t, 16> bytes;
  random.Fill(bytes.data(), bytes.size());
  std::string password;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i > 0 && i % 4 == 0) password += '-';
    password += kLetters[bytes[i] % kLetters.size()];
  }
  return password;
}

}  // namespace

absl::Status MakeDemoAccounts(const DataDirectory& data, PasswordHasher& hasher,
                              const Clock& clock, Random& random) {
  if (data.environment() != bus::v1::ENVIRONMENT_DEMO) {
    return absl::FailedPreconditionError("this is not a demo");
  }
  const auto folder = AccountsFolder(data);
  if (!folder.ok()) return folder.status();
  if (const auto there = ReadAccounts(*folder);
      !absl::IsNotFound(there.status())) {
    return there.status();
  }
  const auto registry = data.LoadRegistry();
  if (!registry.ok()) return registry.status();
  const auto* const door = (*registry)->FindByName("gateway");
  if (door == nullptr) {
    return absl::NotFoundError("the registry has no principal gateway");
  }
  std::string sign_ins;
  v1::Accounts accounts;
  for (const std::string& name : door->speaks_for()) {
    const auto* const principal = (*registry)->FindByName(name);
    const std::string password = MakePassword(random);
    auto hash = hasher.Hash(password);
    if (!hash.ok()) return hash.status();
    v1::Account account;
    account.set_name(name);
    account.set_password_hash(*std::move(hash));
    account.set_principal(name);
    account.set_display_name(principal->display_name());
    account.set_staff(name);
    if (auto status = AddAccount(accounts, std::move(account), clock.Now());
        !status.ok()) {
      return status;
    }
    absl::StrAppend(&sign_ins, name, "\t", password, "\t",
                    principal->display_name(), "\n");
  }
  // The passwords first: accounts that nobody can use would stay for ever.
  const auto state = PosixDirectory::Open(data.PathOf("gateway"));
  if (!state.ok()) return state.status();
  if (auto status = ReplaceWhole(**state, "demo-sign-ins", sign_ins);
      !status.ok()) {
    return status;
  }
  return EditAccounts(*folder, [&accounts](v1::Accounts& file) {
    file = accounts;
    return absl::OkStatus();
  });
}

}  // namespace concordat::gateway
