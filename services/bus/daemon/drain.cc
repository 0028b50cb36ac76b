#include "services/bus/daemon/drain.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace concordat::bus {

void Drain::Begin(absl::Time now, std::string why) {
  MutexLock lock(mu_);
  state_.why = std::move(why);
  if (state_.phase != Phase::kTaking) return;
  state_.phase = Phase::kDraining;
  state_.since = now;
  still_since_ = absl::InfiniteDuration();
  phase_ = state_.phase;
}

void Drain::End() {
  MutexLock lock(mu_);
  state_ = {};
  phase_ = state_.phase;
}

void Drain::Step(const View& view) {
  MutexLock lock(mu_);
  if (state_.phase != Phase::kDraining) return;
  uint64_t moved = view.end.value;
  state_.behind.clear();
  for (const SubscriptionInfo& info : view.subscriptions) {
    if (!info.connected || info.paused) continue;
    moved += info.acknowledged.value;
    if (info.acknowledged >= view.end) continue;
    state_.behind.push_back(absl::StrCat(
        SubscriptionKey(info.agency, info.role, info.name), " is behind by ",
        view.end.value - info.acknowledged.value, " events"));
  }
  if (still_since_ == absl::InfiniteDuration() || moved != moved_) {
    still_since_ = view.now;
    moved_ = moved;
  }
  const bool all_read =
      view.folded >= view.end && view.stored && state_.behind.empty();
  if (view.owes || (!all_read && view.now - still_since_ < patience_)) {
    return;
  }
  state_.phase = Phase::kDrained;
  phase_ = state_.phase;
}

Drain::State Drain::state() const {
  MutexLock lock(mu_);
  return state_;
}

std::string Drain::words() const {
  MutexLock lock(mu_);
  return absl::StrCat("the bus takes no events for now: ", state_.why);
}

Admission Drain::ingest() const {
  switch (phase()) {
    case Phase::kTaking:
      return Admission::kAll;
    case Phase::kDraining:
      return Admission::kHubServices;
    case Phase::kDrained:
      return Admission::kNobody;
  }
  return Admission::kAll;
}

Admission Drain::delivery() const {
  return phase() == Phase::kTaking ? Admission::kAll : Admission::kHubServices;
}

}  // namespace concordat::bus
