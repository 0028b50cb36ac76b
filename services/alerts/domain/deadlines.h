// When a rule's limit ends, by the clocks and calendars of deploy. PURE.
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
#include "services/common/calendar/limit_clocks.h"

namespace concordat::alerts {

class Deadlines {
 public:
  Deadlines(std::shared_ptr<const Calendars> calendars,
            std::shared_ptr<const LimitClocks> clocks)
      : calendars_(std::move(calendars)), clocks_(std::move(clocks)) {}

  // The first moment too late, by the clock and calendar in effect at `asked_us`;
  // 0: there is no limit.
  //   NOT_FOUND, FAILED_PRECONDITION, OUT_OF_RANGE  as LimitClocks, Calendars and
  //   WorkingCalendar say: it is never guessed.
  absl::StatusOr<uint64_t> After(const v1::Clock& clock,
                                 const std::string& calendar, uint64_t from_us,
                                 uint64_t asked_us) const;
  // Within the hours of the calendar.
  absl::StatusOr<bool> IsOpen(const std::string& calendar,
                              uint64_t at_us) const;

 private:
  std::shared_ptr<const Calendars> calendars_;
  std::shared_ptr<const LimitClocks> clocks_;
};

absl::TimeZone London();
// Of the day that holds the moment.
uint64_t StartOfDay(uint64_t at_us);
// The first moment after the day; 0: not a date YYYY-MM-DD.
uint64_t EndOfDate(absl::string_view date);
// "27 November".
std::string DayInWords(uint64_t at_us);
// Calendar days from the one to the other, both counted.
uint64_t DaysBetween(uint64_t first_us, uint64_t last_us);
// "06:00 on 22 November".
std::string TimeInWords(uint64_t at_us);

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_DOMAIN_DEADLINES_H_
