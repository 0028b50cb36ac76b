#include "services/common/base/system_clock.h"

#include <chrono>

#include "absl/time/clock.h"

namespace concordat {

absl::Time SystemClock::Now() const { return absl::Now(); }

absl::Duration SystemSteadyClock::Elapsed() const {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace concordat
