// Mutants, each with the test that catches it:
//   unknown before the first list read as outside   KnowsNothingBeforeTheFirstList
//   silence never ends, or ends at once             IsStaleAfterAMinuteOfSilence
//   half a list used                                KeepsTheOldListUntilTheNewOneIsOut
//   who left stays                                  ForgetsWhoLeft
//   leaving takes a number that moved on along      KeepsANumberThatMovedOn
//   scheme or system not part of the token          TellsSchemesApart
//   two people's numbers: the last wins             SaysWhenNumbersAreOfSeveral
//   lists end with the case, or before the first    KeepsWhoMaySeeAPerson
//     list everybody sees; an empty list is nobody's
#include "adapters/core/cohort.h"

#include "gtest/gtest.h"
#include "tests/support/fake_clock.h"

namespace concordat::edge {
namespace {

using Kind = CohortAnswer::Kind;

PersonKey Person(uint8_t number) {
  return PersonKey(std::array<uint8_t, 16>{number});
}
PersonIdentifier Chi(std::string value) { return {"chi", value, ""}; }

class CohortTest : public ::testing::Test {
 protected:
  Kind Of(const std::string& chi) { return cohort_.Find({Chi(chi)}).kind; }

  concordat::testing::FakeClock clock_;
  Cohort cohort_{"key", clock_};
};

TEST_F(CohortTest, KnowsNothingBeforeTheFirstList) {
  EXPECT_EQ(Of("1"), Kind::kUnknown);
  cohort_.Begin();
  cohort_.Join(Person(1), {Chi("1")});
  EXPECT_EQ(Of("1"), Kind::kUnknown);
  cohort_.Complete(Sequence{7});
  EXPECT_EQ(Of("1"), Kind::kMember);
  EXPECT_EQ(cohort_.Find({Chi("1")}).subject, Person(1));
  EXPECT_EQ(Of("2"), Kind::kOutside);
  EXPECT_EQ(cohort_.Find({}).kind, Kind::kOutside);
  EXPECT_EQ(cohort_.position(), Sequence{7});
}

TEST_F(CohortTest, IsStaleAfterAMinuteOfSilence) {
  cohort_.Complete(Sequence{1});
  clock_.Advance(absl::Seconds(60));
  EXPECT_EQ(Of("1"), Kind::kOutside);
  EXPECT_TRUE(cohort_.fresh());
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(Of("1"), Kind::kUnknown);
  EXPECT_FALSE(cohort_.fresh());
  cohort_.Complete(Sequence{1});
  EXPECT_EQ(Of("1"), Kind::kOutside);
  clock_.Advance(-absl::Seconds(1));
  EXPECT_EQ(Of("1"), Kind::kUnknown);
}

TEST_F(CohortTest, KeepsTheOldListUntilTheNewOneIsOut) {
  cohort_.Join(Person(1), {Chi("1")});
  cohort_.Complete(Sequence{1});
  cohort_.Begin();
  cohort_.Join(Person(2), {Chi("2")});
  EXPECT_EQ(Of("1"), Kind::kMember);
  EXPECT_EQ(Of("2"), Kind::kOutside);
  cohort_.Complete(Sequence{2});
  EXPECT_EQ(Of("1"), Kind::kOutside);
  EXPECT_EQ(Of("2"), Kind::kMember);
}

TEST_F(CohortTest, KeepsANumberThatMovedOn) {
  cohort_.Join(Person(1), {Chi("1"), Chi("2")});
  cohort_.Join(Person(2), {Chi("1")});
  cohort_.Complete(Sequence{1});
  cohort_.Leave(Person(1));
  EXPECT_EQ(cohort_.Find({Chi("1")}).subject, Person(2));
  EXPECT_EQ(Of("1"), Kind::kMember);
  EXPECT_EQ(Of("2"), Kind::kOutside);
}

TEST_F(CohortTest, ForgetsWhoLeft) {
  cohort_.Join(Person(1), {Chi("1"), Chi("11")});
  cohort_.Complete(Sequence{1});
  cohort_.Join(Person(1), {Chi("11")});  // Said again, with fewer numbers.
  EXPECT_EQ(Of("1"), Kind::kOutside);
  EXPECT_EQ(Of("11"), Kind::kMember);
  EXPECT_EQ(cohort_.people(), 1u);
  cohort_.Leave(Person(1));
  cohort_.Leave(Person(9));
  EXPECT_EQ(Of("11"), Kind::kOutside);
  EXPECT_EQ(cohort_.people(), 0u);
}

TEST_F(CohortTest, TellsSchemesApart) {
  cohort_.Join(Person(1), {{"local", "12", "pas"}});
  cohort_.Complete(Sequence{1});
  EXPECT_EQ(cohort_.Find({{"local", "12", "pas"}}).kind, Kind::kMember);
  EXPECT_EQ(cohort_.Find({{"local", "12", "lab"}}).kind, Kind::kOutside);
  EXPECT_EQ(cohort_.Find({{"chi", "12", "pas"}}).kind, Kind::kOutside);
  EXPECT_EQ(cohort_.Find({{"local", "2", "pas1"}}).kind, Kind::kOutside);
}

TEST_F(CohortTest, SaysWhenNumbersAreOfSeveral) {
  cohort_.Join(Person(1), {Chi("1"), Chi("11")});
  cohort_.Join(Person(2), {Chi("2")});
  cohort_.Complete(Sequence{1});
  EXPECT_EQ(cohort_.Find({Chi("1"), Chi("x"), Chi("11")}).kind, Kind::kMember);
  EXPECT_EQ(cohort_.Find({Chi("1"), Chi("2")}).kind, Kind::kSeveral);
  EXPECT_EQ(cohort_.Find({Chi("1"), Chi("2")}).subject,
            cohort_.Find({Chi("1")}).subject);
}

TEST_F(CohortTest, KeepsWhoMaySeeAPerson) {
  const auto allows = [&](const std::string& name) {
    Recipient to{"nhs-tayside", "nhs-liaison", {}};
    to.principal = name;
    return cohort_.Allows(Person(1), to);
  };
  EXPECT_FALSE(allows("anybody"));
  cohort_.Begin();
  cohort_.SetLists(Person(1), {}, {AccessEntry::Of("nhs-tayside/*/cousin")});
  cohort_.Join(Person(1), {Chi("1")});
  cohort_.Complete(Sequence{1});
  EXPECT_TRUE(allows("anybody"));
  EXPECT_FALSE(allows("cousin"));
  cohort_.Leave(Person(1));
  EXPECT_FALSE(allows("cousin"));
  // Only for those of another agency.
  cohort_.SetLists(Person(1), {AccessEntry()}, {});
  EXPECT_FALSE(allows("anybody"));
  cohort_.SetLists(Person(1), {AccessEntry::Of("nhs-tayside/nhs-liaison")}, {});
  EXPECT_TRUE(allows("anybody"));
  cohort_.SetLists(Person(1), {}, {});
  EXPECT_TRUE(allows("cousin"));
}

}  // namespace
}  // namespace concordat::edge
