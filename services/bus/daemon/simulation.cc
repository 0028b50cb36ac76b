#include "services/bus/daemon/simulation.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "services/bus/daemon/people_count.h"
#include "services/common/policy/london_day.h"

namespace concordat::bus {
namespace {

constexpr size_t kReadBytes = 1u << 20;

struct Tally {
  uint64_t shown = 0;
  uint64_t hidden = 0;
  PeopleCount shown_people;
  PeopleCount hidden_people;
};

struct Role {
  Recipient to;
  Tally tally;
};

// The roles that may see something of each type by either agreement.
using Roles = absl::flat_hash_map<std::string, std::vector<Role>>;

Roles RolesOf(const Agreements& before, const Agreements& after,
              const std::string& name) {
  std::set<std::pair<std::string, std::pair<std::string, std::string>>> named;
  for (const Agreements* const each : {&before, &after}) {
    for (const auto& [cell, mask] : each->CellsOf(name)) {
      named.insert({cell.type, {cell.agency, cell.role}});
    }
  }
  Roles roles;
  for (const auto& [type, who] : named) {
    roles[type].push_back({Recipient{who.first, who.second, {}}, Tally()});
  }
  return roles;
}

// In force today, and in the place of the version that there is.
policy::v1::Agreement AsOfToday(policy::v1::Agreement candidate,
                                uint32_t version, uint64_t now_us) {
  const std::string today = IsoDay(now_us);
  candidate.set_version(std::max(candidate.version(), version + 1));
  if (candidate.valid_from() > today) candidate.set_valid_from(today);
  if (candidate.valid_to() < today) candidate.set_valid_to(today);
  return candidate;
}

uint32_t VersionOf(const Agreements& agreements, const std::string& name,
                   uint64_t now_us) {
  for (const AdoptedAgreement& each : agreements.List(now_us)) {
    if (each.agreement.name() == name) return each.agreement.version();
  }
  return 0;
}

void Judge(const StoredEvent& event, const PolicyFold& fold,
           const Agreements& after, std::vector<Role>& roles) {
  const PersonPolicy& person = fold.policy().Of(event.header.subject);
  for (Role& role : roles) {
    const GroupMask old = fold.Granted(event, role.to);
    const GroupMask now =
        after.Granted(event.header, role.to, fold.now_us(), person);
    if ((now & ~old) != 0) {
      ++role.tally.shown;
      if (!event.header.subject.empty()) {
        role.tally.shown_people.Add(event.header.subject);
      }
    }
    if ((old & ~now) != 0) {
      ++role.tally.hidden;
      if (!event.header.subject.empty()) {
        role.tally.hidden_people.Add(event.header.subject);
      }
    }
  }
}

void Fill(const Roles& roles, v1::SimulateAgreementResponse& response) {
  for (const auto& [type, of_type] : roles) {
    for (const Role& role : of_type) {
      if (role.tally.shown == 0 && role.tally.hidden == 0) continue;
      v1::SimulatedChange& change = *response.add_changes();
      change.set_agency(role.to.agency);
      change.set_role(role.to.role);
      change.set_type(type);
      change.set_newly_shown(role.tally.shown);
      change.set_shown_people(role.tally.shown_people.count());
      change.set_newly_hidden(role.tally.hidden);
      change.set_hidden_people(role.tally.hidden_people.count());
    }
  }
  std::sort(response.mutable_changes()->begin(),
            response.mutable_changes()->end(),
            [](const auto& a, const auto& b) {
              return std::tie(a.agency(), a.role(), a.type()) <
                     std::tie(b.agency(), b.role(), b.type());
            });
}

}  // namespace

absl::StatusOr<v1::SimulateAgreementResponse> Simulate(
    const EventLog& log, const PolicyFold& fold,
    const policy::v1::Agreement& candidate, const SimulatedPeriod& period,
    const std::function<bool()>& may_go_on) {
  const Agreements& before = *fold.policy().agreements();
  const std::string& name = candidate.name();
  const uint32_t version = VersionOf(before, name, fold.now_us());
  const auto after = before.With(AsOfToday(candidate, version, fold.now_us()));
  if (!after.ok()) return after.status();
  if (period.to_us != 0 && period.to_us <= period.from_us) {
    return absl::InvalidArgumentError("to: is not after from");
  }
  Sequence at;
  Sequence end = fold.folded();
  if (period.from_us != 0) {
    const auto first = LastBefore(log, period.from_us, at, end);
    if (!first.ok()) return first.status();
    at = *first;
  }
  if (period.to_us != 0) {
    const auto last = LastBefore(log, period.to_us, at, end);
    if (!last.ok()) return last.status();
    end = *last;
  }
  Roles roles = RolesOf(before, **after, name);
  Interest interest;
  interest.type = [&roles](absl::string_view type) {
    return roles.contains(type);
  };
  v1::SimulateAgreementResponse response;
  response.set_name(name);
  response.set_from_version(version);
  response.set_to_version(candidate.version());
  response.set_first(at.value + 1);
  response.set_last(end.value);
  while (at < end) {
    if (!may_go_on()) {
      return absl::DeadlineExceededError(
          "the period is too long: try a shorter one, or wait longer");
    }
    const Sequence skipped = std::min(log.SkipFrom(at, interest), end);
    response.set_events(response.events() + (skipped.value - at.value));
    at = skipped;
    if (at >= end) break;
    const auto block = log.Read(at, kReadBytes);
    if (!block.ok()) return block.status();
    for (const StoredEvent& event : (*block)->events) {
      if (event.sequence <= at || event.sequence > end) continue;
      const auto found = roles.find(event.header.type);
      if (found != roles.end()) Judge(event, fold, **after, found->second);
      at = event.sequence;
      response.set_events(response.events() + 1);
    }
  }
  Fill(roles, response);
  return response;
}

}  // namespace concordat::bus
