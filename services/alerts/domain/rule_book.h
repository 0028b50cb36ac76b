// The rules in force, checked and ready to be asked by event type. PURE.
//
// Threads  Immutable once built.
#ifndef CONCORDAT_SERVICES_ALERTS_DOMAIN_RULE_BOOK_H_
#define CONCORDAT_SERVICES_ALERTS_DOMAIN_RULE_BOOK_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
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
  size_t index = 0;    // Over all books of a history.
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
// Of events that rules look at, by type: the fields that some limb asks for.
using WantedFields = std::map<std::string, std::set<std::string>, std::less<>>;

class RuleBook {
 public:
  //   INVALID_ARGUMENT  an unknown event type or clock, no addressee, event or
  //                     sentence, a bad date, severity, clock or absence, a rule
  //                     twice; names rule and limb.
  static absl::StatusOr<RuleBook> Build(const std::vector<v1::Rule>& rules,
                                        const TypeRegistry& types,
                                        const LimitClocks& clocks,
                                        size_t first_index = 0);

  // Limbs that an event of this type may help to meet.
  const RuleLimbs& Watching(absl::string_view type) const;
  // Limbs whose absence an event of this type answers.
  const RuleLimbs& Answered(absl::string_view type) const;
  // Adds the types and fields that some limb asks for; true: there were new ones.
  bool AddWanted(WantedFields& to) const;
  // Rules of which the day from which they are effective is after this moment.
  std::set<std::string> NotEffectiveAt(uint64_t at_us) const;
  // By its index, which is one of this book's: first_index() and on, size() of them.
  const RuleLimb* At(size_t index) const {
    return limbs_[index - first_index_].get();
  }
  size_t first_index() const { return first_index_; }
  size_t size() const { return limbs_.size(); }
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
  size_t first_index_ = 0;
  std::vector<std::unique_ptr<RuleLimb>> limbs_;
  absl::flat_hash_map<std::string, Watch> by_type_;
};

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_DOMAIN_RULE_BOOK_H_
