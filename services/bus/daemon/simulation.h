// What a candidate agreement would change of what is seen of a past period.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_SIMULATION_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_SIMULATION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "concordat/bus/v1/agreements.pb.h"
#include "concordat/policy/v1/agreement.pb.h"
#include "services/bus/delivery/policy_fold.h"
#include "services/bus/log/event_log.h"

namespace concordat::bus {

struct SimulatedPeriod {
  uint64_t from_us = 0;  // 0: from the first event on.
  uint64_t to_us = 0;    // Exclusive; 0: to the last.
};

// Judges each event of the period for every role that the candidate, or the version
// that it would replace, gives something: by the policy of now, as what is sent now
// is judged, and by the same with the candidate in force. It reads the log as a
// backup does, and touches nothing that others use.
//   INVALID_ARGUMENT   the candidate does not load, or no such period.
//   DEADLINE_EXCEEDED  `may_go_on` said no.
//   DATA_LOSS, UNAVAILABLE  the log cannot be read.
// Bounds  One block of the log, and 16 KiB for each role and type.
absl::StatusOr<v1::SimulateAgreementResponse> Simulate(
    const EventLog& log, const PolicyFold& fold,
    const policy::v1::Agreement& candidate, const SimulatedPeriod& period,
    const std::function<bool()>& may_go_on);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_SIMULATION_H_
