#include "services/bus/oversight/person_lists.h"

namespace concordat::bus {

absl::StatusOr<bool> PersonLists::Allow(const Recipient& to,
                                        const PersonKey& person) {
  if (to.envelopes_only() || person.empty()) return true;
  MutexLock lock(mu_);
  if (const absl::Status caught_up = fold_.CatchUp(log_); !caught_up.ok()) {
    return caught_up;
  }
  return fold_.policy().Of(person).Allows(to);
}

}  // namespace concordat::bus
