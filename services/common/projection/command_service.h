// What the services of commands share beyond Program: the event types, a
// connection to the bus as the service's own principal, and a runner. For main.
#ifndef CONCORDAT_SERVICES_COMMON_PROJECTION_COMMAND_SERVICE_H_
#define CONCORDAT_SERVICES_COMMON_PROJECTION_COMMAND_SERVICE_H_

#include <memory>

#include "services/common/bus_client/log_clock.h"
#include "services/common/bus_client/traced_bus_client.h"
#include "services/common/bus_client/zmq_bus_client.h"
#include "services/common/event/type_table.h"
#include "services/common/projection/command_runner.h"
#include "services/common/rpc/program.h"

namespace concordat {

class CommandService {
 public:
  // Ends the program when something it needs is broken. Its status is: ready
  // while the bus answers, with everything judged, because it follows nothing;
  // whoever does sets another.
  explicit CommandService(Program& program);

  BusClient& bus() { return traced_; }
  bool connected() const { return bus_->connected(); }
  const TypeRegistry& types() const { return *types_; }
  const std::shared_ptr<const TypeRegistry>& shared_types() const {
    return types_;
  }
  CommandRunner& runner() { return runner_; }

 private:
  std::shared_ptr<const TypeRegistry> types_;
  std::unique_ptr<ZmqBusClient> bus_;
  TracedBusClient traced_;
  LogClock log_clock_;
  CommandRunner runner_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_PROJECTION_COMMAND_SERVICE_H_
