#ifndef CONCORDAT_SERVICES_BUS_EVIDENCE_TREE_THREAD_H_
#define CONCORDAT_SERVICES_BUS_EVIDENCE_TREE_THREAD_H_

#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/bus/evidence/log_tree.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"
#include "services/common/base/ticker.h"
#include "services/common/telemetry/health.h"

namespace concordat::bus {

// Follows the log with its tree: closely, so that it has not to read the log back
// from the disk, with a checkpoint each second, and to the disk each minute, for the
// tree can be made anew from the log. Who publishes and reads goes first: the thread
// is a nice one.
//
// Threads  One of its own. Judge: any.
class TreeThread {
 public:
  static constexpr absl::Duration kTakeInEvery = absl::Milliseconds(100);
  static constexpr absl::Duration kSignEvery = absl::Seconds(1);
  static constexpr absl::Duration kFlushEvery = absl::Seconds(60);

  // A new checkpoint, or a newly cosigned one; on the thread, must not wait.
  using OnCheckpoint = std::function<void(const LogTree::View&)>;

  // Both outlive it.
  TreeThread(LogTree& tree, const SteadyClock& clock,
             OnCheckpoint on_checkpoint);
  ~TreeThread();  // Ends after a last Flush().

  //   code "tree"  critical: no checkpoint is signed, or it does not follow
  void Judge(Troubles& troubles) const;

 private:
  absl::Status Step();

  LogTree& tree_;
  const SteadyClock& clock_;
  const OnCheckpoint on_checkpoint_;
  uint64_t told_size_ = 0;
  absl::Duration signed_at_;
  absl::Duration flushed_at_;

  mutable Mutex mu_;
  absl::Status last_ ABSL_GUARDED_BY(mu_);
  bool is_nice_ = false;
  Ticker ticker_;  // Last: it uses the others.
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_EVIDENCE_TREE_THREAD_H_
