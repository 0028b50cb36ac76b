#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "services/common/config/principal_registry.h"
#include "services/common/policy/policy.h"

namespace concordat {
namespace {

using policy::v1::Audience;

constexpr uint32_t kLevelMax = 3;

GroupMask Bit(uint32_t group) { return static_cast<GroupMask>(1u << group); }

GroupMask EveryGroup(const EventType& type) {
  GroupMask mask = Bit(0);
  for (const GroupInfo& group : type.groups()) mask |= Bit(group.number);
  return mask;
}

GroupMask MaskOf(const EventType& type, const policy::v1::SeeGrant& grant) {
  if (grant.audience() == policy::v1::AUDIENCE_OWN) return EveryGroup(type);
  const policy::v1::Tier up_to = grant.up_to() == policy::v1::TIER_UNSPECIFIED
                                     ? policy::v1::TIER_S3
                                     : grant.up_to();
  GroupMask mask = Bit(0);
  for (const GroupInfo& group : type.groups()) {
    const bool shown =
        group.category == policy::v1::CATEGORY_UNSPECIFIED
            ? group.tier_max <= up_to
            : std::count(grant.categories().begin(), grant.categories().end(),
                         group.category) > 0;
    if (shown) mask |= Bit(group.number);
  }
  return mask;
}

absl::StatusOr<uint64_t> StartOfDay(const std::string& date, int days_later,
                                    absl::string_view field) {
  absl::CivilDay day;
  absl::TimeZone london;
  if (!absl::ParseCivilTime(date, &day)) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, " is not a date (2025-10-01)"));
  }
  if (!absl::LoadTimeZone("Europe/London", &london)) {
    return absl::InvalidArgumentError("time zone Europe/London is missing");
  }
  const int64_t us =
      absl::ToUnixMicros(absl::FromCivil(day + days_later, london));
  if (us < 0)
    return absl::InvalidArgumentError(absl::StrCat(field, ": too early"));
  return static_cast<uint64_t>(us);
}

bool Processes(const Recipient& to, absl::string_view type) {
  for (const std::string& pattern : to.process_types) {
    if (TypePatternCovers(pattern, type)) return true;
  }
  return false;
}

bool Owns(const HeaderView& header, absl::string_view agency) {
  return !agency.empty() && (header.controller == agency ||
                             AgencyOfSource(header.source) == agency);
}

absl::string_view InWords(const GroupInfo& group) {
  switch (group.category) {
    case policy::v1::CATEGORY_CLINICAL:
      return "health details";
    case policy::v1::CATEGORY_VICTIM_OR_THIRD_PARTY:
      return "details of a victim or another person";
    case policy::v1::CATEGORY_CHILD:
      return "details of a child";
    case policy::v1::CATEGORY_INTELLIGENCE:
      return "intelligence";
    case policy::v1::CATEGORY_STAFF_SAFETY:
      return "staff safety details";
    case policy::v1::CATEGORY_LOCATION:
      return "a protected address";
    case policy::v1::CATEGORY_GENDER_HISTORY:
      return "gender history";
    case policy::v1::CATEGORY_PROTECTED_PERSON:
      return "details of a protected person";
    default:
      break;
  }
  switch (group.number) {
    case 0:
      return "administrative details";
    case 1:
      return "personal details";
    default:
      return "offence and MAPPA details";
  }
}

}  // namespace

// One grant of one type to one agency.
struct Agreements::Rule {
  std::string to;
  bool to_arrangement = false;
  GroupMask mask = 0;
  Audience audience = policy::v1::AUDIENCE_UNSPECIFIED;
  uint32_t level_min = 0;
  uint32_t level_max = 0;
  uint64_t from_us = 0;
  uint64_t until_us = 0;  // Exclusive.

  // Of audiences that are about a person.
  bool Includes(const PersonPolicy& person) const {
    switch (audience) {
      case policy::v1::AUDIENCE_PARTY: {
        const bool party = to_arrangement
                               ? person.arrangement_party || person.case_open
                               : person.case_open && person.parties.count(to);
        const bool any_level = level_min == 0 && level_max == 0;
        return party && (any_level || (person.level >= level_min &&
                                       person.level <= level_max));
      }
      case policy::v1::AUDIENCE_LEAD:
        return person.lead == to;
      case policy::v1::AUDIENCE_REGISTERED:
        return person.registered_by.count(to) > 0;
      default:
        return false;
    }
  }
};

struct Agreements::TypeRules {
  GroupMask every_group = 0;
  bool internal = false;
  std::vector<Rule> rules;
};

Agreements::Agreements(std::shared_ptr<const TypeRegistry> types)
    : types_(std::move(types)) {
  for (const absl::string_view name : types_->names()) {
    const EventType& type = *types_->Find(name);
    TypeRules& rules = rules_[std::string(name)];
    rules.every_group = EveryGroup(type);
    rules.internal = type.policy().internal();
  }
}

std::shared_ptr<const Agreements> Agreements::None(
    std::shared_ptr<const TypeRegistry> types) {
  return std::shared_ptr<const Agreements>(new Agreements(std::move(types)));
}

absl::StatusOr<std::shared_ptr<const Agreements>> Agreements::With(
    const policy::v1::Agreement& agreement) const {
  std::shared_ptr<Agreements> next(new Agreements(types_));
  bool replaced = false;
  for (const policy::v1::Agreement& kept : newest_) {
    const bool same_name = kept.name() == agreement.name();
    replaced |= same_name;
    const bool newer = same_name && agreement.version() > kept.version();
    next->newest_.push_back(newer ? agreement : kept);
  }
  if (!replaced) next->newest_.push_back(agreement);
  for (const policy::v1::Agreement& each : next->newest_) {
    const absl::Status compiled = next->Compile(each);
    if (!compiled.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("agreement ", each.name(), ": ", compiled.message()));
    }
  }
  std::sort(next->changes_us_.begin(), next->changes_us_.end());
  return std::shared_ptr<const Agreements>(std::move(next));
}

absl::Status Agreements::Compile(const policy::v1::Agreement& agreement) {
  if (agreement.name().empty() || agreement.version() == 0) {
    return absl::InvalidArgumentError("name and version are needed");
  }
  absl::StatusOr<uint64_t> from =
      StartOfDay(agreement.valid_from(), 0, "valid_from");
  if (!from.ok()) return from.status();
  absl::StatusOr<uint64_t> until =
      StartOfDay(agreement.valid_to(), 1, "valid_to");
  if (!until.ok()) return until.status();
  if (*from >= *until) {
    return absl::InvalidArgumentError("valid_to is before valid_from");
  }
  changes_us_.push_back(*from);
  changes_us_.push_back(*until);

  std::vector<std::string> everyone(agreement.parties().begin(),
                                    agreement.parties().end());
  if (!agreement.arrangement().empty()) {
    everyone.push_back(agreement.arrangement());
  }
  for (int index = 0; index < agreement.see_size(); ++index) {
    const policy::v1::SeeGrant& grant = agreement.see(index);
    const auto wrong = [&](absl::string_view why) {
      return absl::InvalidArgumentError(
          absl::StrCat("see[", index, "]: ", why));
    };
    std::vector<std::string> recipients;
    if (grant.to() == "each") {
      recipients = everyone;
    } else if (std::count(everyone.begin(), everyone.end(), grant.to())) {
      recipients = {grant.to()};
    } else {
      return wrong("is to somebody who is not of the agreement");
    }
    const bool about_case = grant.audience() == policy::v1::AUDIENCE_PARTY;
    if (grant.audience() == policy::v1::AUDIENCE_UNSPECIFIED ||
        !policy::v1::Audience_IsValid(grant.audience())) {
      return wrong("has no audience");
    }
    if (grant.level_min() > grant.level_max() ||
        grant.level_max() > kLevelMax) {
      return wrong("levels are 0 to 3, the lower first");
    }
    if (grant.level_max() != 0 && !about_case) {
      return wrong("levels go with the audience PARTY alone");
    }
    const bool own = grant.audience() == policy::v1::AUDIENCE_OWN;
    if (own && (grant.up_to() != policy::v1::TIER_UNSPECIFIED ||
                grant.categories_size() > 0)) {
      return wrong("a producer sees its own events whole");
    }
    if (grant.up_to() != policy::v1::TIER_UNSPECIFIED &&
        (grant.up_to() < policy::v1::TIER_S1 ||
         grant.up_to() > policy::v1::TIER_S3)) {
      return wrong("up_to is S1, S2 or S3; S4 is shown by category");
    }
    if (grant.types_size() == 0) return wrong("names no type");
    for (const std::string& pattern : grant.types()) {
      bool found = false;
      for (auto& [name, rules] : rules_) {
        if (!TypePatternCovers(pattern, name)) continue;
        if (rules.internal) {
          if (pattern == name) {
            return wrong(absl::StrCat(name, " is internal, never granted"));
          }
          continue;
        }
        found = true;
        for (const std::string& to : recipients) {
          Rule rule;
          rule.to = to;
          rule.to_arrangement = to == agreement.arrangement();
          rule.mask = MaskOf(*types_->Find(name), grant);
          rule.audience = grant.audience();
          rule.level_min = grant.level_min();
          rule.level_max = grant.level_max();
          rule.from_us = *from;
          rule.until_us = *until;
          rules.rules.push_back(std::move(rule));
        }
      }
      if (!found) {
        return wrong(absl::StrCat(pattern, " is no type that can be granted"));
      }
    }
  }
  return absl::OkStatus();
}

GroupMask Agreements::Granted(const HeaderView& header, const Recipient& to,
                              uint64_t now_us,
                              const PersonPolicy& person) const {
  const auto type = rules_.find(header.type);
  if (type == rules_.end() || to.envelopes_only()) return 0;
  if (Processes(to, header.type)) return type->second.every_group;
  if (type->second.internal) return 0;
  GroupMask mask = 0;
  for (const Rule& rule : type->second.rules) {
    if ((rule.mask & ~mask) == 0 || rule.to != to.agency) continue;
    if (now_us < rule.from_us || now_us >= rule.until_us) continue;
    bool included = false;
    if (rule.audience == policy::v1::AUDIENCE_OWN) {
      included = Owns(header, to.agency);
    } else if (rule.audience == policy::v1::AUDIENCE_NOBODY) {
      included = header.subject.empty();
    } else {
      included = !header.subject.empty() && rule.Includes(person);
    }
    if (included) mask |= rule.mask;
  }
  return mask;
}

bool Agreements::MayShowMore(const Recipient& to, const PersonPolicy& before,
                             const PersonPolicy& after) const {
  if (to.envelopes_only()) return false;
  for (const auto& [name, type] : rules_) {
    for (const Rule& rule : type.rules) {
      if (rule.to == to.agency && rule.Includes(after) &&
          !rule.Includes(before)) {
        return true;
      }
    }
  }
  return false;
}

bool Agreements::HasAnyGrant(const Recipient& to) const {
  if (to.envelopes_only()) return true;
  for (const auto& [name, type] : rules_) {
    if (Processes(to, name)) return true;
    for (const Rule& rule : type.rules) {
      if (rule.to == to.agency) return true;
    }
  }
  return false;
}

uint64_t Agreements::NextChangeAfter(uint64_t now_us) const {
  const auto next =
      std::upper_bound(changes_us_.begin(), changes_us_.end(), now_us);
  return next == changes_us_.end() ? std::numeric_limits<uint64_t>::max()
                                   : *next;
}

bool ShowsHeaderGroup(const HeaderView& header, const EventType& type,
                      const Recipient& to, GroupMask granted) {
  if (granted == 0) return false;
  if (Owns(header, to.agency) || Processes(to, header.type)) return true;
  return granted == EveryGroup(type) && header.correlation.empty() &&
         header.causation.empty();
}

std::vector<std::string> Withheld(const EventType& type, GroupMask granted) {
  std::vector<std::string> words;
  for (const GroupInfo& group : type.groups()) {
    if ((granted & Bit(group.number)) == 0) {
      words.emplace_back(InWords(group));
    }
  }
  return words;
}

}  // namespace concordat
