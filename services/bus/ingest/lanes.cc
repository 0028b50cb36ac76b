#include "services/bus/ingest/lanes.h"

#include <algorithm>
#include <utility>

#include "services/common/event/amends.h"
#include "services/common/event/codec.h"

namespace concordat::bus {
namespace {

constexpr absl::Duration kSecond = absl::Seconds(1);

// What cannot be read amends nothing: its judgement says so.
bool HoldsAmendment(const SessionEvent& event) {
  if (event.what != SessionEvent::What::kBody ||
      event.kind != FrameKind::kPublish) {
    return false;
  }
  const auto events = DecodeBatch(event.body.view);
  return events.ok() &&
         std::any_of(events->begin(), events->end(),
                     [](const EventView& each) { return Amends(each.header); });
}

}  // namespace

void Lanes::Count(Session& session, uint64_t events, absl::Duration now) const {
  if (now >= session.second + kSecond) {
    const bool is_next = now < session.second + 2 * kSecond;
    session.before = is_next ? session.published : 0;
    session.published = 0;
    session.second = is_next ? session.second + kSecond : now;
  }
  session.published += events;
}

bool Lanes::IsBulk(const Session& session) const {
  return !session.exempt && (session.waiting > 0 ||
                             session.published > options_.bulk_events_per_s ||
                             session.before > options_.bulk_events_per_s);
}

void Lanes::Push(SessionEvent event, absl::Duration now) {
  const SessionId id = event.session;
  Session& session = sessions_[id];
  if (event.what == SessionEvent::What::kOpened) {
    // Alerts themselves come from a hub service, and wait for nobody.
    session.exempt = event.principal->has_process();
  }
  Count(session, event.events, now);
  if (!IsBulk(session)) {
    if (event.what == SessionEvent::What::kClosed) sessions_.erase(id);
    live_.push_back({std::move(event), now, false});
    return;
  }
  ++session.waiting;
  bulk_bytes_ += event.body.view.size();
  bulk_.push_back({std::move(event), now, true});
}

std::optional<Lanes::Waiting> Lanes::Next(absl::Duration now,
                                          bool bulk_is_held) {
  std::optional<Waiting> next;
  if (!live_.empty()) {
    next = std::move(live_.front());
    live_.pop_front();
    return next;
  }
  if (bulk_.empty()) return next;
  auto from = bulk_.begin();
  if (bulk_is_held && bulk_bytes_ <= options_.held_bytes_max &&
      now < from->since + options_.wait_max) {
    from = FirstBeforeAmendment(now);
    if (from == bulk_.end()) return next;
    Count(passed_, from->event.events, now);
  }
  return TakeBulk(from);
}

std::deque<Lanes::Waiting>::iterator Lanes::FirstBeforeAmendment(
    absl::Duration now) {
  Count(passed_, 0, now);
  if (passed_.published >= options_.bulk_events_per_s) return bulk_.end();
  for (; looked_ < bulk_.size(); ++looked_) {
    Waiting& each = bulk_[looked_];
    each.amends = HoldsAmendment(each.event);
    amending_ += each.amends ? 1 : 0;
  }
  if (amending_ == 0) return bulk_.end();
  const auto amends =
      std::find_if(bulk_.begin(), bulk_.end(),
                   [](const Waiting& each) { return each.amends; });
  return std::find_if(bulk_.begin(), amends, [&](const Waiting& each) {
    return each.event.session == amends->event.session;
  });
}

Lanes::Waiting Lanes::TakeBulk(std::deque<Waiting>::iterator from) {
  const auto at = static_cast<size_t>(from - bulk_.begin());
  Waiting taken = std::move(*from);
  bulk_.erase(from);
  if (at < looked_) {
    --looked_;
    amending_ -= taken.amends ? 1 : 0;
  }
  bulk_bytes_ -= taken.event.body.view.size();
  const auto session = sessions_.find(taken.event.session);
  --session->second.waiting;
  if (taken.event.what == SessionEvent::What::kClosed) {
    sessions_.erase(session);
  }
  return taken;
}

bool Lanes::Has(SessionId session) const {
  const auto is_of = [&](const Waiting& each) {
    return each.event.session == session;
  };
  return std::any_of(live_.begin(), live_.end(), is_of) ||
         std::any_of(bulk_.begin(), bulk_.end(), is_of);
}

}  // namespace concordat::bus
