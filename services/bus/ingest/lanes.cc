#include "services/bus/ingest/lanes.h"

#include <algorithm>
#include <utility>

namespace concordat::bus {
namespace {

constexpr absl::Duration kSecond = absl::Seconds(1);

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
  if (bulk_is_held && bulk_bytes_ <= options_.held_bytes_max &&
      now < bulk_.front().since + options_.wait_max) {
    return next;
  }
  next = std::move(bulk_.front());
  bulk_.pop_front();
  bulk_bytes_ -= next->event.body.view.size();
  const auto session = sessions_.find(next->event.session);
  --session->second.waiting;
  if (next->event.what == SessionEvent::What::kClosed) {
    sessions_.erase(session);
  }
  return next;
}

bool Lanes::Has(SessionId session) const {
  const auto is_of = [&](const Waiting& each) {
    return each.event.session == session;
  };
  return std::any_of(live_.begin(), live_.end(), is_of) ||
         std::any_of(bulk_.begin(), bulk_.end(), is_of);
}

}  // namespace concordat::bus
