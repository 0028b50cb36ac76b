#include "services/alerts/domain/definitions.h"

#include <utility>

namespace concordat::alerts {
namespace {

// Who co-ordinators act for; the rules' "arrangement".
constexpr char kArrangementRole[] = "coordinator";

absl::StatusOr<std::shared_ptr<const Calendars>> MakeCalendars(
    const Definitions& definitions) {
  auto built = Calendars::Build(definitions.calendars, London());
  if (!built.ok()) return built.status();
  return std::make_shared<const Calendars>(*std::move(built));
}

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

absl::StatusOr<WantedFields> WantedBy(const Definitions& definitions,
                                      const std::vector<v1::Rule>& rules) {
  auto calendars = MakeCalendars(definitions);
  if (!calendars.ok()) return calendars.status();
  auto clocks = LimitClocks::Build(definitions.clocks, *calendars, London());
  if (!clocks.ok()) return clocks.status();
  auto book = RuleBook::Build(rules, *definitions.types, *clocks);
  if (!book.ok()) return book.status();
  WantedFields wanted;
  book->AddWanted(wanted);
  return wanted;
}

absl::StatusOr<Engine> MakeEngine(const Definitions& definitions) {
  auto feeds = FeedBook::Build(definitions.feeds);
  if (!feeds.ok()) return feeds.status();
  auto calendars = MakeCalendars(definitions);
  if (!calendars.ok()) return calendars.status();
  auto clocks = LimitClocks::Build(definitions.clocks, *calendars, London());
  if (!clocks.ok()) return clocks.status();
  auto rules = RuleBook::Build(definitions.rules, *definitions.types, *clocks);
  if (!rules.ok()) return rules.status();
  return Engine(
      {.types = definitions.types,
       .rules = *std::move(rules),
       .wanted = definitions.wanted,
       .rules_stay = definitions.rules_stay,
       .feeds = *std::move(feeds),
       .calendars = *std::move(calendars),
       .clocks = std::make_shared<const LimitClocks>(*std::move(clocks)),
       .arrangement = definitions.arrangement,
       .agency_names = definitions.agency_names,
       .publishers = definitions.publishers});
}

}  // namespace concordat::alerts
