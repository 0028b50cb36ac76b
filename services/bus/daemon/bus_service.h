#ifndef CONCORDAT_SERVICES_BUS_DAEMON_BUS_SERVICE_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_BUS_SERVICE_H_

#include <functional>

#include "services/bus/daemon/delivery_loop.h"
#include "services/bus/daemon/explainer.h"
#include "services/bus/daemon/glass_desk.h"
#include "services/bus/daemon/ingest_loop.h"
#include "services/bus/daemon/key_watch.h"
#include "services/bus/daemon/operator_desk.h"
#include "services/bus/daemon/retention_desk.h"
#include "services/bus/daemon/subscription_desk.h"
#include "services/bus/delivery/person_reader.h"
#include "services/bus/ingest/faults.h"
#include "services/bus/ingest/refusals.h"
#include "services/bus/log/event_log.h"
#include "services/bus/transport/grpc_carrier.h"
#include "services/bus/transport/zmq_carrier.h"
#include "services/common/base/clock.h"
#include "services/common/rpc/server_host.h"

namespace concordat::bus {

// What calls are answered by. All outlive the host.
struct BusParts {
  const EventLog& log;
  IngestLoop& ingest;
  const DeliveryLoop& delivery;
  const Refusals& refusals;
  const Faults& faults;
  Explainer& explainer;   // The host's thread alone.
  PersonReader& persons;  // The same.
  GlassDesk& glass;
  SubscriptionDesk& desk;
  OperatorDesk& operators;
  const KeyWatch& keys;
  RetentionDesk& retention;
  GrpcCarrier& ingest_calls;
  GrpcCarrier& delivery_calls;
  const ZmqCarrier& ingest_port;
  const ZmqCarrier& delivery_port;
  const Clock& clock;
  const SteadyClock& steady;
};

// concordat.bus.v1.BusService, and what the bus says as hub.v1.StatusService.
void ServeBus(ServerHost& host, v1::Environment environment,
              const BusParts& parts);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_BUS_SERVICE_H_
