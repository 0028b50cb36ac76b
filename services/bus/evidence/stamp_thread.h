#ifndef CONCORDAT_SERVICES_BUS_EVIDENCE_STAMP_THREAD_H_
#define CONCORDAT_SERVICES_BUS_EVIDENCE_STAMP_THREAD_H_

#include "absl/time/time.h"
#include "services/bus/evidence/log_tree.h"
#include "services/bus/evidence/stamp_keeper.h"
#include "services/common/base/clock.h"
#include "services/common/base/ticker.h"

namespace concordat::bus {

// Looks each second whether a checkpoint is to be stamped. A thread of its own,
// for the authority may be slow.
class StampThread {
 public:
  static constexpr absl::Duration kEvery = absl::Seconds(1);

  // All outlive it.
  StampThread(StampKeeper& keeper, const LogTree& tree,
              const SteadyClock& clock);

 private:
  Ticker ticker_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_EVIDENCE_STAMP_THREAD_H_
