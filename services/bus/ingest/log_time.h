#ifndef CONCORDAT_SERVICES_BUS_INGEST_LOG_TIME_H_
#define CONCORDAT_SERVICES_BUS_INGEST_LOG_TIME_H_

#include <cstdint>

#include "concordat/bus/v1/event.pb.h"
#include "services/common/base/clock.h"
#include "services/common/event/event.h"

namespace concordat::bus {

// The acceptedtime of what is accepted now: the wall clock's, and in demo and
// training that of the story: the `to` of the newest hub.v1.TimePassed, which
// has that time itself. Never steps back. PURE; for one thread.
class LogTime {
 public:
  // `start_us`: of the log's last event, or where a story may begin.
  LogTime(v1::Environment environment, const Clock& clock, uint64_t start_us);

  // Reads the clock, for all that comes in one frame.
  void Look();
  // Of this event, if it is accepted now.
  uint64_t Of(const EventView& event) const;
  // An event with this time was accepted.
  void Accepted(uint64_t us) { now_us_ = us > now_us_ ? us : now_us_; }

 private:
  const bool story_;
  const Clock& clock_;
  uint64_t now_us_;
  uint64_t clock_us_ = 0;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_INGEST_LOG_TIME_H_
