// Every answer of WorkingCalendar against a slow calculation that shares
// nothing with it: days by std::chrono, one at a time; London's clocks by the
// rule (last Sundays of March and October, 01:00 UTC), not by tzdata; working
// time one minute at a time. Random dates of 2020 to 2035, random holidays,
// random hours.
//
// | bug | test |
// |---|---|
// | off by a day, at a weekend, a holiday or New Year | DaysAgreeWithCountingThem |
// | off by a minute, or by an hour when the clocks change | HoursAgreeWithCountingMinutes |
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <iomanip>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <string>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "services/common/calendar/calendars.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::concordat::testing::IsOk;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr int64_t kDay = 24 * 60;  // Minutes.

std::string Iso(sys_days day) {
  const year_month_day date(day);
  std::ostringstream out;
  out << static_cast<int>(date.year()) << '-' << std::setfill('0')
      << std::setw(2) << static_cast<unsigned>(date.month()) << '-'
      << std::setw(2) << static_cast<unsigned>(date.day());
  return out.str();
}

absl::CivilDay Civil(sys_days day) {
  const year_month_day date(day);
  return absl::CivilDay(static_cast<int>(date.year()),
                        static_cast<unsigned>(date.month()),
                        static_cast<unsigned>(date.day()));
}

// Minutes since the epoch, UTC.
int64_t Utc(sys_days day) { return day.time_since_epoch().count() * kDay; }
absl::Time Time(int64_t utc) { return absl::FromUnixSeconds(utc * 60); }

int64_t LocalOf(int64_t utc) {
  const year_month_day date{
      sys_days(std::chrono::days(utc >= 0 ? utc / kDay : 0))};
  const int64_t spring = Utc(date.year() / std::chrono::March /
                             std::chrono::Sunday[std::chrono::last]) +
                         60;
  const int64_t autumn = Utc(date.year() / std::chrono::October /
                             std::chrono::Sunday[std::chrono::last]) +
                         60;
  return utc >= spring && utc < autumn ? utc + 60 : utc;
}

// A random calendar, and the slow answers about it.
class SlowCalendar {
 public:
  explicit SlowCalendar(std::mt19937_64& random) {
    const int first = Pick(random, 2018, 2020);
    const int last = Pick(random, 2035, 2037);
    const bool saturdays = Pick(random, 0, 3) == 0;
    file_.set_name("random");
    file_.set_version(1);
    file_.set_effective("1990-01-01");
    file_.set_source("drawn");
    for (int weekday = 1; weekday <= (saturdays ? 6 : 5); ++weekday) {
      const int opens = Pick(random, 0, 12 * 60);
      const int closes = Pick(random, opens + 1, 24 * 60);
      week_[static_cast<size_t>(weekday)] = {opens, closes};
      auto* const entry = file_.add_week();
      entry->add_days(static_cast<policy::v1::Weekday>(weekday));
      entry->set_opens(Clock(opens));
      entry->set_closes(Clock(closes));
    }
    for (int year = first; year <= last; ++year) {
      auto* const entry = file_.add_years();
      entry->set_year(static_cast<uint32_t>(year));
      std::set<sys_days> closed;
      for (int n = Pick(random, 0, 20); n > 0; --n) {
        const sys_days day = Any(random, year);
        if (WeekdayHours(day)) closed.insert(day);
      }
      for (const sys_days day : closed) {
        auto* const listed = entry->add_closed();
        listed->set_date(Iso(day));
        listed->set_name("drawn");
        closed_.insert(day);
      }
    }
  }

  static int Pick(std::mt19937_64& random, int from, int to) {
    return std::uniform_int_distribution<int>(from, to)(random);
  }
  static sys_days Any(std::mt19937_64& random, int year) {
    const sys_days start = std::chrono::year(year) / 1 / 1;
    const sys_days end = std::chrono::year(year + 1) / 1 / 1;
    return start + std::chrono::days(Pick(
                       random, 0, static_cast<int>((end - start).count()) - 1));
  }

  const policy::v1::Calendar& file() const { return file_; }
  bool Works(sys_days day) const {
    return WeekdayHours(day).has_value() && !closed_.contains(day);
  }
  bool Open(int64_t utc) const {
    const int64_t local = LocalOf(utc);
    const sys_days day(std::chrono::days(local / kDay));
    return Works(day) && local % kDay >= WeekdayHours(day)->first &&
           local % kDay < WeekdayHours(day)->second;
  }

 private:
  static std::string Clock(int minutes) {
    std::ostringstream out;
    out << std::setfill('0') << std::setw(2) << minutes / 60 << ':'
        << std::setw(2) << minutes % 60;
    return out.str();
  }
  std::optional<std::pair<int, int>> WeekdayHours(sys_days day) const {
    return week_[std::chrono::weekday(day).iso_encoding()];
  }

  std::array<std::optional<std::pair<int, int>>, 8> week_;
  std::set<sys_days> closed_;
  policy::v1::Calendar file_;
};

class SlowCalendarTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(absl::LoadTimeZone("Europe/London", &london_));
  }
  absl::TimeZone london_;
};

TEST_F(SlowCalendarTest, DaysAgreeWithCountingThem) {
  std::mt19937_64 random(20251203);
  for (int round = 0; round < 20; ++round) {
    const SlowCalendar slow(random);
    const auto calendars = Calendars::Build({slow.file()}, london_);
    ASSERT_THAT(calendars, IsOk());
    const WorkingCalendar& fast =
        **calendars->Find("random", Time(0) + absl::Hours(24 * 365 * 30));
    for (int draw = 0; draw < 500; ++draw) {
      const sys_days start =
          SlowCalendar::Any(random, SlowCalendar::Pick(random, 2020, 2034));
      const int n = SlowCalendar::Pick(random, 1, 60);
      ASSERT_EQ(*fast.IsWorkingDay(Civil(start)), slow.Works(start))
          << Iso(start);
      sys_days day = start;
      for (int left = n; left > 0;) {
        day += std::chrono::days(1);
        if (slow.Works(day)) --left;
      }
      ASSERT_EQ(*fast.AddWorkingDays(Civil(start), n), Civil(day))
          << Iso(start) << " + " << n;
      day = start;
      for (int left = n; left > 0; day += std::chrono::days(1)) {
        if (slow.Works(day)) --left;
      }
      ASSERT_EQ(*fast.WorkingDaysBeginningWith(Civil(start), n), Civil(day) - 1)
          << n << " beginning with " << Iso(start);
    }
  }
}

TEST_F(SlowCalendarTest, HoursAgreeWithCountingMinutes) {
  std::mt19937_64 random(20251204);
  for (int round = 0; round < 20; ++round) {
    const SlowCalendar slow(random);
    const auto calendars = Calendars::Build({slow.file()}, london_);
    ASSERT_THAT(calendars, IsOk());
    const WorkingCalendar& fast =
        **calendars->Find("random", Time(0) + absl::Hours(24 * 365 * 30));
    for (int draw = 0; draw < 30; ++draw) {
      const int year = SlowCalendar::Pick(random, 2020, 2034);
      // Every third starts in the week in which the clocks change.
      sys_days day = SlowCalendar::Any(random, year);
      if (draw % 3 == 0) {
        day = sys_days(
                  std::chrono::year(year) /
                  (draw % 2 == 0 ? std::chrono::March : std::chrono::October) /
                  std::chrono::last) -
              std::chrono::days(SlowCalendar::Pick(random, 0, 8));
      }
      const int64_t from =
          Utc(day) + SlowCalendar::Pick(random, 0, static_cast<int>(kDay) - 1);
      const int minutes = SlowCalendar::Pick(random, 1, 1200);
      ASSERT_EQ(*fast.IsOpen(Time(from)), slow.Open(from)) << Time(from);
      ASSERT_EQ(fast.DayOf(Time(from)),
                Civil(sys_days(std::chrono::days(LocalOf(from) / kDay))));

      int64_t at = from;
      while (!slow.Open(at)) ++at;
      ASSERT_EQ(*fast.NextOpening(Time(from)), Time(at)) << Time(from);
      at = from;
      for (int left = minutes; left > 0; ++at) {
        if (slow.Open(at)) --left;
      }
      ASSERT_EQ(*fast.AddWorkingTime(Time(from), absl::Minutes(minutes)),
                Time(at))
          << Time(from) << " + " << minutes << " min";
    }
  }
}

}  // namespace
}  // namespace concordat
