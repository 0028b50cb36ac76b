// Identity reviews: what edges and people open, and people of an agency decide.
// See the schema for each method.
//
// Who sees one  The agency that opened it; of a doubted link every agency with
//               an interest in the person; of a number that two were registered
//               with, every agency with an interest in both. Nobody else learns
//               that there is one.
// Threads       One call at a time (the host's thread).
#ifndef CONCORDAT_SERVICES_IDENTITY_RPC_REVIEW_SERVICE_H_
#define CONCORDAT_SERVICES_IDENTITY_RPC_REVIEW_SERVICE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "concordat/identity/v1/service.pb.h"
#include "services/common/base/clock.h"
#include "services/common/event/type_table.h"
#include "services/common/rpc/call.h"
#include "services/common/rpc/server_host.h"
#include "services/identity/rpc/case_parties.h"
#include "services/identity/rpc/cohort_feed.h"
#include "services/identity/store/identity_store.h"
#include "services/identity/store/outbox_publisher.h"

namespace concordat::identity {

class ReviewService {
 public:
  // All outlive this.
  ReviewService(IdentityStore& store, OutboxPublisher& outbox,
                const CaseParties& parties, CohortFeed& cohort,
                const TypeRegistry& types, const Clock& clock)
      : store_(store),
        outbox_(outbox),
        parties_(parties),
        cohort_(cohort),
        types_(types),
        clock_(clock) {}

  void AddTo(ServerHost& host);

  absl::StatusOr<v1::OpenReviewResponse> OfferAddress(
      const Call& call, const v1::OfferAddressRequest& request);
  absl::StatusOr<v1::OpenReviewResponse> OpenReview(
      const Call& call, const v1::OpenReviewRequest& request);
  absl::StatusOr<v1::ListReviewsResponse> ListReviews(
      const Call& call, const v1::ListReviewsRequest& request);
  absl::StatusOr<v1::LookAtReviewResponse> LookAtReview(
      const Call& call, const v1::LookAtReviewRequest& request);
  absl::StatusOr<v1::DecideReviewResponse> DecideReview(
      const Call& call, const v1::DecideReviewRequest& request);

 private:
  absl::StatusOr<v1::OpenReviewResponse> Open(const Call& call,
                                              const hub::v1::Command& command,
                                              const std::string& subject,
                                              Review review);
  // The review, if it is the caller's to see.
  //   PERMISSION_DENIED  it is not, or there is none: the same words.
  absl::StatusOr<Review> FindFor(const Call& call,
                                 const std::string& review_ref);
  absl::StatusOr<bool> IsFor(const Call& call, const Review& review);
  // A source whose facts may have come by the doubted number.
  struct SourceUse {
    std::string source;
    bool shown = false;  // The caller may know of it.
    bool likely = false;
    Sequence after;
  };
  // By source.
  absl::StatusOr<std::vector<SourceUse>> SourcesOf(const Call& call,
                                                   const Review& review);
  // What the caller's words on the sources come to.
  //   INVALID_ARGUMENT  they name one that the caller was not shown.
  absl::Status ChooseSources(const Call& call,
                             const v1::DecideReviewRequest& request,
                             const Review& review, ReviewDecision& decision);

  IdentityStore& store_;
  OutboxPublisher& outbox_;
  const CaseParties& parties_;
  CohortFeed& cohort_;
  const TypeRegistry& types_;
  const Clock& clock_;
};

}  // namespace concordat::identity

#endif  // CONCORDAT_SERVICES_IDENTITY_RPC_REVIEW_SERVICE_H_
