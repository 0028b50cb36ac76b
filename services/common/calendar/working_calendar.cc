#include "services/common/calendar/working_calendar.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace concordat {

WorkingCalendar::WorkingCalendar(CalendarParts parts)
    : parts_(std::move(parts)) {
  const absl::CivilDay end(parts_.last_year + 1);
  for (absl::CivilDay day(parts_.first_year); day < end; ++day) {
    const auto weekday = static_cast<size_t>(absl::GetWeekday(day));
    if (parts_.week[weekday].has_value() && !parts_.closed.contains(day)) {
      working_days_.push_back(day);
    }
  }
}

absl::CivilDay WorkingCalendar::DayOf(absl::Time at) const {
  return absl::ToCivilDay(at, parts_.zone);
}

absl::Time WorkingCalendar::StartOfDay(absl::CivilDay day) const {
  return At(day, 0);
}

absl::Time WorkingCalendar::At(absl::CivilDay day, int minutes) const {
  const auto found =
      parts_.zone.At(absl::CivilSecond(absl::CivilMinute(day) + minutes));
  // A local time that the clocks jump over is the instant of the jump; of one
  // that comes twice, the first.
  return found.kind == absl::TimeZone::TimeInfo::SKIPPED ? found.trans
                                                         : found.pre;
}

absl::Status WorkingCalendar::NotListed(int year) const {
  return absl::OutOfRangeError(
      absl::StrCat("calendar ", parts_.name, " version ", parts_.version,
                   " has no list of holidays for ", year));
}

absl::Status WorkingCalendar::Listed(absl::CivilDay day) const {
  if (day.year() < parts_.first_year || day.year() > parts_.last_year) {
    return NotListed(static_cast<int>(day.year()));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> WorkingCalendar::IsWorkingDay(absl::CivilDay day) const {
  if (const absl::Status listed = Listed(day); !listed.ok()) return listed;
  return std::binary_search(working_days_.begin(), working_days_.end(), day);
}

absl::StatusOr<absl::CivilDay> WorkingCalendar::Nth(Days::const_iterator first,
                                                    int n) const {
  if (n < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(n, " working days: at least 1"));
  }
  if (n > working_days_.end() - first) return NotListed(parts_.last_year + 1);
  return first[n - 1];
}

absl::StatusOr<absl::CivilDay> WorkingCalendar::NextWorkingDay(
    absl::CivilDay day) const {
  return AddWorkingDays(day, 1);
}

absl::StatusOr<absl::CivilDay> WorkingCalendar::AddWorkingDays(
    absl::CivilDay day, int n) const {
  if (const absl::Status listed = Listed(day); !listed.ok()) return listed;
  return Nth(std::upper_bound(working_days_.begin(), working_days_.end(), day),
             n);
}

absl::StatusOr<absl::CivilDay> WorkingCalendar::WorkingDaysBeginningWith(
    absl::CivilDay day, int n) const {
  if (const absl::Status listed = Listed(day); !listed.ok()) return listed;
  return Nth(std::lower_bound(working_days_.begin(), working_days_.end(), day),
             n);
}

absl::StatusOr<absl::Time> WorkingCalendar::EndOfNextWorkingDay(
    absl::Time at) const {
  const auto day = NextWorkingDay(DayOf(at));
  if (!day.ok()) return day.status();
  return EndOfDay(*day);
}

const DayHours& WorkingCalendar::HoursOf(absl::CivilDay day) const {
  return *parts_.week[static_cast<size_t>(absl::GetWeekday(day))];
}

absl::StatusOr<bool> WorkingCalendar::IsOpen(absl::Time at) const {
  const absl::CivilDay day = DayOf(at);
  const auto works = IsWorkingDay(day);
  if (!works.ok() || !*works) return works;
  const DayHours& hours = HoursOf(day);
  return at >= At(day, hours.opens) && at < At(day, hours.closes);
}

absl::StatusOr<absl::Time> WorkingCalendar::NextOpening(absl::Time at) const {
  const absl::CivilDay today = DayOf(at);
  const auto works = IsWorkingDay(today);
  if (!works.ok()) return works.status();
  if (*works && at < At(today, HoursOf(today).closes)) {
    return std::max(at, At(today, HoursOf(today).opens));
  }
  const auto next = NextWorkingDay(today);
  if (!next.ok()) return next.status();
  return At(*next, HoursOf(*next).opens);
}

absl::StatusOr<absl::Time> WorkingCalendar::AddWorkingTime(
    absl::Time from, absl::Duration amount) const {
  if (amount < absl::ZeroDuration()) {
    return absl::InvalidArgumentError("working time to add is negative");
  }
  if (amount == absl::ZeroDuration()) return from;
  const absl::CivilDay today = DayOf(from);
  if (const absl::Status listed = Listed(today); !listed.ok()) return listed;
  auto day =
      std::lower_bound(working_days_.begin(), working_days_.end(), today);
  for (; day != working_days_.end(); ++day) {
    const absl::Time begin = std::max(from, At(*day, HoursOf(*day).opens));
    const absl::Time end = At(*day, HoursOf(*day).closes);
    if (begin >= end) continue;
    if (amount <= end - begin) return begin + amount;
    amount -= end - begin;
  }
  return NotListed(parts_.last_year + 1);
}

}  // namespace concordat
