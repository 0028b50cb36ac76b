// The loop of the delivery port: sessions, subscriptions, views.
//
// Threads  Run: its own; Post, Stop, Snapshot: any. Who has no thread for it, as
//          a simulation has not, calls Start once and then Turn.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_DELIVERY_LOOP_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_DELIVERY_LOOP_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/bus/daemon/drain.h"
#include "services/bus/daemon/loop_meters.h"
#include "services/bus/daemon/registry_watch.h"
#include "services/bus/delivery/delivery_core.h"
#include "services/bus/delivery/place_store.h"
#include "services/bus/log/background.h"
#include "services/bus/session/session_server.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"
#include "services/common/config/live_registry.h"

namespace concordat::bus {

// What the delivery thread says of itself now and then.
struct DeliverySnapshot {
  std::vector<SubscriptionInfo> subscriptions;
  Sequence folded;
  size_t sessions = 0;
  bool stored = false;  // Places that changed are on disk.
  absl::Duration urgent_lag = absl::ZeroDuration();
};

// Where it is recorded what went out to whom.
class DisclosureLog {
 public:
  virtual ~DisclosureLog() = default;
  // When it returns OK, all of it survives a power cut. `log_us` is log time.
  //   UNAVAILABLE  it does not.
  virtual absl::Status Record(const std::vector<Disclosure>& disclosures,
                              uint64_t log_us) = 0;
};

class DeliveryLoop {
 public:
  // While so much waits to be recorded, nothing more goes out.
  static constexpr size_t kUnrecordedRunsMax = 256 * 1024;

  struct Hooks {
    std::function<void(const absl::Status&)> on_fatal;
    // Places can no longer be stored; deliveries go on unacknowledged. Not
    // `recorded`: nor is what went out in the access log, and nothing that goes out
    // after it would be: the process must end.
    std::function<void(const absl::Status&, bool recorded)> on_cursors_failed;
    // A session was ended for this.
    std::function<void(absl::string_view principal, v1::Refusal refusal,
                       absl::string_view detail)>
        on_refused;
    // Nobody used the name with this key for so long: have it recorded, then
    // Perform() its removal. Called again until then. Must not wait.
    std::function<void(const std::string& key)> on_expired =
        [](const std::string&) {};
    // The alerts service lags more than it may, or no longer. Must not wait.
    std::function<void(bool lags)> on_urgent_lag = [](bool) {};
  };
  // Says how an act went; runs on the loop's thread, must not wait.
  using Acted = std::function<void(const absl::Status&)>;

  // Everything outlives it; places are stored, and names taken, on `disk`, and what
  // is not new is read on `reader`. `claims` is null where no other process
  // delivers.
  DeliveryLoop(SessionServer& sessions, RegistrySource registry,
               const SteadyClock& clock, DeliveryCore core, PlaceStore& places,
               PlaceClaims* claims, LoopMeters& meters, const Drain& drain,
               Hooks hooks, std::unique_ptr<Background> disk,
               std::unique_ptr<Background> reader);

  // From now on what goes out is recorded, every 100 ms at most, and before the
  // place that it moves. Before Run(); `log` outlives this.
  void RecordIn(DisclosureLog& log) { disclosure_log_ = &log; }

  // A block is durable; in order. Any thread.
  void Post(std::shared_ptr<const EventBlock> block);
  // Runs `act`, on the name with this key (empty: on none), on the loop's thread, and
  // `acted` with what it answers: when it changed something, once that is on
  // disk. Any thread.
  //   UNAVAILABLE  the loop has ended, or places cannot be stored.
  //   FAILED_PRECONDITION  another process has the name.
  void Perform(std::string key, std::function<absl::Status(DeliveryCore&)> act,
               Acted acted);
  // Returns after Stop(), when what was acknowledged is stored.
  void Run();
  void Start();
  // Waits for something to do, or 20 ms, and does it.
  void Turn();
  // Any thread.
  void Stop();
  DeliverySnapshot Snapshot() const;

 private:
  struct StoreResult {
    DirtyPlaces places;
    std::vector<Acted> acted;
    bool recorded = false;
    absl::Status status;  // Recorded and stored.
  };
  struct Act {
    std::string key;
    std::function<absl::Status(DeliveryCore&)> act;
    Acted acted;
  };

  // What a claim, or a look at all places, came to.
  struct ClaimResult {
    std::string key;
    absl::StatusOr<std::optional<Place>> place;
  };

  void LookAtRegistry();
  void LookAtDrain();
  void Take(const SessionEvent& event);
  void Subscribe(const SessionEvent& event, v1::Subscribe subscribe);
  // Runs `then` with OK once this process has the name, at once if it has it.
  void WithName(const std::string& key,
                std::function<void(const absl::Status&)> then);
  void TakeClaimed();
  // That nobody is connected under any more; they are not this process's then.
  std::set<std::string> TakeUnusedNames();
  void LookAtPlaces();
  void TakeBlocks();
  void TakeActs();
  void TakeStored();
  void SendOutputs();
  // And lets `unused` go after it.
  void Store(DirtyPlaces dirty, std::set<std::string> unused);
  // On the disk's thread.
  absl::Status RecordAll(const std::vector<Disclosure>& disclosures,
                         uint64_t log_us);
  void StorePlaces();
  void TellOfLag();
  void Publish();

  SessionServer& sessions_;
  const SteadyClock& clock_;
  LoopMeters& meters_;
  const Drain& drain_;
  Admission admission_ = Admission::kAll;
  RegistryWatch registry_;
  DeliveryCore core_;
  PlaceStore& places_;
  PlaceClaims* const claims_;
  DisclosureLog* disclosure_log_ = nullptr;
  const Hooks hooks_;
  // Who holds each open session, by name in the registry.
  struct Open {
    std::string principal;
    std::string purpose;
  };
  std::map<SessionId, Open> open_;
  std::vector<SessionEvent> events_;
  bool more_ = false;  // There is more to do at once.
  bool storing_ = false;
  bool lags_ = false;
  absl::Duration stored_at_ = -absl::InfiniteDuration();
  absl::Duration publish_at_ = -absl::InfiniteDuration();
  // Of names that other processes may have.
  std::set<std::string> own_names_;
  std::map<std::string, std::vector<std::function<void(const absl::Status&)>>>
      wanted_names_;
  absl::Duration looked_at_places_ = -absl::InfiniteDuration();
  std::vector<Acted> acted_;  // To be answered when what is dirty is stored.
  std::atomic<bool> stopping_ = false;
  mutable Mutex mu_;
  std::vector<std::shared_ptr<const EventBlock>> inbox_ ABSL_GUARDED_BY(mu_);
  std::vector<Act> acts_ ABSL_GUARDED_BY(mu_);
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  DeliverySnapshot snapshot_ ABSL_GUARDED_BY(mu_);
  std::vector<StoreResult> stored_ ABSL_GUARDED_BY(mu_);
  std::vector<ClaimResult> claimed_ ABSL_GUARDED_BY(mu_);
  std::optional<Places> all_places_ ABSL_GUARDED_BY(mu_);
  // Last, so that its work ends before what it works on.
  std::unique_ptr<Background> disk_;
  std::unique_ptr<Background> reader_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_DELIVERY_LOOP_H_
