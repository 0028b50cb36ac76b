// Mutant                                              Caught by
// a hash of something else than Argon2id is taken     RefusesAnAccountThatIsMalformed
// a change keeps the version                          EveryChangeIsANewVersion
// the clock steps back and a version comes again      EveryChangeIsANewVersion
// a broken file leaves nobody an account              TheLastGoodFileHolds
// a refused edit is written                           ARefusedEditChangesNothing
// the file is readable by others                      TheFileIsItsOwnersAlone
// demo passwords are made again, or alike             ADemoHasAnAccountForEachProfile
// demo accounts are made in a live directory          OnlyADemoGetsDemoAccounts
#include "gateway/signin/accounts.h"

#include <sys/stat.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gateway/signin/account_file.h"
#include "gateway/signin/demo_accounts.h"
#include "gateway/signin/password.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_hasher.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat::gateway {
namespace {

using concordat::testing::FakeClock;
using concordat::testing::FakeHasher;
using concordat::testing::HasCode;
using concordat::testing::IsOk;
using concordat::testing::SeededRandom;
using concordat::testing::TempDir;
using ::testing::HasSubstr;

v1::Account MakeAccount(const std::string& name) {
  v1::Account account;
  account.set_name(name);
  account.set_password_hash("$argon2id$fake");
  account.set_principal("coordinator");
  account.set_display_name("M. Carnbee");
  account.set_staff(name);
  account.set_changed(1);
  return account;
}

absl::Status BuildOne(const v1::Account& account) {
  v1::Accounts accounts;
  *accounts.add_accounts() = account;
  return Accounts::Build(accounts).status();
}

mode_t ModeOf(const std::string& path) {
  struct stat info = {};
  EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 0777;
}

TEST(AccountsTest, FindsByNameInAnyLetters) {
  v1::Accounts proto;
  *proto.add_accounts() = MakeAccount("m.carnbee");
  const auto accounts = Accounts::Build(proto).value();
  ASSERT_NE(accounts->Find("M.Carnbee"), nullptr);
  EXPECT_EQ(accounts->Find("m.carnbee")->principal(), "coordinator");
  EXPECT_EQ(accounts->Find("m.carnbe"), nullptr);
  EXPECT_EQ(accounts->Find(""), nullptr);
}

TEST(AccountsTest, RefusesAnAccountThatIsMalformed) {
  EXPECT_THAT(BuildOne(MakeAccount("a-1_b.c")), IsOk());
  for (const std::string& name :
       {std::string(), std::string("A"), std::string("a b"),
        std::string("oidc:a"), std::string(65, 'a'), std::string("\xc3\xa9")}) {
    EXPECT_THAT(BuildOne(MakeAccount(name)),
                HasCode(absl::StatusCode::kInvalidArgument))
        << name;
  }
  const auto refuses = [](const std::function<void(v1::Account&)>& change) {
    v1::Account account = MakeAccount("mc");
    change(account);
    EXPECT_THAT(BuildOne(account), HasCode(absl::StatusCode::kInvalidArgument));
  };
  refuses([](v1::Account& a) { a.set_password_hash("$argon2i$x"); });
  refuses([](v1::Account& a) { a.set_password_hash("secret"); });
  refuses([](v1::Account& a) { a.clear_principal(); });
  refuses([](v1::Account& a) { a.set_staff("a b"); });
  refuses([](v1::Account& a) { a.clear_staff(); });
  refuses([](v1::Account& a) { a.set_display_name("a\nb"); });
  refuses([](v1::Account& a) { a.set_trained_on("last week"); });
  refuses([](v1::Account& a) { a.set_vetted_to("2026-13-01"); });
  refuses([](v1::Account& a) { a.clear_display_name(); });
  refuses([](v1::Account& a) { a.clear_changed(); });
  v1::Accounts twice;
  *twice.add_accounts() = MakeAccount("mc");
  *twice.add_accounts() = MakeAccount("mc");
  EXPECT_FALSE(Accounts::Build(twice).ok());
}

TEST(AccountsTest, APasswordIsLongAndNotTheName) {
  EXPECT_THAT(CheckPassword("mc", "correct horse battery"), IsOk());
  EXPECT_THAT(CheckPassword("mc", std::string(12, 'a')), IsOk());
  EXPECT_THAT(CheckPassword("mc", std::string(256, 'a')), IsOk());
  for (const std::string& wrong :
       {std::string(), std::string(11, 'a'), std::string(257, 'a'),
        std::string("Supervising.Officer")}) {
    EXPECT_THAT(CheckPassword("supervising.officer", wrong),
                HasCode(absl::StatusCode::kInvalidArgument))
        << wrong;
  }
}

TEST(PasswordTest, HashesWithArgon2idAndASaltOfItsOwn) {
  const auto hasher = MakeArgon2();
  const std::string hash = hasher->Hash("correct horse battery").value();
  // 64 MiB, two passes.
  EXPECT_THAT(hash, HasSubstr("$argon2id$v=19$m=65536,t=2,p=1$"));
  EXPECT_NE(hasher->Hash("correct horse battery").value(), hash);
  EXPECT_TRUE(hasher->Verify(hash, "correct horse battery"));
  EXPECT_FALSE(hasher->Verify(hash, "correct horse batterY"));
  EXPECT_FALSE(hasher->Verify(hash, ""));
  EXPECT_FALSE(hasher->Verify("$argon2id$rubbish", "x"));
}

class AccountFileTest : public ::testing::Test {
 protected:
  absl::Status Add(const std::string& name) {
    return EditAccounts(folder_.path(), [&](v1::Accounts& accounts) {
      return AddAccount(accounts, MakeAccount(name), clock_.Now());
    });
  }
  absl::Status Touch(const std::string& name) {
    return EditAccounts(folder_.path(), [&](v1::Accounts& accounts) {
      return ChangeAccount(accounts, name, clock_.Now()).status();
    });
  }
  uint64_t VersionOf(const std::string& name) {
    return ReadAccounts(folder_.path()).value()->Find(name)->changed();
  }

  TempDir folder_;
  FakeClock clock_;
};

TEST_F(AccountFileTest, EveryChangeIsANewVersion) {
  EXPECT_THAT(Touch("mc"), HasCode(absl::StatusCode::kNotFound));
  ASSERT_THAT(Add("mc"), IsOk());
  EXPECT_THAT(Add("mc"), HasCode(absl::StatusCode::kAlreadyExists));
  const uint64_t first = VersionOf("mc");
  EXPECT_EQ(first, static_cast<uint64_t>(absl::ToUnixMicros(clock_.Now())));
  ASSERT_THAT(Touch("mc"), IsOk());
  EXPECT_GT(VersionOf("mc"), first);
  clock_.Advance(-absl::Hours(1));
  ASSERT_THAT(Touch("mc"), IsOk());
  EXPECT_GT(VersionOf("mc"), first + 1);
}

TEST_F(AccountFileTest, ARefusedEditChangesNothing) {
  ASSERT_THAT(Add("mc"), IsOk());
  EXPECT_FALSE(EditAccounts(folder_.path(), [](v1::Accounts& accounts) {
                 accounts.Clear();
                 return absl::CancelledError("no");
               }).ok());
  EXPECT_FALSE(EditAccounts(folder_.path(), [](v1::Accounts& accounts) {
                 accounts.mutable_accounts(0)->set_name("NOT A NAME");
                 return absl::OkStatus();
               }).ok());
  EXPECT_NE(ReadAccounts(folder_.path()).value()->Find("mc"), nullptr);
}

TEST_F(AccountFileTest, TheFileIsItsOwnersAlone) {
  ASSERT_THAT(Add("mc"), IsOk());
  EXPECT_EQ(ModeOf(folder_.PathOf("accounts.textproto")), 0600u);
}

TEST_F(AccountFileTest, ReadsAgainWhatWasReplaced) {
  const auto live = LiveAccounts::Open(folder_.path(), nullptr).value();
  EXPECT_EQ(live->Current()->Find("mc"), nullptr);
  ASSERT_THAT(Add("mc"), IsOk());
  EXPECT_NE(live->Current()->Find("mc"), nullptr);
  ASSERT_THAT(Add("police"), IsOk());
  EXPECT_NE(live->Current()->Find("police"), nullptr);
}

TEST_F(AccountFileTest, TheLastGoodFileHolds) {
  ASSERT_THAT(Add("mc"), IsOk());
  std::vector<std::string> problems;
  const auto live =
      LiveAccounts::Open(folder_.path(), [&](const absl::Status& status) {
        problems.emplace_back(status.message());
      }).value();
  folder_.Write("accounts.textproto", "accounts { name: 7 }\n");
  EXPECT_NE(live->Current()->Find("mc"), nullptr);
  EXPECT_NE(live->Current()->Find("mc"), nullptr);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_THAT(problems[0], HasSubstr("accounts.textproto:1:"));
  EXPECT_FALSE(LiveAccounts::Open(folder_.path(), nullptr).ok());
}

class DemoAccountsTest : public ::testing::Test {
 protected:
  void MakeDirectory(const std::string& environment) {
    folder_.Write("environment", environment + "\n");
    folder_.Write("registry.textproto",
                  absl::StrCat("environment: ENVIRONMENT_",
                               environment == "demo" ? "DEMO" : "LIVE", R"(
      principals { name: "gateway" agency: "concordat-operator"
                   system: "gateway" role: "gateway"
                   speaks_for: "coordinator" speaks_for: "police" }
      principals { name: "coordinator" agency: "mappa-tayside"
                   system: "coordinator" role: "coordinator"
                   display_name: "M. Carnbee" }
      principals { name: "police" agency: "police-scotland" system: "rms"
                   role: "police" display_name: "Offender management" }
      principals { name: "player" agency: "concordat-operator"
                   system: "player" role: "player" display_name: "Player" })"));
  }
  absl::Status Make() {
    return MakeDemoAccounts(DataDirectory::Open(folder_.path()).value(),
                            hasher_, clock_, random_);
  }
  std::string SignIns() {
    std::ifstream in(folder_.PathOf(kDemoSignIns));
    return {std::istreambuf_iterator<char>(in), {}};
  }

  TempDir folder_;
  FakeHasher hasher_;
  FakeClock clock_;
  SeededRandom random_;
};

TEST_F(DemoAccountsTest, ADemoHasAnAccountForEachProfile) {
  MakeDirectory("demo");
  ASSERT_THAT(Make(), IsOk());
  const std::string sign_ins = SignIns();
  const auto accounts =
      ReadAccounts(folder_.PathOf("gateway/accounts")).value();
  EXPECT_EQ(accounts->proto().accounts_size(), 2);
  std::set<std::string> passwords;
  for (const std::string& line : std::vector<std::string>(
           absl::StrSplit(sign_ins, '\n', absl::SkipEmpty()))) {
    const std::vector<std::string> parts = absl::StrSplit(line, '\t');
    ASSERT_EQ(parts.size(), 3u);
    const v1::Account* const account = accounts->Find(parts[0]);
    ASSERT_NE(account, nullptr);
    EXPECT_TRUE(hasher_.Verify(account->password_hash(), parts[1]));
    EXPECT_THAT(CheckPassword(parts[0], parts[1]), IsOk());
    EXPECT_EQ(account->display_name(), parts[2]);
    EXPECT_EQ(account->principal(), parts[0]);
    passwords.insert(parts[1]);
  }
  EXPECT_EQ(passwords.size(), 2u);
  EXPECT_EQ(ModeOf(folder_.PathOf(kDemoSignIns)), 0600u);
  EXPECT_EQ(ModeOf(folder_.PathOf("gateway")), 0700u);
  ASSERT_THAT(Make(), IsOk());
  EXPECT_EQ(SignIns(), sign_ins);
}

TEST_F(DemoAccountsTest, OnlyADemoGetsDemoAccounts) {
  MakeDirectory("live");
  EXPECT_THAT(Make(), HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(SignIns(), "");
}

}  // namespace
}  // namespace concordat::gateway
