#include "services/alerts/domain/definitions.h"

#include <utility>

namespace concordat::alerts {
namespace {

// Who co-ordinators act for; the rules' "arrangement".
constexpr char kArrangementRole[] = "coordinator";

}  // namespace

void AddRegistry(const bus::v1::Registry& registry, Definitions* definitions) {
  for (const bus::v1::Agency& agency : registry.agencies()) {
    definitions->agency_names[agency.name()] = agency.display_name();
  }
  for (const bus::v1::Principal& principal : registry.principals()) {
    if (principal.role() == kArrangementRole) {
      definitions->arrangement = principal.agency();
    }
    for (const bus::v1::PublishGrant& grant : principal.publish()) {
      for (const std::string& types : grant.types()) {
        definitions->publishers.push_back(
            {principal.agency(), principal.default_regime(), types});
      }
    }
  }
}

absl::StatusOr<Engine> MakeEngine(const Definitions& definitions) {
  auto feeds = FeedBook::Build(definitions.feeds);
  if (!feeds.ok()) return feeds.status();
  auto built = Calendars::Build(definitions.calendars, London());
  if (!built.ok()) return built.status();
  const auto calendars = std::make_shared<const Calendars>(*std::move(built));
  auto clocks = LimitClocks::Build(definitions.clocks, calendars, London());
  if (!clocks.ok()) return clocks.status();
  auto rules = RuleBook::Build(definitions.rules, *definitions.types, *clocks);
  if (!rules.ok()) return rules.status();
  EngineParts parts;
  parts.types = definitions.types;
  parts.rules = *std::move(rules);
  parts.feeds = *std::move(feeds);
  parts.calendars = calendars;
  parts.clocks = std::make_shared<const LimitClocks>(*std::move(clocks));
  parts.arrangement = definitions.arrangement;
  parts.agency_names = definitions.agency_names;
  parts.publishers = definitions.publishers;
  return Engine(std::move(parts));
}

}  // namespace concordat::alerts
