// concordat.nhs.v1.NhsService, for the MAPPA health liaison officer.
#ifndef CONCORDAT_SERVICES_NHS_RPC_NHS_SERVICE_H_
#define CONCORDAT_SERVICES_NHS_RPC_NHS_SERVICE_H_

#include "absl/time/time.h"
#include "services/common/base/clock.h"
#include "services/common/projection/command_runner.h"
#include "services/common/rpc/server_host.h"

namespace concordat::nhs {

// `zone` is the one that disclosures have their day in, Europe/London. All but
// it must outlive the host's last call.
void RegisterNhsService(ServerHost& host, CommandRunner& runner,
                        const Clock& clock, absl::TimeZone zone);

}  // namespace concordat::nhs

#endif  // CONCORDAT_SERVICES_NHS_RPC_NHS_SERVICE_H_
