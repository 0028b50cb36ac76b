// Mutant                                              Caught by
// the first of two cookies of a name is taken         ACookieThatIsThereTwiceIsNobodys
// the end of another cookie's name is enough          FindsACookieByItsWholeName
// base64url with padding or rubbish is read           ReadsOnlyWhatItWouldWrite
// a seal does not know what it is about               WhatIsSealedOpensForItsPurposeOnly
// two uses have one key                               WhatIsSealedOpensForItsPurposeOnly
#include "gateway/signin/cookies.h"

#include "gateway/signin/sealer.h"
#include "gateway/signin/tokens.h"
#include "gtest/gtest.h"
#include "tests/support/seeded_random.h"

namespace concordat::gateway {
namespace {

using concordat::testing::SeededRandom;

TEST(CookiesTest, FindsACookieByItsWholeName) {
  const std::string header =
      "a=1; x__Host-concordat=2; __Host-concordat-oidc=3;"
      " __Host-concordat=4;b=5";
  EXPECT_EQ(FindCookie(header, kSessionCookie), "4");
  EXPECT_EQ(FindCookie(header, kOidcCookie), "3");
  EXPECT_EQ(FindCookie(header, "c"), "");
  EXPECT_EQ(FindCookie("", kSessionCookie), "");
  EXPECT_EQ(FindCookie("__Host-concordat", kSessionCookie), "");
  EXPECT_EQ(FindCookie(";;=;", kSessionCookie), "");
}

TEST(CookiesTest, ACookieThatIsThereTwiceIsNobodys) {
  EXPECT_EQ(
      FindCookie("__Host-concordat=a; __Host-concordat=b", kSessionCookie), "");
}

TEST(CookiesTest, WritesCookiesThatScriptsAndOtherSitesCannotUse) {
  EXPECT_EQ(SetCookie(kSessionCookie, "v", SameSite::kStrict),
            "__Host-concordat=v; Path=/; Secure; HttpOnly; SameSite=Strict");
  EXPECT_EQ(SetCookie(kOidcCookie, "v", SameSite::kLax),
            "__Host-concordat-oidc=v; Path=/; Secure; HttpOnly; SameSite=Lax");
  EXPECT_EQ(DropCookie(kSessionCookie),
            "__Host-concordat=; Path=/; Secure; HttpOnly; SameSite=Strict; "
            "Max-Age=0");
}

TEST(CookiesTest, ACsrfTokenIsTheWholeToken) {
  EXPECT_TRUE(IsCsrfToken("token", "token"));
  EXPECT_FALSE(IsCsrfToken("toke", "token"));
  EXPECT_FALSE(IsCsrfToken("", "token"));
  EXPECT_FALSE(IsCsrfToken("", ""));
}

TEST(TokensTest, ReadsOnlyWhatItWouldWrite) {
  EXPECT_EQ(FromBase64Url("AQID"), "\x01\x02\x03");
  EXPECT_EQ(FromBase64Url("-_8"), "\xfb\xff");
  EXPECT_EQ(FromBase64Url(""), "");
  for (const char* wrong :
       {"AQID=", "AQI=", "A", "AQ ID", "+/8", "-_9", "AQ.D", "AQI\n"}) {
    EXPECT_FALSE(FromBase64Url(wrong).has_value()) << wrong;
  }
}

TEST(TokensTest, ATokenHas256Bits) {
  SeededRandom random;
  const std::string token = MakeToken(random);
  EXPECT_EQ(token.size(), kTokenCharacters);
  EXPECT_EQ(FromBase64Url(token)->size(), 32u);
  EXPECT_NE(token, MakeToken(random));
}

TEST(SealerTest, WhatIsSealedOpensForItsPurposeOnly) {
  SeededRandom random;
  Sealer sealer("secret", "drafts", random);
  Sealer another_use("secret", "oidc", random);
  Sealer another_secret("other", "drafts", random);
  const std::string sealed = sealer.Seal("mc", "text");
  EXPECT_EQ(sealed.find("text"), std::string::npos);
  EXPECT_NE(sealer.Seal("mc", "text"), sealed);
  EXPECT_EQ(sealer.Open("mc", sealed), "text");
  EXPECT_FALSE(sealer.Open("police", sealed).has_value());
  EXPECT_FALSE(another_use.Open("mc", sealed).has_value());
  EXPECT_FALSE(another_secret.Open("mc", sealed).has_value());
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] ^= 1;
    EXPECT_FALSE(sealer.Open("mc", changed).has_value()) << i;
    EXPECT_FALSE(sealer.Open("mc", sealed.substr(0, i)).has_value()) << i;
  }
}

}  // namespace
}  // namespace concordat::gateway
