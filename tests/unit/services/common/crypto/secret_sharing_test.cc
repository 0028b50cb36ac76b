// What each catches: another field or another point than the published vector
// (TheVectorOfTheDraft); shares that depend on which ones are used (AnyOfThem…);
// one share too few that still gives it (OneTooFew…).
#include "services/common/crypto/secret_sharing.h"

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace concordat::testing {
namespace {

// draft-mcgrew-tss-03, section 9.
TEST(SecretSharingTest, TheVectorOfTheDraft) {
  const std::vector<SecretShare> shares = {
      {1, absl::HexStringToBytes("B9FA07E185")},
      {2, absl::HexStringToBytes("F5409B4511")}};
  const auto secret = JoinSecret(shares);
  ASSERT_THAT(secret, IsOk());
  EXPECT_EQ(absl::BytesToHexString(*secret), "7465737400");
}

TEST(SecretSharingTest, AnyOfThemThatAreEnoughGiveItBack) {
  SeededRandom random;
  const std::string secret = "a wrapping key of thirty-two b.";
  for (int need = 2; need <= 4; ++need) {
    const auto shares = SplitSecret(secret, need, 5, random);
    ASSERT_THAT(shares, IsOk());
    for (unsigned chosen = 0; chosen < 32; ++chosen) {
      std::vector<SecretShare> some;
      for (size_t i = 0; i < 5; ++i) {
        if ((chosen >> i) & 1u) some.push_back((*shares)[i]);
      }
      if (static_cast<int>(some.size()) < need) continue;
      EXPECT_EQ(*JoinSecret(some), secret);
    }
  }
}

// With one missing each secret is as likely: for any guess there is a last share.
TEST(SecretSharingTest, OneTooFewTellsNothing) {
  SeededRandom random;
  int equal = 0;
  for (int round = 0; round < 256; ++round) {
    const auto shares = SplitSecret("s", 3, 3, random);
    ASSERT_THAT(shares, IsOk());
    const std::vector<SecretShare> two = {(*shares)[0], (*shares)[1]};
    equal += *JoinSecret(two) == "s";
  }
  EXPECT_LT(equal, 8);  // One in 256 by chance.
}

TEST(SecretSharingTest, SaysWhatIsNoSetOfShares) {
  SeededRandom random;
  EXPECT_THAT(SplitSecret("s", 1, 3, random),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(SplitSecret("s", 4, 3, random),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(SplitSecret("", 2, 3, random),
              HasCode(absl::StatusCode::kInvalidArgument));
  const std::vector<SecretShare> none;
  EXPECT_THAT(JoinSecret(none), HasCode(absl::StatusCode::kInvalidArgument));
  const std::vector<SecretShare> twice = {{1, "ab"}, {1, "cd"}};
  EXPECT_THAT(JoinSecret(twice), HasCode(absl::StatusCode::kInvalidArgument));
  const std::vector<SecretShare> zero = {{0, "ab"}, {1, "cd"}};
  EXPECT_THAT(JoinSecret(zero), HasCode(absl::StatusCode::kInvalidArgument));
  const std::vector<SecretShare> lengths = {{1, "ab"}, {2, "c"}};
  EXPECT_THAT(JoinSecret(lengths), HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace concordat::testing
