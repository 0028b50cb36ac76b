// The policy that the log folds to, and what each policy event changed, so that
// it can be shown to those who may see more now. PURE; for one thread.
#ifndef CONCORDAT_SERVICES_BUS_DELIVERY_POLICY_FOLD_H_
#define CONCORDAT_SERVICES_BUS_DELIVERY_POLICY_FOLD_H_

#include <cstdint>
#include <deque>
#include <memory>

#include "absl/status/status.h"
#include "services/bus/log/event_log.h"
#include "services/common/policy/policy.h"

namespace concordat::bus {

// Before the event at `cause` the policy was this; after it, the next one's.
struct PolicyChange {
  Sequence cause;
  PersonKey person;  // Nobody: it was about everybody.
  PersonPolicy before;
  PersonPolicy after;
  std::shared_ptr<const Agreements> agreements_before;
  uint64_t before_us = 0;
  // The same event also began a day on which an agreement starts or ends: what
  // that shows is shown for the change before this one.
  bool after_new_day = false;

  bool everybody() const { return person.empty(); }
};

class PolicyFold {
 public:
  explicit PolicyFold(std::shared_ptr<const TypeRegistry> types)
      : types_(types), policy_(std::move(types)) {}

  // Takes an agreement into force before the first event.
  //   INVALID_ARGUMENT  as Agreements::With.
  absl::Status Adopt(const policy::v1::Agreement& agreement) {
    return policy_.Adopt(agreement);
  }
  // For who shows nothing of the past again: keeps no changes from now on.
  void ForgetChanges() {
    keeps_changes_ = false;
    changes_.clear();
  }
  // Folds the events of the log that are not folded yet.
  //   DATA_LOSS  a stored block is damaged, or a policy event cannot be read.
  absl::Status CatchUp(const EventLog& log);
  // Folds a block that is durable. It begins at folded() + 1 or before it.
  //   DATA_LOSS  as above. Stop then: who may see what is not known.
  absl::Status Fold(const EventBlock& block);

  const PolicyState& policy() const { return policy_; }
  // Everything up to here is folded.
  Sequence folded() const { return folded_; }
  // acceptedtime of the newest event: the time policy is judged at.
  uint64_t now_us() const { return now_us_; }
  // Every change so far, in order. Elements stay where they are.
  const std::deque<PolicyChange>& changes() const { return changes_; }

  GroupMask Granted(const StoredEvent& event, const Recipient& to) const {
    return policy_.Granted(event.header, to, now_us_);
  }
  // What goes out of it to `to`: to the operator an envelope, which is a mask that
  // is not 0, and to nobody anything that retention removed.
  GroupMask Shown(const StoredEvent& event, const Recipient& to) const {
    if (event.removed_us != 0) return 0;
    return to.envelopes_only() ? kEnvelope : Granted(event, to);
  }
  // What `to` was granted of it just before `change`.
  GroupMask GrantedBefore(const PolicyChange& change, const StoredEvent& event,
                          const Recipient& to) const;

 private:
  static constexpr GroupMask kEnvelope = 1;

  // Counts as folded what the log knows, without reading it, to hold no policy.
  absl::Status PassOver(const EventLog& log);

  const std::shared_ptr<const TypeRegistry> types_;
  PolicyState policy_;
  Sequence folded_;
  uint64_t now_us_ = 0;
  bool keeps_changes_ = true;
  std::deque<PolicyChange> changes_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DELIVERY_POLICY_FOLD_H_
