#include "services/bus/evidence/stamp_thread.h"

namespace concordat::bus {

StampThread::StampThread(StampKeeper& keeper, const LogTree& tree,
                         const SteadyClock& clock)
    : keeper_(keeper), tree_(tree), clock_(clock), thread_([this] { Run(); }) {}

StampThread::~StampThread() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  thread_.join();
}

void StampThread::Run() {
  while (true) {
    const LogTree::View view = tree_.Now();
    if (view.note != nullptr) keeper_.Step(*view.note, clock_.Elapsed());
    MutexLock lock(mu_);
    if (wake_.WaitFor(mu_, kEvery, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
          return stopping_;
        })) {
      return;
    }
  }
}

}  // namespace concordat::bus
