// The Wire that is a DEALER socket with CURVE.
#ifndef CONCORDAT_SERVICES_COMMON_BUS_CLIENT_ZMQ_WIRE_H_
#define CONCORDAT_SERVICES_COMMON_BUS_CLIENT_ZMQ_WIRE_H_

#include <memory>
#include <string>

#include "services/common/bus_client/wire.h"
#include "services/common/bus_client/zmq_socket.h"

namespace concordat {

// Outlives its wires, and waits for that at its end.
class ZmqDialer : public Dialer {
 public:
  // `server_public_key` is Z85.
  ZmqDialer(CurvePair own, std::string server_public_key)
      : own_(std::move(own)),
        server_public_key_(std::move(server_public_key)),
        context_(1) {}

  absl::StatusOr<std::unique_ptr<Wire>> Dial(
      const std::string& endpoint) override;

 private:
  const CurvePair own_;
  const std::string server_public_key_;
  ZmqContext context_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BUS_CLIENT_ZMQ_WIRE_H_
