// Where an event is on its way to one durable name.
#include <algorithm>

#include "services/bus/delivery/delivery_core.h"

namespace concordat::bus {

ArrivalState DeliveryCore::ArrivalOf(const std::string& key,
                                     const StoredEvent& event) const {
  ArrivalState state;
  state.end = fold_.folded();
  const SubscriptionInfo info = InfoOf(key);
  state.acknowledged = info.acknowledged;
  state.sent = info.sent;
  state.paused = info.paused;
  state.stopped_because = info.stopped_because;
  state.singly = info.singly;
  const auto place = places_.find(key);
  state.exists = place != places_.end();
  if (const auto singly = singly_.find(key); singly != singly_.end()) {
    const Settlement& settlement = singly->second.settlement;
    state.exists = state.connected = true;
    state.refused_by =
        std::string(singly->second.cursor.filter.Refuses(event.header));
    state.stands = settlement.Find(event.sequence);
    const auto& members = singly->second.members;
    state.without_credit = std::all_of(
        members.begin(), members.end(), [&](const SessionId member) {
          const Subscription& sub = subscriptions_.at(member);
          return settlement.out_to(member) >= sub.credit_events ||
                 settlement.bytes_out_to(member) >= sub.credit_bytes;
        });
    return state;
  }
  if (const auto holder = holders_.find(key); holder != holders_.end()) {
    const Subscription& sub = subscriptions_.at(holder->second);
    state.exists = state.connected = true;
    state.refused_by = std::string(sub.cursor.filter.Refuses(event.header));
    state.acknowledged = sub.place.acknowledged;
    state.sent = sub.cursor.scan;
    state.paused = sub.place.paused;
    state.without_credit = sub.out.size() >= sub.credit_events ||
                           sub.out_bytes >= sub.credit_bytes;
    return state;
  }
  if (state.exists && state.singly) {
    state.stands = SettlementOf(place->second).Find(event.sequence);
  }
  return state;
}

}  // namespace concordat::bus
