#include "adapters/core/spool_worker.h"

#include <utility>
#include <vector>

namespace concordat::edge {
namespace {

// How long a blocked worker leaves the oldest message alone.
constexpr absl::Duration kBlockedPause = absl::Milliseconds(50);

// The same event may be taken later.
bool IsPassing(bus::v1::Refusal refusal) {
  return refusal == bus::v1::REFUSAL_READ_ONLY ||
         refusal == bus::v1::REFUSAL_OVER_CREDIT ||
         refusal == bus::v1::REFUSAL_SHUTTING_DOWN;
}

}  // namespace

bool SpoolWorker::Publish(Event event, Verdict& verdict) {
  std::vector<Event> set;
  set.push_back(std::move(event));
  const auto outcomes =
      PublishAndWait(publisher_, std::move(set), publish_timeout_);
  if (!outcomes.ok() || outcomes->size() != 1) return false;
  const PublishOutcome& outcome = outcomes->front();
  if (outcome.accepted) {
    MutexLock lock(mu_);
    last_published_ = outcome.sequence;
    return true;
  }
  if (IsPassing(outcome.refusal)) return false;
  verdict.outcome = v1::OUTCOME_HELD;
  verdict.reason = "the hub refused it";
  return true;
}

SpoolWorker::Step SpoolWorker::RunOnce() {
  const std::optional<WaitingMessage> message = store_.Oldest();
  if (!message.has_value()) return Step::kIdle;
  Judgement judgement = judge_(*message);
  if (judgement.wait) return Step::kBlocked;
  if (judgement.event.has_value() &&
      !Publish(*std::move(judgement.event), judgement.verdict)) {
    return Step::kBlocked;
  }
  const absl::Status finished =
      store_.Finish(message->number, judgement.verdict);
  return finished.ok() ? Step::kDone : Step::kBlocked;
}

void SpoolWorker::Run() {
  while (true) {
    store_.WaitForWork(absl::Seconds(1));
    const Step step = RunOnce();
    MutexLock lock(mu_);
    if (step == Step::kBlocked) {
      stopped_.WaitFor(
          mu_, kBlockedPause,
          [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopping_; });
    }
    if (stopping_) return;
  }
}

void SpoolWorker::Stop() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    stopped_.NotifyAll();
  }
  store_.StopWaiting();
}

Sequence SpoolWorker::last_published() const {
  MutexLock lock(mu_);
  return last_published_;
}

}  // namespace concordat::edge
