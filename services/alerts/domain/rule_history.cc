#include "services/alerts/domain/rule_history.h"

#include <algorithm>
#include <utility>

#include "concordat/alerts/v1/rule.pb.h"
#include "services/common/base/bytes.h"
#include "services/common/base/check.h"
#include "services/common/crypto/sha256.h"

namespace concordat::alerts {

void SortRules(std::vector<v1::Rule>& rules) {
  std::sort(rules.begin(), rules.end(), [](const auto& a, const auto& b) {
    return std::pair(a.id(), a.version()) < std::pair(b.id(), b.version());
  });
}

std::string DigestOf(std::vector<v1::Rule> rules) {
  SortRules(rules);
  std::string bytes = "concordat/rules/1";
  for (const v1::Rule& rule : rules) {
    const std::string one = rule.SerializeAsString();
    PutNumber(bytes, static_cast<uint64_t>(one.size()));
    bytes += one;
  }
  const Sha256Hash hash = Sha256::Of(bytes);
  return std::string(AsView(hash));
}

RuleHistory::RuleHistory(RuleBook first, WantedFields wanted,
                         std::shared_ptr<const TypeRegistry> types,
                         std::shared_ptr<const LimitClocks> clocks)
    : types_(std::move(types)),
      clocks_(std::move(clocks)),
      wanted_(std::move(wanted)) {
  first.AddWanted(wanted_);
  versions_.push_back(
      {Sequence{}, std::make_unique<const RuleBook>(std::move(first))});
}

void RuleHistory::Agree(const hub::v1::ApprovalGiven& given) {
  if (given.kind() == kRuleAct) {
    agreed_.push_back(
        {given.request(), given.digest(), given.asked_by(), given.by()});
  }
}

absl::StatusOr<bool> RuleHistory::Adopt(const hub::v1::RulesAdopted& adopted,
                                        Sequence place, uint64_t accepted_us) {
  const auto agreed = std::find_if(
      agreed_.begin(), agreed_.end(),
      [&](const Agreed& each) { return each.digest == adopted.digest(); });
  if (adopted.content().empty()) {
    if (agreed != agreed_.end()) agreed_.erase(agreed);
    return false;
  }
  std::vector<v1::Rule> rules;
  for (const std::string& one : adopted.content()) {
    if (!rules.emplace_back().ParseFromString(one)) {
      return absl::InvalidArgumentError("adopted rules cannot be read");
    }
  }
  if (agreed == agreed_.end() || DigestOf(rules) != adopted.digest()) {
    return absl::FailedPreconditionError(
        "adopted rules are not what two people agreed to");
  }
  // What was agreed before it and not used is not used any more: it would put back
  // what has been replaced since.
  Agreed by = std::move(*agreed);
  agreed_.erase(agreed_.begin(), agreed + 1);
  auto book = RuleBook::Build(rules, *types_, *clocks_,
                              newest().first_index() + newest().size());
  if (!book.ok()) return book.status();
  widened_ |= book->AddWanted(wanted_);
  versions_.push_back({place,
                       std::make_unique<const RuleBook>(*std::move(book)),
                       accepted_us, std::move(by)});
  return true;
}

const v1::Rule* RuleHistory::Version::Find(absl::string_view id) const {
  const auto& rules = book->rules();
  const auto found =
      std::find_if(rules.begin(), rules.end(),
                   [id](const v1::Rule& rule) { return rule.id() == id; });
  return found == rules.end() ? nullptr : &*found;
}

std::vector<RuleHistory::Standing> RuleHistory::StandingAt(
    uint64_t now_us) const {
  std::vector<Standing> all;
  for (const v1::Rule& rule : newest().rules()) {
    const std::string bytes = rule.SerializeAsString();
    const auto other = std::find_if(
        versions_.rbegin(), versions_.rend(), [&](const Version& version) {
          const v1::Rule* const was = version.Find(rule.id());
          return was == nullptr || was->SerializeAsString() != bytes;
        });
    const Version& since = *std::prev(other);
    Standing& standing = all.emplace_back();
    standing.from_us = since.from_us;
    standing.from = since.from;
    standing.agreed = since.agreed;
    // As Watching() goes back.
    const auto acts = std::find_if(
        versions_.rbegin(), versions_.rend(), [&](const Version& version) {
          return !version.book->NotEffectiveAt(now_us).contains(rule.id());
        });
    if (acts == versions_.rbegin() || acts == versions_.rend()) continue;
    const v1::Rule* const then = acts->Find(rule.id());
    if (then != nullptr) standing.acts_until_then = then->version();
  }
  return all;
}

RuleLimbs RuleHistory::Watching(absl::string_view type, Sequence place,
                                uint64_t accepted_us) const {
  RuleLimbs acting;
  // Of the version after, whose day has not come.
  std::set<std::string> waits;
  bool newest = true;
  for (auto version = versions_.rbegin(); version != versions_.rend();
       ++version) {
    if (version->from > place) continue;
    for (const RuleLimb* limb : version->book->Watching(type)) {
      if ((newest || waits.contains(limb->rule)) &&
          accepted_us >= limb->effective_us) {
        acting.push_back(limb);
      }
    }
    std::set<std::string> still = version->book->NotEffectiveAt(accepted_us);
    if (!newest) {
      std::erase_if(still, [&](const std::string& rule) {
        return !waits.contains(rule);
      });
    }
    if (still.empty()) break;
    waits = std::move(still);
    newest = false;
  }
  return acting;
}

bool RuleHistory::Answers(absl::string_view type) const {
  return std::any_of(versions_.begin(), versions_.end(),
                     [&](const Version& version) {
                       return !version.book->Answered(type).empty();
                     });
}

const std::set<std::string>* RuleHistory::Wanted(absl::string_view type) const {
  const auto found = wanted_.find(type);
  return found == wanted_.end() ? nullptr : &found->second;
}

const RuleHistory::Version& RuleHistory::VersionOf(size_t index) const {
  const auto found = std::find_if(
      versions_.begin(), versions_.end(), [index](const Version& version) {
        return index < version.book->first_index() + version.book->size();
      });
  CONCORDAT_CHECK(found != versions_.end());
  return *found;
}

const RuleLimb* RuleHistory::At(size_t index) const {
  return VersionOf(index).book->At(index);
}

RuleLimbs RuleHistory::FamilyOf(size_t index) const {
  const Version& version = VersionOf(index);
  const RuleLimb& limb = *version.book->At(index);
  RuleLimbs family = version.book->Family(limb.rule, limb.family);
  // Each of them may have added to what the alert rests on.
  for (auto later = versions_.rbegin(); &*later != &version; ++later) {
    const RuleLimbs added = later->book->Family(limb.rule, limb.family);
    family.insert(family.end(), added.begin(), added.end());
  }
  return family;
}

}  // namespace concordat::alerts
