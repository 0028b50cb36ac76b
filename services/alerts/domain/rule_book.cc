#include "services/alerts/domain/rule_book.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "services/alerts/domain/fact.h"
#include "services/alerts/domain/sentence.h"

namespace concordat::alerts {
namespace {

constexpr absl::string_view kSeverities[] = {"CRITICAL", "HIGH", "MEDIUM",
                                             "LOW"};
using Patterns = google::protobuf::RepeatedPtrField<v1::EventPattern>;
using Addressees = google::protobuf::RepeatedPtrField<v1::Addressee>;

absl::Status Wrong(absl::string_view what) {
  return absl::InvalidArgumentError(what);
}

// What every limb of a rule is checked against.
struct Checks {
  const TypeRegistry& types;
  const LimitClocks& clocks;
  bool calendar = false;  // The rule has one.
};

absl::Status CheckClock(const v1::Clock& clock, const Checks& checks) {
  if (!clock.id().empty()) {
    if (clock.length() != 0) return Wrong("has a clock of two lengths");
    return checks.clocks.Find(clock.id(), absl::InfiniteFuture()).status();
  }
  if (clock.length() == 0 ||
      clock.unit() == policy::v1::CLOCK_UNIT_UNSPECIFIED ||
      !policy::v1::ClockUnit_IsValid(clock.unit())) {
    return Wrong("has a clock without length or unit");
  }
  const bool working = clock.unit() == policy::v1::CLOCK_UNIT_WORKING_DAYS ||
                       clock.unit() == policy::v1::CLOCK_UNIT_WORKING_HOURS;
  if (working && !checks.calendar) {
    return Wrong("counts working time, and its rule has no calendar");
  }
  return absl::OkStatus();
}

absl::Status CheckAddressees(const Addressees& to) {
  for (const v1::Addressee& addressee : to) {
    if (addressee.role().empty() || addressee.agency().empty()) {
      return Wrong("has an addressee without role or agency");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckPatterns(const Patterns& patterns,
                           const TypeRegistry& types) {
  for (const v1::EventPattern& pattern : patterns) {
    if (pattern.types().empty() || pattern.words().empty()) {
      return Wrong("has an event without type or words");
    }
    for (const std::string& type : pattern.types()) {
      if (types.Find(type) == nullptr) {
        return Wrong(absl::StrCat("names ", type, ", which is no event type"));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CheckCondition(const v1::Condition& condition,
                            const Checks& checks) {
  if (condition.events().empty()) return Wrong("has no event");
  absl::Status status = CheckPatterns(condition.events(), checks.types);
  if (condition.has_count() && condition.count().at_least() == 0) {
    return Wrong("counts to nothing");
  }
  if (!condition.has_absence()) return status;
  const v1::Absence& absence = condition.absence();
  if (condition.events_size() != 1 || condition.has_count()) {
    return Wrong("has an absence after other than one event");
  }
  if (absence.of().empty() || absence.words().empty()) {
    return Wrong("has an absence of nothing, or without words");
  }
  if (status.ok()) status = CheckPatterns(absence.of(), checks.types);
  if (status.ok()) status = CheckClock(absence.deadline(), checks);
  return status;
}

absl::Status CheckLimb(const v1::Limb& limb, const Checks& checks) {
  if (limb.to().empty()) return Wrong("has no addressee");
  if (limb.headline().empty() || limb.why().empty()) {
    return Wrong("does not say what happened, or why it tells");
  }
  if (limb.condition().has_absence() && limb.headline_not_known().empty()) {
    return Wrong("does not say what is not known");
  }
  if (std::find(std::begin(kSeverities), std::end(kSeverities),
                limb.severity()) == std::end(kSeverities)) {
    return Wrong("has no known severity");
  }
  absl::Status status = CheckCondition(limb.condition(), checks);
  const auto check_clock = [&](bool there, const v1::Clock& clock) {
    if (status.ok() && there) status = CheckClock(clock, checks);
  };
  check_clock(limb.has_accept(), limb.accept());
  check_clock(limb.has_act(), limb.act());
  if (status.ok()) status = CheckAddressees(limb.to());
  if (limb.has_out_of_hours()) {
    if (!checks.calendar) {
      return Wrong("has hours, and its rule has no calendar");
    }
    check_clock(true, limb.out_of_hours().accept());
    if (status.ok()) status = CheckAddressees(limb.out_of_hours().to());
  }
  for (const v1::Escalation& next : limb.escalate()) {
    if (next.to().empty()) return Wrong("escalates to nobody");
    check_clock(next.has_accept(), next.accept());
    if (status.ok()) status = CheckAddressees(next.to());
  }
  if (limb.escalate_size() > 0 && !limb.has_accept()) {
    return Wrong("escalates, and has no limit to accept");
  }
  return status;
}

absl::StatusOr<uint64_t> EffectiveMicros(const std::string& date) {
  absl::CivilDay day;
  if (!absl::ParseCivilTime(date, &day)) {
    return Wrong("its effective date is not a date");
  }
  return static_cast<uint64_t>(
      absl::ToUnixMicros(absl::FromCivil(day, absl::UTCTimeZone())));
}

// NAME of each {field:NAME}.
void AddFieldsOf(absl::string_view words, std::set<std::string>* wanted) {
  constexpr absl::string_view kOpen = "{field:";
  for (size_t at = words.find(kOpen); at != absl::string_view::npos;
       at = words.find(kOpen, at + 1)) {
    const size_t start = at + kOpen.size();
    const size_t end = words.find('}', start);
    if (end == absl::string_view::npos) return;
    wanted->insert(std::string(words.substr(start, end - start)));
  }
}

}  // namespace

std::string RuleLimb::InWords(absl::string_view field,
                              absl::string_view value) const {
  for (const v1::CodeWords& known : codes) {
    if (known.field() == field && known.code() == value) return known.words();
  }
  return CodeInWords(value);
}

const v1::Clock& RuleLimb::AcceptAt(uint32_t step) const {
  const int known = std::min(static_cast<int>(step), limb.escalate_size());
  return known == 0 ? limb.accept() : limb.escalate(known - 1).accept();
}

absl::StatusOr<RuleBook> RuleBook::Build(const std::vector<v1::Rule>& rules,
                                         const TypeRegistry& types,
                                         const LimitClocks& clocks,
                                         size_t first_index) {
  RuleBook book;
  book.rules_ = rules;
  book.first_index_ = first_index;
  std::set<std::string> seen;
  for (const v1::Rule& rule : rules) {
    const auto wrong = [&rule](absl::string_view what) {
      return Wrong(absl::StrCat("rule ", rule.id(), ": ", what));
    };
    if (rule.id().empty() || !seen.insert(rule.id()).second) {
      return wrong("has no id, or the id of another");
    }
    absl::StatusOr<uint64_t> effective = EffectiveMicros(rule.effective());
    if (!effective.ok()) return wrong(effective.status().message());
    std::set<std::string> names;
    const Checks checks{types, clocks, !rule.calendar().empty()};
    for (const v1::Limb& limb : rule.limbs()) {
      absl::Status status = CheckLimb(limb, checks);
      if (status.ok() && !names.insert(limb.name()).second) {
        status = Wrong("is there twice");
      }
      if (!status.ok()) {
        return wrong(absl::StrCat("limb ", limb.name(), " ", status.message()));
      }
      auto made = std::make_unique<RuleLimb>();
      made->rule = rule.id();
      made->version = rule.version();
      made->effective_us = *effective;
      made->calendar = rule.calendar();
      made->family = limb.family().empty() ? limb.name() : limb.family();
      made->codes = rule.codes();
      made->limb = limb;
      book.Add(std::move(made));
    }
  }
  return book;
}

void RuleBook::Add(std::unique_ptr<RuleLimb> limb) {
  const v1::Condition& condition = limb->condition();
  std::set<std::string> met_by, answered;
  const auto want = [&](const Patterns& patterns, std::set<std::string>& into) {
    for (const v1::EventPattern& pattern : patterns) {
      for (const std::string& type : pattern.types()) {
        into.insert(type);
        std::set<std::string>& wanted = by_type_[type].wanted;
        for (const auto& where : pattern.where()) wanted.insert(where.field());
        AddFieldsOf(pattern.words(), &wanted);
        AddFieldsOf(pattern.taken_back(), &wanted);
        AddFieldsOf(limb->limb.headline(), &wanted);
        AddFieldsOf(limb->limb.headline_not_known(), &wanted);
        wanted.insert(condition.count().incident_field());
        wanted.insert(condition.absence().same_field());
        wanted.insert({"contactAgency", "contactRole", "due", "parties",
                       "source", kAmendmentReason});
      }
    }
  };
  want(condition.events(), met_by);
  want(condition.absence().of(), answered);
  limb->index = first_index_ + limbs_.size();
  for (const std::string& type : met_by) {
    by_type_[type].met_by.push_back(limb.get());
  }
  for (const std::string& type : answered) {
    by_type_[type].answered.push_back(limb.get());
  }
  limbs_.push_back(std::move(limb));
}

const RuleLimbs& RuleBook::Watching(absl::string_view type) const {
  static const RuleLimbs none;
  const auto it = by_type_.find(type);
  return it == by_type_.end() ? none : it->second.met_by;
}

const RuleLimbs& RuleBook::Answered(absl::string_view type) const {
  static const RuleLimbs none;
  const auto it = by_type_.find(type);
  return it == by_type_.end() ? none : it->second.answered;
}

bool RuleBook::AddWanted(WantedFields& to) const {
  bool added = false;
  for (const auto& [type, watch] : by_type_) {
    const auto [fields, first] = to.try_emplace(type);
    added |= first;
    for (const std::string& field : watch.wanted) {
      added |= fields->second.insert(field).second;
    }
  }
  return added;
}

std::set<std::string> RuleBook::NotEffectiveAt(uint64_t at_us) const {
  std::set<std::string> rules;
  for (const auto& limb : limbs_) {
    if (at_us < limb->effective_us) rules.insert(limb->rule);
  }
  return rules;
}

RuleLimbs RuleBook::Family(absl::string_view rule,
                           absl::string_view family) const {
  RuleLimbs result;
  for (const auto& known : limbs_) {
    if (known->rule == rule && known->family == family) {
      result.push_back(known.get());
    }
  }
  return result;
}

}  // namespace concordat::alerts
