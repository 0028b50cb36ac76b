// The rules over the life of a log: those that the alerts service began with, and
// each version of them that the log says was adopted, from its place on. PURE.
//
// Adopted   hub.v1.RulesAdopted with the rules themselves, to exactly which two
//           people had agreed before (hub.v1.ApprovalGiven, kind "rule"). One
//           without them is of a hub that kept its rules outside the log: it
//           changes nothing.
// Acts      A version, on what is accepted after its adoption and, rule by rule,
//           not before the day from which it is effective: until then the version
//           before acts in its place. What a version has begun, an alert or the
//           wait for an absence, lives by that version.
//
// Threads   One at a time.
#ifndef CONCORDAT_SERVICES_ALERTS_DOMAIN_RULE_HISTORY_H_
#define CONCORDAT_SERVICES_ALERTS_DOMAIN_RULE_HISTORY_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "concordat/alerts/v1/rule.pb.h"
#include "concordat/hub/v1/approval.pb.h"
#include "services/alerts/domain/rule_book.h"
#include "services/common/base/ids.h"

namespace concordat::alerts {

// The kind of act by which two people agree to rules.
inline constexpr char kRuleAct[] = "rule";

// SHA-256 over all of them, in whatever order they come.
std::string DigestOf(std::vector<v1::Rule> rules);
// The same, in the order in which the digest has them.
void SortRules(std::vector<v1::Rule>& rules);

class RuleHistory {
 public:
  // `wanted`: what later versions will ask for, as far as that is known.
  RuleHistory(RuleBook first, WantedFields wanted,
              std::shared_ptr<const TypeRegistry> types,
              std::shared_ptr<const LimitClocks> clocks);

  // The next event of its type.
  void Agree(const hub::v1::ApprovalGiven& given);
  // True: they are in force from `place` on, which was accepted then.
  //   FAILED_PRECONDITION  nobody agreed to them, or they are others.
  //   INVALID_ARGUMENT     they cannot be read, or are wrong: says which.
  absl::StatusOr<bool> Adopt(const hub::v1::RulesAdopted& adopted,
                             Sequence place, uint64_t accepted_us);

  // Those in force.
  const RuleBook& newest() const { return *versions_.back().book; }
  // Agreements to rules that were not adopted: the request's id and the digest.
  struct Agreed {
    std::string request;
    std::string digest;
    std::string asked_by;  // Principals.
    std::string by;
  };
  const std::vector<Agreed>& agreed() const { return agreed_; }
  // How a rule of newest() came to be in force: by the first adoption since which it
  // is as it is.
  struct Standing {
    uint64_t from_us = 0;  // Log time; 0: it is one of the first.
    Sequence from;
    Agreed agreed;
    // Its day has not come: the version that acts until then; 0: none.
    uint32_t acts_until_then = 0;
  };
  // In the order of newest().rules(). `now_us` is log time.
  std::vector<Standing> StandingAt(uint64_t now_us) const;
  // A version asks for fields that those of before did not: facts that were read
  // before it lack them, unless all is folded again, with wanted().
  bool widened() const { return widened_; }
  const WantedFields& wanted() const { return wanted_; }

  // Limbs of the versions that act on an event of this type at that place,
  // accepted then, and that it may help to meet.
  RuleLimbs Watching(absl::string_view type, Sequence place,
                     uint64_t accepted_us) const;
  // Some version has a limb whose absence an event of this type answers.
  bool Answers(absl::string_view type) const;
  // The fields of this type that some limb asks for; null: no limb cares.
  const std::set<std::string>* Wanted(absl::string_view type) const;
  // By RuleLimb::index.
  const RuleLimb* At(size_t index) const;
  // Limbs that share an alert which was raised by this one: those of its version,
  // and then those of the newest.
  RuleLimbs FamilyOf(size_t index) const;

 private:
  struct Version {
    Sequence from;
    std::unique_ptr<const RuleBook> book;
    uint64_t from_us = 0;
    Agreed agreed = {};  // Nobody: of the first.

    // Null: it has none of that id.
    const v1::Rule* Find(absl::string_view id) const;
  };
  const Version& VersionOf(size_t index) const;

  std::shared_ptr<const TypeRegistry> types_;
  std::shared_ptr<const LimitClocks> clocks_;
  std::vector<Version> versions_;
  std::vector<Agreed> agreed_;
  WantedFields wanted_;
  bool widened_ = false;
};

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_DOMAIN_RULE_HISTORY_H_
