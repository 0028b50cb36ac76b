#ifndef CONCORDAT_SERVICES_BUS_OVERSIGHT_ARRIVAL_H_
#define CONCORDAT_SERVICES_BUS_OVERSIGHT_ARRIVAL_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "concordat/bus/v1/arrival.pb.h"
#include "concordat/bus/v1/service.pb.h"
#include "services/bus/delivery/delivery_core.h"
#include "services/bus/log/event_log.h"
#include "services/common/rpc/access_log.h"

namespace concordat::bus {

// When an event was sent to a name, and acknowledged: log time, 0 for not.
struct SentTimes {
  uint64_t sent_us = 0;
  uint64_t acknowledged_us = 0;
};

// Whether an event came to a name, or what keeps it, in words. `view` says who sees
// it and why (Explainer). `name` empty: the role has no subscription. PURE.
v1::Arrival ArrivalInWords(const std::string& name, const StoredEvent& event,
                           const v1::ExplainViewResponse& view,
                           const ArrivalState& state, const SentTimes& times);

// By name of the role's subscription, of those that are in the access log.
//   DATA_LOSS, UNAVAILABLE
absl::StatusOr<std::map<std::string, SentTimes>> SentTimesOf(
    const AccessStore& store, const std::string& agency,
    const std::string& role, Sequence sequence);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_OVERSIGHT_ARRIVAL_H_
