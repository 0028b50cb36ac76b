#ifndef CONCORDAT_SERVICES_ALERTS_RPC_HANDLERS_H_
#define CONCORDAT_SERVICES_ALERTS_RPC_HANDLERS_H_

#include "services/alerts/rpc/desk.h"
#include "services/alerts/rpc/rule_desk.h"
#include "services/common/rpc/server_host.h"

namespace concordat::alerts {

// Serves concordat.alerts.v1.AlertsService from `desk`, which outlives `host`.
void Serve(Desk& desk, RuleDesk& rules, ServerHost& host);

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_RPC_HANDLERS_H_
