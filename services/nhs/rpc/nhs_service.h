// concordat.nhs.v1.NhsService, for the MAPPA health liaison officer.
#ifndef CONCORDAT_SERVICES_NHS_RPC_NHS_SERVICE_H_
#define CONCORDAT_SERVICES_NHS_RPC_NHS_SERVICE_H_

#include "services/common/projection/command_runner.h"
#include "services/common/rpc/server_host.h"

namespace concordat::nhs {

// Both must outlive the host's last call.
void RegisterNhsService(ServerHost& host, CommandRunner& runner);

}  // namespace concordat::nhs

#endif  // CONCORDAT_SERVICES_NHS_RPC_NHS_SERVICE_H_
