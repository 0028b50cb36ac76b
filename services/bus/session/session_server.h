// The sessions of one port of the bus: who may speak, in which order and how
// much. What passes here is from a registered principal that proved its key,
// said who it is, and keeps to the grammar; what it says is for the core. PURE
// over a Carrier.
//
// Use, by the loop of a port:
//
//   SessionServer sessions(options, carrier, clock, random, registry);
//   while (running) {
//     events.clear();
//     sessions.Poll(absl::Milliseconds(20), events);  // Sleeps; Wake() ends it.
//     for (SessionEvent& event : events) ...
//     sessions.Send(session, FrameKind::kReceipts, receipts, publish_number);
//   }
//
// Threads  One thread calls everything; Wake() may be called from any.
// Faults   A peer out of grammar, of order, over credit or not who it says is
//          told why in Closed, counted, and cut; nobody else notices.
#ifndef CONCORDAT_SERVICES_BUS_SESSION_SESSION_SERVER_H_
#define CONCORDAT_SERVICES_BUS_SESSION_SESSION_SERVER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "concordat/bus/v1/registry.pb.h"
#include "concordat/bus/v1/session.pb.h"
#include "google/protobuf/message_lite.h"
#include "services/bus/session/carrier.h"
#include "services/bus/session/server_session.h"
#include "services/common/base/clock.h"
#include "services/common/base/ids.h"
#include "services/common/base/mutex.h"
#include "services/common/base/random.h"
#include "services/common/config/principal_registry.h"

namespace concordat::bus {

struct SessionEvent {
  enum class What {
    kOpened,  // Said Hello and was welcomed.
    kBody,    // Said `kind`, in order and within credit.
    kClosed,  // No more of it, whoever ended it. `refusal`, `detail`: why.
  };
  What what = What::kBody;
  SessionId session;
  // As the registry has it now. Null with kClosed.
  const v1::Principal* principal = nullptr;
  // What the principal asked to act for; the registry's default when it did
  // not say. With kOpened.
  std::string purpose;
  FrameKind kind = FrameKind::kHello;
  uint64_t number = 0;  // The frame's; Receipts name it.
  uint64_t events = 0;  // Of a Publish.
  OwnedBytes body;
  v1::Refusal refusal = v1::REFUSAL_UNSPECIFIED;
  std::string detail;
};

// Whose Hello is answered with Welcome.
enum class Admission {
  kAll,
  kHubServices,  // Those who process for the hub.
  kNobody,
};
bool Admits(Admission whom, const v1::Principal& principal);

// Somebody was refused before a Welcome. `principal` is empty where the key is
// nobody's.
using TurnedAway =
    std::function<void(absl::string_view principal, v1::Refusal refusal,
                       absl::string_view detail)>;

class SessionServer {
 public:
  SessionServer(SessionOptions options, Carrier& carrier,
                const SteadyClock& clock, Random& random,
                std::shared_ptr<const PrincipalRegistry> registry);

  // What Welcome and heartbeats tell. Call before the first Poll, and `SetEnd`
  // whenever more is durable.
  void SetLog(std::string log_id, uint32_t epoch);
  void SetEnd(Sequence end, uint64_t time_us) {
    end_ = end;
    time_us_ = time_us;
  }

  // What heartbeats tell of the log's tree from now on. Any thread.
  void SetCheckpoint(std::shared_ptr<const std::string> note) {
    MutexLock lock(mu_);
    checkpoint_ = std::move(note);
  }

  // From now on whoever says Hello is refused NOT_WRITER, or is not.
  void SetFollowed(bool is_followed) { is_followed_ = is_followed; }

  // Call before the first Poll. It is called by that and by ReplaceRegistry.
  void SetTurnedAway(TurnedAway told) { turned_away_ = std::move(told); }

  // One turn: receives, judges, keeps time. Appends to `events`.
  void Poll(absl::Duration timeout, std::vector<SessionEvent>& events);

  // Sends to an open session. `answers` is the number of the Publish frame that
  // a Receipts settles, and gives its credit back. False: the session has
  // ended; its kClosed has come or is coming.
  bool Send(SessionId session, FrameKind kind, absl::string_view body,
            uint64_t answers = 0);
  bool Send(SessionId session, FrameKind kind,
            const google::protobuf::MessageLite& body, uint64_t answers = 0);
  // Without copying: `frame` has 18 bytes of room before the body.
  bool SendFrame(SessionId session, FrameKind kind, std::string frame,
                 uint64_t answers = 0);

  void Close(SessionId session, v1::Refusal refusal, std::string detail);

  // Who opens a session from now on. The others are told DRAINING, and `why`; who
  // has one keeps it.
  void Admit(Admission whom, std::string why = "");

  // From now on rights are this registry's. Sessions of principals that it
  // revokes, or no longer has, are closed and cut.
  void ReplaceRegistry(std::shared_ptr<const PrincipalRegistry> registry);
  const PrincipalRegistry& registry() const { return *registry_; }

  void Wake() { carrier_.Wake(); }

  size_t open_sessions() const { return by_session_.size(); }

 private:
  struct Peer {
    std::unique_ptr<ServerSession> session;  // Null once ended.
    std::string proof;
    absl::Duration cut_at = absl::InfiniteDuration();
  };

  void Take(Inbound inbound, std::vector<SessionEvent>& events);
  void KeepTime(std::vector<SessionEvent>& events);
  LogPlace log() const {
    return {log_id_, epoch_, end_, time_us_, is_followed_, newest_checkpoint_};
  }
  // Does as the session said.
  void Perform(PeerId id, Peer& peer, SessionOutput output,
               std::vector<SessionEvent>& events);
  void End(Peer& peer, v1::Refusal refusal, std::string detail,
           std::vector<SessionEvent>& events);

  const SessionOptions options_;
  Carrier& carrier_;
  const SteadyClock& clock_;
  Random& random_;
  std::shared_ptr<const PrincipalRegistry> registry_;
  Admission admission_ = Admission::kAll;
  std::string not_admitted_because_;
  std::string log_id_;
  uint32_t epoch_ = 0;
  Sequence end_;
  uint64_t time_us_ = 0;
  bool is_followed_ = false;
  std::shared_ptr<const std::string> newest_checkpoint_;
  Mutex mu_;
  std::shared_ptr<const std::string> checkpoint_ ABSL_GUARDED_BY(mu_);
  // In the order they came: so is everything that is done to all of them.
  std::map<PeerId, Peer> peers_;
  absl::flat_hash_map<SessionId, PeerId> by_session_;
  std::vector<Inbound> inbound_;
  // Of what happened between two calls of Poll.
  std::vector<SessionEvent> pending_;
  absl::Duration ticked_at_;
  TurnedAway turned_away_ = [](absl::string_view, v1::Refusal,
                               absl::string_view) {};
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_SESSION_SESSION_SERVER_H_
