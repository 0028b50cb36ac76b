// The alerts service at work: folds the log through the engine, publishes what
// the engine asks for, and answers people. The engine is rebuilt from the log
// at each start; what it asked for before then is recognised by its id.
//
// Rules that two people agreed to, and that are those of the folder, it says in the
// log to be adopted; they act from there on. If they look at what none did before, it
// folds the log again.
//
// Threads  Run() has a thread of its own; everything else may be called from
//          any thread. List and what people do to an alert may block until their
//          deadline.
#ifndef CONCORDAT_SERVICES_ALERTS_RPC_DESK_H_
#define CONCORDAT_SERVICES_ALERTS_RPC_DESK_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "concordat/alerts/v1/service.pb.h"
#include "concordat/hub/v1/status.pb.h"
#include "services/alerts/domain/engine.h"
#include "services/alerts/rpc/rule_adoption.h"
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

  // Before Run(). Without it no rules come into force but those that the log says do.
  // `make` is an engine with the first rules that reads `wanted` besides.
  void AdoptFrom(
      FolderRules folder,
      std::function<absl::StatusOr<Engine>(WantedFields wanted)> make);

  // Folds until Stop().
  //   Errors  of the subscription, for good; the message says why.
  absl::Status Run();
  void Stop();

  //   UNAVAILABLE        just started, and the log is not read to its end yet.
  //   DEADLINE_EXCEEDED  min_position is not folded within two seconds.
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
  absl::StatusOr<v1::Alert> Pass(const AlertCaller& caller,
                                 const v1::PassAlertRequest& request,
                                 absl::Time deadline);
  absl::StatusOr<v1::Alert> Dispute(const AlertCaller& caller,
                                    const v1::DisputeAlertRequest& request,
                                    absl::Time deadline);
  //   UNAVAILABLE  as List().
  absl::StatusOr<v1::ListFeedsResponse> ListFeeds(
      const AlertCaller& caller, const v1::ListFeedsRequest& request,
      absl::Time deadline);
  //   UNAVAILABLE  as List().
  absl::StatusOr<v1::ListClocksResponse> ListClocks(
      const AlertCaller& caller, const v1::ListClocksRequest& request,
      absl::Time deadline);
  // `write` is called with what changed for the caller at `after` or later (0:
  // nothing), and then with each change of what the caller sees, until it answers
  // false. It must not wait, and not call back.
  void Follow(const AlertCaller& caller, Sequence after,
              std::function<bool(const v1::Alert&)> write);

  // The rules in force, and how each came to be; not what waits.
  //   UNAVAILABLE  as List().
  absl::StatusOr<v1::ListRulesResponse> Rules(absl::Time deadline);

  void FillStatus(hub::v1::GetStatusResponse* status);

 private:
  struct Follower {
    AlertCaller caller;
    Sequence after;
    std::function<bool(const v1::Alert&)> write;
  };

  // Folds from the first event, until Stop() or until all is to be folded again.
  absl::Status FollowLog();
  absl::Status Fold(const Delivery& delivery);
  // Draws up that rules are adopted, of those agreed to that it has not looked at.
  // While the folder cannot be read it has looked at none: it tries again.
  void AdoptAgreed();
  // True: all is to be folded again, from nothing.
  //   the codes of `make`
  absl::StatusOr<bool> BeginAgain();
  // Publishes what the engine has asked for since the last time; again: all that
  // is not under way and the log has not shown yet.
  void PublishPending(bool again);
  void PublishTimePassed();
  // The header of an event of the service's own, with the id that `key` gives.
  Header OwnHeader(const std::string& key) const;
  // Type and bytes of what somebody does; empty: there is nothing to do.
  using Step = absl::StatusOr<std::pair<std::string, std::string>>;
  // Decides on the alert as it stands, publishes, and waits until it is folded.
  // `decide` runs under the lock.
  absl::StatusOr<v1::Alert> Change(
      const AlertCaller& caller, const std::string& ref, const std::string& key,
      const hub::v1::Command& command, absl::Time deadline,
      const std::function<Step(const Alert&)>& decide);
  bool AwaitPosition(Sequence position, absl::Time deadline);
  //   UNAVAILABLE  the log is not read to its end yet.
  absl::Status AwaitTheEnd(absl::Time deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // To those for whom it changed at that event. Drops those who are gone.
  void Tell(const Alert& alert, Sequence changed)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Sends what changed since; `after` 0: nothing. False: the follower is gone.
  bool Begin(const Follower& follower) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // None: it is not the caller's, or not in the log yet.
  std::optional<v1::Alert> Render(const Alert& alert,
                                  const AlertCaller& caller) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  BusClient& bus_;
  const std::shared_ptr<const TypeRegistry> types_;
  const bus::v1::Principal self_;
  const bus::v1::Environment environment_;
  const Clock& clock_;
  Random& random_;
  const Logger& log_;
  std::atomic<bool> stopped_{false};
  FolderRules folder_rules_;
  std::function<absl::StatusOr<Engine>(WantedFields)> make_engine_;
  // Of Run()'s thread: requests, and after a folder that could not be read, why, and
  // when it is read again.
  std::set<std::string> looked_at_;
  std::string not_read_because_;
  absl::Time read_again_ = absl::InfinitePast();

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
  // What the bus refused, in words; empty: it has taken something since.
  std::string refused_ ABSL_GUARDED_BY(mu_);
  // Those that wait until the log is read to its end, and those that are told.
  std::vector<Follower> waiting_ ABSL_GUARDED_BY(mu_);
  std::vector<Follower> followers_ ABSL_GUARDED_BY(mu_);
  struct Pending {
    AlertDraft draft;
    bool sent = false;
  };
  // By event id.
  std::map<std::string, Pending> pending_ ABSL_GUARDED_BY(mu_);
  std::vector<std::string> new_ ABSL_GUARDED_BY(mu_);  // Ids not tried yet.
  absl::Time last_accepted_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_RPC_DESK_H_
