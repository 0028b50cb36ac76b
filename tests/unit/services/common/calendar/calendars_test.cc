// Calendar files are checked at load, and their versions answer in their time.
//
// | bug | test |
// |---|---|
// | days out of order, twice, or of another year are taken | ASlipInAListIsRefusedByName |
// | a Sunday is listed for the Monday after it | ASlipInAListIsRefusedByName |
// | the newest version answers for the time before it | AVersionAnswersFromItsEffectiveDate |
// | a version does not answer at the first moment of its date | AVersionAnswersFromItsEffectiveDate |
// | a council's own hours are those of the national calendar | ACouncilMayHaveHoursOfItsOwn |
// | a new national list does not reach a council's calendar | ANewNationalListReachesWhatIsBasedOnIt |
#include "services/common/calendar/calendars.h"

#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::HasSubstr;
using Day = absl::CivilDay;

constexpr char kWeek[] = R"(
    week { days: [WEEKDAY_MONDAY, WEEKDAY_TUESDAY, WEEKDAY_WEDNESDAY,
                  WEEKDAY_THURSDAY, WEEKDAY_FRIDAY]
           opens: "09:00" closes: "17:00" })";

class CalendarsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(absl::LoadTimeZone("Europe/London", &london_));
  }
  static policy::v1::Calendar File(const std::string& text) {
    policy::v1::Calendar file;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &file))
        << text;
    return file;
  }
  static policy::v1::Calendar National(const std::string& version,
                                       const std::string& effective,
                                       const std::string& closed) {
    return File("name: 'scotland' source: 'a test' version: " + version +
                " effective: '" + effective + "'" + kWeek +
                " years { year: 2022 " + closed + " } years { year: 2023 }");
  }
  static policy::v1::Calendar Council(const std::string& years) {
    return File(
        "name: 'council' source: 'a test' version: 1 effective: '2022-01-01'"
        " based_on: 'scotland' " +
        years);
  }
  absl::StatusOr<Calendars> Build(
      const std::vector<policy::v1::Calendar>& files) {
    return Calendars::Build(files, london_);
  }
  void Refused(const std::vector<policy::v1::Calendar>& files,
               const std::string& why) {
    const auto built = Build(files);
    EXPECT_THAT(built, HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(built.status().message(), HasSubstr(why));
  }
  absl::Time Noon(Day day) const {
    return absl::FromCivil(absl::CivilHour(day) + 12, london_);
  }

  absl::TimeZone london_;
};

constexpr char kPlain[] = "closed { date: '2022-06-02' name: 'Spring' }";
constexpr char kJubilee[] =
    "closed { date: '2022-06-02' name: 'Spring' }"
    "closed { date: '2022-06-03' name: 'Jubilee' }";

TEST_F(CalendarsTest, ASlipInAListIsRefusedByName) {
  const auto day = [](const std::string& date) {
    return "closed { date: '" + date + "' name: 'x' }";
  };
  const auto refused = [&](const std::string& closed, const std::string& why) {
    Refused({National("1", "2022-01-01", closed)}, why);
  };
  refused(day("2022-06-03") + day("2022-06-02"),
          "2022-06-02 is there twice or");
  refused(day("2022-06-02") + day("2022-06-02"),
          "2022-06-02 is there twice or");
  refused(day("2023-06-02"), "2023-06-02 is not in 2022");
  refused(day("2022-06-05"), "2022-06-05 is not a working day anyway");
  refused(day("2022-6-2"), "\"2022-6-2\" is not a date");
  refused(day("2022-02-30"), "\"2022-02-30\" is not a date");
  refused("closed { date: '2022-06-02' }", "2022-06-02 has no name");
  refused("open { date: '2022-06-02' name: 'x' }", "2022-06-02 is open anyway");
  refused("} years { year: 2022", "years: 2022 where 2023 should be");
}

TEST_F(CalendarsTest, AFileSaysWhatItIsAndWhenItIsWorked) {
  policy::v1::Calendar file = National("1", "2022-01-01", kPlain);
  file.clear_source();
  Refused({file}, "source");
  file = National("1", "1 Jan 2022", kPlain);
  Refused({file}, "effective");
  file = National("1", "2022-01-01", kPlain);
  file.clear_week();
  Refused({file}, "no day is worked");
  file = National("1", "2022-01-01", kPlain);
  file.mutable_week(0)->set_closes("08:00");
  Refused({file}, "\"09:00\" to \"08:00\"");
  file = National("1", "2022-01-01", kPlain);
  *file.add_week() = file.week(0);
  Refused({file}, "WEEKDAY_MONDAY is there twice");
}

TEST_F(CalendarsTest, AVersionAnswersFromItsEffectiveDate) {
  const auto calendars = Build({National("2", "2022-03-01", kJubilee),
                                National("1", "2022-01-10", kPlain)});
  ASSERT_THAT(calendars, IsOk());
  const Day jubilee(2022, 6, 3);
  const auto before = calendars->Find("scotland", Noon(Day(2022, 2, 28)));
  ASSERT_THAT(before, IsOk());
  EXPECT_EQ((*before)->version(), 1u);
  EXPECT_TRUE(*(*before)->IsWorkingDay(jubilee));
  const auto after = calendars->Find("scotland", Noon(Day(2022, 3, 1)));
  ASSERT_THAT(after, IsOk());
  EXPECT_FALSE(*(*after)->IsWorkingDay(jubilee));
  const auto first =
      calendars->Find("scotland", absl::FromCivil(Day(2022, 3, 1), london_));
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ((*first)->version(), 2u);
  EXPECT_THAT(calendars->Find("scotland", Noon(Day(2022, 1, 9))),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(calendars->Find("wales", Noon(Day(2022, 3, 1))),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_F(CalendarsTest, VersionsFollowOneAnother) {
  Refused({National("1", "2022-01-10", kPlain),
           National("1", "2022-02-10", kPlain)},
          "version 1");
  Refused({National("1", "2022-02-10", kPlain),
           National("2", "2022-01-10", kPlain)},
          "version");
  Refused({National("1", "2022-02-10", kPlain),
           National("2", "2022-02-10", kPlain)},
          "version");
}

TEST_F(CalendarsTest, ANewNationalListReachesWhatIsBasedOnIt) {
  const auto calendars =
      Build({National("1", "2022-01-01", kPlain),
             National("2", "2022-03-01", kJubilee),
             Council("years { year: 2022 "
                     "closed { date: '2022-10-03' name: 'Local' } "
                     "open { date: '2022-06-02' name: 'Worked here' } }")});
  ASSERT_THAT(calendars, IsOk());
  const auto before = calendars->Find("council", Noon(Day(2022, 2, 1)));
  const auto after = calendars->Find("council", Noon(Day(2022, 4, 1)));
  ASSERT_THAT(before, IsOk());
  ASSERT_THAT(after, IsOk());
  EXPECT_TRUE(*(*before)->IsWorkingDay(Day(2022, 6, 3)));
  EXPECT_FALSE(*(*after)->IsWorkingDay(Day(2022, 6, 3)));
  EXPECT_TRUE(*(*after)->IsWorkingDay(Day(2022, 6, 2)));
  EXPECT_FALSE(*(*after)->IsWorkingDay(Day(2022, 10, 3)));
  // It lists fewer years than the national one, and answers for those alone.
  EXPECT_THAT((*after)->IsWorkingDay(Day(2023, 6, 1)),
              HasCode(absl::StatusCode::kOutOfRange));
}

TEST_F(CalendarsTest, ACouncilMayHaveHoursOfItsOwn) {
  const auto calendars =
      Build({National("1", "2022-01-01", kPlain),
             Council("week { days: WEEKDAY_SATURDAY opens: '10:00' "
                     "closes: '12:00' } years { year: 2022 }")});
  ASSERT_THAT(calendars, IsOk());
  const auto council = calendars->Find("council", Noon(Day(2022, 4, 1)));
  ASSERT_THAT(council, IsOk());
  EXPECT_TRUE(*(*council)->IsWorkingDay(Day(2022, 4, 2)));
  EXPECT_FALSE(*(*council)->IsWorkingDay(Day(2022, 4, 1)));
}

TEST_F(CalendarsTest, WhatItIsBasedOnIsThereAndListsItsYears) {
  Refused({Council("years { year: 2022 }")}, "there is no calendar scotland");
  const auto national = National("1", "2022-01-01", kPlain);
  Refused({national, Council("years { year: 2024 }")},
          "scotland has no list for 2024");
  Refused({national, Council("years { year: 2022 closed { "
                             "date: '2022-06-02' name: 'x' } }")},
          "2022-06-02 is not a working day anyway");
  Refused(
      {National("1", "2022-02-01", kPlain), Council("years { year: 2022 }")},
      "takes effect later");
  policy::v1::Calendar third = Council("years { year: 2022 }");
  third.set_name("third");
  third.set_based_on("council");
  Refused({national, Council("years { year: 2022 }"), third},
          "itself based on another");
}

}  // namespace
}  // namespace concordat
