// When the deployed clocks are due, with the vectors of the domain analysis, part
// C; and against a slow calculation, one day or minute at a time.
//
// | bug | test |
// |---|---|
// | a SONR clock does not count its first day, or skips weekends | ThreeDaysBeginningWithTheDay |
// | time in custody counts, or the day of release does not | TimeInCustodyIsDisregarded |
// | due while somebody cannot comply | NothingFallsDueWhileAPauseLasts |
// | the annual clock stops in custody instead of running on | TheAnnualClockRunsOnAfterCustody |
// | 31 January and a month is 3 March | MonthsEndOnTheSameDayOrTheLast |
// | working days count a holiday | WorkingDaysAreThoseOfTheCalendar |
// | done at the last second is late | AClockIsReadAsRunningPausedOverdueOrMet |
// | hours run on in a pause that has no end | NothingFallsDueWhileAPauseLasts |
// | any pause stops any clock | TimeInCustodyIsDisregarded |
// | a council's area has no calendar of its own | WorkingDaysAreThoseOfTheCalendar |
// | overlapping pauses count twice | AgreesWithCountingOneByOne |
#include "services/common/calendar/limit_clocks.h"

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/demo_types.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::HasSubstr;
using Day = absl::CivilDay;
using State = ClockReading::State;
using policy::v1::LimitClock;

class LimitClocksTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(absl::LoadTimeZone("Europe/London", &london_));
    auto calendars = Calendars::Build(*testing::DemoCalendars(), london_);
    ASSERT_THAT(calendars, IsOk());
    calendars_ = std::make_shared<const Calendars>(*std::move(calendars));
    auto built =
        LimitClocks::Build(*testing::DemoClocks(), calendars_, london_);
    ASSERT_THAT(built, IsOk());
    clocks_ = std::make_unique<LimitClocks>(*std::move(built));
  }
  absl::Time At(Day day, int hour, int minute = 0) const {
    return absl::FromCivil(
        absl::CivilMinute(day.year(), day.month(), day.day(), hour, minute),
        london_);
  }
  absl::Time EndOf(Day day) const { return absl::FromCivil(day + 1, london_); }
  absl::Time Due(const std::string& id, const ClockRun& run) const {
    const auto clock = clocks_->Find(id, now_);
    EXPECT_THAT(clock, IsOk());
    const auto due = clocks_->Due(**clock, run, now_);
    EXPECT_THAT(due, IsOk());
    return due.ok() ? *due : absl::InfinitePast();
  }
  static LimitClock Make(policy::v1::ClockUnit unit, uint32_t length) {
    LimitClock clock;
    clock.set_id("T");
    clock.set_version(1);
    clock.set_effective("2025-10-01");
    clock.set_source("a test");
    clock.set_what("a test");
    clock.set_unit(unit);
    clock.set_length(length);
    return clock;
  }
  void Refused(const LimitClock& clock, const std::string& why) {
    policy::v1::LimitClocks file;
    *file.add_clocks() = clock;
    const auto built = LimitClocks::Build({file}, calendars_, london_);
    EXPECT_THAT(built, HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(built.status().message(), HasSubstr(why));
  }

  absl::TimeZone london_;
  std::shared_ptr<const Calendars> calendars_;
  std::unique_ptr<LimitClocks> clocks_;
  absl::Time now_ = absl::FromCivil(Day(2025, 12, 1), absl::UTCTimeZone());
};

TEST_F(LimitClocksTest, ThreeDaysBeginningWithTheDay) {
  // From Friday 19 December 2025: due at the end of Sunday.
  EXPECT_EQ(Due("C02", {.start = At(Day(2025, 12, 19), 14)}),
            EndOf(Day(2025, 12, 21)));
  EXPECT_EQ(Due("C02", {.start = At(Day(2025, 12, 25), 0)}),
            EndOf(Day(2025, 12, 27)));
  EXPECT_EQ(Due("C03", {.start = At(Day(2025, 12, 19), 14)}),
            EndOf(Day(2025, 12, 24)));
  // Not beginning with it: seven days after the last notification.
  EXPECT_EQ(Due("C06", {.start = At(Day(2025, 12, 19), 14)}),
            EndOf(Day(2025, 12, 26)));
}

TEST_F(LimitClocksTest, WorkingDaysAreThoseOfTheCalendar) {
  const ClockRun run{.start = At(Day(2025, 12, 19), 10)};
  EXPECT_EQ(Due("C20", run), EndOf(Day(2025, 12, 22)));
  EXPECT_EQ(Due("C21", run), EndOf(Day(2025, 12, 30)));
  EXPECT_EQ(Due("C21b", run), EndOf(Day(2026, 1, 5)));
  EXPECT_EQ(Due("C22", run), EndOf(Day(2026, 1, 22)));
  // The authority's own date beside the national one.
  ClockRun easter{.start = At(Day(2026, 4, 2), 10)};
  EXPECT_EQ(Due("C20", easter), EndOf(Day(2026, 4, 6)));
  easter.calendar = "dundee-city-council";
  EXPECT_EQ(Due("C20", easter), EndOf(Day(2026, 4, 7)));
}

TEST_F(LimitClocksTest, TimeInCustodyIsDisregarded) {
  ClockRun run{.start = At(Day(2025, 11, 3), 15)};
  // Sentenced to custody on that day, released on a Wednesday at ten.
  run.pauses = {
      {"CUSTODY", At(Day(2025, 11, 3), 15), At(Day(2025, 12, 10), 10)}};
  EXPECT_EQ(Due("C01", run), EndOf(Day(2025, 12, 12)));
  // Into hospital on the second day, out on the fifth.
  run.pauses = {
      {"HOSPITAL", At(Day(2025, 11, 4), 10), At(Day(2025, 11, 7), 9)}};
  EXPECT_EQ(Due("C01", run), EndOf(Day(2025, 11, 8)));
  // Hours of one day pause nothing, nor does what the clock does not name.
  run.pauses = {
      {"HOSPITAL", At(Day(2025, 11, 4), 10), At(Day(2025, 11, 4), 15)},
      {"HOLIDAY", At(Day(2025, 11, 4), 0), At(Day(2025, 11, 9), 0)}};
  EXPECT_EQ(Due("C01", run), EndOf(Day(2025, 11, 5)));
}

TEST_F(LimitClocksTest, NothingFallsDueWhileAPauseLasts) {
  ClockRun run{.start = At(Day(2025, 11, 3), 15)};
  // Taken into custody in the evening of the last day.
  run.pauses = {{"CUSTODY", At(Day(2025, 11, 5), 20)}};
  EXPECT_EQ(Due("C01", run), absl::InfiniteFuture());
  run.pauses[0].until = At(Day(2025, 11, 12), 9);
  EXPECT_EQ(Due("C01", run), EndOf(Day(2025, 11, 12)));
  // Abroad from the day after it was due: that changes nothing.
  run.pauses = {{"ABROAD", At(Day(2025, 11, 6), 0)}};
  EXPECT_EQ(Due("C01", run), EndOf(Day(2025, 11, 5)));
  LimitClock hours = Make(policy::v1::CLOCK_UNIT_HOURS, 48);
  hours.add_pauses("CUSTODY");
  run.pauses = {{"CUSTODY", run.start + absl::Hours(1)}};
  EXPECT_EQ(*clocks_->Due(hours, run, now_), absl::InfiniteFuture());
  run.pauses[0].until = run.start + absl::Hours(11);
  EXPECT_EQ(*clocks_->Due(hours, run, now_), run.start + absl::Hours(58));
}

TEST_F(LimitClocksTest, TheAnnualClockRunsOnAfterCustody) {
  ClockRun run{.start = At(Day(2025, 3, 10), 11)};
  EXPECT_EQ(Due("C05", run), EndOf(Day(2026, 3, 10)));
  // Over before the year is: no day more.
  run.pauses = {{"CUSTODY", At(Day(2025, 5, 1), 0), At(Day(2026, 2, 1), 9)}};
  EXPECT_EQ(Due("C05", run), EndOf(Day(2026, 3, 10)));
  // The year ends in custody: three days beginning with release.
  run.pauses[0].until = At(Day(2026, 4, 7), 9);
  EXPECT_EQ(Due("C05", run), EndOf(Day(2026, 4, 9)));
  // And again when those end in hospital.
  run.pauses.push_back(
      {"HOSPITAL", At(Day(2026, 4, 8), 9), At(Day(2026, 4, 20), 9)});
  EXPECT_EQ(Due("C05", run), EndOf(Day(2026, 4, 21)));
}

TEST_F(LimitClocksTest, MonthsEndOnTheSameDayOrTheLast) {
  EXPECT_EQ(Due("C65-subject", {.start = At(Day(2026, 1, 31), 11)}),
            EndOf(Day(2026, 2, 28)));
  EXPECT_EQ(Due("C24", {.start = At(Day(2025, 11, 30), 11)}),
            EndOf(Day(2026, 2, 28)));
  EXPECT_EQ(Due("C24", {.start = At(Day(2025, 12, 19), 11)}),
            EndOf(Day(2026, 3, 19)));
  LimitClock month = Make(policy::v1::CLOCK_UNIT_MONTHS, 1);
  month.set_beginning_with(true);
  EXPECT_EQ(*clocks_->Due(month, {.start = At(Day(2026, 1, 10), 11)}, now_),
            EndOf(Day(2026, 2, 9)));
  EXPECT_EQ(*clocks_->Due(month, {.start = At(Day(2026, 1, 31), 11)}, now_),
            EndOf(Day(2026, 2, 28)));
}

TEST_F(LimitClocksTest, HoursRunAtAnyHour) {
  const absl::Time saturday = At(Day(2026, 3, 28), 12);
  EXPECT_EQ(Due("C45", {.start = saturday}), saturday + absl::Hours(24));
  EXPECT_EQ(Due("C32", {.start = saturday}), saturday + absl::Minutes(2));
  LimitClock hours = Make(policy::v1::CLOCK_UNIT_WORKING_HOURS, 2);
  hours.set_calendar("scotland");
  EXPECT_EQ(*clocks_->Due(hours, {.start = saturday}, now_),
            At(Day(2026, 3, 30), 11));
}

TEST_F(LimitClocksTest, AClockIsReadAsRunningPausedOverdueOrMet) {
  const auto clock = clocks_->Find("C01", now_);
  ClockRun run{.start = At(Day(2025, 12, 19), 14)};
  const auto read = [&](absl::Time now) {
    return clocks_->Read(**clock, run, now)->state;
  };
  const absl::Time due = EndOf(Day(2025, 12, 21));
  EXPECT_EQ(read(due - absl::Seconds(1)), State::kRunning);
  EXPECT_EQ(read(due), State::kOverdue);
  run.stopped = due - absl::Seconds(1);
  EXPECT_EQ(read(due + absl::Hours(9)), State::kMet);
  run.stopped = due;
  EXPECT_EQ(read(due + absl::Hours(9)), State::kMetLate);
  // A pause that becomes known afterwards makes it right again.
  run.pauses = {
      {"CUSTODY", At(Day(2025, 12, 20), 8), At(Day(2025, 12, 21), 9)}};
  EXPECT_EQ(read(due + absl::Hours(9)), State::kMet);
  run.stopped.reset();
  EXPECT_EQ(read(At(Day(2025, 12, 20), 12)), State::kPaused);
}

TEST_F(LimitClocksTest, AgreesWithCountingOneByOne) {
  std::mt19937_64 random(20251205);
  const auto pick = [&](int from, int to) {
    return std::uniform_int_distribution<int>(from, to)(random);
  };
  const WorkingCalendar& scotland = **calendars_->Find("scotland", now_);
  for (int draw = 0; draw < 3000; ++draw) {
    ClockRun run;
    run.start = At(Day(2020, 1, 1) + pick(0, 2500), pick(0, 23), pick(0, 59));
    for (int n = pick(0, 4); n > 0; --n) {
      const absl::Time from =
          run.start + absl::Minutes(pick(-3 * 1440, 12 * 1440));
      run.pauses.push_back(
          {n % 2 == 0 ? "CUSTODY" : "ABROAD", from,
           from + absl::Minutes(pick(1, pick(0, 1) ? 600 : 9000))});
    }
    const auto paused = [&](absl::Time at) {
      for (const ClockPause& pause : run.pauses) {
        if (pause.from <= at && at < pause.until) return true;
      }
      return false;
    };
    LimitClock clock = Make(static_cast<policy::v1::ClockUnit>(pick(1, 2)),
                            static_cast<uint32_t>(pick(1, 12)));
    clock.set_beginning_with(pick(0, 1) == 1);
    const bool working = clock.unit() == policy::v1::CLOCK_UNIT_WORKING_DAYS;
    if (working) clock.set_calendar("scotland");
    for (const char* reason : {"CUSTODY", "ABROAD"}) clock.add_pauses(reason);
    Day day = absl::ToCivilDay(run.start, london_);
    if (!clock.beginning_with()) ++day;
    for (uint32_t left = clock.length();; ++day) {
      if (paused(EndOf(day) - absl::Nanoseconds(1))) continue;
      if (working && !*scotland.IsWorkingDay(day)) continue;
      if (--left == 0) break;
    }
    ASSERT_EQ(*clocks_->Due(clock, run, now_), EndOf(day))
        << clock.ShortDebugString() << " from " << run.start;

    LimitClock minutes = Make(policy::v1::CLOCK_UNIT_MINUTES,
                              static_cast<uint32_t>(pick(1, 3000)));
    for (const char* reason : {"CUSTODY", "ABROAD"}) minutes.add_pauses(reason);
    absl::Time at = run.start;
    for (uint32_t left = minutes.length(); left > 0; at += absl::Minutes(1)) {
      if (!paused(at)) --left;
    }
    ASSERT_EQ(*clocks_->Due(minutes, run, now_), at)
        << minutes.length() << " from " << run.start;
  }
}

TEST_F(LimitClocksTest, AnUnlistedYearIsAnErrorAndNotAGuess) {
  const auto clock = clocks_->Find("C22", now_);
  const auto due =
      clocks_->Due(**clock, {.start = At(Day(2028, 12, 20), 9)}, now_);
  EXPECT_THAT(due, HasCode(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(due.status().message(), HasSubstr("2029"));
}

TEST_F(LimitClocksTest, AClockThatSaysTooLittleIsRefusedByName) {
  LimitClock clock = Make(policy::v1::CLOCK_UNIT_CALENDAR_DAYS, 0);
  Refused(clock, "clock T version 1: length");
  clock = Make(policy::v1::CLOCK_UNIT_UNSPECIFIED, 3);
  Refused(clock, "unit");
  clock = Make(policy::v1::CLOCK_UNIT_WORKING_DAYS, 3);
  Refused(clock, "there is no calendar");
  clock = Make(policy::v1::CLOCK_UNIT_HOURS, 3);
  clock.set_calendar("scotland");
  Refused(clock, "calendar");
  clock = Make(policy::v1::CLOCK_UNIT_HOURS, 3);
  clock.set_beginning_with(true);
  Refused(clock, "beginning_with");
  clock = Make(policy::v1::CLOCK_UNIT_MONTHS, 3);
  clock.add_pauses("CUSTODY");
  Refused(clock, "pauses");
  clock = Make(policy::v1::CLOCK_UNIT_HOURS, 3);
  clock.clear_source();
  Refused(clock, "source");
  clock = Make(policy::v1::CLOCK_UNIT_HOURS, 3);
  clock.set_effective("2025");
  Refused(clock, "effective");
  EXPECT_THAT(clocks_->Find("C99", now_), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(clocks_->Find("C01", At(Day(2025, 9, 30), 9)),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace concordat
