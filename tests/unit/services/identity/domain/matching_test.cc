// Mutants, and the test that catches each (all tried):
//
//   the last holder wins                  RefusesIdentifiersOfDifferentPeople
//   same scheme, other value let through  RefusesASecondNumberOfAScheme
//   schemes compared without authority    LetsSystemsNumberAPersonEach
//   values in the message                 RefusesASecondNumberOfAScheme
#include "services/identity/domain/matching.h"

#include <array>
#include <string>

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

PersonKey Key(uint8_t first) {
  std::array<uint8_t, PersonKey::kBytes> bytes = {};
  bytes[0] = first;
  return PersonKey(bytes);
}

CanonicalIdentifier Make(const char* scheme, const char* value,
                         System caller = {"police-scotland", "rms"}) {
  return Canonicalise(scheme, value, "", caller, {}, 2025).value();
}

const char kChi[] = "1904851231";
const char kOtherChi[] = "2902201230";
const char kPnc[] = "1979/0163001B";

TEST(MatchPersonTest, FindsTheOnePersonOrNobody) {
  EXPECT_EQ(MatchPerson({}).value(), std::nullopt);
  EXPECT_EQ(MatchPerson({{Make("chi", kChi), std::nullopt}}).value(),
            std::nullopt);
  EXPECT_EQ(MatchPerson({{Make("chi", kChi), std::nullopt},
                         {Make("pnc", kPnc), Key(1)}})
                .value(),
            Key(1));
  EXPECT_EQ(
      MatchPerson({{Make("chi", kChi), Key(1)}, {Make("pnc", kPnc), Key(1)}})
          .value(),
      Key(1));
}

TEST(MatchPersonTest, RefusesIdentifiersOfDifferentPeople) {
  const auto refused = MatchPerson({{Make("chi", kChi), Key(1)},
                                    {Make("pnc", kPnc), Key(2)},
                                    {Make("local", "OM-1"), Key(2)}});
  ASSERT_THAT(refused, HasCode(StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("chi, local, pnc"));
}

TEST(CheckCompatibleTest, RefusesASecondNumberOfAScheme) {
  const auto refused = CheckCompatible({Make("chi", kOtherChi)},
                                       {Make("chi", kChi), Make("pnc", kPnc)});
  ASSERT_THAT(refused, HasCode(StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("chi"));
  EXPECT_THAT(std::string(refused.message()), Not(HasSubstr(kChi)));
  EXPECT_THAT(std::string(refused.message()), Not(HasSubstr(kOtherChi)));
  EXPECT_THAT(CheckCompatible({Make("chi", kChi), Make("chi", kOtherChi)}, {}),
              HasCode(StatusCode::kFailedPrecondition));
  EXPECT_THAT(CheckCompatible({Make("chi", kChi), Make("pnc", kPnc)},
                              {Make("chi", kChi)}),
              IsOk());
}

TEST(CheckCompatibleTest, LetsSystemsNumberAPersonEach) {
  const System pas{"nhs-tayside", "pas"};
  const CanonicalIdentifier police = Make("local", "OM-1");
  EXPECT_THAT(CheckCompatible({Make("local", "T-1", pas)}, {police}), IsOk());
  EXPECT_THAT(CheckCompatible({Make("local", "OM-2")}, {police}),
              HasCode(StatusCode::kFailedPrecondition));
  // One numbering under two names.
  EXPECT_THAT(CheckCompatible({Make("council", "OM-2")}, {police}),
              HasCode(StatusCode::kFailedPrecondition));
}

TEST(AgreeTest, AgreesOnNameAndDateOfBirthAndNothingLess) {
  const NameAndBirth a = {"McAllister", "Ewan", "1979-03-03"};
  EXPECT_TRUE(Agree(a, a));
  EXPECT_TRUE(Agree(a, {"MC ALLISTER", "E.", "1979-03-03"}));
  EXPECT_TRUE(Agree(a, {"mcallister", "", "1979-03-03"}));
  EXPECT_FALSE(Agree(a, {"McAllister", "Ewan", ""}));
  EXPECT_FALSE(Agree(a, {"McAllister", "Ewan", "1979-03-30"}));
  EXPECT_FALSE(Agree(a, {"MacAllister", "Ewan", "1979-03-03"}));
  EXPECT_FALSE(Agree(a, {"McAllister", "Iain", "1979-03-03"}));
  EXPECT_FALSE(Agree({"", "", "1979-03-03"}, {"", "", "1979-03-03"}));
  EXPECT_FALSE(Agree({"McAllister", "", ""}, {"McAllister", "", ""}));
}

}  // namespace
}  // namespace concordat::identity
