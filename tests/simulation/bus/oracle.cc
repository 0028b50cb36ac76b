#include "tests/simulation/bus/oracle.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"

namespace concordat::simulation {
namespace {

std::string TextOf(const bus::StoredEvent& event) {
  std::string text;
  for (const bus::StoredGroup& group : event.opened) {
    text.append(group.data.data(), group.data.size());
  }
  return text;
}

std::string GroupText(const Event& event, uint32_t number) {
  for (const auto& group : event.groups) {
    if (group.number == number) return group.data;
  }
  return "";
}

template <typename List>
bool Has(const List& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool Covers(const std::string& pattern, const std::string& type) {
  if (pattern == type) return true;
  return absl::EndsWith(pattern, ".*") &&
         absl::StartsWith(type, pattern.substr(0, pattern.size() - 1));
}

// 24 Nov 2025 and the days around it are in Greenwich time.
uint64_t DayUs(const std::string& date, int later) {
  absl::CivilDay day;
  absl::ParseCivilTime(date, &day);
  return static_cast<uint64_t>(
      absl::ToUnixMicros(absl::FromCivil(day + later, absl::UTCTimeZone())));
}

}  // namespace

Oracle::Oracle(World& world) : world_(world) {}

void Oracle::Made(const Event& event) {
  made_.try_emplace({event.header.source, event.header.id}, made_.size() + 1,
                    event);
}

void Oracle::InLog(const bus::StoredEvent& event) {
  const uint64_t at = event.sequence.value;
  Entry entry;
  entry.name = {std::string(event.header.source), std::string(event.header.id)};
  entry.digest = event.digest;
  entry.accepted_us = event.accepted_us;
  if (at <= log_.size()) {
    const Entry& known = log_[at - 1];
    if (known.name != entry.name || known.digest != entry.digest ||
        known.accepted_us != entry.accepted_us) {
      world_.Fail("event ", at, " was ", known.name.second, " and is now ",
                  entry.name.second);
    }
    return;
  }
  if (at != log_.size() + 1) {
    return world_.Fail("event ", at, " comes where ", log_.size() + 1,
                       " was due");
  }
  if (!log_.empty() && entry.accepted_us < log_.back().accepted_us) {
    world_.Fail("accepted time steps back at ", at);
  }
  if (!by_name_.emplace(entry.name, at).second) {
    world_.Fail("event ", entry.name.second, " of ", entry.name.first,
                " is in the log twice: ", by_name_[entry.name], " and ", at);
  }
  entry.type = std::string(event.header.type);
  entry.person = event.header.subject;
  entry.controller = std::string(event.header.controller);
  entry.part3 = event.header.regime == bus::v1::REGIME_PART3;
  entry.data = TextOf(event);
  const auto made = made_.find(entry.name);
  if (made != made_.end()) {
    entry.made = made->second.first;
    if (made->second.second.digest != entry.digest) {
      world_.Fail("event ", at, " is not what ", entry.name.first, " made");
    }
  } else if (entry.name.first != "urn:concordat:hub:bus") {
    world_.Fail("event ", at, " was made by nobody: ", entry.name.second);
  }
  if (absl::StartsWith(entry.type, "m.v1."))
    policy_[entry.person].push_back(at);
  if (entry.type == "concordat.hub.v1.AgreementAdopted") {
    for (const auto& agreement : agreements_) {
      if (absl::StrContains(entry.name.second,
                            absl::StrCat("-", agreement.name(), "-"))) {
        adopted_[agreement.name()] = at;
      }
    }
  }
  log_.push_back(std::move(entry));
}

void Oracle::Opened(uint64_t end) {
  if (end < log_.size()) {
    world_.Fail("the log opened with ", end, " events after it had served ",
                log_.size());
  }
  for (const auto& [name, sequence] : told_) {
    if (sequence > end) {
      world_.Fail("event ", name.second, " was acknowledged at ", sequence,
                  " and the log ends at ", end);
    }
  }
}

void Oracle::Told(const EventName& name, uint64_t sequence) {
  const auto [it, is_new] = told_.try_emplace(name, sequence);
  if (!is_new && it->second != sequence) {
    world_.Fail("event ", name.second, " was acknowledged at ", it->second,
                " and at ", sequence);
  }
}

uint64_t Oracle::PlaceOf(const EventName& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? 0 : found->second;
}

Oracle::Case Oracle::CaseOf(const PersonKey& person, uint64_t at) const {
  Case now;
  const auto events = policy_.find(person);
  if (events == policy_.end()) return now;
  for (const uint64_t sequence : events->second) {
    if (sequence > at) break;
    const Entry& entry = log_[sequence - 1];
    const std::vector<std::string> parts = absl::StrSplit(entry.data, ';');
    const std::vector<std::string> parties =
        absl::StrSplit(parts[0], ',', absl::SkipEmpty());
    if (entry.type == kOpened) {
      now.open = true;
      now.parties = {parties.begin(), parties.end()};
      now.lead = parts[1];
    } else if (entry.type == kJoined) {
      now.parties.insert(parties.begin(), parties.end());
    } else if (entry.type == kLeft) {
      for (const std::string& party : parties) {
        now.parties.erase(party);
        if (now.lead == party) now.lead.clear();
      }
    } else if (entry.type == kLevel) {
      if (!absl::SimpleAtoi(parts[2], &now.level)) now.level = 0;
    } else if (entry.type == kClosed) {
      now = Case();
    }
  }
  return now;
}

bool Oracle::InForce(const policy::v1::Agreement& agreement,
                     uint64_t us) const {
  return us >= DayUs(agreement.valid_from(), 0) &&
         us < DayUs(agreement.valid_to(), 1);
}

uint32_t Oracle::MayShow(const Member& member, uint64_t sequence,
                         uint64_t at) const {
  constexpr uint32_t kAll = 0b1111;
  const Entry& entry = log_[sequence - 1];
  const bool case_type = absl::StartsWith(entry.type, "m.v1.");
  if (!case_type && !absl::StartsWith(entry.type, "a.v1.")) return 0;
  const uint32_t all = case_type ? 0b0111 : kAll;
  if (!member.process_types.empty()) {
    return Has(member.process_types, entry.type) ? all : 0;
  }
  const Case person = CaseOf(entry.person, at);
  uint32_t shown = 0;
  for (const policy::v1::Agreement& agreement : agreements_) {
    const auto adopted = adopted_.find(agreement.name());
    if (adopted == adopted_.end() || adopted->second > at) continue;
    if (!InForce(agreement, log_[at - 1].accepted_us)) continue;
    for (const policy::v1::SeeGrant& grant : agreement.see()) {
      if (grant.to() != member.agency || !Has(grant.roles(), member.role) ||
          std::none_of(grant.types().begin(), grant.types().end(),
                       [&](const std::string& pattern) {
                         return Covers(pattern, entry.type);
                       })) {
        continue;
      }
      const bool own = grant.audience() == policy::v1::AUDIENCE_OWN;
      if (entry.part3 && !grant.part3() && !own) continue;
      bool applies = false;
      switch (grant.audience()) {
        case policy::v1::AUDIENCE_PARTY:
          applies =
              !entry.person.empty() && person.open &&
              person.parties.count(member.agency) > 0 &&
              (grant.level_max() == 0 || (person.level >= grant.level_min() &&
                                          person.level <= grant.level_max()));
          break;
        case policy::v1::AUDIENCE_LEAD:
          applies = !entry.person.empty() && person.lead == member.agency;
          break;
        case policy::v1::AUDIENCE_OWN:
          applies = entry.controller == member.agency ||
                    absl::StrContains(entry.name.first,
                                      absl::StrCat(":", member.agency, ":"));
          break;
        case policy::v1::AUDIENCE_NOBODY:
          applies = entry.person.empty();
          break;
        default:
          break;
      }
      if (!applies) continue;
      shown |= 1;
      if (own) shown |= all;
      const int tiers = grant.up_to() == policy::v1::TIER_S1   ? 1
                        : grant.up_to() == policy::v1::TIER_S2 ? 2
                                                               : 3;
      shown |= (1u << tiers) - 1;
      if (!case_type && grant.categories_size() > 0) shown |= 0b1000;
    }
  }
  return shown;
}

const Event* Oracle::Original(uint64_t sequence) const {
  const auto found = made_.find(log_[sequence - 1].name);
  return found == made_.end() ? nullptr : &found->second.second;
}

void Oracle::CheckView(const Member& member, const View& view, uint64_t at) {
  const uint64_t sequence = view.sequence.value;
  const auto wrong = [&](const auto&... what) {
    world_.Fail("view of ", sequence, " to ", member.name, " at ", at, ": ",
                what...);
  };
  if (sequence == 0 || sequence > log_.size()) {
    return wrong("is of no durable event");
  }
  const Entry& entry = log_[sequence - 1];
  if (view.header.id != entry.name.second ||
      view.header.source != entry.name.first) {
    return wrong("is of another event");
  }
  if (view.accepted_us != entry.accepted_us) return wrong("accepted time");
  if (member.role == "operator") {
    if (!view.groups.empty() || !view.header.subject.empty() ||
        !view.header.stream.empty() || !view.header.on_behalf_of.empty()) {
      wrong("an operator sees more than an envelope");
    }
    return;
  }
  uint32_t shown = 0;
  for (const View::Group& group : view.groups) shown |= 1u << group.number;
  const uint32_t may = MayShow(member, sequence, at);
  if (shown != may) {
    return wrong("shows groups ", shown, " where ", may, " are agreed");
  }
  const Event* original = Original(sequence);
  if (original == nullptr) return wrong("is of the bus's own event");
  for (const View::Group& group : view.groups) {
    if (group.data != GroupText(*original, group.number)) {
      wrong("group ", group.number, " is not what was published");
    }
  }
  if (view.header.subject != original->header.subject ||
      view.header.stream != original->header.stream ||
      view.header.time_us != original->header.time_us) {
    wrong("header is not what was published");
  }
  const uint32_t all = absl::StartsWith(entry.type, "m.v1.") ? 0b0111 : 0b1111;
  const bool own = entry.controller == member.agency;
  if (may != all && !own && !view.header.on_behalf_of.empty()) {
    wrong("tells on whose behalf");
  }
}

void Oracle::CheckLog() {
  std::map<std::pair<std::string, std::string>, uint64_t> last_of_stream;
  for (const Entry& entry : log_) {
    if (entry.made > 0) {
      const Event& event = made_.find(entry.name)->second.second;
      uint64_t& last = last_of_stream[{entry.name.first, event.header.stream}];
      if (!event.header.stream.empty() && entry.made < last) {
        world_.Fail("event ", entry.name.second, " of ", entry.name.first,
                    " is out of its stream's order");
      }
      last = entry.made;
    }
    if (refused_.count(entry.name) > 0) {
      world_.Fail("event ", entry.name.second, " of ", entry.name.first,
                  " was refused for good and is in the log");
    }
  }
  for (const auto& [name, sequence] : told_) {
    if (PlaceOf(name) != sequence) {
      world_.Fail("event ", name.second, " was acknowledged at ", sequence,
                  " and is at ", PlaceOf(name));
    }
  }
}

}  // namespace concordat::simulation
