// The role directory's commands and questions: who answers for a role, who stands
// in, where each is told, and who holds it. See the schema for each method.
//
// Who is told of holders  Their own agency, and agencies that share an open case
//                         with it.
//
// Threads  One call at a time (the host's thread).
#ifndef CONCORDAT_SERVICES_IDENTITY_RPC_ROLE_DESK_H_
#define CONCORDAT_SERVICES_IDENTITY_RPC_ROLE_DESK_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "concordat/identity/v1/service.pb.h"
#include "services/common/base/clock.h"
#include "services/common/roles/role_directory.h"
#include "services/common/rpc/call.h"
#include "services/common/rpc/server_host.h"
#include "services/identity/rpc/case_parties.h"
#include "services/identity/store/identity_store.h"
#include "services/identity/store/outbox_publisher.h"

namespace concordat::identity {

class RoleDesk {
 public:
  // Makes the directory of what was adopted and set before, and adopts those of
  // `files` and `holders` that are new, heading events as `self` does. `clock` is
  // for deadlines; who is on duty now goes by `log_clock`. All outlive it.
  //   INVALID_ARGUMENT     a file is wrong, or a chain ends nowhere; names the role.
  //   FAILED_PRECONDITION  a version that was adopted before reads otherwise now.
  static absl::StatusOr<std::unique_ptr<RoleDesk>> Open(
      IdentityStore& store, OutboxPublisher& outbox, const CaseParties& parties,
      const std::vector<v1::RolesDefined>& files,
      const std::vector<v1::RoleHolders>& holders,
      std::shared_ptr<const Calendars> calendars, absl::TimeZone zone,
      const bus::v1::Principal& self, const Clock& clock,
      const Clock& log_clock);

  void AddTo(ServerHost& host);

  absl::StatusOr<v1::ListRolesResponse> ListRoles(
      const Call& call, const v1::ListRolesRequest& request);
  absl::StatusOr<v1::ListInvolvedResponse> ListInvolved(
      const Call& call, const v1::ListInvolvedRequest& request);
  absl::StatusOr<v1::SetAbsenceResponse> SetAbsence(
      const Call& call, const v1::SetAbsenceRequest& request);
  absl::StatusOr<v1::SetContactResponse> SetContact(
      const Call& call, const v1::SetContactRequest& request);
  absl::StatusOr<v1::ContactResponse> Contact(
      const Call& call, const v1::ContactRequest& request);

 private:
  RoleDesk(IdentityStore& store, OutboxPublisher& outbox,
           const CaseParties& parties, RoleDirectory directory,
           absl::TimeZone zone, const Clock& clock, const Clock& log_clock)
      : store_(store),
        outbox_(outbox),
        parties_(parties),
        directory_(std::move(directory)),
        zone_(zone),
        clock_(clock),
        log_clock_(log_clock) {}
  absl::Status Adopt(const v1::RolesDefined& file,
                     const bus::v1::Principal& self);
  //   INVALID_ARGUMENT  names the field or the role.
  absl::Status CheckHolders(const v1::RoleHolders& file) const;
  // What an agency tells at that moment; null: nothing.
  const v1::RoleHolders* HoldersOf(const std::string& agency,
                                   absl::Time at) const;
  void FillInvolved(const Call& call, const std::string& agency, bool lead,
                    absl::Time at, v1::InvolvedAgency& out) const;
  //   NOT_FOUND  the caller's agency has no such role.
  absl::StatusOr<const v1::Role*> OwnRole(const Call& call,
                                          const std::string& role,
                                          absl::Time at) const;

  IdentityStore& store_;
  OutboxPublisher& outbox_;
  const CaseParties& parties_;
  RoleDirectory directory_;
  const absl::TimeZone zone_;
  // By agency, the highest version last.
  std::map<std::string, std::vector<v1::RoleHolders>> holders_;
  const Clock& clock_;
  const Clock& log_clock_;
};

}  // namespace concordat::identity

#endif  // CONCORDAT_SERVICES_IDENTITY_RPC_ROLE_DESK_H_
