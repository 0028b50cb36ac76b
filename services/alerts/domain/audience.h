// Who is told of an alert, and what of a fact each of them sees. PURE.
//
// Threads  One at a time.
#ifndef CONCORDAT_SERVICES_ALERTS_DOMAIN_AUDIENCE_H_
#define CONCORDAT_SERVICES_ALERTS_DOMAIN_AUDIENCE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "services/alerts/domain/alert.h"
#include "services/alerts/domain/deadlines.h"
#include "services/alerts/domain/fact.h"
#include "services/alerts/domain/rule_book.h"
#include "services/common/policy/policy.h"
#include "services/common/roles/role_directory.h"

namespace concordat::alerts {

class Audiences {
 public:
  // `arrangement` is the agency that co-ordinators act for.
  Audiences(std::shared_ptr<const TypeRegistry> types, std::string arrangement,
            std::shared_ptr<const Calendars> calendars)
      : types_(types),
        arrangement_(std::move(arrangement)),
        policy_(std::move(types)),
        roles_(std::move(calendars), London()) {}

  // Folds an event that may bear policy or say who answers for a role.
  //   INVALID_ARGUMENT  such an event that cannot be read.
  absl::Status Fold(const Header& header, absl::string_view data);

  bool CaseOpen(const PersonKey& person) const {
    return policy_.Of(person).case_open;
  }

  // Everyone whom the limb tells of this, in the rule's order: the owner first,
  // then who covers out of hours, then the chain. Nobody twice.
  std::vector<AlertAddressee> Resolve(const RuleLimb& limb, const Fact& trigger,
                                      uint64_t now_us) const;

  // The groups that an addressee sees of a fact by the newest policy. A feed's
  // silence is seen whole by those it is told to.
  GroupMask See(const Fact& fact, const AlertAddressee& who,
                uint64_t now_us) const;
  // Every group of an event like `like`, if its type were `type`. Who might not
  // see what would answer an absence cannot say that it is one.
  bool WouldSee(absl::string_view type, const Header& like,
                const AlertAddressee& who, uint64_t now_us) const;

 private:
  std::shared_ptr<const TypeRegistry> types_;
  std::string arrangement_;
  PolicyState policy_;
  RoleDirectory roles_;
};

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_DOMAIN_AUDIENCE_H_
