#ifndef CONCORDAT_SERVICES_BUS_EVIDENCE_STAMP_THREAD_H_
#define CONCORDAT_SERVICES_BUS_EVIDENCE_STAMP_THREAD_H_

#include <thread>

#include "absl/base/thread_annotations.h"
#include "services/bus/evidence/log_tree.h"
#include "services/bus/evidence/stamp_keeper.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"

namespace concordat::bus {

// Looks each second whether a checkpoint is to be stamped. A thread of its own,
// for the authority may be slow.
class StampThread {
 public:
  static constexpr absl::Duration kEvery = absl::Seconds(1);

  // All outlive it.
  StampThread(StampKeeper& keeper, const LogTree& tree,
              const SteadyClock& clock);
  ~StampThread();

 private:
  void Run();

  StampKeeper& keeper_;
  const LogTree& tree_;
  const SteadyClock& clock_;
  Mutex mu_;
  CondVar wake_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;  // Last: it uses the others.
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_EVIDENCE_STAMP_THREAD_H_
