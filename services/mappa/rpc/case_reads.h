// The reads of concordat.mappa.v1.MappaService: cases, referrals and notifications
// as the caller may see them. See the schema for each method.
#ifndef CONCORDAT_SERVICES_MAPPA_RPC_CASE_READS_H_
#define CONCORDAT_SERVICES_MAPPA_RPC_CASE_READS_H_

#include "services/common/base/clock.h"
#include "services/common/projection/command_runner.h"
#include "services/common/projection/projection.h"
#include "services/common/rpc/server_host.h"
#include "services/mappa/rpc/case_book.h"

namespace concordat::mappa {

// `cases` follows the bus for `book`. All must outlive the host's last call.
void RegisterCaseReads(ServerHost& host, CommandRunner& runner,
                       const CaseBook& book, const Projection& cases,
                       const Clock& clock);

}  // namespace concordat::mappa

#endif  // CONCORDAT_SERVICES_MAPPA_RPC_CASE_READS_H_
