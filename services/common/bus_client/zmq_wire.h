// The Wire that is a DEALER socket with CURVE.
#ifndef CONCORDAT_SERVICES_COMMON_BUS_CLIENT_ZMQ_WIRE_H_
#define CONCORDAT_SERVICES_COMMON_BUS_CLIENT_ZMQ_WIRE_H_

#include <memory>

#include "services/common/bus_client/wire.h"
#include "services/common/bus_client/zmq_socket.h"

namespace concordat {

// Outlives its wires, and waits for that at its end.
class ZmqDialer : public Dialer {
 public:
  absl::StatusOr<std::unique_ptr<Wire>> Dial(const Door& door) override;

 private:
  ZmqContext context_{1};
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BUS_CLIENT_ZMQ_WIRE_H_
