#ifndef CONCORDAT_SERVICES_COMMON_RPC_HEALTH_WATCH_H_
#define CONCORDAT_SERVICES_COMMON_RPC_HEALTH_WATCH_H_

#include <functional>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "concordat/hub/v1/status.pb.h"
#include "services/common/base/clock.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/ticker.h"
#include "services/common/config/data_directory.h"
#include "services/common/config/live_registry.h"
#include "services/common/telemetry/health.h"
#include "services/common/telemetry/log.h"
#include "services/common/telemetry/metrics.h"

namespace concordat {

// Looks each second at what is wrong with a program, and says so in its log; and
// tells whoever asks for its state or its metrics.
//
// Threads  FillStatus: any, from Start() on. The rest: one.
class HealthWatch {
 public:
  using Fill = std::function<void(hub::v1::GetStatusResponse*)>;

  // The references outlive it.
  HealthWatch(absl::Duration repeat_every, const Clock& clock,
              const Logger& log, Metrics& metrics)
      : clock_(clock), log_(log), metrics_(metrics), said_(repeat_every) {}
  ~HealthWatch() { Stop(); }

  Health& health() { return health_; }
  // Says from `expiry_warning` before they end that these do, as their files are
  // now. One that cannot be read is left out: what was read before serves on.
  void WatchCertificates(const TlsCredentials& tls,
                         absl::Duration expiry_warning);

  // `fill` is the program's own part of its state; null: none.
  void Start(Fill fill);
  // Asks nobody any more.
  void Stop();

  void FillStatus(hub::v1::GetStatusResponse* status) const;

 private:
  struct Expiry {
    const char* of;
    absl::Time end;
  };

  std::vector<Expiry> Expiries() const;
  Troubles Now(hub::v1::GetStatusResponse* status) const;
  void Collect(Samples& samples) const;
  void Say(const Troubles& troubles);

  const Clock& clock_;
  const Logger& log_;
  Metrics& metrics_;
  const SystemSteadyClock steady_;
  Health health_;
  Fill fill_;
  TlsCredentials tls_;
  TroubleLog said_;
  std::unique_ptr<Metrics::Collector> collector_;
  Ticker ticker_;  // Last: it uses the others.
};

// Says while the registry's file as it is does not load. `registry` outlives it.
void WatchRegistry(const LiveRegistry& registry, Health& health);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_RPC_HEALTH_WATCH_H_
