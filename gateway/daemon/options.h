// The gateway's settings as its parts take them.
#ifndef CONCORDAT_GATEWAY_DAEMON_OPTIONS_H_
#define CONCORDAT_GATEWAY_DAEMON_OPTIONS_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "concordat/gateway/v1/settings.pb.h"
#include "gateway/api/connect_door.h"
#include "gateway/http/server.h"

namespace concordat::gateway {

struct DoorOptions {
  ServerOptions server;  // Without its port and certificate.
  CallLimits calls;
  absl::Duration heartbeat;
};

// `settings` are as CheckSettings() left them.
//   INVALID_ARGUMENT  no host, a bad date; names it.
absl::StatusOr<DoorOptions> OptionsOf(const v1::GatewaySettings& settings);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_DAEMON_OPTIONS_H_
