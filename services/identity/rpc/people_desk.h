// Names: whom a caller may be told of, in what words, and that it was told. See the
// schema for each method.
//
// Who is told   An agency's people with an interest in the person: it registered
//               them, or is party to their open case. For anybody else nobody is
//               there.
// Recorded      Each name given is noted, with whom it was given to and for what,
//               before it is given.
// Threads       One call at a time (the host's thread).
#ifndef CONCORDAT_SERVICES_IDENTITY_RPC_PEOPLE_DESK_H_
#define CONCORDAT_SERVICES_IDENTITY_RPC_PEOPLE_DESK_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "concordat/identity/v1/service.pb.h"
#include "services/common/base/clock.h"
#include "services/common/rpc/call.h"
#include "services/common/rpc/server_host.h"
#include "services/identity/rpc/case_parties.h"
#include "services/identity/rpc/search_limit.h"
#include "services/identity/store/identity_store.h"

namespace concordat::identity {

class PeopleDesk {
 public:
  static constexpr int kSubjectsMax = 100;
  static constexpr int kFoundMax = 20;

  // All outlive this.
  PeopleDesk(IdentityStore& store, const CaseParties& parties,
             const Clock& clock, const SteadyClock& steady)
      : store_(store), parties_(parties), clock_(clock), limit_(steady) {}

  void AddTo(ServerHost& host);

  absl::StatusOr<v1::DescribeResponse> Describe(
      const Call& call, const v1::DescribeRequest& request);
  absl::StatusOr<v1::DescribeManyResponse> DescribeMany(
      const Call& call, const v1::DescribeManyRequest& request);
  absl::StatusOr<v1::FindPeopleResponse> FindPeople(
      const Call& call, const v1::FindPeopleRequest& request);

 private:
  // Nothing: the person is not the caller's to know, or nobody.
  absl::StatusOr<std::optional<v1::PersonDescription>> DescriptionOf(
      const Call& call, const PersonKey& person);
  absl::StatusOr<std::vector<PersonKey>> Candidates(
      const Call& call, const v1::FindPeopleRequest& request);
  absl::Status Note(const Call& call, const std::string& purpose,
                    const std::vector<PersonKey>& people);

  IdentityStore& store_;
  const CaseParties& parties_;
  const Clock& clock_;
  SearchLimit limit_;
};

}  // namespace concordat::identity

#endif  // CONCORDAT_SERVICES_IDENTITY_RPC_PEOPLE_DESK_H_
