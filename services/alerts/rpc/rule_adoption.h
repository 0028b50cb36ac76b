// Which rules the alerts service judges by: those of its folder once two people have
// agreed to exactly them (bus.v1.ApprovalService/Agree, kind "rule"); until then
// those that were in force before, which it keeps. The first rules of a data
// directory are those of whoever makes it.
#ifndef CONCORDAT_SERVICES_ALERTS_RPC_RULE_ADOPTION_H_
#define CONCORDAT_SERVICES_ALERTS_RPC_RULE_ADOPTION_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "concordat/alerts/v1/rule.pb.h"
#include "concordat/alerts/v1/service.pb.h"
#include "concordat/bus/v1/registry.pb.h"
#include "services/common/base/clock.h"
#include "services/common/base/random.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/event/type_table.h"
#include "services/common/storage/storage.h"

namespace concordat::alerts {

// SHA-256 over all of them, in whatever order they come.
std::string DigestOf(std::vector<v1::Rule> rules);

struct RulesInForce {
  std::vector<v1::Rule> rules;
  // Of the folder's, when they are others and nobody has agreed to them.
  v1::WaitingRules waiting;
  // Two people agreed to them since the last start: to be said in the log.
  bool adopted = false;
};

// Keeps in `folder` what is in force. Asks the log, for `patience` at most, whether
// two people agreed to what is new; a log that does not answer has not said so.
//   DATA_LOSS, UNAVAILABLE  the folder.
absl::StatusOr<RulesInForce> FindRulesInForce(Directory& folder,
                                              std::vector<v1::Rule> of_folder,
                                              BusClient& bus,
                                              const SteadyClock& clock,
                                              absl::Duration patience);

// Says in the log that these are in force from here on; once, however often.
//   UNAVAILABLE  the bus did not take it.
absl::Status SayAdopted(const std::vector<v1::Rule>& rules,
                        const bus::v1::Principal& self, Publisher& publisher,
                        const TypeRegistry& types, Random& random);

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_RPC_RULE_ADOPTION_H_
