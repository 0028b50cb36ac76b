// concordat.nhs.v1.NhsService, for the MAPPA health liaison officer.
#ifndef CONCORDAT_SERVICES_NHS_RPC_NHS_SERVICE_H_
#define CONCORDAT_SERVICES_NHS_RPC_NHS_SERVICE_H_

#include <string>

#include "absl/time/time.h"
#include "services/common/base/clock.h"
#include "services/common/projection/command_runner.h"
#include "services/common/projection/projection.h"
#include "services/common/rpc/server_host.h"
#include "services/nhs/rpc/liaison_book.h"

namespace concordat::nhs {

// What is read, and whose it is. Borrows both.
struct NhsReads {
  std::string board;  // The service's own agency.
  const LiaisonBook* book = nullptr;
  const Projection* liaison = nullptr;  // Follows the bus for `book`.
};

// `zone` is the one that decisions and disclosures have their day in,
// Europe/London. `clock` is the real one, for deadlines. Everything
// borrowed must outlive the host's last call.
void RegisterNhsService(ServerHost& host, CommandRunner& runner,
                        const NhsReads& reads, const Clock& clock,
                        absl::TimeZone zone);

}  // namespace concordat::nhs

#endif  // CONCORDAT_SERVICES_NHS_RPC_NHS_SERVICE_H_
