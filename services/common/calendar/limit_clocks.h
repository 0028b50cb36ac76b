// Limits that events start, pause and stop, as data: when each is due. PURE.
//
// A due instant is the first one too late (working_calendar.h). A day counts when
// the clock runs at its end: of a day on which custody begins, the end is spent in
// custody, so it does not count; the day of release does. So nothing falls due in
// a pause. Pauses that become known later are no trouble: it is asked again with
// them, and whoever asks keeps both answers.
//
//   const auto clock = clocks.Find("C01", log_time);
//   const auto reading = clocks.Read(**clock, {.start = …, .pauses = …}, log_time);
//
// Threads  Immutable once built.
#ifndef CONCORDAT_SERVICES_COMMON_CALENDAR_LIMIT_CLOCKS_H_
#define CONCORDAT_SERVICES_COMMON_CALENDAR_LIMIT_CLOCKS_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/policy/v1/clock.pb.h"
#include "services/common/calendar/calendars.h"

namespace concordat {

struct ClockPause {
  std::string
      reason;  // "CUSTODY"; one that the clock does not name is ignored.
  absl::Time from;
  absl::Time until = absl::InfiniteFuture();  // The first instant after it.
};

// What is known of one running clock. Pauses are in any order and may overlap.
struct ClockRun {
  absl::Time start;
  std::vector<ClockPause> pauses = {};
  std::optional<absl::Time> stopped = std::nullopt;
  std::string calendar = {};  // Another than the clock's own; empty: its own.
};

struct ClockReading {
  enum class State { kRunning, kPaused, kOverdue, kMet, kMetLate };
  State state = State::kRunning;
  // InfiniteFuture: it cannot be due before a pause ends that has no end yet.
  absl::Time due;
};

class LimitClocks {
 public:
  //   INVALID_ARGUMENT  an id, version, date, source, length or unit is missing or
  //                     wrong; a clock is there twice in a version; a unit of
  //                     working time without a calendar that exists, or another
  //                     with one; working hours or months that pauses stop, where
  //                     no law says how. Names the clock.
  static absl::StatusOr<LimitClocks> Build(
      const std::vector<policy::v1::LimitClocks>& files,
      std::shared_ptr<const Calendars> calendars, absl::TimeZone zone);

  // The version in effect. Lives as long as this.
  //   NOT_FOUND            there is no clock of this id.
  //   FAILED_PRECONDITION  its first version takes effect later.
  absl::StatusOr<const policy::v1::LimitClock*> Find(absl::string_view id,
                                                     absl::Time at) const;

  // By the calendar in effect at `now`.
  //   Errors  as Calendars::Find and WorkingCalendar.
  absl::StatusOr<absl::Time> Due(const policy::v1::LimitClock& clock,
                                 const ClockRun& run, absl::Time now) const;
  absl::StatusOr<ClockReading> Read(const policy::v1::LimitClock& clock,
                                    const ClockRun& run, absl::Time now) const;

 private:
  LimitClocks(std::shared_ptr<const Calendars> calendars, absl::TimeZone zone)
      : calendars_(std::move(calendars)), zone_(zone) {}
  absl::Status Check(const policy::v1::LimitClock& clock) const;

  std::shared_ptr<const Calendars> calendars_;
  absl::TimeZone zone_;
  std::map<std::string, std::map<absl::Time, policy::v1::LimitClock>,
           std::less<>>
      by_id_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_CALENDAR_LIMIT_CLOCKS_H_
