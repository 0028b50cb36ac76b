#include "gateway/signin/account_file.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "services/common/storage/posix_directory.h"

namespace concordat::gateway {
namespace {

constexpr char kFile[] = "accounts.textproto";
constexpr char kHead[] =
    "# proto-file: concordat/gateway/v1/signin.proto\n"
    "# proto-message: concordat.gateway.v1.Accounts\n"
    "# Changed by `concordat account`.\n";

bool SameFile(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_size == b.st_size &&
         a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

absl::StatusOr<v1::Accounts> ReadProto(Directory& folder,
                                       const std::string& path) {
  auto text = ReadWhole(folder, kFile);
  if (!text.ok()) return text.status();
  v1::Accounts proto;
  auto status = ParseTextProto({path, *std::move(text)}, &proto);
  if (!status.ok()) return status;
  return proto;
}

v1::Account* FindIn(v1::Accounts& accounts, absl::string_view name) {
  for (v1::Account& account : *accounts.mutable_accounts()) {
    if (account.name() == name) return &account;
  }
  return nullptr;
}

// Later than any version that the account had, whatever the clock says.
uint64_t NextVersion(uint64_t version, absl::Time now) {
  const auto micros = static_cast<uint64_t>(absl::ToUnixMicros(now));
  return std::max(version + 1, micros);
}

}  // namespace

absl::StatusOr<std::string> AccountsFolder(const DataDirectory& data) {
  auto state = data.StateFolder("gateway");
  if (!state.ok()) return state.status();
  return data.StateFolder("gateway/accounts");
}

absl::StatusOr<std::shared_ptr<const Accounts>> ReadAccounts(
    const std::string& folder) {
  const auto directory = PosixDirectory::Open(folder);
  if (!directory.ok()) return directory.status();
  const std::string path = absl::StrCat(folder, "/", kFile);
  auto proto = ReadProto(**directory, path);
  if (!proto.ok()) return proto.status();
  auto accounts = Accounts::Build(*std::move(proto));
  if (accounts.ok()) return accounts;
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": ", accounts.status().message()));
}

LiveAccounts::LiveAccounts(const std::string& folder,
                           std::function<void(const absl::Status&)> on_problem)
    : path_(absl::StrCat(folder, "/", kFile)),
      on_problem_(std::move(on_problem)),
      accounts_(Accounts::Build({}).value()) {}

absl::StatusOr<std::unique_ptr<LiveAccounts>> LiveAccounts::Open(
    const std::string& folder,
    std::function<void(const absl::Status&)> on_problem) {
  std::unique_ptr<LiveAccounts> live(
      new LiveAccounts(folder, std::move(on_problem)));
  MutexLock lock(live->mu_);
  // Before the file is read: a change in between is then seen next time.
  stat(live->path_.c_str(), &live->seen_);
  auto accounts = ReadAccounts(folder);
  if (accounts.ok()) {
    live->accounts_ = *std::move(accounts);
  } else if (!absl::IsNotFound(accounts.status())) {
    return accounts.status();
  }
  return live;
}

std::shared_ptr<const Accounts> LiveAccounts::Current() {
  struct stat now = {};
  MutexLock lock(mu_);
  if (stat(path_.c_str(), &now) != 0 || SameFile(now, seen_)) {
    return accounts_;
  }
  seen_ = now;
  auto accounts = ReadAccounts(path_.substr(0, path_.rfind('/')));
  if (accounts.ok()) {
    accounts_ = *std::move(accounts);
  } else {
    on_problem_(accounts.status());
  }
  return accounts_;
}

absl::Status EditAccounts(
    const std::string& folder,
    const std::function<absl::Status(v1::Accounts&)>& edit) {
  const auto directory = PosixDirectory::OpenLocked(folder);
  if (!directory.ok()) return directory.status();
  auto proto = ReadProto(**directory, absl::StrCat(folder, "/", kFile));
  if (!proto.ok() && !absl::IsNotFound(proto.status())) return proto.status();
  v1::Accounts edited = proto.ok() ? *std::move(proto) : v1::Accounts();
  if (auto status = edit(edited); !status.ok()) return status;
  if (auto built = Accounts::Build(edited); !built.ok()) return built.status();
  std::string text;
  google::protobuf::TextFormat::PrintToString(edited, &text);
  return ReplaceWhole(**directory, kFile, absl::StrCat(kHead, text));
}

absl::Status AddAccount(v1::Accounts& accounts, v1::Account account,
                        absl::Time now) {
  if (FindIn(accounts, account.name()) != nullptr) {
    return absl::AlreadyExistsError(
        absl::StrCat("there is an account ", account.name()));
  }
  account.set_changed(NextVersion(0, now));
  *accounts.add_accounts() = std::move(account);
  return absl::OkStatus();
}

absl::StatusOr<v1::Account*> ChangeAccount(v1::Accounts& accounts,
                                           absl::string_view name,
                                           absl::Time now) {
  const auto account = FindAccount(accounts, name);
  if (!account.ok()) return account;
  (*account)->set_changed(NextVersion((*account)->changed(), now));
  return account;
}

absl::StatusOr<v1::Account*> FindAccount(v1::Accounts& accounts,
                                         absl::string_view name) {
  v1::Account* const account = FindIn(accounts, name);
  if (account != nullptr) return account;
  return absl::NotFoundError(absl::StrCat("there is no account ", name));
}

}  // namespace concordat::gateway
