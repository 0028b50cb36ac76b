// Who is told of an alert, and what of a fact each of them sees. PURE.
//
// Threads  One at a time.
#ifndef CONCORDAT_SERVICES_ALERTS_DOMAIN_AUDIENCE_H_
#define CONCORDAT_SERVICES_ALERTS_DOMAIN_AUDIENCE_H_

#include <memory>
#include <optional>
#include <set>
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

// Of the registry: who may publish which types.
struct TypePublisher {
  std::string agency;
  bus::v1::Regime regime = bus::v1::REGIME_UNSPECIFIED;
  std::string types;  // Full name, or "concordat.police.v1.*".
};

class Audiences {
 public:
  // `arrangement` is the agency that co-ordinators act for.
  Audiences(std::shared_ptr<const TypeRegistry> types, std::string arrangement,
            std::vector<TypePublisher> publishers,
            std::shared_ptr<const Calendars> calendars)
      : types_(types),
        arrangement_(std::move(arrangement)),
        publishers_(std::move(publishers)),
        policy_(std::move(types)),
        roles_(std::move(calendars), London()) {}

  // Folds an event that may bear policy or say who answers for a role.
  //   INVALID_ARGUMENT  such an event that cannot be read.
  absl::Status Fold(const Header& header, absl::string_view data);

  bool CaseOpen(const PersonKey& person) const {
    return policy_.Of(person).case_open;
  }

  // Everyone whom the limb tells of this, in the rule's order: the owner first,
  // then who covers out of hours, then the chain: the rule's steps, and from the
  // last of them on as the role directory goes, to somebody who is there at all
  // hours. Nobody twice.
  std::vector<AlertAddressee> Resolve(const RuleLimb& limb, const Fact& trigger,
                                      uint64_t now_us) const;

  // Controllers that have restricted what they told of the person.
  const std::set<std::string>& RestrictedOf(const PersonKey& person) const {
    return policy_.Of(person).restricted_controllers;
  }
  bool IsRestricted(const Fact& fact) const {
    return !fact.header.subject.empty() &&
           RestrictedOf(fact.header.subject).count(fact.header.controller) > 0;
  }

  // The groups that an addressee sees of a fact by the newest policy. What is
  // restricted is used for nobody, its controller's own roles neither. A feed's
  // silence is seen whole by those it is told to.
  // With a purpose: for one of them who asks for it.
  GroupMask See(const Fact& fact, const AlertAddressee& who, uint64_t now_us,
                const std::optional<std::string>& purpose = {}) const;
  // The same if nothing of the person were restricted.
  GroupMask SeeUnrestricted(const Fact& fact, const AlertAddressee& who,
                            uint64_t now_us,
                            const std::optional<std::string>& purpose) const;
  // Every group of an event like `like`, if its type were `type` and nothing of the
  // person were restricted. Who might not see what would answer an absence cannot say
  // that it is one. `purpose` as See().
  bool WouldSee(absl::string_view type, const Header& like,
                const AlertAddressee& who, uint64_t now_us,
                const std::optional<std::string>& purpose = {}) const;
  // Every purpose of an agreement that was ever adopted.
  const std::set<std::string>& purposes() const { return purposes_; }

  // The lines of agreements by which an addressee sees a fact.
  std::vector<std::string> Lines(
      const Fact& fact, const AlertAddressee& who, uint64_t now_us,
      const std::optional<std::string>& purpose) const;
  // Whether there is a record of the person to the caller: the lists that the lead
  // agency set have it in. With no name: to whoever has its roles. Who answers for no
  // alerts is asked for as what it speaks as.
  bool Allows(const PersonKey& person, const AlertCaller& caller) const;
  // What of the types that are published the caller does not see of this person,
  // whether or not there is any of it.
  std::set<std::string> NotShared(const PersonKey& person,
                                  const AlertCaller& caller,
                                  uint64_t now_us) const;
  // Of a person of whom its agency is told the most that it can be, the caller
  // would see something of this type from this source.
  bool MightSee(absl::string_view type, absl::string_view source,
                const AlertCaller& caller, uint64_t now_us) const;
  // Those of the directory.
  std::vector<RoleName> RolesOf(absl::string_view agency,
                                uint64_t now_us) const;

 private:
  GroupMask GrantedUnrestricted(
      const HeaderView& header, const AlertAddressee& who, uint64_t now_us,
      const std::optional<std::string>& purpose) const;
  // What any of the caller's roles is granted.
  GroupMask Granted(const HeaderView& header, const AlertCaller& caller,
                    const PersonPolicy& person, uint64_t now_us) const;

  std::shared_ptr<const TypeRegistry> types_;
  std::string arrangement_;
  std::vector<TypePublisher> publishers_;
  PolicyState policy_;
  std::set<std::string> purposes_;
  RoleDirectory roles_;
};

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_DOMAIN_AUDIENCE_H_
