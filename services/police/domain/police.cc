#include "services/police/domain/police.h"

#include <set>
#include <string>

#include "absl/status/status.h"

namespace concordat::police {

void Evolve(Management& management, const View& event) {
  v1::ManagementStarted started;
  if (ReadAs(event, &started)) management.started = true;
}

Decision DecideStart(const std::vector<View>& history,
                     const v1::ManagementStarted& command) {
  Management management;
  for (const View& event : history) Evolve(management, event);
  if (management.started) {
    return absl::AlreadyExistsError(
        "management.management_ref: management under it has started");
  }
  return std::vector<ProposedEvent>{Propose(command)};
}

Decision DecideVisit(const v1::VisitRecorded& command, absl::string_view own,
                     const IsAgency& is_agency) {
  std::set<std::string> joint;
  for (const std::string& agency : command.joint_with()) {
    if (agency == own) {
      return absl::InvalidArgumentError(
          "visit.joint_with: is for the other agencies");
    }
    if (!is_agency(agency)) {
      return absl::InvalidArgumentError(
          "visit.joint_with: names an unknown agency");
    }
    if (!joint.insert(agency).second) {
      return absl::InvalidArgumentError(
          "visit.joint_with: names an agency twice");
    }
  }
  return std::vector<ProposedEvent>{Propose(command)};
}

}  // namespace concordat::police
