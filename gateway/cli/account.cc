// concordat account add|password|disable|enable|record|list
#include <cstdio>
#include <functional>
#include <iostream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/cli/command.h"
#include "gateway/cli/json.h"
#include "gateway/signin/account_file.h"
#include "gateway/signin/password.h"
#include "services/common/base/system_clock.h"

namespace concordat::cli {
namespace {

using gateway::v1::Account;
using gateway::v1::Accounts;

// One line of standard input, so that it stands in no list of processes and in
// no history of a shell.
absl::StatusOr<std::string> ReadPasswordHash(const std::string& account) {
  std::string password;
  if (!std::getline(std::cin, password)) {
    return absl::InvalidArgumentError(
        "the password is read from standard input, and there is none");
  }
  if (auto status = gateway::CheckPassword(account, password); !status.ok()) {
    return status;
  }
  return gateway::MakeArgon2()->Hash(password);
}

absl::Status Add(const DataDirectory& data, const std::string& folder,
                 Account account) {
  const auto registry = data.LoadRegistry();
  if (!registry.ok()) return registry.status();
  const auto* const principal = (*registry)->FindByName(account.principal());
  if (principal == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("--principal: the registry has no ", account.principal()));
  }
  if (account.staff().empty()) account.set_staff(account.name());
  if (account.display_name().empty()) {
    return absl::InvalidArgumentError("--name: what is the person called?");
  }
  auto hash = ReadPasswordHash(account.name());
  if (!hash.ok()) return hash.status();
  account.set_password_hash(*std::move(hash));
  const SystemClock clock;
  return gateway::EditAccounts(folder, [&](Accounts& accounts) {
    return gateway::AddAccount(accounts, account, clock.Now());
  });
}

absl::Status Change(const std::string& folder, const std::string& name,
                    const std::function<void(Account&)>& change) {
  const SystemClock clock;
  return gateway::EditAccounts(folder, [&](Accounts& accounts) {
    auto account = gateway::ChangeAccount(accounts, name, clock.Now());
    if (account.ok()) change(**account);
    return account.status();
  });
}

absl::Status SetPassword(const std::string& folder, const std::string& name) {
  const auto hash = ReadPasswordHash(name);
  if (!hash.ok()) return hash.status();
  return Change(folder, name, [&hash](Account& account) {
    account.set_password_hash(*hash);
  });
}

// What the person's agency tells of them. Their sessions go on.
absl::Status RecordStanding(const std::string& folder, const std::string& name,
                            const std::string& trained_on,
                            const std::string& vetted_to) {
  if (trained_on.empty() && vetted_to.empty()) {
    return absl::InvalidArgumentError(
        "account record: --trained, --vetted-to or both, each a day");
  }
  return gateway::EditAccounts(folder, [&](Accounts& accounts) {
    const auto account = gateway::FindAccount(accounts, name);
    if (!account.ok()) return account.status();
    if (!trained_on.empty()) (*account)->set_trained_on(trained_on);
    if (!vetted_to.empty()) (*account)->set_vetted_to(vetted_to);
    return absl::OkStatus();
  });
}

absl::Status List(const std::string& folder, bool json) {
  const auto accounts = gateway::ReadAccounts(folder);
  if (absl::IsNotFound(accounts.status())) return absl::OkStatus();
  if (!accounts.ok()) return accounts.status();
  if (!json) {
    std::printf("%-24s %-18s %-24s %-9s %s\n", "ACCOUNT", "PRINCIPAL", "STAFF",
                "STATE", "NAME");
  }
  for (Account account : (*accounts)->proto().accounts()) {
    account.clear_password_hash();
    if (json) {
      std::printf("%s\n", ToJson(account).c_str());
    } else {
      std::printf("%-24s %-18s %-24s %-9s %s\n", account.name().c_str(),
                  account.principal().c_str(), account.staff().c_str(),
                  account.disabled() ? "disabled" : "enabled",
                  account.display_name().c_str());
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunAccount(const std::vector<std::string>& arguments) {
  CommandLine line(
      "account add|password|disable|enable|record NAME, account list",
      "add       makes an account; its password is a line of standard input\n"
      "password  gives it another; its sessions end\n"
      "disable   keeps it out from now on; its sessions end\n"
      "enable    lets it in again\n"
      "record    --trained DAY, --vetted-to DAY: what the person's agency "
      "tells\n"
      "list      lists the accounts");
  Account account;
  line.flags().AddString("principal",
                         "With add: whose rights it has, of the registry.",
                         account.mutable_principal());
  line.flags().AddString("name", "With add: what the person is called.",
                         account.mutable_display_name());
  line.flags().AddString("staff",
                         "With add: the person's reference in records; default "
                         "the account's name.",
                         account.mutable_staff());
  std::string trained_on;
  std::string vetted_to;
  line.flags().AddString("trained",
                         "With record: when they were trained for the hub, "
                         "2026-03-31.",
                         &trained_on);
  line.flags().AddString(
      "vetted-to", "With record: the last day of their vetting.", &vetted_to);
  const auto go = line.Parse(arguments, 1, 2);
  if (!go.ok() || !*go) return go.status();
  const auto data = line.OpenData();
  if (!data.ok()) return data.status();
  const auto folder = gateway::AccountsFolder(*data);
  if (!folder.ok()) return folder.status();
  const std::string& verb = line.words()[0];
  if (verb == "list") return List(*folder, line.json());
  if (line.words().size() != 2) {
    return absl::InvalidArgumentError(absl::StrCat("account ", verb, " NAME"));
  }
  const std::string& name = line.words()[1];
  if (verb == "add") {
    account.set_name(name);
    return Add(*data, *folder, std::move(account));
  }
  if (verb == "password") return SetPassword(*folder, name);
  if (verb == "record") {
    return RecordStanding(*folder, name, trained_on, vetted_to);
  }
  if (verb == "disable" || verb == "enable") {
    return Change(*folder, name, [&verb](Account& changed) {
      changed.set_disabled(verb == "disable");
    });
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "account ", verb, "? add, password, disable, enable, record or list"));
}

}  // namespace concordat::cli
