#include "services/common/calendar/calendars.h"

#include <iterator>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"

namespace concordat {
namespace {

using policy::v1::Calendar;

constexpr int kMinutesOfDay = 24 * 60;

absl::Status Wrong(const Calendar& file, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(
      "calendar ", file.name(), " version ", file.version(), ": ", what));
}

bool ParseMinutes(absl::string_view text, int* minutes) {
  int hour = 0;
  int minute = 0;
  if (text.size() != 5 || text[2] != ':' ||
      !absl::SimpleAtoi(text.substr(0, 2), &hour) ||
      !absl::SimpleAtoi(text.substr(3), &minute) || hour < 0 || minute < 0 ||
      minute > 59) {
    return false;
  }
  *minutes = hour * 60 + minute;
  return *minutes <= kMinutesOfDay;
}

absl::Status ReadWeek(const Calendar& file, CalendarParts& parts) {
  for (const policy::v1::OpeningHours& entry : file.week()) {
    DayHours hours;
    if (!ParseMinutes(entry.opens(), &hours.opens) ||
        !ParseMinutes(entry.closes(), &hours.closes) ||
        hours.opens >= hours.closes) {
      return Wrong(file, absl::StrCat("hours \"", entry.opens(), "\" to \"",
                                      entry.closes(), "\" (like 09:00 17:00)"));
    }
    for (const int day : entry.days()) {
      if (day < policy::v1::WEEKDAY_MONDAY ||
          day > policy::v1::WEEKDAY_SUNDAY) {
        return Wrong(file, "week: an unknown day");
      }
      auto& slot = parts.week[static_cast<size_t>(day - 1)];
      if (slot.has_value()) {
        return Wrong(file, absl::StrCat("week: ", policy::v1::Weekday_Name(day),
                                        " is there twice"));
      }
      slot = hours;
    }
  }
  return absl::OkStatus();
}

// The days of one list of one year, checked to be ascending and of that year.
absl::StatusOr<std::vector<absl::CivilDay>> ReadDays(
    const Calendar& file, uint32_t year,
    const google::protobuf::RepeatedPtrField<policy::v1::CalendarDay>& list) {
  std::vector<absl::CivilDay> days;
  for (const policy::v1::CalendarDay& entry : list) {
    absl::CivilDay day;
    if (entry.date().size() != 10 ||
        !absl::ParseCivilTime(entry.date(), &day)) {
      return Wrong(file, absl::StrCat("\"", entry.date(),
                                      "\" is not a date (like 2025-12-01)"));
    }
    if (entry.name().empty()) {
      return Wrong(file, absl::StrCat(entry.date(), " has no name"));
    }
    if (day.year() != year) {
      return Wrong(file, absl::StrCat(entry.date(), " is not in ", year));
    }
    if (!days.empty() && day <= days.back()) {
      return Wrong(
          file, absl::StrCat(entry.date(), " is there twice or out of order"));
    }
    days.push_back(day);
  }
  return days;
}

absl::Status ReadYear(const Calendar& file,
                      const policy::v1::CalendarYear& year,
                      CalendarParts& parts) {
  const auto closed = ReadDays(file, year.year(), year.closed());
  if (!closed.ok()) return closed.status();
  const auto open = ReadDays(file, year.year(), year.open());
  if (!open.ok()) return open.status();
  for (const absl::CivilDay day : *open) {
    if (parts.closed.erase(day) == 0) {
      return Wrong(file,
                   absl::StrCat(absl::FormatCivilTime(day), " is open anyway"));
    }
  }
  for (const absl::CivilDay day : *closed) {
    const auto weekday = static_cast<size_t>(absl::GetWeekday(day));
    if (!parts.week[weekday].has_value() || !parts.closed.insert(day).second) {
      return Wrong(file, absl::StrCat(absl::FormatCivilTime(day),
                                      " is not a working day anyway"));
    }
  }
  return absl::OkStatus();
}

// `base` is null for a calendar that is based on none.
absl::StatusOr<CalendarParts> Compose(const Calendar& file,
                                      const CalendarParts* base) {
  CalendarParts parts;
  if (base != nullptr) parts.closed = base->closed;
  absl::Status status = ReadWeek(file, parts);
  if (!status.ok()) return status;
  if (file.week().empty()) {
    if (base == nullptr) return Wrong(file, "week: no day is worked");
    parts.week = base->week;
  }
  if (file.years().empty()) return Wrong(file, "years: none is listed");
  parts.name = file.name();
  parts.version = file.version();
  parts.first_year = static_cast<int>(file.years(0).year());
  parts.last_year = parts.first_year - 1;
  for (const policy::v1::CalendarYear& year : file.years()) {
    if (static_cast<int>(year.year()) != ++parts.last_year) {
      return Wrong(file, absl::StrCat("years: ", year.year(), " where ",
                                      parts.last_year, " should be"));
    }
    if (base != nullptr && (parts.last_year < base->first_year ||
                            parts.last_year > base->last_year)) {
      return Wrong(file, absl::StrCat(file.based_on(), " has no list for ",
                                      year.year()));
    }
    status = ReadYear(file, year, parts);
    if (!status.ok()) return status;
  }
  return parts;
}

// The versions of one name by when they take effect.
using Files = std::map<absl::Time, const Calendar*>;

absl::Status AddFile(const Calendar& file, absl::TimeZone zone, Files& files) {
  if (file.name().empty() || file.version() == 0 || file.source().empty()) {
    return Wrong(file, "name, version and source are required");
  }
  absl::CivilDay day;
  if (file.effective().size() != 10 ||
      !absl::ParseCivilTime(file.effective(), &day)) {
    return Wrong(file, absl::StrCat("effective: \"", file.effective(),
                                    "\" is not a date (like 2025-12-01)"));
  }
  const absl::Time from = absl::FromCivil(day, zone);
  for (const auto& [other_from, other] : files) {
    if (other->version() == file.version() ||
        (other->version() < file.version()) != (other_from < from)) {
      return Wrong(file, absl::StrCat("there twice, or not in effect after ",
                                      "the lower and before the higher of "
                                      "version ",
                                      other->version()));
    }
  }
  files.emplace(from, &file);
  return absl::OkStatus();
}

// The file of a name that is in effect at `at`, or null.
const Calendar* InEffect(const Files& versions, absl::Time at) {
  const auto after = versions.upper_bound(at);
  return after == versions.begin() ? nullptr : std::prev(after)->second;
}

using Names = std::map<std::string, Files>;

absl::StatusOr<CalendarParts> ComposeAt(const Names& names,
                                        const Files& versions, absl::Time at) {
  const Calendar& file = *InEffect(versions, at);
  if (file.based_on().empty()) return Compose(file, nullptr);
  const auto bases = names.find(file.based_on());
  if (bases == names.end()) {
    return Wrong(file, absl::StrCat("there is no calendar ", file.based_on()));
  }
  const Calendar* const base = InEffect(bases->second, at);
  if (base == nullptr) {
    return Wrong(
        file, absl::StrCat(file.based_on(), " takes effect later than this"));
  }
  if (!base->based_on().empty()) {
    return Wrong(file,
                 absl::StrCat(file.based_on(), " is itself based on another"));
  }
  const auto parts = Compose(*base, nullptr);
  if (!parts.ok()) return parts.status();
  return Compose(file, &*parts);
}

// When what the name stands for may change: its own versions and, from its
// first one on, those of what it is based on.
std::set<absl::Time> ChangesOf(const Names& names, const Files& versions) {
  std::set<absl::Time> changes;
  for (const auto& [from, file] : versions) {
    changes.insert(from);
    const auto bases = names.find(file->based_on());
    if (bases == names.end()) continue;
    for (const auto& [base_from, base] : bases->second) {
      if (base_from > versions.begin()->first) changes.insert(base_from);
    }
  }
  return changes;
}

}  // namespace

absl::StatusOr<Calendars> Calendars::Build(const std::vector<Calendar>& files,
                                           absl::TimeZone zone) {
  Names names;
  for (const Calendar& file : files) {
    const absl::Status added = AddFile(file, zone, names[file.name()]);
    if (!added.ok()) return added;
  }
  Calendars calendars;
  for (const auto& [name, versions] : names) {
    for (const absl::Time at : ChangesOf(names, versions)) {
      auto parts = ComposeAt(names, versions, at);
      if (!parts.ok()) return parts.status();
      parts->zone = zone;
      calendars.by_name_[name].emplace(
          at, std::make_unique<WorkingCalendar>(*std::move(parts)));
    }
  }
  return calendars;
}

absl::StatusOr<const WorkingCalendar*> Calendars::Find(absl::string_view name,
                                                       absl::Time at) const {
  const auto versions = by_name_.find(name);
  if (versions == by_name_.end()) {
    return absl::NotFoundError(absl::StrCat("there is no calendar ", name));
  }
  const auto after = versions->second.upper_bound(at);
  if (after == versions->second.begin()) {
    return absl::FailedPreconditionError(
        absl::StrCat("no version of calendar ", name, " is in effect yet"));
  }
  return std::prev(after)->second.get();
}

}  // namespace concordat
