// The loop of the ingest port: sessions and calls that publish, judgement,
// answers, Read(stream). While another process writes the log it takes nothing
// in, and shows what that one has written.
//
// Threads  Run: its own; Publish, Stop and the counts: any. Who has no thread for
//          it, as a simulation has not, calls Start once and then Turn.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_INGEST_LOOP_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_INGEST_LOOP_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "services/bus/daemon/drain.h"
#include "services/bus/daemon/loop_meters.h"
#include "services/bus/daemon/registry_watch.h"
#include "services/bus/delivery/policy_fold.h"
#include "services/bus/delivery/stream_reader.h"
#include "services/bus/ingest/ingest_core.h"
#include "services/bus/ingest/lanes.h"
#include "services/bus/ingest/publish_calls.h"
#include "services/bus/log/background.h"
#include "services/bus/log/chain_log.h"
#include "services/bus/log/event_log.h"
#include "services/bus/session/session_server.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"
#include "services/common/base/random.h"
#include "services/common/config/live_registry.h"

namespace concordat::bus {

class IngestLoop {
 public:
  struct Hooks {
    // A block is durable. Called on the loop's thread; must not wait.
    std::function<void(std::shared_ptr<const EventBlock>)> on_durable;
    // Who may see what is no longer known, or the disk takes no writes.
    std::function<void(const absl::Status&)> on_fatal;
    std::function<void(const absl::Status&)> on_read_only;
    // A session was ended for this.
    std::function<void(absl::string_view principal, v1::Refusal refusal,
                       absl::string_view detail)>
        on_refused;
    // A block is durable and folded; its write began then, by the loop's clock.
    // Null: nobody asks. Must not wait.
    std::function<void(const EventBlock&, absl::Duration began)> on_written =
        nullptr;
    // Adds what delivery knows of who reads. Asked while the bus is drained. Null:
    // nobody reads.
    std::function<void(Drain::View&)> on_drain = nullptr;
    // This process begins to write, after it has followed: what is to be in the
    // log before anybody publishes. Writes it itself.
    std::function<absl::Status(IngestCore&)> on_begin = nullptr;
    // And what it publishes from here on is taken. Must not wait. Null: nobody asks.
    std::function<void()> on_writes = nullptr;
    // A producer has signed what it published; a good link of its own. Called
    // where events are staged. Null: nobody may sign.
    std::function<void(const StoredLink&)> on_link = nullptr;
    // Proves of the log's tree what a client asks. It reads the tree, and is asked
    // beside the loop. Null: nobody may ask.
    std::function<v1::Consistency(const v1::ProveConsistency&)> on_prove =
        nullptr;
    // A witness has cosigned a checkpoint.
    std::function<void(const v1::Principal&, const v1::Cosign&)> on_cosigned =
        nullptr;
  };

  // Everything outlives it. `fold` is caught up with `log`; blocks are written
  // on `disk`, in order; null `proofs` goes with no on_prove.
  IngestLoop(LaneOptions lanes, EventLog& log, SessionServer& sessions,
             RegistrySource registry, const SteadyClock& clock,
             std::shared_ptr<const TypeRegistry> types,
             std::unique_ptr<IngestCore> core, PolicyFold fold, Random& random,
             Faults& faults, LoopMeters& meters, Drain& drain, Hooks hooks,
             std::unique_ptr<Background> disk,
             std::unique_ptr<Background> proofs);

  // Another process writes the log. Before Run() or Start().
  void Follow();
  // What that one wrote, in order. Any thread.
  void Followed(std::shared_ptr<const EventBlock> block);
  // From here on this one writes: the log takes it, and all that the other wrote
  // was Followed(). Any thread.
  void BeginWriting();
  bool follows() const { return follows_; }

  // Returns after Stop(), when everything that was taken is durable and
  // answered.
  void Run();
  void Start();
  // Waits for something to do, or 200 ms, and does it.
  void Turn();
  // Any thread.
  void Stop();
  // Whether bulk waits because the alerts service lags (lanes.h). Any thread.
  void HoldBulk(bool hold);
  // Publishes what a call brought, as a session's frame is. `done` comes from
  // the loop's thread, once what was accepted is durable. Any thread.
  //   RESOURCE_EXHAUSTED, UNAVAILABLE  as PublishCalls::Add; UNAVAILABLE also
  //   while it follows.
  absl::Status Publish(PublishCall call);
  // What a producer signed that publishes by calls: as of a session. Any thread.
  //   INVALID_ARGUMENT   not a link of a chain, or of events to come.
  //   PERMISSION_DENIED  the key that it names did not sign it, or is not of the
  //                      principal.
  //   RESOURCE_EXHAUSTED, UNAVAILABLE  as Publish.
  absl::Status Sign(const v1::Principal& principal,
                    const v1::ChainSigned& link);
  size_t waiting_calls() const { return calls_.waiting(); }
  size_t sessions() const { return open_count_; }
  // acceptedtime of the newest durable event.
  uint64_t now_us() const { return now_us_; }
  // As of the newest durable event.
  std::shared_ptr<const Agreements> agreements() const;

 private:
  struct WriteResult {
    std::unique_ptr<PendingBlock> block;
    absl::Status status;
    absl::Duration began;
  };

  void Write(std::unique_ptr<PendingBlock> block);
  std::vector<WriteResult> Results();
  // Waits for frames, and takes those that may be taken.
  void LookAtFrames(absl::Duration wait);
  void TakeFrames();
  void Take(const SessionEvent& event, absl::Duration since);
  void TakePublish(const SessionEvent& event, const v1::Principal& principal,
                   absl::Duration since);
  void TakeReadStream(const SessionEvent& event,
                      const v1::Principal& principal);
  void TakeChain(const SessionEvent& event, const v1::Principal& principal);
  // That the principal signed it, of events that the log has.
  absl::Status CheckSigned(const v1::Principal& principal,
                           const v1::ChainSigned& link) const;
  void KeepLink(StoredLink link);
  // Of signatures that came: with events that go to the disk anyway, or when they
  // have waited long enough. A sync of their own would hold up what comes next.
  void StageLinks();
  void TakeProve(const SessionEvent& event);
  // What came from other threads.
  void TakeAside();
  void TakeCosign(const SessionEvent& event, const v1::Principal& principal);
  void TakeCalls();
  void LookAtDrain();
  // What it publishes is to be taken.
  bool MayPublish(SessionId session, const v1::Principal& principal);
  void TellOfFaults();
  void UseAgreements();
  void TakeFollowed();
  void TakeWritten();
  // A block is durable. False: it cannot be folded.
  bool Show(std::shared_ptr<const EventBlock> block);
  void Answer();

  Lanes lanes_;
  EventLog& log_;
  SessionServer& sessions_;
  RegistryWatch registry_;
  const std::unique_ptr<IngestCore> core_;
  PolicyFold fold_;
  const std::shared_ptr<const TypeRegistry> types_;
  const std::string log_id_;
  StreamReader reader_;
  Random& random_;
  Faults& faults_;
  LoopMeters& meters_;
  Drain& drain_;
  Admission admission_ = Admission::kAll;
  std::string not_admitted_because_;
  bool somebody_leaves_ = false;
  const Hooks hooks_;
  // Who holds each open session, by name in the registry.
  struct Open {
    std::string principal;
    std::string purpose;
    // Nothing more is taken of it; it is closed when it has its answers.
    bool leaves = false;
    // When it asked for a proof last.
    absl::Duration proved_at = -absl::InfiniteDuration();
  };
  std::map<SessionId, Open> open_;
  PublishCalls calls_;
  std::atomic<size_t> open_count_ = 0;
  std::atomic<uint64_t> now_us_ = 0;
  size_t blocks_out_ = 0;
  std::vector<StoredLink> links_;  // Not staged yet; the first since then:
  absl::Duration links_since_;
  mutable Mutex agreed_mu_;
  std::shared_ptr<const Agreements> agreed_ ABSL_GUARDED_BY(agreed_mu_);
  std::atomic<bool> hold_bulk_ = false;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> follows_ = false;
  std::vector<SessionEvent> events_;
  bool more_ = false;  // Bulk waits, and is not held.
  Mutex mu_;
  std::vector<WriteResult> results_ ABSL_GUARDED_BY(mu_);
  std::vector<std::shared_ptr<const EventBlock>> followed_ ABSL_GUARDED_BY(mu_);
  bool to_begin_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<StoredLink> signed_ ABSL_GUARDED_BY(mu_);
  std::vector<std::pair<SessionId, v1::Consistency>> proved_
      ABSL_GUARDED_BY(mu_);
  // Last, so that their work ends before what it works on.
  std::unique_ptr<Background> disk_;
  std::unique_ptr<Background> proofs_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_INGEST_LOOP_H_
