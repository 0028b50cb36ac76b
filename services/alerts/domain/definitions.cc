#include "services/alerts/domain/definitions.h"

#include <utility>

namespace concordat::alerts {

absl::StatusOr<Engine> MakeEngine(const Definitions& definitions) {
  auto rules = RuleBook::Build(definitions.rules, *definitions.types);
  if (!rules.ok()) return rules.status();
  auto feeds = FeedBook::Build(definitions.feeds);
  if (!feeds.ok()) return feeds.status();
  auto calendars = Calendars::Build(definitions.calendars, London());
  if (!calendars.ok()) return calendars.status();
  EngineParts parts;
  parts.types = definitions.types;
  parts.rules = *std::move(rules);
  parts.feeds = *std::move(feeds);
  parts.calendars = std::make_shared<const Calendars>(*std::move(calendars));
  parts.arrangement = definitions.arrangement;
  parts.agency_names = definitions.agency_names;
  return Engine(std::move(parts));
}

}  // namespace concordat::alerts
