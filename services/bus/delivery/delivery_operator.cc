// What an operator does with subscriptions, and what is done for one: names that
// nobody uses expire, one that lags and does not move is told.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/bus/delivery/delivery_core.h"

namespace concordat::bus {
namespace {

// How often names and progress are looked at; and how old `used_us` may be.
constexpr absl::Duration kLookEvery = absl::Seconds(1);
constexpr absl::Duration kUseEvery = absl::Hours(24);

absl::Status NoSuchName() {
  return absl::NotFoundError("there is no such subscription");
}

}  // namespace

std::string SubscriptionKey(absl::string_view agency, absl::string_view role,
                            absl::string_view name) {
  return absl::StrCat(agency, "/", role, "/", name);
}

uint64_t DeliveryCore::real_us() const {
  return static_cast<uint64_t>(
      std::max<int64_t>(0, absl::ToUnixMicros(options_.started + now_)));
}

void DeliveryCore::SetPlace(const std::string& key, const Place& place) {
  dirty_.removed.erase(key);
  dirty_.places[key] = places_[key] = place;
}

void DeliveryCore::Took(const std::string& key,
                        const std::optional<Place>& place) {
  if (place.has_value()) {
    places_[key] = *place;
  } else {
    places_.erase(key);
  }
}

void DeliveryCore::Refresh(Places stored, const std::set<std::string>& own) {
  for (const std::string& key : own) {
    stored.erase(key);
    const auto here = places_.find(key);
    if (here != places_.end()) stored.insert(*here);
  }
  places_ = std::move(stored);
}

bool DeliveryCore::IsAhead(absl::string_view log_id, Sequence at) const {
  if (log_id != log_id_ || at <= fold_.folded()) return false;
  // In this order: once nobody else writes, the log has all that was written.
  return options_.follows() || at <= log_.Status().end;
}

bool DeliveryCore::IsUsed(const std::string& key) const {
  return holders_.contains(key) || singly_.contains(key);
}

absl::StatusOr<std::vector<Row>> DeliveryCore::RowsOf(
    const std::string& key) const {
  const auto live = singly_.find(key);
  if (live != singly_.end()) return live->second.settlement.Rows();
  const auto place = places_.find(key);
  if (place == places_.end()) return NoSuchName();
  return place->second.rows;
}

absl::Status DeliveryCore::Change(const std::string& key,
                                  absl::FunctionRef<void(Settlement&)> change) {
  const auto live = singly_.find(key);
  if (live != singly_.end()) {
    change(live->second.settlement);
    SetPlace(key, PlaceOf(live->second));
  } else {
    const auto place = places_.find(key);
    if (place == places_.end()) return NoSuchName();
    Settlement settlement = SettlementOf(place->second);
    change(settlement);
    SetPlace(key, settlement.place(place->second.scanned));
  }
  dirty_.is_waited_for = true;
  return absl::OkStatus();
}

absl::StatusOr<size_t> DeliveryCore::Redrive(const std::string& key,
                                             absl::Span<const uint64_t> rows) {
  size_t done = 0;
  const absl::Duration apart = absl::Seconds(1) / options_.redrive_per_s;
  const absl::Status changed = Change(key, [&](Settlement& settlement) {
    for (const uint64_t row : rows) {
      done += settlement.Redrive(row, apart * static_cast<int64_t>(done));
    }
  });
  if (!changed.ok()) return changed;
  return done;
}

absl::StatusOr<size_t> DeliveryCore::Park(const std::string& key,
                                          absl::Span<const uint64_t> rows) {
  size_t done = 0;
  const absl::Status changed = Change(key, [&](Settlement& settlement) {
    for (const uint64_t row : rows) done += settlement.Park(row);
  });
  if (!changed.ok()) return changed;
  return done;
}

absl::Status DeliveryCore::SetPaused(const std::string& key, bool paused) {
  const auto holder = holders_.find(key);
  if (holder == holders_.end() || singly_.count(key) > 0) {
    return Change(key, [&](Settlement& each) { each.Pause(paused); });
  }
  Subscription& sub = subscriptions_.at(holder->second);
  if (!sub.durable) return NoSuchName();
  sub.place.paused = paused;
  MarkDirty(sub);
  dirty_.is_waited_for = true;
  return absl::OkStatus();
}

absl::Status DeliveryCore::MayRemove(const std::string& key) const {
  const auto place = places_.find(key);
  if (place == places_.end()) return NoSuchName();
  if (holders_.count(key) > 0 || singly_.count(key) > 0) {
    return absl::FailedPreconditionError("somebody is connected under it");
  }
  if (!place->second.rows.empty()) {
    return absl::FailedPreconditionError(
        "events of it wait, are set aside or parked");
  }
  return absl::OkStatus();
}

absl::Status DeliveryCore::Remove(const std::string& key) {
  const absl::Status may = MayRemove(key);
  if (!may.ok()) return may;
  places_.erase(key);
  dirty_.places.erase(key);
  dirty_.removed.insert(key);
  dirty_.is_waited_for = true;
  return absl::OkStatus();
}

std::map<std::string, Sequence> DeliveryCore::FirstNeeded() const {
  std::map<std::string, Sequence> needed;
  const auto look = [&](const std::string& key, const Place& place) {
    Sequence first = {place.acknowledged.value + 1};
    for (const Row& row : place.rows) first = std::min(first, row.id.sequence);
    needed[key] = first;
  };
  for (const auto& [key, place] : places_) look(key, place);
  for (const auto& [key, singly] : singly_) look(key, PlaceOf(singly));
  // Whom nothing was to be shown is further than what it acknowledged last.
  for (const auto& [key, session] : holders_) {
    const Subscription& sub = subscriptions_.at(session);
    if (sub.durable && sub.singly == nullptr) look(key, sub.place);
  }
  return needed;
}

void DeliveryCore::Forget() {
  const auto forget = [](Cursor& cursor) {
    cursor.reading = {};
    for (Backfill& backfill : cursor.backfills) backfill.reading = {};
  };
  recent_.clear();
  recent_bytes_ = 0;
  for (auto& [session, sub] : subscriptions_) forget(sub.cursor);
  for (auto& [key, singly] : singly_) forget(singly.cursor);
  for (auto& [key, recipient] : recipients_) recipient.judged.clear();
}

void DeliveryCore::LookAtNames() {
  if (now_ - looked_at_ < kLookEvery) return;
  looked_at_ = now_;
  const uint64_t now_us = real_us();
  const auto age = [&](const Place& place) {
    return absl::Microseconds(
        static_cast<int64_t>(now_us - std::min(now_us, place.used_us)));
  };
  for (auto& [key, place] : places_) {
    if (holders_.count(key) == 0 && singly_.count(key) == 0) {
      // A name from before times were kept is as if it were used now.
      if (place.used_us == 0) {
        place.used_us = now_us;
        dirty_.places[key] = place;
      } else if (age(place) >= options_.expire_after && MayRemove(key).ok() &&
                 !options_.never_expires(key)) {
        expired_.insert(key);
      }
      continue;
    }
    if (age(place) < kUseEvery) continue;
    const auto live = singly_.find(key);
    if (live != singly_.end()) {
      live->second.settlement.Use(now_us);
      live->second.dirty = true;
    } else if (Subscription& sub = subscriptions_.at(holders_.at(key));
               sub.durable) {
      sub.place.used_us = now_us;
      MarkDirty(sub);
    }
  }
  LookAtProgress();
}

void DeliveryCore::LookAtProgress() {
  std::map<std::string, Progress> before = std::exchange(progress_, {});
  const auto look = [&](const std::string& key, Sequence at, bool paused) {
    const auto last = before.find(key);
    const bool stands = last != before.end() && last->second.at == at &&
                        at < fold_.folded() && !paused;
    progress_[key] = stands ? last->second : Progress{at, now_};
  };
  for (const auto& [key, place] : places_) {
    look(key, place.acknowledged, place.paused);
  }
  for (const auto& [key, singly] : singly_) {
    look(key, singly.settlement.acknowledged(), singly.settlement.paused());
  }
  // With those that keep a place of their own.
  for (const auto& [key, session] : holders_) {
    const Place& place = subscriptions_.at(session).place;
    look(key, place.acknowledged, place.paused);
  }
}

absl::Duration DeliveryCore::StalledSince(const std::string& key) const {
  const auto progress = progress_.find(key);
  if (progress == progress_.end() ||
      now_ - progress->second.since < options_.stalled_after) {
    return -absl::InfiniteDuration();
  }
  return progress->second.since;
}

}  // namespace concordat::bus
