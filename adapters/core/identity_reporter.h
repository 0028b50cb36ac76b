// Tells identity what only it may know: another address of a person, or that
// somebody has to look at who is who. A repeat changes nothing there.
//
// Threads  One at a time.
#ifndef CONCORDAT_ADAPTERS_CORE_IDENTITY_REPORTER_H_
#define CONCORDAT_ADAPTERS_CORE_IDENTITY_REPORTER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "adapters/core/cohort.h"
#include "adapters/core/cohort_feed.h"
#include "services/common/base/ids.h"
#include "services/common/rpc/channel.h"

namespace concordat::edge {

class IdentityReporter {
 public:
  explicit IdentityReporter(CohortFeed::OpenIdentity open)
      : open_(std::move(open)) {}

  // UNAVAILABLE, DEADLINE_EXCEEDED: again later. Others are identity's own.
  absl::Status OfferAddress(absl::string_view request_id, uint64_t at_us,
                            const PersonKey& subject, std::string address);
  absl::Status OpenReview(absl::string_view request_id, uint64_t at_us,
                          std::string kind, const PersonKey& subject,
                          const std::vector<PersonIdentifier>& identifiers);

 private:
  absl::Status Tell(const char* method, const std::string& request);

  const CohortFeed::OpenIdentity open_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace concordat::edge

#endif  // CONCORDAT_ADAPTERS_CORE_IDENTITY_REPORTER_H_
