// concordat.police.v1.PoliceService, for the role "police".
#ifndef CONCORDAT_SERVICES_POLICE_RPC_POLICE_SERVICE_H_
#define CONCORDAT_SERVICES_POLICE_RPC_POLICE_SERVICE_H_

#include "absl/time/time.h"
#include "services/common/projection/command_runner.h"
#include "services/common/rpc/server_host.h"

namespace concordat::police {

// `zone` is the one that visits have their day in, Europe/London. Host and runner
// must outlive the host's last call.
void RegisterPoliceService(ServerHost& host, CommandRunner& runner,
                           absl::TimeZone zone);

}  // namespace concordat::police

#endif  // CONCORDAT_SERVICES_POLICE_RPC_POLICE_SERVICE_H_
