#include "tests/support/views_oracle.h"

#include <algorithm>

namespace concordat::testing {
namespace {

using policy::v1::Agreement;
using policy::v1::SeeGrant;
using Kind = OracleFact::Kind;

template <typename List>
bool Has(const List& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool Covers(const std::string& pattern, const std::string& type) {
  if (pattern == "*") return true;
  const size_t star = pattern.find('*');
  if (star == std::string::npos) return pattern == type;
  return type.compare(0, star, pattern, 0, star) == 0;
}

bool IsBeyondAll(policy::v1::Category category) {
  return category == policy::v1::CATEGORY_GENDER_HISTORY ||
         category == policy::v1::CATEGORY_PROTECTED_PERSON;
}

std::string Words(const OracleGroup& group) {
  static const std::map<int, std::string> kCategories = {
      {1, "health details"},       {2, "details of a victim or another person"},
      {3, "details of a child"},   {4, "intelligence"},
      {5, "staff safety details"}, {6, "a protected address"},
      {7, "gender history"},       {8, "details of a protected person"}};
  if (group.category != policy::v1::CATEGORY_UNSPECIFIED) {
    return kCategories.at(group.category);
  }
  if (group.number == 0) return "administrative details";
  return group.number == 1 ? "personal details" : "offence and MAPPA details";
}

// Whether the entry means this reader. `somebody`: a role with no person is meant
// when one of its people is.
bool Means(const std::string& entry, const OracleReader& reader,
           bool somebody) {
  std::vector<std::string> parts(1);
  for (const char c : entry) {
    if (c == '/') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  if (parts[0] != reader.agency) return false;
  if (parts.size() > 1 && parts[1] != "*" && parts[1] != reader.role) {
    return false;
  }
  if (parts.size() < 3) return true;
  if (reader.principal.empty()) return somebody;
  // Several people: kept out when one is, let in when all are.
  if (reader.principal == "*") return !somebody;
  return parts[2] == reader.principal;
}

std::vector<std::string> Recipients(const SeeGrant& line,
                                    const Agreement& agreement) {
  if (line.to() != "each") return {line.to()};
  std::vector<std::string> all(agreement.parties().begin(),
                               agreement.parties().end());
  if (!agreement.arrangement().empty()) all.push_back(agreement.arrangement());
  return all;
}

}  // namespace

const OracleType* ViewsOracle::TypeOf(const std::string& name) const {
  for (const OracleType& type : types) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

bool ViewsOracle::Loads(const Agreement& agreement) const {
  if (days_.at(agreement.valid_from()) > days_.at(agreement.valid_to())) {
    return false;
  }
  for (const std::string& party : agreement.part3_parties()) {
    if (!Has(agreement.parties(), party)) return false;
  }
  for (const SeeGrant& line : agreement.see()) {
    const bool own = line.audience() == policy::v1::AUDIENCE_OWN;
    if (line.to() != "each" && !Has(agreement.parties(), line.to()) &&
        line.to() != agreement.arrangement()) {
      return false;
    }
    if (line.audience() == policy::v1::AUDIENCE_UNSPECIFIED) return false;
    if (line.level_min() > line.level_max()) return false;
    if (line.level_max() > 3) return false;  // MAPPA has no more levels.
    if (line.level_max() > 0 && line.audience() != policy::v1::AUDIENCE_PARTY) {
      return false;
    }
    if (own && (line.up_to() != policy::v1::TIER_UNSPECIFIED ||
                line.categories_size() > 0 || line.part3())) {
      return false;
    }
    if (line.up_to() == policy::v1::TIER_S0 ||
        line.up_to() == policy::v1::TIER_S4) {
      return false;
    }
    bool beyond_all = false;
    for (const int category : line.categories()) {
      beyond_all |= IsBeyondAll(static_cast<policy::v1::Category>(category));
    }
    if (beyond_all && (line.law().empty() || line.to() == "each")) return false;
    if (!line.law().empty() && !line.part3() && !beyond_all) return false;
    if (line.types().empty() || line.roles().empty()) return false;
    for (const std::string& to : Recipients(line, agreement)) {
      if (line.part3() && line.law().empty() &&
          !Has(agreement.part3_parties(), to)) {
        return false;
      }
    }
    for (const std::string& pattern : line.types()) {
      bool any = false;
      for (const OracleType& type : types) {
        if (!Covers(pattern, type.name)) continue;
        if (type.internal && pattern == type.name) return false;
        any |= !type.internal;
      }
      if (!any) return false;
    }
  }
  return true;
}

std::vector<ViewsOracle::InForce> ViewsOracle::NewestOf() const {
  std::vector<InForce> newest;
  for (const OracleFact& fact : history) {
    const std::string& name = fact.agreement.name();
    const auto known = std::find_if(
        newest.begin(), newest.end(),
        [&](const InForce& each) { return each.agreement.name() == name; });
    if (fact.kind == Kind::kAdopted) {
      const uint64_t until =
          days_.upper_bound(fact.agreement.valid_to())->second;
      if (known == newest.end()) {
        newest.push_back({fact.agreement, until});
      } else if (fact.agreement.version() > known->agreement.version()) {
        *known = {fact.agreement, until};
      }
    }
    if (fact.kind == Kind::kRetired && known != newest.end() &&
        known->agreement.version() == fact.agreement.version()) {
      known->until_us = std::min(known->until_us, fact.from_us);
    }
  }
  return newest;
}

bool ViewsOracle::ListsKeepOut(int person, const OracleReader& reader) const {
  const OracleFact* lists = nullptr;
  for (const OracleFact& fact : history) {
    if (fact.kind == Kind::kAccess && fact.person == person) lists = &fact;
  }
  if (lists == nullptr) return false;
  for (const std::string& entry : lists->excluded) {
    if (Means(entry, reader, /*somebody=*/false)) return true;
  }
  if (lists->restricted_to.empty()) return false;
  for (const std::string& entry : lists->restricted_to) {
    if (Means(entry, reader, /*somebody=*/true)) return false;
  }
  return true;
}

bool ViewsOracle::IsTold(int person, const std::string& agency) const {
  bool told = false;
  for (const OracleFact& fact : history) {
    told |= fact.kind == Kind::kErased && fact.person == person &&
            Has(fact.agencies, agency);
  }
  return told;
}

bool ViewsOracle::IsRestricted(const OracleEvent& event,
                               const std::string& agency) const {
  if (event.controller == agency || event.source_agency == agency) return false;
  bool restricted = false;
  for (const OracleFact& fact : history) {
    if (fact.kind != Kind::kRestricted || fact.person != event.person) continue;
    restricted = Has(fact.agencies, event.controller);
  }
  return restricted;
}

bool ViewsOracle::IsAudience(const SeeGrant& line, const Agreement& agreement,
                             const OracleReader& reader,
                             const OracleEvent& event) const {
  if (line.audience() == policy::v1::AUDIENCE_OWN) {
    return event.controller == reader.agency ||
           event.source_agency == reader.agency;
  }
  if (line.audience() == policy::v1::AUDIENCE_NOBODY) return event.person == 0;
  if (event.person == 0) return false;
  bool open = false;
  bool submitted = false;
  std::string lead;
  uint32_t level = 0;
  std::set<std::string> parties;
  std::set<std::string> registered;
  for (const OracleFact& fact : history) {
    if (fact.person != event.person) continue;
    switch (fact.kind) {
      case Kind::kOpened:
        open = true;
        submitted = true;
        parties = {fact.agencies.begin(), fact.agencies.end()};
        lead = fact.lead;
        break;
      case Kind::kJoined:
        parties.insert(fact.agencies.begin(), fact.agencies.end());
        break;
      case Kind::kLeft:
        for (const std::string& agency : fact.agencies) {
          parties.erase(agency);
          if (lead == agency) lead.clear();
        }
        break;
      case Kind::kClosed:
        open = submitted = false;
        lead.clear();
        level = 0;
        parties.clear();
        break;
      case Kind::kLevel:
        level = fact.level;
        break;
      case Kind::kSubmitted:
        submitted = true;
        if (!open && lead.empty()) lead = fact.by;
        break;
      case Kind::kRegistered:
        registered.insert(fact.by);
        break;
      case Kind::kLead:
        lead = fact.lead;
        break;
      default:
        break;
    }
  }
  switch (line.audience()) {
    case policy::v1::AUDIENCE_PARTY: {
      const bool party = reader.agency == agreement.arrangement()
                             ? submitted || open
                             : open && parties.count(reader.agency) > 0;
      return party && (line.level_max() == 0 || (level >= line.level_min() &&
                                                 level <= line.level_max()));
    }
    case policy::v1::AUDIENCE_LEAD:
      return lead == reader.agency;
    case policy::v1::AUDIENCE_REGISTERED:
      return registered.count(reader.agency) > 0;
    default:
      return false;
  }
}

std::set<uint32_t> ViewsOracle::Give(const SeeGrant& line,
                                     const OracleType& type) const {
  const int up_to = line.up_to() == policy::v1::TIER_UNSPECIFIED
                        ? policy::v1::TIER_S3
                        : line.up_to();
  std::set<uint32_t> groups;
  for (const OracleGroup& group : type.groups) {
    const bool plain = group.category == policy::v1::CATEGORY_UNSPECIFIED;
    if (line.audience() == policy::v1::AUDIENCE_OWN) {
      if (!IsBeyondAll(group.category)) groups.insert(group.number);
    } else if (plain
                   ? group.tier <= up_to
                   : std::count(line.categories().begin(),
                                line.categories().end(), group.category) > 0) {
      groups.insert(group.number);
    }
  }
  return groups;
}

OracleView ViewsOracle::See(const OracleEvent& event,
                            const OracleReader& reader, uint64_t now_us) const {
  OracleView view;
  const OracleType* const type = TypeOf(event.type);
  if (type == nullptr || reader.role == "operator") return view;
  std::set<uint32_t> granted;
  const bool processes = std::any_of(
      reader.processes.begin(), reader.processes.end(),
      [&](const std::string& each) { return Covers(each, event.type); });
  if (!processes && std::any_of(reader.headers.begin(), reader.headers.end(),
                                [&](const std::string& each) {
                                  return Covers(each, event.type);
                                })) {
    view.shown = true;
    for (const OracleGroup& group : type->groups) {
      view.committed.insert(group.number);
      view.withheld.push_back(Words(group));
    }
    return view;
  }
  const bool told = !processes && type->tells_of_erasure;
  if (told && !IsTold(event.person, reader.agency)) return view;
  if (processes || told) {
    view.shown = true;
    for (const OracleGroup& group : type->groups) {
      if (!IsBeyondAll(group.category)) granted.insert(group.number);
    }
  } else {
    if (type->internal) return view;
    if (event.person != 0 && (ListsKeepOut(event.person, reader) ||
                              IsRestricted(event, reader.agency))) {
      return view;
    }
    for (const InForce& term : NewestOf()) {
      const Agreement& agreement = term.agreement;
      if (now_us < days_.at(agreement.valid_from()) ||
          now_us >= term.until_us) {
        continue;
      }
      if (reader.purpose.has_value() &&
          !Has(agreement.purposes(), *reader.purpose)) {
        continue;
      }
      for (const SeeGrant& line : agreement.see()) {
        const auto to = Recipients(line, agreement);
        const bool covers_type =
            std::any_of(line.types().begin(), line.types().end(),
                        [&](const std::string& pattern) {
                          return Covers(pattern, event.type);
                        });
        if (!Has(to, reader.agency) || !Has(line.roles(), reader.role) ||
            !covers_type) {
          continue;
        }
        if (event.part3 && !line.part3() &&
            line.audience() != policy::v1::AUDIENCE_OWN) {
          continue;
        }
        if (!IsAudience(line, agreement, reader, event)) continue;
        view.shown = true;
        granted.merge(Give(line, *type));
      }
    }
  }
  if (!view.shown) return view;
  bool everything = true;
  for (const OracleGroup& group : type->groups) {
    const bool open =
        std::count(event.opened.begin(), event.opened.end(), group.number) > 0;
    if (granted.count(group.number) > 0 && open) {
      view.groups.insert(group.number);
    } else {
      view.committed.insert(group.number);
    }
    if (granted.count(group.number) == 0) {
      everything = false;
      view.withheld.push_back(Words(group));
    }
  }
  const bool own =
      event.controller == reader.agency || event.source_agency == reader.agency;
  const bool names_another =
      !event.causation.empty() || !event.correlation.empty();
  view.header_group = own || processes || (everything && !names_another);
  if (view.header_group) {
    view.causation = event.causation;
    view.correlation = event.correlation;
  }
  // They name fields.
  if (view.withheld.empty()) view.faults = event.faults;
  return view;
}

}  // namespace concordat::testing
