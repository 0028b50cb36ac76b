// concordat.mappa.v1.MappaService: agencies notify and refer, co-ordinators
// decide, and each reads what it may.
#ifndef CONCORDAT_SERVICES_MAPPA_RPC_MAPPA_SERVICE_H_
#define CONCORDAT_SERVICES_MAPPA_RPC_MAPPA_SERVICE_H_

#include <string>

#include "absl/time/time.h"
#include "services/common/base/clock.h"
#include "services/common/projection/command_runner.h"
#include "services/common/projection/projection.h"
#include "services/common/rpc/server_host.h"
#include "services/mappa/rpc/case_book.h"

namespace concordat::mappa {

struct MappaServiceOptions {
  std::string
      arrangement;      // Its own agency: no party, it is one to every case.
  absl::TimeZone zone;  // For times in messages: Europe/London.
};

// `cases` follows the bus for `book`. All but the options must outlive the host's
// last call.
void RegisterMappaService(ServerHost& host, CommandRunner& runner,
                          const CaseBook& book, const Projection& cases,
                          const Clock& clock,
                          const MappaServiceOptions& options);

}  // namespace concordat::mappa

#endif  // CONCORDAT_SERVICES_MAPPA_RPC_MAPPA_SERVICE_H_
