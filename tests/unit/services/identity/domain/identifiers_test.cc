// Mutants, and the test that catches each (all tried):
//
//   Modulus 11 weights 9..1                      TakesTheVectorsOfTheChecker
//   remainder 1 read as check digit 0            RefusesAModulus11RemainderOfOne
//   Modulus 10 doubles the even places           TakesTheVectorsOfTheChecker
//   valid only when both check digits pass       TakesTheVectorsOfTheChecker
//   29 February taken in every year              TakesTheVectorsOfTheChecker
//   a lost zero padded and accepted              OffersTheLostZeroAndNeverTakesIt
//   Modulus-10-only links by itself              SaysWhichChiMayLink
//   PNC year not pivoted on the current year     PivotsAShortPncOnTheCurrentYear
//   PNC in a future year taken                   PivotsAShortPncOnTheCurrentYear
//   PNC serial not padded before the letter      TakesEveryWrittenFormOfAPnc
//   first PNC reading taken without the other    RefusesAPncWithTwoReadings
//   SF serial padded before the letter           TakesCroNumbers
//   UPRN 0 or 13 digits taken                    TakesUprns
//   a system's name taken from any agency        NamesTheSystemOfALocalNumber
//   value in the error message                   NeverSaysTheValue
#include "services/identity/domain/identifiers.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat::identity {
namespace {

using ::absl::StatusCode;
using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kYear = 2025;

TEST(ChiTest, TakesTheVectorsOfTheChecker) {
  struct Vector {
    absl::string_view text;
    ChiVerdict verdict;
    bool modulus11;
    bool modulus10;
  };
  for (const Vector& vector : std::vector<Vector>{
           {"1904851231", ChiVerdict::kValid, true, false},
           {"2902201230", ChiVerdict::kValid, true, false},
           {"0101011237", ChiVerdict::kValid, true, true},
           {"0101201234", ChiVerdict::kValid, false, true},
           {"0101201233", ChiVerdict::kInvalidChecksum, false, false},
           {"1904851232", ChiVerdict::kInvalidChecksum, false, false},
           {"2902191230", ChiVerdict::kInvalidDate, false, false},
           {"3201209999", ChiVerdict::kInvalidDate, false, false},
           {"0000000000", ChiVerdict::kInvalidDate, false, false},
           {"3104201234", ChiVerdict::kInvalidDate, false, false},
           {"0113201234", ChiVerdict::kInvalidDate, false, false},
           {"190485123", ChiVerdict::kTooFew, false, false},
           {"19048512311", ChiVerdict::kTooMany, false, false},
           {"19O4851231", ChiVerdict::kInvalidCharacters, false, false},
           {"190485 1231", ChiVerdict::kInvalidCharacters, false, false},
           {"abc", ChiVerdict::kInvalidCharacters, false, false},
           {"", ChiVerdict::kBlank, false, false},
           {"  ", ChiVerdict::kBlank, false, false},
           // The people of the story.
           {"1402680015", ChiVerdict::kValid, true, false},
           {"0303790016", ChiVerdict::kValid, true, false},
           {"2205900013", ChiVerdict::kValid, true, false},
           {"0911870012", ChiVerdict::kValid, false, true},
           {"1708020004", ChiVerdict::kValid, true, false},
           {"2511740036", ChiVerdict::kValid, true, false},
       }) {
    const ChiCheck check = CheckChi(vector.text);
    EXPECT_EQ(check.verdict, vector.verdict) << vector.text;
    EXPECT_EQ(check.modulus11, vector.modulus11) << vector.text;
    EXPECT_EQ(check.modulus10, vector.modulus10) << vector.text;
  }
  EXPECT_EQ(CheckChi(std::nullopt).verdict, ChiVerdict::kMissing);
}

TEST(ChiTest, TellsTheVerdictsApartInWords) {
  EXPECT_EQ(ToWords(ChiVerdict::kInvalidChecksum), "invalid checksum");
  EXPECT_EQ(ToWords(ChiVerdict::kMissing), "missing");
  EXPECT_EQ(ToWords(ChiVerdict::kBlank), "blank");
}

TEST(ChiTest, RefusesAModulus11RemainderOfOne) {
  // The sum of 000000060 with its weights is 18, of 0000000006 12: 12 mod 11 is
  // 1, and the check digit would be 10.
  for (char check = '0'; check <= '9'; ++check) {
    EXPECT_FALSE(PassesModulus11(std::string("000000006") + check));
  }
  EXPECT_TRUE(PassesModulus11("0000000000"));  // Remainder 0: check digit 0.
  EXPECT_FALSE(PassesModulus11("000000000"));
  EXPECT_FALSE(PassesModulus10("00000000a0"));
}

TEST(ChiTest, OffersTheLostZeroAndNeverTakesIt) {
  const ChiCheck check = CheckChi("303790016");
  EXPECT_EQ(check.verdict, ChiVerdict::kTooFew);
  EXPECT_EQ(check.padded_offer, "0303790016");
  EXPECT_EQ(CheckChi("303790017").padded_offer, "");
  EXPECT_EQ(CheckChi("30379001").padded_offer, "");

  const auto refused = Canonicalise("chi", "303790016", "", {}, {}, kYear);
  ASSERT_THAT(refused, HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("zero"));
}

TEST(ChiTest, SaysWhichChiMayLink) {
  const auto both =
      Canonicalise("chi", " 0101011237 ", "NHSSCOT", {}, {}, 2025);
  ASSERT_THAT(both, IsOk());
  EXPECT_TRUE(both->links_by_itself);
  EXPECT_EQ(both->check, "modulus-11-and-10");
  EXPECT_EQ(both->value, "0101011237");
  EXPECT_EQ(both->authority, "");

  const auto new_rule = Canonicalise("chi", "0911870012", "", {}, {}, 2025);
  ASSERT_THAT(new_rule, IsOk());
  EXPECT_FALSE(new_rule->links_by_itself);
  EXPECT_EQ(new_rule->check, "modulus-10");
}

TEST(PncTest, TakesEveryWrittenFormOfAPnc) {
  for (const absl::string_view canonical :
       {"1979/0163001B", "2001/0171310W", "2003/0062845E", "2019/0123456E",
        "1994/0990001T", "1998/0990002E", "2012/0990003X", "2006/0990006J"}) {
    EXPECT_EQ(CanonicalPnc(canonical, kYear).value(), canonical);
  }
  for (const absl::string_view text :
       {"1979/0163001B", "1979/163001b", " 79/0163001B ", "79/163001B",
        "79163001B", "19790163001B"}) {
    EXPECT_EQ(CanonicalPnc(text, kYear).value(), "1979/0163001B") << text;
  }
  for (const absl::string_view text :
       {"1979/0163001C", "1979/0163002B", "197/0163001B", "1979/B",
        "1979/01630011B", "B", "", "1979/0163001", "79/1630O1B",
        "1979//163001B"}) {
    EXPECT_THAT(CanonicalPnc(text, kYear),
                HasCode(StatusCode::kInvalidArgument))
        << text;
  }
}

TEST(PncTest, PivotsAShortPncOnTheCurrentYear) {
  EXPECT_EQ(CanonicalPnc("19/123456E", 2025).value(), "2019/0123456E");
  EXPECT_EQ(CanonicalPnc("19/123456E", 2019).value(), "2019/0123456E");
  EXPECT_EQ(CanonicalPnc("19/123456E", 2018).value(), "1919/0123456E");
  EXPECT_THAT(CanonicalPnc("2019/0123456E", 2018),
              HasCode(StatusCode::kInvalidArgument));
}

TEST(PncTest, RefusesAPncWithTwoReadings) {
  // Ten characters: two-digit year and seven digits, or four and five. Look
  // for one that both readings take, and one that only one takes.
  int both = 0;
  int one = 0;
  for (int year = 2000; year <= kYear; ++year) {
    const std::string digits = std::to_string(year) + "12345";
    const std::string short_form = digits.substr(0, 2) + "/" + digits.substr(2);
    const std::string long_form = digits.substr(0, 4) + "/" + digits.substr(4);
    for (char letter = 'A'; letter <= 'Z'; ++letter) {
      const bool as_short = CanonicalPnc(short_form + letter, kYear).ok();
      const bool as_long = CanonicalPnc(long_form + letter, kYear).ok();
      EXPECT_EQ(CanonicalPnc(digits + letter, kYear).ok(), as_short != as_long)
          << digits << letter;
      both += as_short && as_long;
      one += as_short != as_long;
    }
  }
  EXPECT_GT(both, 0);
  EXPECT_GT(one, 0);
}

TEST(CroTest, TakesCroNumbers) {
  EXPECT_EQ(CanonicalCro("265416/21G").value(), "265416/21G");
  EXPECT_EQ(CanonicalCro("012345/85X").value(), "012345/85X");
  EXPECT_EQ(CanonicalCro("12345/85x").value(), "012345/85X");
  EXPECT_EQ(CanonicalCro("SF39/22M").value(), "SF39/22M");
  for (const absl::string_view text :
       {"265416/21H", "265416/20G", "SF39/22N", "SF39/0022M", "SF3/22M",
        "265416", "/21G", "265416/", "2654166/21G", "SF39/M"}) {
    EXPECT_THAT(CanonicalCro(text), HasCode(StatusCode::kInvalidArgument))
        << text;
  }
}

TEST(PlaceTest, TakesUprns) {
  EXPECT_EQ(ParseUprn("1").value(), 1u);
  EXPECT_EQ(ParseUprn("000000000123").value(), 123u);
  EXPECT_EQ(ParseUprn("999999999999").value(), 999999999999u);
  EXPECT_EQ(FormatUprn(123), "000000000123");
  for (const absl::string_view text :
       {"", "0", "1000000000000", "12a", "-1", "+1", "1.0"}) {
    EXPECT_THAT(ParseUprn(text), HasCode(StatusCode::kInvalidArgument)) << text;
  }
}

TEST(PlaceTest, TakesPostcodesByForm) {
  EXPECT_EQ(CanonicalPostcode("dd2 9zz").value(), "DD2 9ZZ");
  EXPECT_EQ(CanonicalPostcode("EC1A1BB").value(), "EC1A 1BB");
  EXPECT_EQ(CanonicalPostcode("M1 1AA").value(), "M1 1AA");
  for (const absl::string_view text :
       {"", "D", "DD29Z", "DDD 9ZZ", "9D2 9ZZ", "DD22Z9ZZ", "DD2 ZZZ", "EH1 JS",
        "1A1 1AA", "!!!!!!"}) {
    EXPECT_THAT(CanonicalPostcode(text), HasCode(StatusCode::kInvalidArgument))
        << text;
  }
}

TEST(DateTest, TakesDatesOfTheCalendar) {
  EXPECT_TRUE(IsIsoDate("1979-03-03"));
  EXPECT_TRUE(IsIsoDate("2000-02-29"));
  for (const absl::string_view text :
       {"1900-02-29", "1979-3-03", "1979-13-01", "1979-00-01", "03-03-1979",
        "1979/03/03", "", "1979-03-0a"}) {
    EXPECT_FALSE(IsIsoDate(text)) << text;
  }
}

TEST(LocalNumberTest, NamesTheSystemOfALocalNumber) {
  const System caller{"dundee-city-council", "jsw"};
  const std::vector<System> systems = {caller,
                                       {"police-scotland", "rms"},
                                       {"nhs-tayside", "pas"},
                                       {"angus-council", "swift"},
                                       {"fife-council", "swift"},
                                       {"angus-council", "jsw"}};
  const auto authority = [&](absl::string_view text) {
    return Canonicalise("council", "DCC-20017", text, caller, systems, kYear);
  };
  EXPECT_EQ(authority("")->authority, "urn:concordat:dundee-city-council:jsw");
  EXPECT_EQ(authority("jsw")->authority,
            "urn:concordat:dundee-city-council:jsw");
  EXPECT_EQ(authority("rms")->authority, "urn:concordat:police-scotland:rms");
  EXPECT_EQ(authority("urn:concordat:fife-council:swift")->authority,
            "urn:concordat:fife-council:swift");
  EXPECT_THAT(authority("swift"), HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(authority("nobody"), HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(authority("urn:concordat:fife-council"),
              HasCode(StatusCode::kInvalidArgument));
}

TEST(LocalNumberTest, IsOpaqueAndOneNumberingForASystem) {
  const System caller{"dundee-city-council", "jsw"};
  const auto council =
      Canonicalise("council", "dcc-20017", "", caller, {}, kYear);
  const auto local = Canonicalise("local", "dcc-20017", "", caller, {}, kYear);
  const auto other = Canonicalise("local", "DCC-20017", "", caller, {}, kYear);
  const auto police = Canonicalise("local", "dcc-20017", "",
                                   {"police-scotland", "rms"}, {}, kYear);
  EXPECT_EQ(council->MatchKey(), local->MatchKey());
  EXPECT_NE(council->MatchKey(), other->MatchKey());
  EXPECT_NE(council->MatchKey(), police->MatchKey());
  for (const absl::string_view text :
       {"", " ", "DCC 20017", "DCC_20017", "DCC-20017-DCC-20017-X"}) {
    EXPECT_THAT(Canonicalise("council", text, "", caller, {}, kYear),
                HasCode(StatusCode::kInvalidArgument))
        << text;
  }
}

TEST(IdentifierTest, KeepsSchemesApart) {
  EXPECT_THAT(Canonicalise("nhs", "9000000009", "", {}, {}, kYear),
              HasCode(StatusCode::kInvalidArgument));
  const auto pnc = Canonicalise("pnc", "79/163001B", "x", {}, {}, kYear);
  ASSERT_THAT(pnc, IsOk());
  EXPECT_EQ(pnc->value, "1979/0163001B");
  EXPECT_EQ(pnc->check, "check-letter");
  EXPECT_TRUE(pnc->links_by_itself);
  EXPECT_EQ(pnc->authority, "");
}

TEST(IdentifierTest, NeverSaysTheValue) {
  for (const auto& [scheme, value] :
       std::vector<std::pair<std::string, std::string>>{
           {"chi", "1904851232"},
           {"chi", "303790016"},
           {"pnc", "1979/0163001C"},
           {"cro", "265416/21H"},
           {"council", "DCC 20017"},
           {"x", "1904851231"}}) {
    const auto refused = Canonicalise(scheme, value, "", {}, {}, kYear);
    ASSERT_THAT(refused, HasCode(StatusCode::kInvalidArgument));
    EXPECT_THAT(std::string(refused.status().message()), Not(HasSubstr(value)));
  }
}

}  // namespace
}  // namespace concordat::identity
