// Which facts meet a condition, for somebody who sees part of them. Facts count
// by their own time. PURE.
#ifndef CONCORDAT_SERVICES_ALERTS_DOMAIN_WINDOWS_H_
#define CONCORDAT_SERVICES_ALERTS_DOMAIN_WINDOWS_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "concordat/alerts/v1/rule.pb.h"
#include "services/alerts/domain/fact.h"

namespace concordat::alerts {

// The groups of a fact that the one who is judged for sees; 0: not even that it
// is there.
using Sight = absl::FunctionRef<GroupMask(const Fact&)>;

// Facts that meet the condition with `trigger` among them, in log order; none: it
// is not met. An absence is not asked: what starts it is what comes back.
std::vector<const Fact*> Meet(const v1::Condition& condition,
                              const Fact& trigger, const Facts& facts,
                              Sight sight);

// Index of the first pattern that the fact is of, off or not; -1: none.
int FirstPattern(const v1::Condition& condition, const Fact& fact,
                 GroupMask seen);

// The incident a fact tells of: the same for every message about it.
std::string IncidentOf(const v1::Count& count, const Fact& fact,
                       GroupMask seen);

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_DOMAIN_WINDOWS_H_
