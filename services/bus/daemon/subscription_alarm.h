#ifndef CONCORDAT_SERVICES_BUS_DAEMON_SUBSCRIPTION_ALARM_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_SUBSCRIPTION_ALARM_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "services/bus/delivery/delivery_core.h"
#include "services/common/base/clock.h"
#include "services/common/telemetry/log.h"
#include "services/common/telemetry/metrics.h"

namespace concordat::bus {

// Subscriptions that do not move, or take no more; empty: none.
std::string WhatIsHeldUp(const std::vector<SubscriptionInfo>& subscriptions);

// Says that a subscription is held up: in metrics, and in the program's log each
// minute for as long as it is. For one thread.
class SubscriptionAlarm {
 public:
  // All outlive it.
  SubscriptionAlarm(const Logger& log, Metrics& metrics,
                    const SteadyClock& clock);

  // How they stand now.
  void Look(const std::vector<SubscriptionInfo>& subscriptions);

 private:
  const Logger& log_;
  const SteadyClock& clock_;
  prometheus::Gauge& held_up_;
  prometheus::Gauge& waiting_;
  prometheus::Gauge& set_aside_;
  prometheus::Gauge& parked_;
  absl::Duration said_at_ = -absl::InfiniteDuration();
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_SUBSCRIPTION_ALARM_H_
