// concordat.socialwork.v1.SocialWorkService, for supervising officers and
// seniors.
#ifndef CONCORDAT_SERVICES_SOCIALWORK_RPC_SOCIAL_WORK_SERVICE_H_
#define CONCORDAT_SERVICES_SOCIALWORK_RPC_SOCIAL_WORK_SERVICE_H_

#include "absl/time/time.h"
#include "services/common/projection/command_runner.h"
#include "services/common/rpc/server_host.h"
#include "services/socialwork/domain/tool_book.h"

namespace concordat::socialwork {

// `zone` is the one that assessments and reviews have their day in, Europe/London.
// All but it must outlive the host's last call.
void RegisterSocialWorkService(ServerHost& host, CommandRunner& runner,
                               const ToolBook& tools, absl::TimeZone zone);

}  // namespace concordat::socialwork

#endif  // CONCORDAT_SERVICES_SOCIALWORK_RPC_SOCIAL_WORK_SERVICE_H_
