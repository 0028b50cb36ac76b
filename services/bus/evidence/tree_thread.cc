#include "services/bus/evidence/tree_thread.h"

#include <sys/resource.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace concordat::bus {
namespace {

constexpr int kNiceness = 10;

}  // namespace

TreeThread::TreeThread(LogTree& tree, const SteadyClock& clock,
                       OnCheckpoint on_checkpoint)
    : tree_(tree),
      clock_(clock),
      on_checkpoint_(std::move(on_checkpoint)),
      signed_at_(clock.Elapsed() - kSignEvery),
      flushed_at_(clock.Elapsed()) {
  ticker_.Start(absl::ZeroDuration(), [this] {
    absl::Status status = Step();
    const bool goes_on = status.ok() && tree_.is_behind();
    MutexLock lock(mu_);
    last_ = std::move(status);
    return goes_on ? absl::ZeroDuration() : kTakeInEvery;
  });
}

TreeThread::~TreeThread() {
  tree_.Stop();
  ticker_.Stop();
  // What is not flushed is made anew: nobody waits for it to be written twice.
  tree_.Flush().IgnoreError();
}

absl::Status TreeThread::Step() {
  if (!std::exchange(is_nice_, true)) {
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness);
  }
  if (clock_.Elapsed() - signed_at_ < kSignEvery) return tree_.TakeIn();
  signed_at_ = clock_.Elapsed();
  absl::Status status = tree_.Follow();
  const LogTree::View view = tree_.Now();
  if (view.note != nullptr && view.checkpoint.size != told_size_) {
    told_size_ = view.checkpoint.size;
    on_checkpoint_(view);
  }
  if (status.ok() && clock_.Elapsed() - flushed_at_ >= kFlushEvery) {
    flushed_at_ = clock_.Elapsed();
    status = tree_.Flush();
  }
  return status;
}

void TreeThread::Judge(Troubles& troubles) const {
  MutexLock lock(mu_);
  if (last_.ok()) return;
  const char* const what = absl::IsDataLoss(last_)
                               ? "no checkpoint is signed: "
                               : "the tree does not follow the log: ";
  troubles.push_back({"tree", "", absl::StrCat(what, last_.message()), true});
}

}  // namespace concordat::bus
