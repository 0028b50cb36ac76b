// Legal holds and restrictions, each an act of two people that the log is told of
// and that is nothing but that record: retention and erasure read holds from the
// log, the policy folds restrictions. The rest of concordat.bus.v1.ErasureService.
//
// Threads  Serve: before the host starts. Its handlers run on the host's thread.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_HOLD_DESK_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_HOLD_DESK_H_

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "concordat/bus/v1/erasure.pb.h"
#include "services/bus/daemon/act_recorder.h"
#include "services/bus/daemon/four_eyes.h"
#include "services/bus/log/event_log.h"
#include "services/common/base/ids.h"
#include "services/common/base/mutex.h"
#include "services/common/rpc/server_host.h"

namespace concordat::bus {

class HoldDesk {
 public:
  // Everything outlives it; it outlives the host and the ingest loop's thread.
  // `now_us` is the log's time.
  HoldDesk(EventLog& log, ActRecorder& recorder, FourEyes& four_eyes,
           std::function<uint64_t()> now_us, absl::TimeZone london)
      : log_(log),
        recorder_(recorder),
        four_eyes_(four_eyes),
        now_us_(std::move(now_us)),
        london_(london) {}

  void Serve(ServerHost& host);

 private:
  using HoldReply = Reply<v1::HoldResponse>;
  void Place(const Call& call, const v1::PlaceHoldRequest& request,
             HoldReply reply);
  void Lift(const Call& call, const v1::LiftHoldRequest& request,
            HoldReply reply);
  absl::StatusOr<v1::ListHoldsResponse> List() const;
  void Restrict(const Call& call, const v1::RestrictProcessingRequest& request,
                Reply<v1::RestrictProcessingResponse> reply);
  absl::StatusOr<v1::ListRestrictionsResponse> ListRestrictions(
      const v1::Principal& caller) const;

  absl::Status Fits(const PersonKey& subject,
                    const google::protobuf::MessageLite& message) const;
  // The hold that stands under this reference, and whose it is.  NOT_FOUND
  absl::StatusOr<PersonKey> FindHold(const std::string& ref) const;
  // Controllers whose facts of the person are restricted now.
  absl::StatusOr<std::set<std::string>> RestrictedOf(
      const PersonKey& person) const;
  // From when the list of a person is worked out until it is in the log nobody else
  // works it out: each says all that are restricted, and would undo the other.
  // False: somebody does.
  bool Take(const PersonKey& person);
  void Let(const PersonKey& person);

  EventLog& log_;
  ActRecorder& recorder_;
  FourEyes& four_eyes_;
  const std::function<uint64_t()> now_us_;
  const absl::TimeZone london_;
  Mutex mu_;
  std::set<PersonKey> taken_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_HOLD_DESK_H_
