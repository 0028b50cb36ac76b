// Whose turn it is: what is urgent, then what is near the log's end, then one that
// catches up.
#include <algorithm>
#include <utility>

#include "services/bus/delivery/delivery_core.h"

namespace concordat::bus {
namespace {

// Ends of the log within this count as one, and no more of them are kept.
constexpr absl::Duration kEndEvery = absl::Milliseconds(1);
constexpr size_t kEndsMax = 4096;

}  // namespace

bool DeliveryCore::Work(absl::Duration now) {
  now_ = now;
  LookAtNames();
  NoteEnd();
  urgent_.clear();
  live_.clear();
  behind_.clear();
  // A turn may end its own session, or name, and no other.
  const auto line_up = [&](Cursor& cursor, bool urgent, const Runner& runner) {
    cursor.is_behind = IsBehind(cursor);
    (urgent ? urgent_ : cursor.is_behind ? behind_ : live_).push_back(runner);
  };
  for (auto& [session, sub] : subscriptions_) {
    if (sub.singly == nullptr) line_up(sub.cursor, sub.urgent, {&sub, nullptr});
  }
  for (auto& [key, singly] : singly_) {
    line_up(singly.cursor, false, {nullptr, &singly});
    // What amends does not wait until others have caught up.
    if (singly.cursor.is_behind && HasAmendment(singly)) {
      live_.push_back(behind_.back());
      behind_.pop_back();
    }
  }
  bool more = false;
  for (const Runner& runner : urgent_) more |= TurnOf(runner, now).more;
  // Each in rotation, until so much is done.
  const auto rotate = [&](const std::vector<Runner>& runners, size_t& next,
                          size_t cost_max) {
    size_t cost = 0;
    size_t turns = 0;
    while (turns < runners.size() && cost < cost_max) {
      const Turned turned =
          TurnOf(runners[(next + turns) % runners.size()], now);
      ++turns;
      cost += turned.cost;
      more |= turned.more;
    }
    more |= turns < runners.size();
    next = runners.empty() ? 0 : (next + turns) % runners.size();
  };
  rotate(live_, next_live_, kWorkViews);
  rotate(behind_, next_behind_, 1);
  return more;
}

DeliveryCore::Turned DeliveryCore::TurnOf(const Runner& runner,
                                          absl::Duration now) {
  return runner.one != nullptr ? Turn(*runner.one, now)
                               : TurnSingly(*runner.singly, now);
}

bool DeliveryCore::IsBehind(const Cursor& cursor) const {
  return !cursor.backfills.empty() ||
         (cursor.scan < EndOf(cursor) &&
          RecentWith({cursor.scan.value + 1}) == nullptr);
}

void DeliveryCore::NoteEnd() {
  Sequence done = fold_.folded();
  bool has_urgent = false;
  for (const auto& [session, sub] : subscriptions_) {
    if (!sub.urgent || sub.ended) continue;
    has_urgent = true;
    done = std::min(done, sub.place.acknowledged);
  }
  if (!has_urgent) return ends_.clear();
  const bool is_new =
      ends_.empty() || (fold_.folded() > ends_.back().first &&
                        now_ >= ends_.back().second + kEndEvery);
  if (is_new && ends_.size() < kEndsMax) {
    ends_.push_back({fold_.folded(), now_});
  }
  while (!ends_.empty() && ends_.front().first <= done) ends_.pop_front();
}

absl::Duration DeliveryCore::UrgentLag() const {
  return ends_.empty() ? absl::ZeroDuration() : now_ - ends_.front().second;
}

}  // namespace concordat::bus
