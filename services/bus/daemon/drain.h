// Whether the bus takes events, and how far it is on the way to not taking any:
//
//   taking --Begin--> draining --nothing is under way any more--> drained
//     ^------------------------ End, from anywhere ------------------'
//
// draining  Publishers leave, but for services of the hub, which answer to what
//           was taken. It ends in a moment at which all that was taken is
//           answered, and who is connected has acknowledged all of the log; or,
//           who has not, when nothing has moved for so long: that is on disk and
//           comes again after the next start.
// drained   Nobody but the bus itself publishes.
//
// Threads  Step: the ingest thread. The rest: any.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_DRAIN_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_DRAIN_H_

#include <atomic>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "services/bus/delivery/delivery_core.h"
#include "services/bus/session/session_server.h"
#include "services/common/base/ids.h"
#include "services/common/base/mutex.h"

namespace concordat::bus {

class Drain {
 public:
  enum class Phase { kTaking, kDraining, kDrained };

  struct State {
    Phase phase = Phase::kTaking;
    absl::Time since;  // It began.
    std::string why;
    // Connected subscriptions that have not acknowledged everything.
    std::vector<std::string> behind = {};
  };
  // How things are, at one moment of the ingest thread.
  struct View {
    absl::Duration now;  // Steady.
    bool owes = false;   // Something that was taken has no answer.
    Sequence end;        // Of the durable log.
    // As delivery knew it, a moment ago.
    Sequence folded;
    bool stored = false;  // Places that changed are on disk.
    std::vector<SubscriptionInfo> subscriptions = {};
  };

  explicit Drain(absl::Duration patience) : patience_(patience) {}

  // `why` is what those are told who are refused.
  void Begin(absl::Time now, std::string why);
  void End();
  void Step(const View& view);

  Phase phase() const { return phase_; }
  State state() const;
  // What who is refused is told.
  std::string words() const;

  // Whom each port lets in, and who of those that it has may publish.
  Admission ingest() const;
  Admission delivery() const;

 private:
  const absl::Duration patience_;
  std::atomic<Phase> phase_ = Phase::kTaking;
  mutable Mutex mu_;
  State state_ ABSL_GUARDED_BY(mu_);
  // Since when nothing has moved, and what did not.
  absl::Duration still_since_ ABSL_GUARDED_BY(mu_) = absl::InfiniteDuration();
  uint64_t moved_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_DRAIN_H_
