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

uint64_t DaysBetween(uint64_t first_us, uint64_t last_us) {
  return static_cast<uint64_t>(DayOf(last_us) - DayOf(first_us)) + 1;
}

absl::StatusOr<uint64_t> Deadlines::After(const v1::Clock& clock,
                                          const std::string& calendar,
                                          uint64_t from_us,
                                          uint64_t asked_us) const {
  policy::v1::LimitClock own;
  const policy::v1::LimitClock* limit = &own;
  if (!clock.id().empty()) {
    const auto found = clocks_->Find(clock.id(), At(asked_us));
    if (!found.ok()) return found.status();
    limit = *found;
  } else if (clock.length() == 0) {
    return 0;
  }
  own.set_length(clock.length());
  own.set_unit(clock.unit());
  own.set_calendar(calendar);
  const auto due =
      clocks_->Due(*limit, ClockRun{.start = At(from_us)}, At(asked_us));
  if (!due.ok()) return due.status();
  return Micros(*due);
}

absl::StatusOr<bool> Deadlines::IsOpen(const std::string& calendar,
                                       uint64_t at_us) const {
  const auto found = calendars_->Find(calendar, At(at_us));
  if (!found.ok()) return found.status();
  return (*found)->IsOpen(At(at_us));
}

}  // namespace concordat::alerts
