// The calendars of a hub, each in all its versions. PURE.
//
//   auto calendars = Calendars::Build(*data.LoadCalendars(), london);
//   auto calendar = calendars->Find("scotland", log_time);
//   if (!calendar.ok()) return calendar.status();
//   auto due = (*calendar)->EndOfNextWorkingDay(raised);
//
// Which version answers depends on when it is asked, not on the dates asked
// about: a holiday that is proclaimed late changes what is computed from the
// day its version takes effect, and a replay of the log says again what was
// said then.
//
// Threads  Immutable once built.
#ifndef CONCORDAT_SERVICES_COMMON_CALENDAR_CALENDARS_H_
#define CONCORDAT_SERVICES_COMMON_CALENDAR_CALENDARS_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/policy/v1/calendar.pb.h"
#include "services/common/calendar/working_calendar.h"

namespace concordat {

class Calendars {
 public:
  // Takes every version of every calendar.
  //   INVALID_ARGUMENT  a name, source, date or hour is missing or wrong; days
  //                     are not ascending, not of their year, twice, or not
  //                     worked anyway; years do not follow one another; a
  //                     version is there twice or takes effect before a lower
  //                     one; the base is unknown, has a base of its own, lacks
  //                     a year, or is not in effect. Names calendar, version
  //                     and day.
  static absl::StatusOr<Calendars> Build(
      const std::vector<policy::v1::Calendar>& files, absl::TimeZone zone);

  // The version in effect at `at`. Lives as long as this.
  //   NOT_FOUND            there is no calendar of this name.
  //   FAILED_PRECONDITION  its first version takes effect later.
  absl::StatusOr<const WorkingCalendar*> Find(absl::string_view name,
                                              absl::Time at) const;

 private:
  using Versions = std::map<absl::Time, std::unique_ptr<WorkingCalendar>>;
  std::map<std::string, Versions, std::less<>> by_name_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_CALENDAR_CALENDARS_H_
