#include "adapters/core/spool_worker.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace concordat::edge {
namespace {

// How long a blocked worker leaves the oldest message alone.
constexpr absl::Duration kBlockedPause = absl::Milliseconds(50);

}  // namespace

std::optional<PublishOutcome> SpoolWorker::Publish(std::vector<Event> set) {
  const auto outcomes =
      PublishAndWait(publisher_, std::move(set), publish_timeout_);
  if (!outcomes.ok() || outcomes->empty()) return std::nullopt;
  for (const PublishOutcome& outcome : *outcomes) {
    if (outcome.accepted) continue;
    if (IsPassing(outcome.refusal)) return std::nullopt;
    return outcome;
  }
  MutexLock lock(mu_);
  last_published_ = outcomes->back().sequence;
  return outcomes->back();
}

SpoolWorker::Step SpoolWorker::RunAct() {
  std::optional<Act> act = store_.OldestAct();
  if (!act.has_value()) {
    act =
        store_.Overdue(static_cast<uint64_t>(absl::ToUnixMicros(clock_.Now())));
    if (!act.has_value()) return Step::kIdle;
    act->by = events_.source();
    return store_.Begin(*std::move(act)).ok() ? Step::kDone : Step::kBlocked;
  }
  auto set = events_.MakeSet(*act);
  absl::Status ended;
  if (set.ok()) {
    const auto outcome = Publish(*std::move(set));
    if (!outcome.has_value()) return Step::kBlocked;
    ended = store_.End(act->number, outcome->accepted, outcome->detail,
                       outcome->sequence);
  } else {
    ended = store_.End(act->number, false, set.status().message(), Sequence{});
  }
  return ended.ok() ? Step::kDone : Step::kBlocked;
}

SpoolWorker::Step SpoolWorker::RunMessage() {
  const std::optional<WaitingMessage> message = store_.Oldest();
  if (!message.has_value()) return Step::kIdle;
  if (auto judged = store_.FindJudged(message->number)) {
    return PublishMessage(*message, *std::move(judged));
  }
  return JudgeMessage(*message);
}

SpoolWorker::Step SpoolWorker::JudgeMessage(const WaitingMessage& message) {
  Judgement judgement = judge_(message);
  if (judgement.wait) return Step::kBlocked;
  if (judgement.tell) {
    const absl::Status told = judgement.tell();
    if (absl::IsUnavailable(told) || absl::IsDeadlineExceeded(told)) {
      return Step::kBlocked;
    }
    if (!told.ok()) {
      judgement.verdict.outcome = v1::OUTCOME_HELD;
      judgement.verdict.reason = "identity refused it";
    }
  }
  if (judgement.made.empty()) {
    const absl::Status finished =
        store_.Finish(message.number, judgement.verdict);
    return finished.ok() ? Step::kDone : Step::kBlocked;
  }
  const absl::Status judged =
      store_.Judge(message.number, judgement.verdict, judgement.made);
  if (!judged.ok()) return Step::kBlocked;
  return PublishMessage(
      message, {std::move(judgement.verdict), std::move(judgement.made)});
}

SpoolWorker::Step SpoolWorker::PublishMessage(const WaitingMessage& message,
                                              Judged judged) {
  std::vector<Event> set;
  absl::Status made;
  for (const v1::MadeEvent& each : judged.made) {
    absl::StatusOr<Event> event = events_.Make(each);
    made.Update(event.status());
    if (event.ok()) set.push_back(*std::move(event));
  }
  if (made.ok()) {
    const auto outcome = Publish(std::move(set));
    if (!outcome.has_value()) return Step::kBlocked;
    if (!outcome->accepted) {
      judged.verdict.outcome = v1::OUTCOME_HELD;
      judged.verdict.reason = "the hub refused it";
    }
  } else {
    judged.verdict.outcome = v1::OUTCOME_HELD;
    judged.verdict.reason = "it breaks a rule of its event";
  }
  const absl::Status finished = store_.Finish(message.number, judged.verdict);
  return finished.ok() ? Step::kDone : Step::kBlocked;
}

SpoolWorker::Step SpoolWorker::RunOnce() {
  const Step act = RunAct();
  const Step message = RunMessage();
  if (act == Step::kDone || message == Step::kDone) return Step::kDone;
  return std::max(act, message);
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
