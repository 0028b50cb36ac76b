// Working days and hours over the calendars that are deployed. The vectors are
// those of the domain analysis, part C6.
//
// | bug | test |
// |---|---|
// | a holiday is worked; Easter Monday is not | TheVectorsOfTheDomainAnalysis |
// | the start day is counted | TheVectorsOfTheDomainAnalysis |
// | the start day of "beginning with" is not counted | BeginningWithCountsTheFirstDay |
// | a limit ends at the start of its last day | ALimitIsMetUntilTheEndOfItsLastDay |
// | a day is taken for 24 hours | DaysAreLocalWhenTheClocksChange |
// | an unlisted year has no holidays | AnUnlistedYearIsAnErrorThatNamesIt |
// | working time runs at night, or starts before opening | HoursRunOnlyWhileOpen |
// | closing time counts as open | HoursRunOnlyWhileOpen |
// | what is before opening, or full to the minute, goes to another day | HoursRunOnlyWhileOpen |
// | an hour that the clocks jump over is an hour late | AnHourThatIsJumpedOverIsTheJump |
// | the last listed day cannot be reached | AnUnlistedYearIsAnErrorThatNamesIt |
#include "services/common/calendar/working_calendar.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/time/civil_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/calendar/calendars.h"
#include "tests/support/demo_types.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::HasSubstr;
using Day = absl::CivilDay;

class WorkingCalendarTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(absl::LoadTimeZone("Europe/London", &london_));
    const auto files = testing::DemoCalendars();
    ASSERT_THAT(files, IsOk());
    auto built = Calendars::Build(*files, london_);
    ASSERT_THAT(built, IsOk());
    calendars_ = std::make_unique<Calendars>(*std::move(built));
    scotland_ = Find("scotland");
    dundee_ = Find("dundee-city-council");
  }
  const WorkingCalendar* Find(const std::string& name) {
    const auto found = calendars_->Find(name, At(Day(2025, 11, 3), 2, 0));
    EXPECT_THAT(found, IsOk());
    return found.ok() ? *found : nullptr;
  }
  absl::Time At(Day day, int hour, int minute) const {
    return absl::FromCivil(
        absl::CivilMinute(day.year(), day.month(), day.day(), hour, minute),
        london_);
  }

  absl::TimeZone london_;
  std::unique_ptr<Calendars> calendars_;
  const WorkingCalendar* scotland_ = nullptr;
  const WorkingCalendar* dundee_ = nullptr;
};

TEST_F(WorkingCalendarTest, TheVectorsOfTheDomainAnalysis) {
  const struct {
    Day start;
    int days;
    Day due;
  } vectors[] = {
      {Day(2025, 12, 19), 1, Day(2025, 12, 22)},
      {Day(2025, 12, 19), 5, Day(2025, 12, 30)},
      {Day(2025, 12, 19), 7, Day(2026, 1, 5)},
      {Day(2025, 12, 19), 20, Day(2026, 1, 22)},
      {Day(2025, 12, 24), 1, Day(2025, 12, 29)},
      {Day(2025, 12, 24), 5, Day(2026, 1, 6)},
      {Day(2025, 12, 24), 7, Day(2026, 1, 8)},
      {Day(2025, 12, 24), 20, Day(2026, 1, 27)},
      {Day(2026, 4, 2), 1, Day(2026, 4, 6)},
      {Day(2026, 4, 2), 5, Day(2026, 4, 10)},
      {Day(2025, 11, 27), 1, Day(2025, 11, 28)},
      {Day(2025, 11, 27), 5, Day(2025, 12, 5)},
      {Day(2025, 11, 27), 7, Day(2025, 12, 9)},
      {Day(2026, 7, 31), 1, Day(2026, 8, 4)},
      {Day(2026, 7, 31), 5, Day(2026, 8, 10)},
      {Day(2026, 7, 31), 7, Day(2026, 8, 12)},
  };
  for (const auto& vector : vectors) {
    EXPECT_EQ(*scotland_->AddWorkingDays(vector.start, vector.days), vector.due)
        << vector.start << " + " << vector.days;
  }
}

TEST_F(WorkingCalendarTest, AFridayBeforeStAndrewsDayIsDueOnTuesday) {
  // An order of Friday 28 November 2025, first contact by the next working day.
  const auto due = scotland_->EndOfNextWorkingDay(At(Day(2025, 11, 28), 12, 0));
  ASSERT_THAT(due, IsOk());
  EXPECT_EQ(*due, At(Day(2025, 12, 3), 0, 0));
}

TEST_F(WorkingCalendarTest, ALimitIsMetUntilTheEndOfItsLastDay) {
  const absl::Time end = scotland_->EndOfDay(Day(2025, 12, 22));
  EXPECT_EQ(end, At(Day(2025, 12, 22), 23, 59) + absl::Minutes(1));
  EXPECT_EQ(scotland_->DayOf(end - absl::Nanoseconds(1)), Day(2025, 12, 22));
  EXPECT_EQ(scotland_->DayOf(end), Day(2025, 12, 23));
}

TEST_F(WorkingCalendarTest, BeginningWithCountsTheFirstDay) {
  const Day friday(2025, 12, 19);
  EXPECT_EQ(*scotland_->WorkingDaysBeginningWith(friday, 1), friday);
  EXPECT_EQ(*scotland_->WorkingDaysBeginningWith(friday, 3), Day(2025, 12, 23));
  // A Saturday is not worked: the first day of the period is Monday.
  EXPECT_EQ(*scotland_->WorkingDaysBeginningWith(friday + 1, 1),
            Day(2025, 12, 22));
  EXPECT_THAT(scotland_->WorkingDaysBeginningWith(friday, 0),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(scotland_->AddWorkingDays(friday, 0),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(WorkingCalendarTest, DaysAreLocalWhenTheClocksChange) {
  // 29 March 2026 has 23 hours, 25 October 25.
  const Day spring(2026, 3, 29);
  const Day autumn(2026, 10, 25);
  EXPECT_EQ(scotland_->EndOfDay(spring) - scotland_->StartOfDay(spring),
            absl::Hours(23));
  EXPECT_EQ(scotland_->EndOfDay(autumn) - scotland_->StartOfDay(autumn),
            absl::Hours(25));
  // 23:30 UTC is already tomorrow in summer.
  const absl::Time late = absl::FromCivil(absl::CivilMinute(2026, 6, 1, 23, 30),
                                          absl::UTCTimeZone());
  EXPECT_EQ(scotland_->DayOf(late), Day(2026, 6, 2));
  // Two working hours from 16:00 on the Friday before, over the change.
  EXPECT_EQ(*scotland_->AddWorkingTime(At(spring - 2, 16, 0), absl::Hours(2)),
            At(spring + 1, 10, 0));
}

TEST_F(WorkingCalendarTest, HoursRunOnlyWhileOpen) {
  const Day friday(2025, 11, 28);  // Monday is St Andrew's Day.
  const Day tuesday(2025, 12, 2);
  const auto add = [&](absl::Time from, absl::Duration amount) {
    const auto due = scotland_->AddWorkingTime(from, amount);
    EXPECT_THAT(due, IsOk());
    return due.ok() ? *due : absl::InfinitePast();
  };
  EXPECT_EQ(add(At(friday, 16, 0), absl::Hours(1)), At(friday, 17, 0));
  EXPECT_EQ(add(At(friday, 16, 0), absl::Hours(2)), At(tuesday, 10, 0));
  EXPECT_EQ(add(At(friday, 17, 0), absl::Minutes(1)), At(tuesday, 9, 1));
  EXPECT_EQ(add(At(friday, 3, 0), absl::Hours(8)), At(friday, 17, 0));
  EXPECT_EQ(add(At(friday, 9, 0), absl::Hours(17)), At(tuesday + 1, 10, 0));
  EXPECT_EQ(add(At(friday, 3, 0), absl::ZeroDuration()), At(friday, 3, 0));
  EXPECT_THAT(scotland_->AddWorkingTime(At(friday, 9, 0), -absl::Hours(1)),
              HasCode(absl::StatusCode::kInvalidArgument));

  EXPECT_TRUE(*scotland_->IsOpen(At(friday, 9, 0)));
  EXPECT_FALSE(*scotland_->IsOpen(At(friday, 8, 59)));
  EXPECT_FALSE(*scotland_->IsOpen(At(friday, 17, 0)));
  EXPECT_FALSE(*scotland_->IsOpen(At(Day(2025, 12, 1), 10, 0)));
  EXPECT_EQ(*scotland_->NextOpening(At(friday, 16, 59)), At(friday, 16, 59));
  EXPECT_EQ(*scotland_->NextOpening(At(friday, 17, 0)), At(tuesday, 9, 0));
  EXPECT_EQ(*scotland_->NextOpening(At(friday, 0, 0)), At(friday, 9, 0));
}

TEST_F(WorkingCalendarTest, AnAuthoritysOwnDaysStandBesideTheNationalOnes) {
  const Day easter_monday(2026, 4, 6);
  EXPECT_TRUE(*scotland_->IsWorkingDay(easter_monday));
  EXPECT_FALSE(*dundee_->IsWorkingDay(easter_monday));
  const Day summer_holiday(2026, 8, 3);
  EXPECT_FALSE(*scotland_->IsWorkingDay(summer_holiday));
  EXPECT_TRUE(*dundee_->IsWorkingDay(summer_holiday));
  EXPECT_FALSE(*dundee_->IsWorkingDay(Day(2025, 12, 1)));
  EXPECT_EQ(*dundee_->AddWorkingDays(Day(2026, 4, 2), 1), Day(2026, 4, 7));
  // Its own hours: half an hour less on a Friday.
  EXPECT_TRUE(*dundee_->IsOpen(At(Day(2025, 11, 27), 16, 45)));
  EXPECT_FALSE(*dundee_->IsOpen(At(Day(2025, 11, 28), 16, 45)));
}

TEST_F(WorkingCalendarTest, AnUnlistedYearIsAnErrorThatNamesIt) {
  const auto fails_for = [](const absl::Status& status, const char* year) {
    EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
    EXPECT_THAT(status.message(), HasSubstr("scotland"));
    EXPECT_THAT(status.message(), HasSubstr(year));
  };
  fails_for(scotland_->IsWorkingDay(Day(2018, 12, 31)).status(), "2018");
  fails_for(scotland_->NextWorkingDay(Day(2029, 1, 1)).status(), "2029");
  // It starts in a listed year and ends in one that is not.
  fails_for(scotland_->AddWorkingDays(Day(2028, 12, 20), 20).status(), "2029");
  fails_for(
      scotland_->EndOfNextWorkingDay(At(Day(2028, 12, 29), 12, 0)).status(),
      "2029");
  fails_for(scotland_->NextOpening(At(Day(2028, 12, 29), 17, 0)).status(),
            "2029");
  fails_for(
      scotland_->AddWorkingTime(At(Day(2028, 12, 29), 16, 0), absl::Hours(2))
          .status(),
      "2029");
  EXPECT_THAT(scotland_->AddWorkingDays(Day(2028, 12, 28), 1), IsOk());
}

TEST_F(WorkingCalendarTest, AnHourThatIsJumpedOverIsTheJump) {
  CalendarParts parts;
  parts.zone = london_;
  parts.first_year = parts.last_year = 2025;
  // From 01:30, which 30 March does not have: 01:00 is followed by 02:00.
  parts.week[static_cast<size_t>(absl::Weekday::sunday)] = DayHours{90, 180};
  const WorkingCalendar nights(std::move(parts));
  const absl::Time jump = At(Day(2025, 3, 30), 0, 59) + absl::Minutes(1);
  EXPECT_EQ(*nights.NextOpening(jump - absl::Hours(1)), jump);
  EXPECT_TRUE(*nights.IsOpen(jump));
}

}  // namespace
}  // namespace concordat
