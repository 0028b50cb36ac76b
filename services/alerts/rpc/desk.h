// The alerts service at work: folds the log through the engine, publishes what
// the engine asks for, and answers people. The engine is rebuilt from the log
// at each start; what it asked for before then is recognised by its id.
//
// Threads  Run() has a thread of its own; everything else may be called from
//          any thread. Accept, Close, Show and List may block until their
//          deadline.
#ifndef CONCORDAT_SERVICES_ALERTS_RPC_DESK_H_
#define CONCORDAT_SERVICES_ALERTS_RPC_DESK_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "concordat/alerts/v1/service.pb.h"
#include "concordat/hub/v1/status.pb.h"
#include "services/alerts/domain/engine.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"
#include "services/common/base/random.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/config/principal_registry.h"
#include "services/common/telemetry/log.h"

namespace concordat::alerts {

class Desk {
 public:
  // Everything borrowed outlives it. `self` is the service's own principal.
  Desk(Engine engine, BusClient& bus, std::shared_ptr<const TypeRegistry> types,
       const bus::v1::Principal& self, bus::v1::Environment environment,
       const Clock& clock, Random& random, const Logger& log);

  // Folds until Stop().
  //   Errors  of the subscription, for good; the message says why.
  absl::Status Run();
  void Stop();

  //   UNAVAILABLE  just started, and the log is not read to its end yet.
  absl::StatusOr<v1::ListAlertsResponse> List(
      const AlertCaller& caller, const v1::ListAlertsRequest& request,
      absl::Time deadline);
  absl::StatusOr<v1::Alert> Show(const AlertCaller& caller,
                                 const v1::ShowAlertRequest& request,
                                 absl::Time deadline);
  absl::StatusOr<v1::Alert> Accept(const AlertCaller& caller,
                                   const v1::AcceptAlertRequest& request,
                                   absl::Time deadline);
  absl::StatusOr<v1::Alert> Close(const AlertCaller& caller,
                                  const v1::CloseAlertRequest& request,
                                  absl::Time deadline);
  absl::StatusOr<v1::Alert> AcceptWithdrawal(
      const AlertCaller& caller, const v1::AcceptWithdrawalRequest& request,
      absl::Time deadline);
  // `write` is called with each change of what the caller sees, from Run()'s
  // thread, until it answers false.
  void Follow(const AlertCaller& caller,
              std::function<bool(const v1::Alert&)> write);

  void FillStatus(hub::v1::GetStatusResponse* status);

 private:
  struct Follower {
    AlertCaller caller;
    std::function<bool(const v1::Alert&)> write;
    std::map<std::string, size_t> told;  // What they saw last, by reference.
  };

  absl::Status Fold(const Delivery& delivery);
  // Publishes what the engine asked for and the log has not shown yet.
  void PublishPending();
  void PublishTimePassed();
  absl::StatusOr<Event> MakeOwn(const std::string& key, const std::string& type,
                                const std::string& data,
                                const std::string& stream,
                                const PersonKey& subject,
                                const std::string& causation, uint64_t time_us,
                                std::optional<Sequence> expected_version);
  // Decides on the alert as it stands, publishes, and waits until it is folded.
  absl::StatusOr<v1::Alert> Change(
      const AlertCaller& caller, const std::string& ref, const std::string& key,
      uint64_t time_us, absl::Time deadline,
      const std::function<absl::StatusOr<std::pair<std::string, std::string>>(
          const Alert&)>& decide);
  bool AwaitPosition(Sequence position, absl::Time deadline);
  // None: it is not the caller's, or not in the log yet.
  std::optional<v1::Alert> Render(const Alert& alert,
                                  const AlertCaller& caller) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  static size_t SightHash(const v1::Alert& alert);

  BusClient& bus_;
  const std::shared_ptr<const TypeRegistry> types_;
  const bus::v1::Principal self_;
  const bus::v1::Environment environment_;
  const Clock& clock_;
  Random& random_;
  const Logger& log_;
  std::atomic<bool> stopped_{false};

  Mutex mu_;
  CondVar folded_;  // Notified when position_ grows.
  Engine engine_ ABSL_GUARDED_BY(mu_);
  Sequence position_ ABSL_GUARDED_BY(mu_);
  Sequence log_end_ ABSL_GUARDED_BY(mu_);
  bool connected_ ABSL_GUARDED_BY(mu_) = false;
  bool up_to_date_ ABSL_GUARDED_BY(mu_) = false;
  // Was up to date once since the start.
  bool caught_up_ ABSL_GUARDED_BY(mu_) = false;
  std::string fault_ ABSL_GUARDED_BY(mu_);
  std::vector<std::shared_ptr<Follower>> followers_ ABSL_GUARDED_BY(mu_);
  struct Pending {
    AlertDraft draft;
    bool sent = false;
  };
  // By event id.
  std::map<std::string, Pending> pending_ ABSL_GUARDED_BY(mu_);
  absl::Time last_accepted_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_RPC_DESK_H_
