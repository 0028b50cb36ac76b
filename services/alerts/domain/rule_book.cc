#include "services/alerts/domain/rule_book.h"

#include <algorithm>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace concordat::alerts {
namespace {

constexpr absl::string_view kSeverities[] = {"CRITICAL", "HIGH", "MEDIUM",
                                             "LOW"};

absl::Status CheckLimb(const v1::Limb& limb, const TypeRegistry& types) {
  if (limb.to().empty()) return absl::InvalidArgumentError("has no addressee");
  if (limb.condition().events().empty()) {
    return absl::InvalidArgumentError("has no event");
  }
  if (std::find(std::begin(kSeverities), std::end(kSeverities),
                limb.severity()) == std::end(kSeverities)) {
    return absl::InvalidArgumentError("has no known severity");
  }
  for (const v1::Addressee& to : limb.to()) {
    if (to.role().empty() || to.agency().empty()) {
      return absl::InvalidArgumentError(
          "has an addressee without role or "
          "agency");
    }
  }
  for (const v1::EventPattern& pattern : limb.condition().events()) {
    if (pattern.types().empty() || pattern.words().empty()) {
      return absl::InvalidArgumentError("has an event without type or words");
    }
    for (const std::string& type : pattern.types()) {
      if (types.Find(type) == nullptr) {
        return absl::InvalidArgumentError(
            absl::StrCat("names ", type, ", which is no event type"));
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> EffectiveMicros(const std::string& date) {
  absl::CivilDay day;
  if (!absl::ParseCivilTime(date, &day)) {
    return absl::InvalidArgumentError("its effective date is not a date");
  }
  return static_cast<uint64_t>(
      absl::ToUnixMicros(absl::FromCivil(day, absl::UTCTimeZone())));
}

}  // namespace

absl::StatusOr<RuleBook> RuleBook::Build(const std::vector<v1::Rule>& rules,
                                         const TypeRegistry& types) {
  RuleBook book;
  std::set<std::string> seen;
  for (const v1::Rule& rule : rules) {
    const auto wrong = [&rule](absl::string_view what) {
      return absl::InvalidArgumentError(
          absl::StrCat("rule ", rule.id(), ": ", what));
    };
    if (rule.id().empty() || !seen.insert(rule.id()).second) {
      return wrong("has no id, or the id of another");
    }
    absl::StatusOr<uint64_t> effective = EffectiveMicros(rule.effective());
    if (!effective.ok()) return wrong(effective.status().message());
    for (const v1::Limb& limb : rule.limbs()) {
      if (absl::Status status = CheckLimb(limb, types); !status.ok()) {
        return wrong(absl::StrCat("limb ", limb.name(), " ", status.message()));
      }
      book.limbs_.push_back(std::make_unique<RuleLimb>(
          RuleLimb{rule.id(), rule.version(), *effective, limb}));
      std::set<std::string> watched;
      for (const v1::EventPattern& pattern : limb.condition().events()) {
        watched.insert(pattern.types().begin(), pattern.types().end());
      }
      for (const std::string& type : watched) {
        book.by_type_[type].push_back(book.limbs_.back().get());
      }
    }
  }
  return book;
}

const std::vector<const RuleLimb*>& RuleBook::Watching(
    absl::string_view type) const {
  static const std::vector<const RuleLimb*> none;
  const auto it = by_type_.find(type);
  return it == by_type_.end() ? none : it->second;
}

const RuleLimb* RuleBook::Find(absl::string_view rule,
                               absl::string_view limb) const {
  for (const auto& known : limbs_) {
    if (known->rule == rule && known->limb.name() == limb) return known.get();
  }
  return nullptr;
}

}  // namespace concordat::alerts
