// Numbers: the commands and questions of concordat.identity.v1.IdentityService that
// are about them. See the schema for each method.
//
// Threads  One call at a time (the host's thread).
#ifndef CONCORDAT_SERVICES_IDENTITY_RPC_IDENTITY_SERVICE_H_
#define CONCORDAT_SERVICES_IDENTITY_RPC_IDENTITY_SERVICE_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "concordat/identity/v1/service.pb.h"
#include "services/common/base/clock.h"
#include "services/common/rpc/call.h"
#include "services/common/rpc/server_host.h"
#include "services/identity/rpc/case_parties.h"
#include "services/identity/rpc/cohort_feed.h"
#include "services/identity/store/identity_store.h"
#include "services/identity/store/outbox_publisher.h"

namespace concordat::identity {

class IdentityService {
 public:
  // All outlive this.
  IdentityService(IdentityStore& store, OutboxPublisher& outbox,
                  const CaseParties& parties, CohortFeed& cohort,
                  const Clock& clock);

  void AddTo(ServerHost& host);

  absl::StatusOr<v1::RegisterResponse> Register(
      const Call& call, const v1::RegisterRequest& request);
  absl::StatusOr<v1::ResolveResponse> Resolve(
      const Call& call, const v1::ResolveRequest& request);
  absl::StatusOr<v1::ConfirmLinkResponse> ConfirmLink(
      const Call& call, const v1::ConfirmLinkRequest& request);
  absl::StatusOr<v1::LocalSubjectResponse> LocalSubject(
      const Call& call, const v1::LocalSubjectRequest& request);
  absl::Status Cohort(const Call& call, const v1::CohortRequest& request,
                      CohortFeed::Sink sink);

 private:
  // The person whom the numbers name, if the caller's agency is party to an open
  // case of them.
  absl::StatusOr<std::optional<PersonKey>> InterestByCase(
      const Call& call,
      const std::vector<CanonicalIdentifier>& identifiers) const;
  // Whether the caller's agency registered the person or is party to their open
  // case.
  absl::StatusOr<bool> HasInterest(const Call& call,
                                   const PersonKey& person) const;
  absl::StatusOr<WrittenIdentifier> Read(const Call& call,
                                         const v1::Identifier& written) const;

  IdentityStore& store_;
  OutboxPublisher& outbox_;
  const CaseParties& parties_;
  CohortFeed& cohort_;
  const Clock& clock_;
};

}  // namespace concordat::identity

#endif  // CONCORDAT_SERVICES_IDENTITY_RPC_IDENTITY_SERVICE_H_
