// What the log says of one person, as far as it decides whether they may be erased
// and who has to be told. PURE.
#ifndef CONCORDAT_SERVICES_BUS_RETENTION_PERSON_STANDING_H_
#define CONCORDAT_SERVICES_BUS_RETENTION_PERSON_STANDING_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "services/bus/log/event_log.h"
#include "services/common/base/ids.h"
#include "services/common/event/type_table.h"

namespace concordat::bus {

// Controller of what the hub itself says.
inline constexpr char kHubAgency[] = "hub";
inline constexpr char kHoldPlacedType[] = "concordat.hub.v1.HoldPlaced";
inline constexpr char kHoldLiftedType[] = "concordat.hub.v1.HoldLifted";

struct PersonStanding {
  uint64_t events = 0;  // That are whole, and go with the person's keys.
  std::map<std::string, uint64_t> by_controller;
  // Agencies that told of the person, or were party to a case at any time.
  std::set<std::string> told;
  int holds = 0;
  bool case_open = false;
  bool in_doubt = false;  // Identity has, or had, a review of the key.

  // Reads the person's events and adds what they say. Those that decide who may
  // see what are not sealed by person: they stay, and do not count.
  //   DATA_LOSS, UNAVAILABLE
  absl::Status Add(const EventLog& log, const TypeRegistry& types,
                   const PersonKey& person);
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_RETENTION_PERSON_STANDING_H_
