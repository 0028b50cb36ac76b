// When a limit ends, by the calendars of deploy/calendars. PURE.
//
// Threads  Immutable.
// Units    Microseconds since 1970-01-01T00:00:00Z; days are of Europe/London.
#ifndef CONCORDAT_SERVICES_ALERTS_DOMAIN_DEADLINES_H_
#define CONCORDAT_SERVICES_ALERTS_DOMAIN_DEADLINES_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/alerts/v1/rule.pb.h"
#include "services/common/calendar/calendars.h"

namespace concordat::alerts {

class Deadlines {
 public:
  explicit Deadlines(std::shared_ptr<const Calendars> calendars)
      : calendars_(std::move(calendars)) {}

  // The first moment too late, by the calendar in effect at `asked_us`; 0: the
  // clock has no limit.
  //   NOT_FOUND, FAILED_PRECONDITION, OUT_OF_RANGE  as Calendars and
  //   WorkingCalendar say: it is never guessed.
  absl::StatusOr<uint64_t> After(const v1::Clock& clock,
                                 const std::string& calendar, uint64_t from_us,
                                 uint64_t asked_us) const;
  // Within the hours of the calendar.
  absl::StatusOr<bool> IsOpen(const std::string& calendar,
                              uint64_t at_us) const;

 private:
  std::shared_ptr<const Calendars> calendars_;
};

absl::TimeZone London();
// Of the day that holds the moment.
uint64_t StartOfDay(uint64_t at_us);
// The first moment after the day; 0: not a date YYYY-MM-DD.
uint64_t EndOfDate(absl::string_view date);
// "27 November".
std::string DayInWords(uint64_t at_us);
// "06:00 on 22 November".
std::string TimeInWords(uint64_t at_us);

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_DOMAIN_DEADLINES_H_
