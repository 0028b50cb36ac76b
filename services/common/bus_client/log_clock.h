// The time by which things happen: the machine's, and in demo and training the
// story's, as the bus last told it; before it has told any, the machine's there
// too. What happens without saying when has this time. Deadlines, silence and
// certificates go by the real clock.
//
// Threads  Any.
#ifndef CONCORDAT_SERVICES_COMMON_BUS_CLIENT_LOG_CLOCK_H_
#define CONCORDAT_SERVICES_COMMON_BUS_CLIENT_LOG_CLOCK_H_

#include "absl/time/time.h"
#include "concordat/bus/v1/event.pb.h"
#include "services/common/base/clock.h"
#include "services/common/bus_client/bus_client.h"

namespace concordat {

class LogClock : public Clock {
 public:
  // Borrows both.
  LogClock(bus::v1::Environment environment, const BusClient& bus,
           const Clock& real)
      : story_(environment == bus::v1::ENVIRONMENT_DEMO ||
               environment == bus::v1::ENVIRONMENT_TRAINING),
        bus_(bus),
        real_(real) {}

  absl::Time Now() const override {
    const absl::Time told = story_ ? bus_.log_time() : absl::UnixEpoch();
    return told == absl::UnixEpoch() ? real_.Now() : told;
  }

 private:
  const bool story_;
  const BusClient& bus_;
  const Clock& real_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BUS_CLIENT_LOG_CLOCK_H_
