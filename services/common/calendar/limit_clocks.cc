#include "services/common/calendar/limit_clocks.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"

namespace concordat {
namespace {

using policy::v1::LimitClock;

absl::Status Wrong(const LimitClock& clock, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(
      "clock ", clock.id(), " version ", clock.version(), ": ", what));
}

// Those that the clock names, ascending and apart.
using Pauses = std::vector<ClockPause>;

Pauses Merged(const LimitClock& clock, const Pauses& all) {
  Pauses named;
  for (const ClockPause& pause : all) {
    if (pause.until > pause.from &&
        std::count(clock.pauses().begin(), clock.pauses().end(), pause.reason) >
            0) {
      named.push_back(pause);
    }
  }
  std::sort(named.begin(), named.end(),
            [](const auto& a, const auto& b) { return a.from < b.from; });
  Pauses merged;
  for (const ClockPause& pause : named) {
    if (!merged.empty() && pause.from <= merged.back().until) {
      merged.back().until = std::max(merged.back().until, pause.until);
    } else {
      merged.push_back(pause);
    }
  }
  return merged;
}

// The pause that lasts up to `end`, or through it; null: none.
const ClockPause* Before(absl::Time end, const Pauses& pauses) {
  for (const ClockPause& pause : pauses) {
    if (pause.from < end && end <= pause.until) return &pause;
  }
  return nullptr;
}

// The end of the n-th day from `first` on whose end is in no pause.
absl::Time CountDays(absl::CivilDay first, uint32_t n, const Pauses& pauses,
                     absl::TimeZone zone) {
  absl::CivilDay day = first;
  for (uint32_t left = n;; ++day) {
    const absl::Time end = absl::FromCivil(day + 1, zone);
    const ClockPause* const pause = Before(end, pauses);
    if (pause == nullptr) {
      if (--left == 0) return end;
    } else if (pause->until == absl::InfiniteFuture()) {
      return pause->until;
    } else {
      // To the day before that on which it is over.
      day = std::max(day, absl::ToCivilDay(pause->until, zone) - 1);
    }
  }
}

absl::StatusOr<absl::Time> CountWorkingDays(const WorkingCalendar& calendar,
                                            absl::CivilDay first, uint32_t n,
                                            const Pauses& pauses) {
  auto day = calendar.WorkingDaysBeginningWith(first, 1);
  for (uint32_t left = n; day.ok(); day = calendar.NextWorkingDay(*day)) {
    const absl::Time end = calendar.EndOfDay(*day);
    const ClockPause* const pause = Before(end, pauses);
    if (pause == nullptr && --left == 0) return end;
    if (pause != nullptr && pause->until == absl::InfiniteFuture()) {
      return pause->until;
    }
  }
  return day.status();
}

absl::Time AddTime(absl::Time from, absl::Duration left, const Pauses& pauses) {
  for (const ClockPause& pause : pauses) {
    if (pause.until <= from) continue;
    if (pause.from >= from + left) break;
    left -= std::max(absl::ZeroDuration(), pause.from - from);
    from = pause.until;
  }
  return from + left;  // InfiniteFuture absorbs what is added to it.
}

absl::CivilDay LastOfMonths(absl::CivilDay start, uint32_t months,
                            bool beginning_with) {
  const absl::CivilMonth month =
      absl::CivilMonth(start) + static_cast<int>(months);
  const absl::CivilDay last = absl::CivilDay(month + 1) - 1;
  if (start.day() > last.day()) return last;
  const absl::CivilDay same(month.year(), month.month(), start.day());
  return beginning_with ? same - 1 : same;
}

bool OfWorkingTime(policy::v1::ClockUnit unit) {
  return unit == policy::v1::CLOCK_UNIT_WORKING_DAYS ||
         unit == policy::v1::CLOCK_UNIT_WORKING_HOURS;
}

}  // namespace

absl::StatusOr<LimitClocks> LimitClocks::Build(
    const std::vector<policy::v1::LimitClocks>& files,
    std::shared_ptr<const Calendars> calendars, absl::TimeZone zone) {
  LimitClocks book(std::move(calendars), zone);
  for (const policy::v1::LimitClocks& file : files) {
    for (const LimitClock& clock : file.clocks()) {
      if (absl::Status s = book.Check(clock); !s.ok()) return s;
      absl::CivilDay day;
      if (clock.effective().size() != 10 ||
          !absl::ParseCivilTime(clock.effective(), &day)) {
        return Wrong(clock, absl::StrCat("effective: \"", clock.effective(),
                                         "\" is not a date"));
      }
      auto& versions = book.by_id_[clock.id()];
      const absl::Time from = absl::FromCivil(day, zone);
      for (const auto& [other_from, other] : versions) {
        if (other.version() == clock.version() ||
            (other.version() < clock.version()) != (other_from < from)) {
          return Wrong(
              clock, absl::StrCat("does not follow version ", other.version()));
        }
      }
      versions.emplace(from, clock);
    }
  }
  return book;
}

absl::Status LimitClocks::Check(const LimitClock& clock) const {
  if (clock.id().empty() || clock.version() == 0 || clock.source().empty() ||
      clock.what().empty()) {
    return Wrong(clock, "id, version, source and what are required");
  }
  if (clock.length() == 0) return Wrong(clock, "length: at least 1");
  if (clock.unit() == policy::v1::CLOCK_UNIT_UNSPECIFIED ||
      !policy::v1::ClockUnit_IsValid(clock.unit())) {
    return Wrong(clock, "unit: missing");
  }
  if (OfWorkingTime(clock.unit())) {
    const auto found =
        calendars_->Find(clock.calendar(), absl::InfiniteFuture());
    if (!found.ok()) return Wrong(clock, found.status().message());
  } else if (!clock.calendar().empty()) {
    return Wrong(clock, "calendar: its unit is not of working time");
  }
  const bool in_days = clock.unit() == policy::v1::CLOCK_UNIT_CALENDAR_DAYS ||
                       clock.unit() == policy::v1::CLOCK_UNIT_WORKING_DAYS;
  if (clock.beginning_with() && !in_days &&
      clock.unit() != policy::v1::CLOCK_UNIT_MONTHS) {
    return Wrong(clock, "beginning_with: its unit is shorter than a day");
  }
  if (clock.runs_on_days() != 0) {
    if (clock.pauses().empty()) return Wrong(clock, "runs_on_days: no pauses");
    return absl::OkStatus();
  }
  if (!clock.pauses().empty() &&
      (clock.unit() == policy::v1::CLOCK_UNIT_MONTHS ||
       clock.unit() == policy::v1::CLOCK_UNIT_WORKING_HOURS)) {
    return Wrong(clock, "pauses: they do not stop months or working hours");
  }
  return absl::OkStatus();
}

absl::StatusOr<const LimitClock*> LimitClocks::Find(absl::string_view id,
                                                    absl::Time at) const {
  const auto versions = by_id_.find(id);
  if (versions == by_id_.end()) {
    return absl::NotFoundError(absl::StrCat("there is no clock ", id));
  }
  const auto after = versions->second.upper_bound(at);
  if (after == versions->second.begin()) {
    return absl::FailedPreconditionError(
        absl::StrCat("no version of clock ", id, " is in effect yet"));
  }
  return &std::prev(after)->second;
}

absl::StatusOr<absl::Time> LimitClocks::Due(const LimitClock& clock,
                                            const ClockRun& run,
                                            absl::Time now) const {
  const Pauses pauses = Merged(clock, run.pauses);
  const Pauses disregarded = clock.runs_on_days() == 0 ? pauses : Pauses();
  const absl::CivilDay start = absl::ToCivilDay(run.start, zone_);
  const absl::CivilDay first = clock.beginning_with() ? start : start + 1;
  const WorkingCalendar* calendar = nullptr;
  if (OfWorkingTime(clock.unit())) {
    const auto found = calendars_->Find(
        run.calendar.empty() ? clock.calendar() : run.calendar, now);
    if (!found.ok()) return found.status();
    calendar = *found;
  }
  absl::StatusOr<absl::Time> due;
  switch (clock.unit()) {
    case policy::v1::CLOCK_UNIT_CALENDAR_DAYS:
      due = CountDays(first, clock.length(), disregarded, zone_);
      break;
    case policy::v1::CLOCK_UNIT_WORKING_DAYS:
      due = CountWorkingDays(*calendar, first, clock.length(), disregarded);
      break;
    case policy::v1::CLOCK_UNIT_MONTHS:
      due = absl::FromCivil(
          LastOfMonths(start, clock.length(), clock.beginning_with()) + 1,
          zone_);
      break;
    case policy::v1::CLOCK_UNIT_HOURS:
      due = AddTime(run.start, absl::Hours(clock.length()), disregarded);
      break;
    case policy::v1::CLOCK_UNIT_MINUTES:
      due = AddTime(run.start, absl::Minutes(clock.length()), disregarded);
      break;
    case policy::v1::CLOCK_UNIT_WORKING_HOURS:
      due = calendar->AddWorkingTime(run.start, absl::Hours(clock.length()));
      break;
    default:
      return Wrong(clock, "unit: unknown");
  }
  if (!due.ok() || clock.runs_on_days() == 0) return due;
  const ClockPause* const ends_in = Before(*due, pauses);
  if (ends_in == nullptr) return due;
  if (ends_in->until == absl::InfiniteFuture()) return ends_in->until;
  return CountDays(absl::ToCivilDay(ends_in->until, zone_),
                   clock.runs_on_days(), pauses, zone_);
}

absl::StatusOr<ClockReading> LimitClocks::Read(const LimitClock& clock,
                                               const ClockRun& run,
                                               absl::Time now) const {
  const auto due = Due(clock, run, now);
  if (!due.ok()) return due.status();
  using State = ClockReading::State;
  if (run.stopped.has_value()) {
    return ClockReading{*run.stopped < *due ? State::kMet : State::kMetLate,
                        *due};
  }
  if (now >= *due) return ClockReading{State::kOverdue, *due};
  for (const ClockPause& pause : Merged(clock, run.pauses)) {
    if (clock.runs_on_days() == 0 && pause.from <= now && now < pause.until) {
      return ClockReading{State::kPaused, *due};
    }
  }
  return ClockReading{State::kRunning, *due};
}

}  // namespace concordat
