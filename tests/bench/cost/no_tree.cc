// A log that no tree follows.
#include <utility>

#include "services/bus/evidence/tree_thread.h"

namespace concordat::bus {

TreeThread::TreeThread(LogTree& tree, const SteadyClock& clock,
                       OnCheckpoint on_checkpoint)
    : tree_(tree), clock_(clock), on_checkpoint_(std::move(on_checkpoint)) {}

TreeThread::~TreeThread() { tree_.Stop(); }

void TreeThread::Judge(Troubles&) const {}

}  // namespace concordat::bus
