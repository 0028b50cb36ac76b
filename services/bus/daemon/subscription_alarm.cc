#include "services/bus/daemon/subscription_alarm.h"

#include "absl/strings/str_cat.h"

namespace concordat::bus {
namespace {

constexpr absl::Duration kSayEvery = absl::Minutes(1);

bool IsHeldUp(const SubscriptionInfo& info) {
  return info.stalled_since > -absl::InfiniteDuration() ||
         !info.stopped_because.empty();
}

}  // namespace

std::string WhatIsHeldUp(const std::vector<SubscriptionInfo>& subscriptions) {
  std::string held;
  for (const SubscriptionInfo& info : subscriptions) {
    if (!IsHeldUp(info)) continue;
    absl::StrAppend(
        &held, held.empty() ? "" : "; ", "subscription ",
        SubscriptionKey(info.agency, info.role, info.name),
        info.stopped_because.empty() ? " does not move" : " takes no more");
  }
  return held;
}

SubscriptionAlarm::SubscriptionAlarm(const Logger& log, Metrics& metrics,
                                     const SteadyClock& clock)
    : log_(log),
      clock_(clock),
      held_up_(metrics.Gauge(
          "concordat_bus_subscriptions_held_up",
          "Subscriptions that lag and do not move, or take no more")),
      waiting_(metrics.Gauge("concordat_bus_events_waiting",
                             "Events that wait for another attempt, or behind "
                             "one of their ordering key")),
      set_aside_(metrics.Gauge("concordat_bus_events_set_aside",
                               "Events that subscribers could not deal with")),
      parked_(metrics.Gauge("concordat_bus_events_parked",
                            "Events set aside for people alone")) {}

void SubscriptionAlarm::Look(
    const std::vector<SubscriptionInfo>& subscriptions) {
  size_t held_up = 0;
  size_t waiting = 0;
  size_t set_aside = 0;
  size_t parked = 0;
  for (const SubscriptionInfo& info : subscriptions) {
    held_up += IsHeldUp(info);
    waiting += info.waiting;
    set_aside += info.set_aside;
    parked += info.parked;
  }
  held_up_.Set(static_cast<double>(held_up));
  waiting_.Set(static_cast<double>(waiting));
  set_aside_.Set(static_cast<double>(set_aside));
  parked_.Set(static_cast<double>(parked));
  if (held_up == 0 || clock_.Elapsed() - said_at_ < kSayEvery) return;
  said_at_ = clock_.Elapsed();
  for (const SubscriptionInfo& info : subscriptions) {
    if (!IsHeldUp(info)) continue;
    log_.Error(
        "a subscription is held up",
        {{"subscription", SubscriptionKey(info.agency, info.role, info.name)},
         {"at", info.acknowledged.value},
         {"because", info.stopped_because.empty() ? "its place does not move"
                                                  : info.stopped_because}});
  }
}

}  // namespace concordat::bus
