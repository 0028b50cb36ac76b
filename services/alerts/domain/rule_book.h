// The rules in force, checked and ready to be asked by event type. PURE.
//
// Threads  Immutable once built.
#ifndef CONCORDAT_SERVICES_ALERTS_DOMAIN_RULE_BOOK_H_
#define CONCORDAT_SERVICES_ALERTS_DOMAIN_RULE_BOOK_H_

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/alerts/v1/rule.pb.h"
#include "services/common/calendar/limit_clocks.h"
#include "services/common/event/type_table.h"

namespace concordat::alerts {

// One way for a rule to be met.
struct RuleLimb {
  std::string rule;
  uint32_t version = 0;
  uint64_t effective_us = 0;  // Acts on events accepted from then on.
  std::string calendar;
  std::string family;  // Limbs of the rule with the same one share an alert.
  size_t index = 0;    // In the book.
  google::protobuf::RepeatedPtrField<v1::CodeWords> codes;
  v1::Limb limb;

  // How this value of a field reads in a sentence.
  std::string InWords(absl::string_view field, absl::string_view value) const;
  // The clock to accept after this step of the chain; beyond those of the rule:
  // the last.
  const v1::Clock& AcceptAt(uint32_t step) const;
  const v1::Condition& condition() const { return limb.condition(); }
  std::string Name() const { return rule + "/" + limb.name(); }
};

using RuleLimbs = std::vector<const RuleLimb*>;

class RuleBook {
 public:
  //   INVALID_ARGUMENT  an unknown event type or clock, no addressee, event or
  //                     sentence, a bad date, severity, clock or absence, a rule
  //                     twice; names rule and limb.
  static absl::StatusOr<RuleBook> Build(const std::vector<v1::Rule>& rules,
                                        const TypeRegistry& types,
                                        const LimitClocks& clocks);

  // Limbs that an event of this type may help to meet.
  const RuleLimbs& Watching(absl::string_view type) const;
  // Limbs whose absence an event of this type answers.
  const RuleLimbs& Answered(absl::string_view type) const;
  // The fields of this type that some limb asks for; null: no limb cares.
  const std::set<std::string>* Wanted(absl::string_view type) const;
  // The limb, or null.
  const RuleLimb* Find(absl::string_view rule, absl::string_view limb) const;
  // Those of the rule that share an alert.
  RuleLimbs Family(absl::string_view rule, absl::string_view family) const;
  const std::vector<v1::Rule>& rules() const { return rules_; }

 private:
  struct Watch {
    RuleLimbs met_by;
    RuleLimbs answered;
    std::set<std::string> wanted;
  };
  void Add(std::unique_ptr<RuleLimb> limb);

  std::vector<v1::Rule> rules_;
  std::vector<std::unique_ptr<RuleLimb>> limbs_;
  absl::flat_hash_map<std::string, Watch> by_type_;
};

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_DOMAIN_RULE_BOOK_H_
