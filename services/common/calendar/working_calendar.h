// The days and hours that one authority works, and what falls due in them. PURE.
//
// Days are civil days of the calendar's time zone, instants are absolute, so
// that a change of the clocks moves no deadline. A limit in days is met until
// the end of its last day, Scottish practice of 23:59:59; as an instant that is
// the first one too late, the start of the day after.
//
// Threads  Immutable.
// Errors   OUT_OF_RANGE: the answer depends on a year whose holidays are not
//          listed; the message names calendar and year. It is never guessed.
#ifndef CONCORDAT_SERVICES_COMMON_CALENDAR_WORKING_CALENDAR_H_
#define CONCORDAT_SERVICES_COMMON_CALENDAR_WORKING_CALENDAR_H_

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace concordat {

// Minutes after midnight, local; closes > opens, at most 24 * 60.
struct DayHours {
  int opens = 0;
  int closes = 0;
};

// What a calendar comes to. Calendars::Build makes and checks it.
struct CalendarParts {
  std::string name;
  uint32_t version = 0;
  absl::TimeZone zone;
  int first_year = 0;  // Listed from here
  int last_year = 0;   // to here, inclusive.
  // By absl::Weekday; none: never worked.
  std::array<std::optional<DayHours>, 7> week;
  std::set<absl::CivilDay> closed;
};

class WorkingCalendar {
 public:
  explicit WorkingCalendar(CalendarParts parts);

  const std::string& name() const { return parts_.name; }
  uint32_t version() const { return parts_.version; }

  absl::CivilDay DayOf(absl::Time at) const;
  // The first instant of the day; EndOfDay is that of the next.
  absl::Time StartOfDay(absl::CivilDay day) const;
  absl::Time EndOfDay(absl::CivilDay day) const { return StartOfDay(day + 1); }

  absl::StatusOr<bool> IsWorkingDay(absl::CivilDay day) const;
  // The first one after `day`.
  absl::StatusOr<absl::CivilDay> NextWorkingDay(absl::CivilDay day) const;
  // The n-th working day after `day`, which is day 0.
  //   INVALID_ARGUMENT  n < 1
  absl::StatusOr<absl::CivilDay> AddWorkingDays(absl::CivilDay day,
                                                int n) const;
  // The n-th working day of a period beginning with `day`: that is day 1 when it
  // is worked.
  //   INVALID_ARGUMENT  n < 1
  absl::StatusOr<absl::CivilDay> WorkingDaysBeginningWith(absl::CivilDay day,
                                                          int n) const;
  // "By the end of the next working day."
  absl::StatusOr<absl::Time> EndOfNextWorkingDay(absl::Time at) const;

  // Within the hours of a working day; closing time is outside.
  absl::StatusOr<bool> IsOpen(absl::Time at) const;
  // The earliest instant at or after `at` that is within the hours.
  absl::StatusOr<absl::Time> NextOpening(absl::Time at) const;
  // The earliest instant by which `amount` of working time has passed since
  // `from`. So two hours from 16:00 on a Friday is 10:00 on Monday, and an hour
  // from 16:00 is 17:00, not the next opening.
  //   INVALID_ARGUMENT  amount < 0
  absl::StatusOr<absl::Time> AddWorkingTime(absl::Time from,
                                            absl::Duration amount) const;

 private:
  using Days = std::vector<absl::CivilDay>;
  absl::Status Listed(absl::CivilDay day) const;
  absl::Status NotListed(int year) const;
  // The n-th (from 1) at or after `first`, which is in working_days_.
  absl::StatusOr<absl::CivilDay> Nth(Days::const_iterator first, int n) const;
  const DayHours& HoursOf(absl::CivilDay day) const;
  absl::Time At(absl::CivilDay day, int minutes) const;

  CalendarParts parts_;
  Days working_days_;  // Every one of the listed years, ascending.
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_CALENDAR_WORKING_CALENDAR_H_
