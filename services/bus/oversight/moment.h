// The log as it was at a moment: the policy that it folds to, and which feeds were
// silent.
#ifndef CONCORDAT_SERVICES_BUS_OVERSIGHT_MOMENT_H_
#define CONCORDAT_SERVICES_BUS_OVERSIGHT_MOMENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "concordat/access/v1/report.pb.h"
#include "services/bus/log/event_log.h"
#include "services/common/event/type_table.h"
#include "services/common/policy/policy.h"

namespace concordat::bus {

struct Moment {
  Sequence position;   // The last event accepted by then.
  uint64_t at_us = 0;  // When; that which policy is judged at.
  PolicyState policy;
  // Feeds that were silent then, and events that a restore had lost.
  std::vector<access::v1::CouldNotKnow> could_not_know;
};

// Reads the log to the last event accepted at `at_us` or before; 0: to its end.
//   NOT_FOUND  nothing was accepted by then.  DATA_LOSS, UNAVAILABLE
absl::StatusOr<Moment> ReadMoment(const EventLog& log,
                                  std::shared_ptr<const TypeRegistry> types,
                                  uint64_t at_us);


}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_OVERSIGHT_MOMENT_H_
