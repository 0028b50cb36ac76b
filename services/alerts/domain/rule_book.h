// The rules in force, checked and ready to be asked by event type. PURE.
//
// Threads  Immutable once built.
#ifndef CONCORDAT_SERVICES_ALERTS_DOMAIN_RULE_BOOK_H_
#define CONCORDAT_SERVICES_ALERTS_DOMAIN_RULE_BOOK_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/alerts/v1/rule.pb.h"
#include "services/common/event/type_table.h"

namespace concordat::alerts {

// One way for a rule to be met.
struct RuleLimb {
  std::string rule;
  uint32_t version = 0;
  uint64_t effective_us = 0;  // Acts on events accepted from then on.
  v1::Limb limb;
};

class RuleBook {
 public:
  //   INVALID_ARGUMENT  an unknown event type, no addressee, no event, a bad
  //                     date or severity, a rule twice; names rule and limb.
  static absl::StatusOr<RuleBook> Build(const std::vector<v1::Rule>& rules,
                                        const TypeRegistry& types);

  // Limbs that an event of this type may help to meet.
  const std::vector<const RuleLimb*>& Watching(absl::string_view type) const;
  // The limb, or null.
  const RuleLimb* Find(absl::string_view rule, absl::string_view limb) const;

 private:
  std::vector<std::unique_ptr<RuleLimb>> limbs_;
  absl::flat_hash_map<std::string, std::vector<const RuleLimb*>> by_type_;
};

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_DOMAIN_RULE_BOOK_H_
