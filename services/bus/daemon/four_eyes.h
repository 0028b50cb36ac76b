// Acts that one person asks for and another agrees to, before they are done. The
// one place for it: subscriptions and retention use it, and whatever else needs two
// people. What was asked and agreed stands in the log, and nowhere else, so that a
// restart or another writer changes nothing.
//
//   1. The first person's call has no approval: Decide() records the request and
//      answers what to tell the caller. Nothing is done.
//   2. Another person with the same right makes the same call with the approval.
//      The act is worked out anew; Decide() refuses it unless it is the same act,
//      records that it was agreed to, and lets it go. Once.
//      Or one of the two has it refused, and it is never done.
//
// Threads  Serve: before the host starts. Decide: any that may read the log.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_FOUR_EYES_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_FOUR_EYES_H_

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "concordat/bus/v1/approval.pb.h"
#include "concordat/hub/v1/approval.pb.h"
#include "services/bus/daemon/act.h"
#include "services/bus/daemon/act_recorder.h"
#include "services/bus/log/event_log.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"
#include "services/common/rpc/server_host.h"

namespace concordat::bus {

// Why an act may be done.
struct Agreed {
  std::string request;  // Id of its ApprovalAsked.
  std::string asked_by;
  std::string agreed_by;
  std::string why;  // Of who asked.
};
// One of the two.
struct Decision {
  std::optional<v1::AskedApproval> asked;
  std::optional<Agreed> agreed;
};

class FourEyes {
 public:
  // From asking to agreeing, in real time.
  static constexpr absl::Duration kOpenFor = absl::Hours(24);
  static constexpr size_t kListMax = 100;

  using Then = std::function<void(absl::StatusOr<Decision>)>;

  // Everything outlives it; it outlives the host and the ingest loop's thread.
  FourEyes(EventLog& log, ActRecorder& recorder, const Clock& clock)
      : log_(log), recorder_(recorder), clock_(clock) {}

  // concordat.bus.v1.ApprovalService.
  void Serve(ServerHost& host);

  // `why` is of who asks, and checked then. `then` runs once: on the ingest thread
  // when what was decided is durable, or at once; it must not wait.
  //   PERMISSION_DENIED    no right to acts of this kind, or as CheckApproval().
  //   INVALID_ARGUMENT     `why`.
  //   NOT_FOUND            nobody asked for that.
  //   FAILED_PRECONDITION  agreed to already, or as CheckApproval().
  //   UNAVAILABLE, RESOURCE_EXHAUSTED  not recorded: nothing may be done.
  void Decide(const Call& call, const Act& act, const std::string& why,
              const std::string& approval, Then then);

 private:
  void Ask(const Call& call, const Act& act, const std::string& why, Then then);
  void Agree(const Call& call, const Act& act, const std::string& approval,
             Then then);
  void Refuse(const Call& call, const v1::RefuseRequest& request,
              Reply<v1::RefuseResponse> reply);
  absl::StatusOr<hub::v1::ApprovalAsked> Find(const std::string& approval);
  // "agreed to" or "refused"; empty: it is open.
  absl::StatusOr<std::string> Settled(const std::string& approval);
  absl::StatusOr<v1::ListApprovalsResponse> List(const Call& call);
  // False: another call is about to settle it.
  bool Take(const std::string& approval);
  void Let(const std::string& approval);

  EventLog& log_;
  ActRecorder& recorder_;
  const Clock& clock_;
  Mutex mu_;
  std::set<std::string> taken_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_FOUR_EYES_H_
