// concordat.socialwork.v1.SocialWorkService, for supervising officers and
// seniors.
#ifndef CONCORDAT_SERVICES_SOCIALWORK_RPC_SOCIAL_WORK_SERVICE_H_
#define CONCORDAT_SERVICES_SOCIALWORK_RPC_SOCIAL_WORK_SERVICE_H_

#include "services/common/projection/command_runner.h"
#include "services/common/rpc/server_host.h"

namespace concordat::socialwork {

// Both must outlive the host's last call.
void RegisterSocialWorkService(ServerHost& host, CommandRunner& runner);

}  // namespace concordat::socialwork

#endif  // CONCORDAT_SERVICES_SOCIALWORK_RPC_SOCIAL_WORK_SERVICE_H_
