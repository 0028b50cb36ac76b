// What an engine is made of, as the files of deploy say it. PURE.
#ifndef CONCORDAT_SERVICES_ALERTS_DOMAIN_DEFINITIONS_H_
#define CONCORDAT_SERVICES_ALERTS_DOMAIN_DEFINITIONS_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "concordat/alerts/v1/rule.pb.h"
#include "concordat/bus/v1/registry.pb.h"
#include "concordat/hub/v1/feed.pb.h"
#include "concordat/identity/v1/events.pb.h"
#include "concordat/policy/v1/calendar.pb.h"
#include "concordat/policy/v1/clock.pb.h"
#include "services/alerts/domain/engine.h"

namespace concordat::alerts {

struct Definitions {
  std::shared_ptr<const TypeRegistry> types;
  std::vector<v1::Rule> rules;
  // What versions that the log may have ask for beside them.
  WantedFields wanted;
  // They stay, whatever the log says of rules: for what would have been.
  bool rules_stay = false;
  std::vector<hub::v1::Feed> feeds;
  std::vector<policy::v1::Calendar> calendars;
  std::vector<policy::v1::LimitClocks> clocks;
  // For vectors: a log brings its own.
  std::vector<identity::v1::RolesDefined> roles;
  std::string arrangement;
  std::map<std::string, std::string> agency_names;
  std::vector<TypePublisher> publishers;
};

// What is known of agencies and of who publishes what.
void AddRegistry(const bus::v1::Registry& registry, Definitions* definitions);

// What these ask for.
//   INVALID_ARGUMENT  one is wrong; says which.
absl::StatusOr<WantedFields> WantedBy(const Definitions& definitions,
                                      const std::vector<v1::Rule>& rules);

// A new engine each time.
//   INVALID_ARGUMENT  a rule, feed, clock or calendar that is wrong; says which.
absl::StatusOr<Engine> MakeEngine(const Definitions& definitions);

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_DOMAIN_DEFINITIONS_H_
