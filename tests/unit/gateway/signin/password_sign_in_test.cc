// Mutant                                              Caught by
// an unknown account is refused without a hash        NobodyLearnsWhichAccountsThereAre
// a disabled account says so, or is let in            NobodyLearnsWhichAccountsThereAre
// unknown accounts are not limited                    UnknownAccountsAreLimitedAsKnownOnesAre
// a right password during a wait is let in            ARightPasswordWaitsAsWell
// the password of nobody lets nobody in as somebody   NobodysPasswordLetsNobodyIn
#include "gateway/signin/password_sign_in.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/fake_carrier.h"
#include "tests/support/fake_hasher.h"
#include "tests/support/status_matchers.h"

namespace concordat::gateway {
namespace {

using concordat::testing::FakeHasher;
using concordat::testing::FakeSteadyClock;
using concordat::testing::HasCode;
using concordat::testing::IsOk;

constexpr char kAddress[] = "192.0.2.1";

class PasswordSignInTest : public ::testing::Test {
 protected:
  PasswordSignInTest() {
    Add("mc", false);
    Add("gone", true);
    accounts_ = Accounts::Build(proto_).value();
    sign_in_ = PasswordSignIn::Make(
                   {.per_account = 3, .per_address = 1000},
                   [this] { return accounts_; }, hasher_, steady_)
                   .value();
  }
  void Add(const std::string& name, bool disabled) {
    v1::Account* const account = proto_.add_accounts();
    account->set_name(name);
    account->set_password_hash(FakeHasher::HashOf("password of " + name));
    account->set_principal("coordinator");
    account->set_display_name("M. Carnbee");
    account->set_staff("S-1");
    account->set_disabled(disabled);
    account->set_changed(7);
  }
  absl::StatusOr<Person> Try(const std::string& account,
                             const std::string& password) {
    return sign_in_->Check(account, password, kAddress, &wait_);
  }

  v1::Accounts proto_;
  std::shared_ptr<const Accounts> accounts_;
  FakeHasher hasher_;
  FakeSteadyClock steady_;
  absl::Duration wait_;
  std::unique_ptr<PasswordSignIn> sign_in_;
};

TEST_F(PasswordSignInTest, LetsInWhoHasThePassword) {
  const auto person = Try("MC", "password of mc");
  ASSERT_THAT(person, IsOk());
  EXPECT_EQ(person->account, "mc");
  EXPECT_EQ(person->principal, "coordinator");
  EXPECT_EQ(person->staff, "S-1");
  EXPECT_EQ(person->display_name, "M. Carnbee");
  EXPECT_EQ(person->version, 7u);
}

TEST_F(PasswordSignInTest, NobodyLearnsWhichAccountsThereAre) {
  const auto wrong = Try("mc", "password");
  const auto unknown = Try("nobody", "password");
  const auto disabled = Try("gone", "password of gone");
  for (const auto* answer : {&wrong, &unknown, &disabled}) {
    EXPECT_THAT(*answer, HasCode(absl::StatusCode::kUnauthenticated));
    EXPECT_EQ(answer->status().message(),
              "The account or the password is not right.");
  }
  // One hash is checked each time, all of one kind.
  EXPECT_EQ(hasher_.verified().size(), 3u);
}

TEST_F(PasswordSignInTest, NobodysPasswordLetsNobodyIn) {
  EXPECT_FALSE(Try("nobody", "x").ok());
  const std::string hash = hasher_.verified().back();
  const std::string password = hash.substr(FakeHasher::HashOf("").size());
  EXPECT_FALSE(Try("nobody", password).ok());
  EXPECT_FALSE(Try("mc", password).ok());
}

TEST_F(PasswordSignInTest, UnknownAccountsAreLimitedAsKnownOnesAre) {
  std::vector<std::string> known;
  std::vector<std::string> unknown;
  for (int i = 0; i < 10; ++i) {
    known.emplace_back(Try("mc", "wrong").status().message());
    unknown.emplace_back(Try("nobody", "wrong").status().message());
  }
  EXPECT_EQ(known, unknown);
  EXPECT_EQ(known.back(),
            "There were too many attempts. Try again in 2 seconds.");
}

TEST_F(PasswordSignInTest, ARightPasswordWaitsAsWell) {
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(Try("mc", "wrong").ok());
  const size_t verified = hasher_.verified().size();
  EXPECT_THAT(Try("mc", "password of mc"),
              HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(wait_, absl::Seconds(2));
  EXPECT_EQ(hasher_.verified().size(), verified);
  steady_.Advance(absl::Seconds(2));
  EXPECT_THAT(Try("mc", "password of mc"), IsOk());
  EXPECT_EQ(wait_, absl::ZeroDuration());
  for (int i = 0; i < 4; ++i) {
    EXPECT_THAT(Try("mc", "wrong"),
                HasCode(absl::StatusCode::kUnauthenticated));
  }
}

TEST(InWordsTest, RoundsUp) {
  EXPECT_EQ(InWords(absl::Milliseconds(1)), "1 second");
  EXPECT_EQ(InWords(absl::Milliseconds(1500)), "2 seconds");
  EXPECT_EQ(InWords(absl::Seconds(90)), "90 seconds");
  EXPECT_EQ(InWords(absl::Seconds(91)), "2 minutes");
  EXPECT_EQ(InWords(absl::Minutes(15)), "15 minutes");
}

}  // namespace
}  // namespace concordat::gateway
