#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/common/policy/compiled_grants.h"
#include "services/common/policy/london_day.h"

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

// What a producer and a hub service that processes the type see.
GroupMask WholeOf(const EventType& type) {
  GroupMask mask = Bit(0);
  for (const GroupInfo& group : type.groups()) {
    if (!BeatsEverything(group.category)) mask |= Bit(group.number);
  }
  return mask;
}

GroupMask MaskOf(const EventType& type, const policy::v1::SeeGrant& grant) {
  if (grant.audience() == policy::v1::AUDIENCE_OWN) return WholeOf(type);
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

// Safe to repeat to the operator: letters lead, so it is no identifier.
bool LooksLikeACode(absl::string_view value) {
  return value.size() <= 64 && absl::ascii_isupper(value.front()) &&
         std::all_of(value.begin(), value.end(), [](char c) {
           return absl::ascii_isupper(c) || absl::ascii_isdigit(c) || c == '_';
         });
}

// What is wrong with a grant whoever it is to; empty: nothing.
absl::string_view BrokenGrantRule(const policy::v1::SeeGrant& grant) {
  const bool about_case = grant.audience() == policy::v1::AUDIENCE_PARTY;
  if (grant.audience() == policy::v1::AUDIENCE_UNSPECIFIED ||
      !policy::v1::Audience_IsValid(grant.audience())) {
    return "has no audience";
  }
  if (grant.level_min() > grant.level_max() || grant.level_max() > kLevelMax) {
    return "levels are 0 to 3, the lower first";
  }
  if (grant.level_max() != 0 && !about_case) {
    return "levels go with the audience PARTY alone";
  }
  const bool own = grant.audience() == policy::v1::AUDIENCE_OWN;
  if (own && (grant.up_to() != policy::v1::TIER_UNSPECIFIED ||
              grant.categories_size() > 0 || grant.part3())) {
    return "a producer sees its own events whole";
  }
  if (grant.up_to() != policy::v1::TIER_UNSPECIFIED &&
      (grant.up_to() < policy::v1::TIER_S1 ||
       grant.up_to() > policy::v1::TIER_S3)) {
    return "up_to is S1, S2 or S3; S4 is shown by category";
  }
  const bool beats_everything = std::any_of(
      grant.categories().begin(), grant.categories().end(), [](int category) {
        return BeatsEverything(static_cast<policy::v1::Category>(category));
      });
  if (beats_everything && (grant.law().empty() || grant.to() == "each")) {
    return "gender history and a protected person's details are shown to one "
           "named recipient by a recorded exception: name it as the law";
  }
  if (!grant.law().empty() && !grant.part3() && !beats_everything) {
    return "a law goes with part3 alone, or with a recorded exception";
  }
  if (grant.types_size() == 0) return "names no type";
  if (grant.roles_size() == 0) return "names no role";
  return {};
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

bool IsOf(const policy::v1::Agreement& agreement, absl::string_view agency) {
  return agency == agreement.arrangement() || IsIn(agency, agreement.parties());
}

Agreements::Agreements(std::shared_ptr<const TypeRegistry> types)
    : types_(std::move(types)) {
  for (const absl::string_view name : types_->names()) {
    const EventType& type = *types_->Find(name);
    TypeRules& rules = rules_[std::string(name)];
    rules.processed = WholeOf(type);
    rules.internal = type.policy().internal();
    rules.tells_of_erasure =
        type.policy().effect() == policy::v1::EFFECT_PERSON_ERASED;
  }
}

std::shared_ptr<const Agreements> Agreements::None(
    std::shared_ptr<const TypeRegistry> types) {
  return std::shared_ptr<const Agreements>(new Agreements(std::move(types)));
}

absl::StatusOr<std::shared_ptr<const Agreements>> Agreements::With(
    const policy::v1::Agreement& agreement,
    std::vector<std::string> signed_by) const {
  auto term = std::make_shared<Term>();
  term->agreement = agreement;
  term->signed_by = std::move(signed_by);
  if (const absl::Status checked = CheckTerm(*term); !checked.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("agreement ", agreement.name(), ": ", checked.message()));
  }
  std::vector<std::shared_ptr<const Term>> newest = newest_;
  const auto same =
      std::find_if(newest.begin(), newest.end(), [&](const auto& kept) {
        return kept->agreement.name() == agreement.name();
      });
  if (same == newest.end()) {
    newest.push_back(std::move(term));
  } else if (agreement.version() > (*same)->agreement.version()) {
    *same = std::move(term);
  }
  return Compile(types_, std::move(newest));
}

std::shared_ptr<const Agreements> Agreements::Ended(const EarlyEnd& end) const {
  std::vector<std::shared_ptr<const Term>> newest = newest_;
  const auto found =
      std::find_if(newest.begin(), newest.end(), [&](const auto& kept) {
        return kept->agreement.name() == end.name &&
               kept->agreement.version() == end.version;
      });
  if (found == newest.end() || end.from_us >= (*found)->until_us) {
    return nullptr;
  }
  auto term = std::make_shared<Term>(**found);
  term->until_us = end.from_us;
  term->early_end = end;
  *found = std::move(term);
  auto compiled = Compile(types_, std::move(newest));
  return compiled.ok() ? *std::move(compiled) : nullptr;
}

absl::StatusOr<std::shared_ptr<const Agreements>> Agreements::Compile(
    std::shared_ptr<const TypeRegistry> types,
    std::vector<std::shared_ptr<const Term>> newest) {
  std::shared_ptr<Agreements> made(new Agreements(std::move(types)));
  made->newest_ = std::move(newest);
  for (const std::shared_ptr<const Term>& each : made->newest_) {
    for (int line = 0; line < each->agreement.see_size(); ++line) {
      const absl::Status compiled = made->CompileGrant(*each, line);
      if (compiled.ok()) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "agreement ", each->agreement.name(), ": ", compiled.message()));
    }
    made->changes_us_.push_back(each->from_us);
    made->changes_us_.push_back(each->until_us);
  }
  std::sort(made->changes_us_.begin(), made->changes_us_.end());
  return std::shared_ptr<const Agreements>(std::move(made));
}

absl::Status Agreements::CheckTerm(Term& term) {
  const policy::v1::Agreement& agreement = term.agreement;
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
  term.from_us = *from;
  term.until_us = *until;
  for (const std::string& party : agreement.part3_parties()) {
    if (!IsIn(party, agreement.parties())) {
      return absl::InvalidArgumentError(
          absl::StrCat("part3_parties: ", party, " is not a party"));
    }
  }
  if (!agreement.has_retention()) return absl::OkStatus();
  const policy::v1::Retention& retention = agreement.retention();
  absl::Status checked = CheckMonths("retention: months_after_case",
                                     retention.months_after_case());
  checked.Update(CheckMonths("retention: months_after_event",
                             retention.months_after_event()));
  return checked;
}

absl::Status Agreements::CompileGrant(const Term& term, int line) {
  const policy::v1::Agreement& agreement = term.agreement;
  const policy::v1::SeeGrant& grant = agreement.see(line);
  const auto wrong = [line](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("see[", line, "]: ", why));
  };
  std::vector<std::string> recipients;
  if (grant.to() == "each") {
    recipients = {agreement.parties().begin(), agreement.parties().end()};
    if (!agreement.arrangement().empty()) {
      recipients.push_back(agreement.arrangement());
    }
  } else if (term.HasParty(grant.to())) {
    recipients = {grant.to()};
  } else {
    return wrong("is to somebody who is not of the agreement");
  }
  if (const absl::string_view broken = BrokenGrantRule(grant);
      !broken.empty()) {
    return wrong(broken);
  }
  for (const std::string& to : recipients) {
    if (grant.part3() && grant.law().empty() &&
        !IsIn(to, agreement.part3_parties())) {
      return wrong(absl::StrCat(to,
                                " would use under the UK GDPR what is "
                                "processed under Part 3: name the law"));
    }
  }
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
        rules.rules.push_back(
            {&term, line, &grant, to, to == agreement.arrangement(),
             MaskOf(*types_->Find(name), grant), grant.audience()});
      }
    }
    if (!found) {
      return wrong(absl::StrCat(pattern, " is no type that can be granted"));
    }
  }
  return absl::OkStatus();
}

GroupMask Agreements::Granted(const HeaderView& header, const Recipient& to,
                              uint64_t now_us,
                              const PersonPolicy& person) const {
  const auto type = rules_.find(header.type);
  if (type == rules_.end() || to.envelopes_only()) return 0;
  if (Processes(to, header.type)) return type->second.processed;
  if (IsSentTheHeader(to, header.type)) return kHeaderAlone;
  if (type->second.tells_of_erasure) {
    return person.told_of_erasure.contains(to.agency) ? type->second.processed
                                                      : GroupMask{0};
  }
  if (type->second.internal || !person.Allows(to) ||
      IsRestricted(header, to, person)) {
    return 0;
  }
  GroupMask mask = 0;
  for (const Rule& rule : type->second.rules) {
    if ((rule.mask & ~mask) == 0 || !rule.IsTo(to)) continue;
    if (!rule.term->InForce(now_us) || !rule.Covers(header.regime)) continue;
    if (rule.IncludesEvent(header, person)) mask |= rule.mask;
  }
  return mask;
}

GroupMask Agreements::Shared(absl::string_view type, uint64_t now_us) const {
  const auto found = rules_.find(type);
  if (found == rules_.end()) return 0;
  GroupMask mask = 0;
  for (const Rule& rule : found->second.rules) {
    if (rule.audience != policy::v1::AUDIENCE_OWN &&
        rule.term->InForce(now_us)) {
      mask |= rule.mask;
    }
  }
  return mask;
}

bool Agreements::MayShowMore(const Recipient& to, const PersonPolicy& before,
                             const PersonPolicy& after) const {
  if (to.envelopes_only() || !after.Allows(to)) return false;
  // Who had no record gets all of it, its own too.
  const bool had_none = !before.Allows(to);
  // What was restricted and is not any more.
  const bool lifted = !std::includes(after.restricted_controllers.begin(),
                                     after.restricted_controllers.end(),
                                     before.restricted_controllers.begin(),
                                     before.restricted_controllers.end());
  for (const auto& [name, type] : rules_) {
    for (const Rule& rule : type.rules) {
      if (!rule.IsTo(to)) continue;
      if (had_none ||
          (rule.Includes(after) && (lifted || !rule.Includes(before)))) {
        return true;
      }
    }
  }
  return false;
}

bool Agreements::HasAnyGrant(const Recipient& to, uint64_t now_us) const {
  if (to.envelopes_only()) return true;
  for (const auto& [name, type] : rules_) {
    if (Processes(to, name) || IsSentTheHeader(to, name)) return true;
    for (const Rule& rule : type.rules) {
      if (rule.IsTo(to) && rule.term->until_us > now_us) return true;
    }
  }
  return false;
}

std::set<std::string> Agreements::PurposesOf(const Recipient& to) const {
  std::set<std::string> purposes;
  Recipient any = to;
  any.purpose.reset();
  for (const auto& [name, type] : rules_) {
    for (const Rule& rule : type.rules) {
      if (!rule.IsTo(any)) continue;
      const auto& of_term = rule.term->agreement.purposes();
      purposes.insert(of_term.begin(), of_term.end());
    }
  }
  return purposes;
}

absl::Status Agreements::MayPublish(absl::string_view agency,
                                    absl::string_view purpose,
                                    absl::string_view gateway,
                                    uint64_t now_us) const {
  bool is_party = false;
  bool has_purpose = false;
  for (const std::shared_ptr<const Term>& term : newest_) {
    if (!term->InForce(now_us) || !term->HasParty(agency)) continue;
    is_party = true;
    if (!IsIn(purpose, term->agreement.purposes())) continue;
    has_purpose = true;
    if (IsIn(gateway, term->agreement.gateways())) return absl::OkStatus();
  }
  if (!is_party) {
    return absl::PermissionDeniedError(
        "source: its agency is party to no agreement in force");
  }
  const absl::string_view value = has_purpose ? gateway : purpose;
  return absl::PermissionDeniedError(absl::StrCat(
      has_purpose ? "gateway: " : "purpose: ",
      value.empty() ? "missing"
                    : absl::StrCat(LooksLikeACode(value) ? value : "it",
                                   " is of no agreement in force that the "
                                   "publisher is party to")));
}

std::map<GrantCell, GroupMask> Agreements::CellsOf(
    absl::string_view name) const {
  std::map<GrantCell, GroupMask> cells;
  for (const auto& [type, rules] : rules_) {
    for (const Rule& rule : rules.rules) {
      if (rule.term->agreement.name() != name) continue;
      const bool by_level = rule.audience == policy::v1::AUDIENCE_PARTY;
      for (uint32_t level = 0; level <= (by_level ? kLevelMax : 0); ++level) {
        PersonPolicy person;
        person.level = level;
        if (by_level && !rule.IsAtLevel(person)) continue;
        for (const std::string& role : rule.grant->roles()) {
          cells[{rule.to, role, type, rule.audience, level, false}] |=
              rule.mask;
          if (rule.Covers(bus::v1::REGIME_PART3)) {
            cells[{rule.to, role, type, rule.audience, level, true}] |=
                rule.mask;
          }
        }
      }
    }
  }
  return cells;
}

uint64_t Agreements::NextChangeAfter(uint64_t now_us) const {
  const auto next =
      std::upper_bound(changes_us_.begin(), changes_us_.end(), now_us);
  return next == changes_us_.end() ? std::numeric_limits<uint64_t>::max()
                                   : *next;
}

bool ShowsHeaderGroup(const HeaderView& header, const EventType& type,
                      const Recipient& to, GroupMask granted) {
  if (granted == 0 || granted == kHeaderAlone) return false;
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
