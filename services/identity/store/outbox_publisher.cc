#include "services/identity/store/outbox_publisher.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "services/common/base/mutex.h"
#include "services/common/event/make_event.h"

namespace concordat::identity {
namespace {

// How long a full publisher or a failed disk is left alone.
constexpr absl::Duration kRetryAfter = absl::Milliseconds(200);

}  // namespace

struct OutboxPublisher::State {
  Mutex mu;
  CondVar changed;
  bool stop ABSL_GUARDED_BY(mu) = false;
  bool woken ABSL_GUARDED_BY(mu) = true;  // What an earlier process left.
  bool retry ABSL_GUARDED_BY(mu) = false;
  bool stalled ABSL_GUARDED_BY(mu) = false;     // Nothing came in a whole wait.
  int64_t handed_over ABSL_GUARDED_BY(mu) = 0;  // Every entry up to this one.
  int in_flight ABSL_GUARDED_BY(mu) = 0;
  std::map<int64_t, PublishOutcome> answers ABSL_GUARDED_BY(mu);
  std::map<int64_t, std::string> refused ABSL_GUARDED_BY(mu);
  std::set<int64_t> again ABSL_GUARDED_BY(mu);
  std::multimap<int64_t, std::optional<Sequence>> waiters ABSL_GUARDED_BY(mu);

  void Answer(int64_t id, PublishOutcome outcome) {
    MutexLock lock(mu);
    answers[id] = std::move(outcome);
    stalled = false;
    --in_flight;
    changed.NotifyAll();
  }
};

OutboxPublisher::OutboxPublisher(IdentityStore& store, Publisher& publisher,
                                 std::shared_ptr<const TypeRegistry> types,
                                 std::string source, const Logger& log)
    : store_(store),
      publisher_(publisher),
      types_(std::move(types)),
      source_(std::move(source)),
      log_(log),
      state_(std::make_shared<State>()),
      thread_([this] { Run(); }) {}

OutboxPublisher::~OutboxPublisher() {
  {
    MutexLock lock(state_->mu);
    state_->stop = true;
    state_->changed.NotifyAll();
  }
  thread_.join();
}

void OutboxPublisher::Wake() {
  MutexLock lock(state_->mu);
  state_->woken = true;
  state_->changed.NotifyAll();
}

int OutboxPublisher::refused() const {
  MutexLock lock(state_->mu);
  return static_cast<int>(state_->refused.size());
}

void OutboxPublisher::SendAgain(int64_t outbox_id) {
  MutexLock lock(state_->mu);
  if (state_->refused.erase(outbox_id) == 0) return;
  state_->again.insert(outbox_id);
  state_->woken = true;
  state_->changed.NotifyAll();
}

absl::StatusOr<Sequence> OutboxPublisher::WaitFor(int64_t outbox_id,
                                                  absl::Duration timeout) {
  State& state = *state_;
  // Before looking: what is noted after the look is told to the waiter.
  const auto waiter = [&] {
    MutexLock lock(state.mu);
    return state.waiters.emplace(outbox_id, std::nullopt);
  }();
  absl::StatusOr<std::optional<Sequence>> noted = store_.PositionOf(outbox_id);

  MutexLock lock(state.mu);
  if (noted.ok() && !noted->has_value()) {
    if (state.stalled) timeout = std::min(timeout, kStalledWait);
    const bool settled = state.changed.WaitFor(
        state.mu, timeout, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
          return state.stop || waiter->second.has_value() ||
                 state.refused.count(outbox_id) > 0;
        });
    state.stalled = !settled;
    *noted = waiter->second;
  }
  state.waiters.erase(waiter);
  if (!noted.ok()) return std::move(noted).status();
  if (noted->has_value()) return **noted;
  const auto refusal = state.refused.find(outbox_id);
  if (refusal != state.refused.end()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the bus refused the event: ", refusal->second));
  }
  return absl::UnavailableError(
      "kept, and not in the log yet; ask again with the same request id");
}

void OutboxPublisher::HandOver(const OutboxEntry& entry) {
  const int64_t id = entry.id;
  Header header = entry.header;
  header.source = source_;
  absl::StatusOr<Event> event =
      MakeEvent(*types_, std::move(header), entry.message, entry.seed);
  absl::Status handed = event.status();
  {
    MutexLock lock(state_->mu);
    ++state_->in_flight;
  }
  if (handed.ok()) {
    handed = publisher_.Publish(
        {*std::move(event)},
        [state = state_, id](std::vector<PublishOutcome> outcomes) {
          state->Answer(id, outcomes.empty() ? PublishOutcome()
                                             : std::move(outcomes.front()));
        });
    if (handed.ok()) return;
  }
  MutexLock lock(state_->mu);
  --state_->in_flight;
  if (event.ok()) {  // The publisher is full or closed: later.
    state_->again.insert(id);
    state_->retry = true;
  } else {
    state_->refused[id] = std::string(handed.message());
    state_->changed.NotifyAll();
  }
}

void OutboxPublisher::Run() {
  State& state = *state_;
  for (;;) {
    std::map<int64_t, PublishOutcome> answers;
    std::set<int64_t> again;
    int64_t after;
    int room;
    {
      MutexLock lock(state.mu);
      const absl::Duration wait =
          state.retry ? kRetryAfter : absl::InfiniteDuration();
      state.changed.WaitFor(
          state.mu, wait, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
            return state.stop || !state.answers.empty() ||
                   (state.woken && state.in_flight < kInFlightMax);
          });
      if (state.stop) return;
      answers.swap(state.answers);
      again.swap(state.again);
      state.woken = false;
      state.retry = false;
      after = state.handed_over;
      room = kInFlightMax - state.in_flight;
    }
    for (const auto& [id, outcome] : answers) {
      absl::Status marked = outcome.accepted
                                ? store_.MarkPublished(id, outcome.sequence)
                                : absl::OkStatus();
      MutexLock lock(state.mu);
      if (!marked.ok()) {  // It is a duplicate when it is sent again.
        log_.Error("cannot note a publish", {{"status", marked.ToString()}});
        state.again.insert(id);
        state.retry = true;
      } else if (!outcome.accepted && IsPassing(outcome.refusal)) {
        state.again.insert(id);
        state.retry = true;
      } else if (!outcome.accepted) {
        log_.Error("the bus refused an event",
                   {{"refusal", static_cast<int>(outcome.refusal)}});
        state.refused[id] = outcome.detail;
      } else {
        const auto [first, last] = state.waiters.equal_range(id);
        for (auto it = first; it != last; ++it) it->second = outcome.sequence;
      }
      state.changed.NotifyAll();
    }
    std::vector<OutboxEntry> entries;
    absl::Status read;
    for (const int64_t id : again) {
      auto one = store_.PendingOutbox(id - 1, 1);
      if (!one.ok()) read = one.status();
      if (one.ok() && !one->empty() && one->front().id == id) {
        entries.push_back(std::move(one->front()));
      }
    }
    bool more = false;
    if (room > 0) {
      auto fresh = store_.PendingOutbox(after, room);
      if (!fresh.ok()) {
        read = fresh.status();
      } else {
        more = static_cast<int>(fresh->size()) == room;
        if (!fresh->empty()) after = fresh->back().id;
        std::move(fresh->begin(), fresh->end(), std::back_inserter(entries));
      }
    }
    for (const OutboxEntry& entry : entries) HandOver(entry);
    MutexLock lock(state.mu);
    state.handed_over = after;
    if (more) state.woken = true;
    if (!read.ok()) {
      log_.Error("cannot read the outbox", {{"status", read.ToString()}});
      state.again.insert(again.begin(), again.end());
      state.retry = state.woken = true;
    }
  }
}

}  // namespace concordat::identity
