#ifndef CONCORDAT_SERVICES_COMMON_BASE_SYSTEM_CLOCK_H_
#define CONCORDAT_SERVICES_COMMON_BASE_SYSTEM_CLOCK_H_

#include "services/common/base/clock.h"

namespace concordat {

// The computer's wall clock. Thread-safe.
class SystemClock : public Clock {
 public:
  absl::Time Now() const override;
};

// CLOCK_MONOTONIC. Thread-safe.
class SystemSteadyClock : public SteadyClock {
 public:
  absl::Duration Elapsed() const override;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BASE_SYSTEM_CLOCK_H_
