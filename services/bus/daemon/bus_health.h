// What is wrong with the bus, from what its loops say of themselves.
//
//   code           critical
//   read-only      always           the log takes no writes
//   disk           below a tenth    less room for the log than is to be left
//   alerts         always           the alerts service is behind, or does not read
//   subscription   no               one lags and its place does not move
//   agreement      no               one in force ends soon
//
// With the log in PostgreSQL main adds `store`, always critical: it does not
// answer, or a block waits for it.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_BUS_HEALTH_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_BUS_HEALTH_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "concordat/hub/v1/watch.pb.h"
#include "services/bus/delivery/delivery_core.h"
#include "services/bus/log/event_log.h"
#include "services/common/base/mutex.h"
#include "services/common/policy/policy.h"
#include "services/common/telemetry/health.h"

namespace concordat::bus {

// Threads  Any.
// Bounds   An entry a quarter second in which the log grew, for `alerts_behind_s`
//          and a minute.
class BusHealth {
 public:
  // How things are, all at one moment.
  struct View {
    absl::Duration now;  // Steady, by the clock of the delivery loop.
    LogStatus log;
    std::vector<SubscriptionInfo> subscriptions;
    uint64_t disk_free_bytes = 0;
    std::shared_ptr<const Agreements> agreements;
    uint64_t log_time_us = 0;
  };

  // `settings` are checked. Days of agreements are those of `zone`.
  BusHealth(const hub::v1::WatchSettings& settings, absl::TimeZone zone)
      : settings_(settings), zone_(zone) {}

  // Adds what is wrong. Call it at least once a second: how far the alerts service
  // is behind is known from the calls before.
  void Judge(const View& view, Troubles& troubles);

 private:
  struct Grown {
    Sequence end;
    absl::Duration at;
  };

  void Remember(const View& view) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // How long ago the oldest event after `acknowledged` became durable; as far
  // back as is remembered.
  absl::Duration Behind(Sequence acknowledged, const View& view) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void JudgeLog(const View& view, Troubles& troubles) const;
  void JudgeAlerts(const View& view, Troubles& troubles)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void JudgePlaces(const View& view, Troubles& troubles) const;
  void JudgeAgreements(const View& view, Troubles& troubles) const;

  const hub::v1::WatchSettings settings_;
  const absl::TimeZone zone_;
  Mutex mu_;
  std::deque<Grown> grown_ ABSL_GUARDED_BY(mu_);
  // When the alerts service last had a session, or was to have one.
  absl::Duration alerts_seen_at_ ABSL_GUARDED_BY(mu_) =
      absl::InfiniteDuration();
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_BUS_HEALTH_H_
