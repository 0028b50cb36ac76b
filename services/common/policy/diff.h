// Two versions of an agreement, compared in plain words. PURE.
#ifndef CONCORDAT_SERVICES_COMMON_POLICY_DIFF_H_
#define CONCORDAT_SERVICES_COMMON_POLICY_DIFF_H_

#include <string>
#include <vector>

#include "concordat/policy/v1/agreement.pb.h"
#include "services/common/event/type_table.h"
#include "services/common/policy/policy.h"

namespace concordat {

// What changes for one role of an agency in one type, for one audience.
struct GrantChange {
  std::string agency;
  std::string role;
  std::string type;
  std::string audience;           // In words, with level and regime.
  std::vector<std::string> more;  // Groups in words.
  std::vector<std::string> less;
  friend bool operator==(const GrantChange&, const GrantChange&) = default;
};

// Who sees more and who less by `after` than by `before`, which both have loaded:
// by agency, role and type. What stays as it is is left out.
std::vector<GrantChange> DiffGrants(
    const TypeRegistry& types, const std::map<GrantCell, GroupMask>& before,
    const std::map<GrantCell, GroupMask>& after);

// What else differs: parties, period, purposes, gateways, whom to ring.
std::vector<std::string> DiffTerms(const policy::v1::Agreement& before,
                                   const policy::v1::Agreement& after);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_POLICY_DIFF_H_
