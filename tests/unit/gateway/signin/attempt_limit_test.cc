// Mutant                                              Caught by
// a failure counts when it is known                   ManyAtOnceCountBeforeTheirOutcomeIsKnown
// the wait does not grow, or without end              WaitsGrowToALimit
// an attempt during a wait counts, or begins it anew  AnAttemptDuringAWaitChangesNothing
// success wipes out the address                       OneGoodAccountDoesNotBuyTriesOfOthers
// success keeps the account's count                   SuccessGivesACleanSlate
// capital letters are another account                 CapitalLettersAreNoWayRound
// each address of IPv6 counts alone                   ANetworkOfIpv6CountsAsOne
// the tables grow without bound                       ForgetsTheOldestWhenFull
#include "gateway/signin/attempt_limit.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace concordat::gateway {
namespace {

constexpr absl::Duration kNone = absl::ZeroDuration();

class AttemptLimitTest : public ::testing::Test {
 protected:
  absl::Duration Try(const std::string& account,
                     const std::string& address = "192.0.2.1") {
    return limit_.Admit(account, address, now_);
  }

  AttemptLimits limits_ = {.per_account = 3,
                           .first_wait = absl::Seconds(2),
                           .last_wait = absl::Seconds(10),
                           .forget_after = absl::Hours(1),
                           .per_address = 10,
                           .address_pace = absl::Seconds(30),
                           .entries_max = 100};
  AttemptLimit limit_{limits_};
  absl::Duration now_ = absl::Seconds(100);
};

TEST_F(AttemptLimitTest, WaitsGrowToALimit) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Try("mc"), kNone);
  for (const int seconds : {2, 4, 8, 10, 10}) {
    EXPECT_EQ(Try("mc"), kNone);
    EXPECT_EQ(Try("mc"), absl::Seconds(seconds));
    now_ += absl::Seconds(seconds);
  }
  EXPECT_EQ(Try("mc"), kNone);
}

TEST_F(AttemptLimitTest, AnAttemptDuringAWaitChangesNothing) {
  for (int i = 0; i < 4; ++i) Try("mc");
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(Try("mc"), absl::Seconds(2));
  }
  now_ += absl::Seconds(1);
  EXPECT_EQ(Try("mc"), absl::Seconds(1));
  now_ += absl::Seconds(1);
  EXPECT_EQ(Try("mc"), kNone);
  // Nor does it count against the address: 5 of 10 are used.
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Try(absl::StrCat("a", i)), kNone);
  EXPECT_GT(Try("b"), kNone);
}

TEST_F(AttemptLimitTest, ManyAtOnceCountBeforeTheirOutcomeIsKnown) {
  int admitted = 0;
  for (int i = 0; i < 100; ++i) admitted += Try("mc") == kNone;
  EXPECT_EQ(admitted, 4);
}

TEST_F(AttemptLimitTest, SuccessGivesACleanSlate) {
  for (int i = 0; i < 3; ++i) {
    Try("mc");
    Try("mc");
    limit_.Succeeded("mc", "192.0.2.1");
  }
  now_ += absl::Hours(1);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Try("mc"), kNone);
  EXPECT_GT(Try("mc"), kNone);
}

TEST_F(AttemptLimitTest, IsForgottenAfterAWhile) {
  for (int i = 0; i < 4; ++i) Try("mc");
  now_ += limits_.forget_after;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Try("mc"), kNone);
  EXPECT_GT(Try("mc"), kNone);
}

TEST_F(AttemptLimitTest, AnAddressHasARate) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Try(absl::StrCat("a", i)), kNone);
  EXPECT_EQ(Try("b"), absl::Seconds(30));
  EXPECT_EQ(Try("b", "192.0.2.2"), kNone);
  now_ += absl::Seconds(10);
  EXPECT_NEAR(absl::ToDoubleSeconds(Try("b")), 20, 0.001);
  now_ += absl::Seconds(20) + absl::Milliseconds(1);
  EXPECT_EQ(Try("c"), kNone);
  EXPECT_NEAR(absl::ToDoubleSeconds(Try("d")), 30, 0.01);
}

TEST_F(AttemptLimitTest, OneGoodAccountDoesNotBuyTriesOfOthers) {
  int tried = 0;
  for (int i = 0; i < 50; ++i) {
    if (Try("mine") == kNone) limit_.Succeeded("mine", "192.0.2.1");
    tried += Try(absl::StrCat("other", i)) == kNone;
  }
  EXPECT_EQ(tried, 10);
}

TEST_F(AttemptLimitTest, PeopleWhoSignInWellDoNotUseUpTheirAddress) {
  for (int i = 0; i < 1000; ++i) {
    const std::string account = absl::StrCat("a", i);
    ASSERT_EQ(Try(account), kNone);
    limit_.Succeeded(account, "192.0.2.1");
  }
}

TEST_F(AttemptLimitTest, CapitalLettersAreNoWayRound) {
  for (const char* account : {"mc", "Mc", "mC", "MC"}) {
    EXPECT_EQ(Try(account), kNone);
  }
  EXPECT_GT(Try("mc"), kNone);
}

TEST_F(AttemptLimitTest, ANetworkOfIpv6CountsAsOne) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Try(absl::StrCat("a", i), absl::StrCat("2001:db8:1:2::", i + 1)),
              kNone);
  }
  EXPECT_GT(Try("b", "2001:db8:1:2:ffff::1"), kNone);
  EXPECT_EQ(Try("b", "2001:db8:1:3::1"), kNone);
}

TEST(AddressKeyTest, IsTheSameForOneSource) {
  EXPECT_EQ(AddressKey("::ffff:192.0.2.1"), AddressKey("192.0.2.1"));
  EXPECT_EQ(AddressKey("fe80::1%eth0"), AddressKey("fe80::2"));
  EXPECT_NE(AddressKey("192.0.2.1"), AddressKey("192.0.2.2"));
  EXPECT_EQ(AddressKey("no address"), "no address");
}

TEST_F(AttemptLimitTest, ForgetsTheOldestWhenFull) {
  for (int i = 0; i < 4; ++i) Try("mc");
  for (int i = 0; i < 99; ++i) {
    now_ += absl::Milliseconds(1);
    Try(absl::StrCat("a", i), absl::StrCat("192.0.2.", i + 2));
  }
  EXPECT_GT(Try("mc", "198.51.100.1"), kNone);
  Try("one too many", "198.51.100.2");
  EXPECT_EQ(Try("mc", "198.51.100.3"), kNone);
}

}  // namespace
}  // namespace concordat::gateway
