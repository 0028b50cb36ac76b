#include "tests/support/demo_engine.h"

#include <utility>

#include "tests/support/demo_types.h"

namespace concordat::testing {

absl::StatusOr<alerts::Definitions> DemoDefinitions(
    std::shared_ptr<const TypeRegistry> types) {
  alerts::Definitions definitions;
  auto rules = DemoRules();
  if (!rules.ok()) return rules.status();
  auto feeds = DemoFeeds();
  if (!feeds.ok()) return feeds.status();
  auto calendars = DemoCalendars();
  if (!calendars.ok()) return calendars.status();
  auto clocks = DemoClocks();
  if (!clocks.ok()) return clocks.status();
  const auto registry = DemoRegistry();
  if (!registry.ok()) return registry.status();
  auto roles = DemoRoles();
  if (!roles.ok()) return roles.status();
  definitions.roles = *std::move(roles);
  definitions.types = std::move(types);
  definitions.rules = *std::move(rules);
  definitions.feeds = *std::move(feeds);
  definitions.calendars = *std::move(calendars);
  definitions.clocks = *std::move(clocks);
  alerts::AddRegistry(*registry, &definitions);
  return definitions;
}

}  // namespace concordat::testing
