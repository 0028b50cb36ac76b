#include "services/alerts/domain/deadlines.h"

#include <utility>

#include "absl/time/civil_time.h"

namespace concordat::alerts {
namespace {

absl::Time At(uint64_t us) {
  return absl::FromUnixMicros(static_cast<int64_t>(us));
}
uint64_t Micros(absl::Time at) {
  return static_cast<uint64_t>(absl::ToUnixMicros(at));
}
absl::CivilDay DayOf(uint64_t us) { return absl::ToCivilDay(At(us), London()); }

}  // namespace

absl::TimeZone London() {
  static const absl::TimeZone zone = [] {
    absl::TimeZone london;
    return absl::LoadTimeZone("Europe/London", &london) ? london
                                                        : absl::UTCTimeZone();
  }();
  return zone;
}

uint64_t StartOfDay(uint64_t at_us) {
  return Micros(absl::FromCivil(DayOf(at_us), London()));
}

uint64_t EndOfDate(absl::string_view date) {
  absl::CivilDay day;
  if (!absl::ParseCivilTime(date, &day)) return 0;
  return Micros(absl::FromCivil(day + 1, London()));
}

std::string DayInWords(uint64_t at_us) {
  return absl::FormatTime("%-d %B", At(at_us), London());
}

std::string TimeInWords(uint64_t at_us) {
  return absl::FormatTime("%H:%M on %-d %B", At(at_us), London());
}

absl::StatusOr<uint64_t> Deadlines::After(const v1::Clock& clock,
                                          const std::string& calendar,
                                          uint64_t from_us,
                                          uint64_t asked_us) const {
  const absl::Time from = At(from_us);
  if (clock.minutes() > 0) {
    return Micros(from + absl::Minutes(clock.minutes()));
  }
  if (clock.working_minutes() == 0 && clock.working_days() == 0) return 0;
  const auto found = calendars_->Find(calendar, At(asked_us));
  if (!found.ok()) return found.status();
  const WorkingCalendar& days = **found;
  if (clock.working_minutes() > 0) {
    const auto due =
        days.AddWorkingTime(from, absl::Minutes(clock.working_minutes()));
    if (!due.ok()) return due.status();
    return Micros(*due);
  }
  const auto last = days.AddWorkingDays(days.DayOf(from),
                                        static_cast<int>(clock.working_days()));
  if (!last.ok()) return last.status();
  return Micros(days.EndOfDay(*last));
}

absl::StatusOr<bool> Deadlines::IsOpen(const std::string& calendar,
                                       uint64_t at_us) const {
  const auto found = calendars_->Find(calendar, At(at_us));
  if (!found.ok()) return found.status();
  return (*found)->IsOpen(At(at_us));
}

}  // namespace concordat::alerts
