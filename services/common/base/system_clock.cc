#include "services/common/base/system_clock.h"

#include "absl/time/clock.h"

namespace concordat {

absl::Time SystemClock::Now() const { return absl::Now(); }

}  // namespace concordat
