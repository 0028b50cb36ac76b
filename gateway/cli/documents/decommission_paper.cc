// The certificate that an edge is decommissioned.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/cli/documents/builders.h"
#include "gateway/cli/documents/sections.h"
#include "services/common/config/principal_registry.h"
#include "services/common/event/event.h"

namespace concordat::cli {
namespace {

using bus::v1::LogRecord;
using bus::v1::Principal;

constexpr char kAdapter[] = "adapter";

// What the registry and the log say of it.
struct Edge {
  std::string name;
  std::string agency;
  const Principal* principal = nullptr;  // Null: it was removed.
  std::set<std::string> sources;         // Empty: not known any more.
  uint64_t ended = 0;  // When it was last kept out, log time; 0: no record.

  bool MayConnect() const {
    return principal != nullptr && !principal->revoked();
  }
};

// Under which it publishes.
std::set<std::string> SourcesOf(const Principal& principal) {
  std::set<std::string> sources;
  for (const bus::v1::PublishGrant& grant : principal.publish()) {
    sources.insert(grant.source());
  }
  return sources;
}

absl::StatusOr<Edge> FindEdge(const Sources& sources, absl::string_view name,
                              const EdgeParts& parts) {
  Edge edge;
  edge.name = std::string(name);
  std::vector<std::string> names;
  for (const Principal& each : sources.registry.principals()) {
    if (each.role() != kAdapter) continue;
    names.push_back(each.name());
    if (each.name() != name) continue;
    edge.principal = &each;
    edge.agency = each.agency();
    edge.sources = SourcesOf(each);
  }
  for (const LogRecord& record : parts.records) {
    const auto& changed = record.registry_changed();
    if (changed.principal() != name) continue;
    if (changed.change() == "REVOKED" || changed.change() == "REMOVED") {
      edge.ended = record.accepted_time();
      // Of one that is gone what it was is not known, but for its agency.
      if (edge.principal == nullptr) edge.agency = changed.agency();
    }
  }
  if (edge.agency.empty()) {
    return absl::NotFoundError(
        absl::StrCat("no edge ", name, ": ", absl::StrJoin(names, ", ")));
  }
  return edge;
}

// Of one that was removed: its agency's, and of no edge that is still there.
bool IsOf(const Sources& sources, const Edge& edge, absl::string_view source) {
  if (edge.principal != nullptr) {
    return edge.sources.contains(std::string(source));
  }
  return AgencyOfSource(source) == edge.agency &&
         std::none_of(sources.registry.principals().begin(),
                      sources.registry.principals().end(),
                      [source](const Principal& each) {
                        return each.role() == kAdapter &&
                               SourcesOf(each).contains(std::string(source));
                      });
}

Section FeedSection(const Sources& sources, const Edge& edge,
                    const EdgeParts& parts, std::vector<std::string>& against) {
  struct Last {
    uint64_t complete_to = 0;
    uint64_t received = 0;
    uint64_t sequence = 0;
  };
  std::map<std::string, Last> feeds;
  std::map<std::string, std::string> titles;
  for (const hub::v1::Feed& feed : sources.feeds) {
    if (!IsOf(sources, edge, feed.source())) continue;
    feeds[feed.name()];
    titles[feed.name()] = feed.title();
  }
  for (const LogRecord& record : parts.records) {
    if (!record.has_feed_received() || !IsOf(sources, edge, record.source()))
      continue;
    Last& last = feeds[record.feed_received().feed()];
    last.complete_to =
        std::max(last.complete_to, record.feed_received().complete_to());
    last.received = record.accepted_time();
    last.sequence = record.sequence();
  }
  Table table{
      "Feeds", {"Feed", "Complete to", "Last came", "Event", "Promised"}, {}};
  for (const auto& [name, last] : feeds) {
    const auto title = titles.find(name);
    const bool is_promised = title != titles.end();
    table.rows.push_back(
        {is_promised ? title->second : name, sources.When(last.complete_to),
         last.received == 0 ? "never" : sources.When(last.received),
         last.sequence == 0 ? "-" : absl::StrCat(last.sequence),
         is_promised ? "still" : "no more"});
    if (is_promised) {
      against.push_back(absl::StrCat(
          "the feed ", title->second,
          " is still promised: its definition has not been taken away, and "
          "its silence raises an alert"));
    }
  }
  return {"Its feed",
          {"What came of it, by the log, and whether the hub still waits for "
           "more."},
          {},
          {std::move(table)}};
}

Section ConnectionSection(const Sources& sources, const Edge& edge,
                          const EdgeParts& parts,
                          std::vector<std::string>& against) {
  Table changes{
      "Changes of its entry in the registry", {"When", "Change", "Event"}, {}};
  for (const LogRecord& record : parts.records) {
    if (record.registry_changed().principal() != edge.name) continue;
    changes.rows.push_back({sources.When(record.accepted_time()),
                            record.registry_changed().change(),
                            absl::StrCat(record.sequence())});
  }
  if (edge.MayConnect()) {
    against.push_back(
        "it may still connect: it is in the registry and not revoked");
  }
  return {"Its connection",
          {edge.MayConnect() ? "Its certificate and keys are good here."
           : edge.principal == nullptr
               ? "Its entry was removed from the registry: neither its "
                 "certificate nor its keys let it in. That it was an edge is "
                 "told by its name alone."
               : "Neither its certificate nor its keys let it in: the registry "
                 "is looked at in each call and each frame."},
          {},
          {std::move(changes)}};
}

Section ViewsSection(const Sources& sources, const Edge& edge,
                     const EdgeParts& parts,
                     std::vector<std::string>& against) {
  // An agency's other edges have the same role and go on.
  const bool has_other = std::any_of(
      sources.registry.principals().begin(),
      sources.registry.principals().end(), [&](const Principal& each) {
        return each.role() == kAdapter && each.agency() == edge.agency &&
               each.name() != edge.name && !each.revoked();
      });
  Table table{"Subscriptions of the edges of its agency",
              {"Name", "Connected", "Its place in the log"},
              {}};
  for (const auto& each : parts.subscriptions.subscriptions()) {
    if (each.agency() != edge.agency || each.role() != kAdapter) continue;
    table.rows.push_back({each.name().empty() ? "a tail" : each.name(),
                          each.connected() ? "yes" : "no",
                          absl::StrCat(each.acknowledged())});
  }
  if (!table.rows.empty() && !has_other) {
    against.push_back(
        "a subscription of it is kept: `concordat subscriptions` removes it");
  }
  std::vector<std::string> words = {
      "What it was shown - the cohort, sharing decisions - it is shown no "
      "more once it may not connect. What it was shown before is in the access "
      "log: `concordat documents access`."};
  if (has_other && !table.rows.empty()) {
    words.push_back(
        "The agency has another edge that goes on; these may be its.");
  }
  return {"Its views", std::move(words), {}, {std::move(table)}};
}

Section StaysSection(const Sources& sources, const Edge& edge,
                     const EdgeParts& parts) {
  Section section = RetentionOf(sources, AgreementsWith(sources, edge.agency));
  section.title = "What stays, and for how long";
  section.paragraphs.push_back(absl::StrCat(
      "Facts that it brought are ", sources.AgencyOf(edge.agency),
      "'s, and stay in the hub by that policy as if it still ran; ",
      parts.holds.holds_size(), " legal holds stand. ",
      "What was at the edge itself - its spool, held messages, rejects, tokens "
      "of the cohort - is on the agency's machine: that it was destroyed is "
      "told to the hub by nobody, and the agency certifies it."));
  Table types{"Types that it published", {"Type", "Tier of its fields"}, {}};
  if (edge.principal != nullptr) {
    std::set<std::string> named;
    // The grant of one that is revoked is none any more: what it was counts.
    for (const bus::v1::PublishGrant& grant : edge.principal->publish()) {
      for (const std::string& pattern : grant.types()) {
        for (const absl::string_view type : sources.types->names()) {
          if (TypePatternCovers(pattern, type)) named.emplace(type);
        }
      }
    }
    for (const std::string& type : named) {
      std::set<std::string> tiers;
      for (const DataItem& item : ItemsOf(sources, type, 0)) {
        tiers.insert(item.tier);
      }
      types.rows.push_back({TitleOf(type), absl::StrJoin(tiers, "; ")});
    }
  }
  section.tables.push_back(std::move(types));
  Table agreements{"Agreements that go on", {"Agreement", "To"}, {}};
  for (const StandingAgreement& each : sources.agreements) {
    const auto& parties = each.agreement.parties();
    if (!each.in_force || std::find(parties.begin(), parties.end(),
                                    edge.agency) == parties.end()) {
      continue;
    }
    agreements.rows.push_back({NameOf(each), each.agreement.valid_to()});
  }
  section.tables.push_back(std::move(agreements));
  return section;
}

}  // namespace

absl::StatusOr<Document> DecommissionOf(const Sources& sources,
                                        absl::string_view name,
                                        const EdgeParts& parts) {
  const auto edge = FindEdge(sources, name, parts);
  if (!edge.ok()) return edge.status();
  std::vector<std::string> against;
  std::vector<Section> sections = {
      ConnectionSection(sources, *edge, parts, against),
      FeedSection(sources, *edge, parts, against),
      ViewsSection(sources, *edge, parts, against),
      StaysSection(sources, *edge, parts)};
  const std::string what = absl::StrCat("the edge ", edge->name, " of ",
                                        sources.AgencyOf(edge->agency));
  Document document =
      Begin(sources, "decommission",
            against.empty()
                ? absl::StrCat("Certificate: ", what, " is decommissioned")
                : absl::StrCat("NOT DECOMMISSIONED: ", what));
  Section certificate{"Certificate", {}, {}, {}};
  if (against.empty()) {
    certificate.paragraphs = {absl::StrCat(
        "As of ", sources.Day(), " ", what, " may not connect",
        edge->ended == 0
            ? std::string()
            : absl::StrCat(" (since ", sources.When(edge->ended), ")"),
        ", nothing is promised of it, and it is shown nothing. What stays, and "
        "under which retention, is below.")};
  } else {
    certificate.paragraphs = {
        "Nothing is certified. Against it stands what is listed."};
    Table table{"What stands against it", {"Number", "What"}, {}};
    for (const std::string& each : against) {
      table.rows.push_back({absl::StrCat(table.rows.size() + 1), each});
    }
    certificate.tables.push_back(std::move(table));
  }
  document.sections.push_back(std::move(certificate));
  std::move(sections.begin(), sections.end(),
            std::back_inserter(document.sections));
  return document;
}

}  // namespace concordat::cli
