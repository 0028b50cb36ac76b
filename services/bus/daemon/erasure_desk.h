// Erasure as people run it: what would go and what stands against it, the act of
// two people, and who has confirmed since. And the change of the wrapping key.
// concordat.bus.v1.ErasureService but for holds and restrictions (hold_desk.h).
//
// Threads  Serve: before the host starts. Its handlers run on the host's thread;
//          what reads much of the log runs on one of its own.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_ERASURE_DESK_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_ERASURE_DESK_H_

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "concordat/bus/v1/erasure.pb.h"
#include "concordat/bus/v1/retention.pb.h"
#include "services/bus/daemon/act_recorder.h"
#include "services/bus/daemon/erasure_register.h"
#include "services/bus/daemon/four_eyes.h"
#include "services/bus/daemon/rekeyer.h"
#include "services/bus/log/background.h"
#include "services/bus/log/event_log.h"
#include "services/bus/oversight/person_lists.h"
#include "services/bus/retention/person_standing.h"
#include "services/common/event/type_table.h"
#include "services/common/rpc/server_host.h"

namespace concordat::bus {

class ErasureDesk {
 public:
  // As it is now.  NOT_FOUND  there is none: nobody is held by it.
  using LoadPolicy = std::function<absl::StatusOr<v1::RetentionPolicy>()>;

  // Everything outlives it; it outlives the host and the ingest loop's thread.
  ErasureDesk(EventLog& log, Rekeyer& rekeyer, ActRecorder& recorder,
              FourEyes& four_eyes, std::shared_ptr<const TypeRegistry> types,
              LoadPolicy policy, PersonLists& lists,
              std::unique_ptr<Background> thread);

  void Serve(ServerHost& host);

 private:
  struct Run {
    Call call;
    v1::ErasePersonRequest request;
    std::vector<PersonKey> keys;
    PersonStanding standing;
    std::string ref;
    v1::ErasePersonResponse response;
    Reply<v1::ErasePersonResponse> reply;
  };
  using Shared = std::shared_ptr<Run>;

  void Begin(const Call& call, const v1::ErasePersonRequest& request,
             Reply<v1::ErasePersonResponse> reply);
  // The steps, on the desk's thread.
  absl::Status Look(Run& run) const;
  //   FAILED_PRECONDITION  what stands against it as it was looked at, or another
  //                        count than was confirmed.
  static absl::Status Allowed(const Run& run);
  void Decide(const Shared& run);
  void Erase(const Shared& run, const Agreed& agreed);

  void ChangeKey(const Call& call, const v1::ChangeWrappingKeyRequest& request,
                 Reply<v1::ChangeWrappingKeyResponse> reply);
  // An agency is told of its erasures whatever a person's lists say, for it has to
  // confirm; whom those keep from it, it is not told.
  absl::Status HideSubject(const Call& call, v1::Erasure& erasure);
  void Confirm(const Call& call, const v1::ConfirmErasureRequest& request,
               Reply<v1::ConfirmErasureResponse> reply);
  // Of an operator: what somebody did by hand.
  void ConfirmStep(const Call& call, const v1::ConfirmErasureRequest& request,
                   Reply<v1::ConfirmErasureResponse> reply);
  absl::StatusOr<std::vector<v1::Erasure>> WithStep(
      const v1::ConfirmErasureRequest& request) const;

  EventLog& log_;
  Rekeyer& rekeyer_;
  ActRecorder& recorder_;
  FourEyes& four_eyes_;
  const std::shared_ptr<const TypeRegistry> types_;
  const LoadPolicy policy_;
  ErasureRegister register_;
  PersonLists& lists_;
  // Last, so that its work ends before what it works on.
  std::unique_ptr<Background> thread_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_ERASURE_DESK_H_
