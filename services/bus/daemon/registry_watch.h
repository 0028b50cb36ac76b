#ifndef CONCORDAT_SERVICES_BUS_DAEMON_REGISTRY_WATCH_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_REGISTRY_WATCH_H_

#include <utility>

#include "absl/time/time.h"
#include "services/bus/session/session_server.h"
#include "services/common/base/clock.h"
#include "services/common/config/live_registry.h"

namespace concordat::bus {

// Keeps a port's sessions to the registry as it is now. For the port's thread.
class RegistryWatch {
 public:
  // Everything outlives it.
  RegistryWatch(RegistrySource registry, SessionServer& sessions,
                const SteadyClock& clock)
      : registry_(std::move(registry)), sessions_(sessions), clock_(clock) {}

  // Call after each turn of the loop; it looks every 20 ms at most. The registry
  // when it is another than before, and the sessions have it; else null.
  const PrincipalRegistry* Look();

 private:
  const RegistrySource registry_;
  SessionServer& sessions_;
  const SteadyClock& clock_;
  absl::Duration looked_at_ = -absl::InfiniteDuration();
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_REGISTRY_WATCH_H_
