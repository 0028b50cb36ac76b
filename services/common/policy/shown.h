// The two steps that make a view of a whole event: what is granted of its groups is
// copied, and the header group's text goes unless ShowsHeaderGroup(). Whoever shows
// an event, or answers from one, goes through these (deploy/cmake/Views.cmake). PURE.
#ifndef CONCORDAT_SERVICES_COMMON_POLICY_SHOWN_H_
#define CONCORDAT_SERVICES_COMMON_POLICY_SHOWN_H_

#include <vector>

#include "services/common/event/event.h"
#include "services/common/policy/policy.h"

namespace concordat {

// Appends those of `whole` that `granted` has, which are each {number, data, salt},
// and returns which they were: an erased group is not there to be shown.
template <typename Groups, typename Group>
GroupMask CopyGranted(const Groups& whole, GroupMask granted,
                      std::vector<Group>& shown) {
  GroupMask copied = 0;
  for (const auto& group : whole) {
    const auto bit = static_cast<GroupMask>(1u << group.number);
    if ((granted & bit) == 0) continue;
    shown.push_back({group.number, group.data, group.salt});
    copied = static_cast<GroupMask>(copied | bit);
  }
  return copied;
}

template <typename String>
void HideHeaderGroup(BasicHeader<String>& header) {
  header.on_behalf_of = {};
  header.correlation = {};
  header.causation = {};
}

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_POLICY_SHOWN_H_
