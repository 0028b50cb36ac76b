#ifndef CONCORDAT_SERVICES_BUS_DAEMON_BUS_SERVICE_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_BUS_SERVICE_H_

#include <functional>

#include "services/bus/daemon/delivery_loop.h"
#include "services/bus/daemon/ingest_loop.h"
#include "services/bus/ingest/refusals.h"
#include "services/bus/log/event_log.h"
#include "services/common/rpc/server_host.h"

namespace concordat::bus {

// concordat.bus.v1.BusService and what the bus says as hub.v1.StatusService:
// state and counts, no subject and no payload. All outlive the host.
void ServeBus(ServerHost& host, v1::Environment environment,
              const EventLog& log, const IngestLoop& ingest,
              const DeliveryLoop& delivery, const Refusals& refusals);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_BUS_SERVICE_H_
