// The review list of each agency, as its people work through it: who is past the
// agency's period, and what somebody decided. Nothing is removed here: a decision to
// erase lets the next run of retention remove it, or an erasure be asked for.
// concordat.bus.v1.ErasureService/ListReviews and DecideReview.
//
// Threads  Serve: before the host starts. Its handlers run on the host's thread; the
//          log is read on one of its own.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_REVIEW_DESK_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_REVIEW_DESK_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "concordat/bus/v1/erasure.pb.h"
#include "concordat/bus/v1/retention.pb.h"
#include "services/bus/daemon/act_recorder.h"
#include "services/bus/daemon/ingest_loop.h"
#include "services/bus/log/background.h"
#include "services/bus/log/event_log.h"
#include "services/bus/oversight/person_lists.h"
#include "services/bus/retention/review_book.h"
#include "services/common/event/type_table.h"
#include "services/common/rpc/server_host.h"

namespace concordat::bus {

class ReviewDesk {
 public:
  // As it is now.  NOT_FOUND  there is none: nobody is reviewed.
  using LoadPolicy = std::function<absl::StatusOr<v1::RetentionPolicy>()>;

  // Everything outlives it; it outlives the host and the ingest loop's thread.
  ReviewDesk(const EventLog& log, IngestLoop& ingest, ActRecorder& recorder,
             std::shared_ptr<const TypeRegistry> types, LoadPolicy policy,
             absl::TimeZone london, PersonLists& lists,
             std::unique_ptr<Background> thread);

  void Serve(ServerHost& host);

 private:
  // The steps, on the desk's thread.
  absl::Status CatchUp();
  absl::StatusOr<v1::ListReviewsResponse> List(const Call& call);
  void Decide(const Call& call, const v1::DecideReviewRequest& request,
              const Reply<v1::DecideReviewResponse>& reply);
  std::string Today() const;

  const EventLog& log_;
  IngestLoop& ingest_;
  ActRecorder& recorder_;
  const std::shared_ptr<const TypeRegistry> types_;
  const LoadPolicy policy_;
  const absl::TimeZone london_;
  PersonLists& lists_;
  ReviewBook book_;  // The desk's thread.
  Sequence folded_;
  // Last, so that its work ends before what it works on.
  std::unique_ptr<Background> thread_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_REVIEW_DESK_H_
