#ifndef CONCORDAT_SERVICES_BUS_DAEMON_BUS_METRICS_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_BUS_METRICS_H_

#include "services/bus/daemon/bus_service.h"
#include "services/bus/daemon/loop_meters.h"
#include "services/common/telemetry/metrics.h"

namespace concordat::bus {

// Every queue of the bus, its log, its subscriptions and what it refused, as they
// stand. Any thread; never waits for a loop.
void CollectBus(const BusParts& parts, const LoopMeters& meters,
                Samples& samples);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_BUS_METRICS_H_
