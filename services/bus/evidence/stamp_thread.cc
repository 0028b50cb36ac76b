#include "services/bus/evidence/stamp_thread.h"

namespace concordat::bus {

StampThread::StampThread(StampKeeper& keeper, const LogTree& tree,
                         const SteadyClock& clock) {
  ticker_.Start(absl::ZeroDuration(), [&keeper, &tree, &clock] {
    const LogTree::View view = tree.Now();
    if (view.note != nullptr) keeper.Step(*view.note, clock.Elapsed());
    return kEvery;
  });
}

}  // namespace concordat::bus
