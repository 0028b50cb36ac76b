// Offender management: what its commands may make of a management record. PURE
// and total: an event it does not know changes nothing.
#ifndef CONCORDAT_SERVICES_POLICE_DOMAIN_POLICE_H_
#define CONCORDAT_SERVICES_POLICE_DOMAIN_POLICE_H_

#include <functional>
#include <vector>

#include "concordat/police/v1/events.pb.h"
#include "services/common/projection/decide.h"

namespace concordat::police {

// Whether an agency takes part in the hub.
using IsAgency = std::function<bool(absl::string_view agency)>;

struct Management {
  bool started = false;
};

void Evolve(Management& management, const View& event);

//   ALREADY_EXISTS  management under this reference has started.
Decision DecideStart(const std::vector<View>& history,
                     const v1::ManagementStarted& command);

// A visit may be recorded to a record whose start the hub was never told.
//   INVALID_ARGUMENT  joint_with names an agency twice, an unknown one, or
//                     `own`.
Decision DecideVisit(const v1::VisitRecorded& command, absl::string_view own,
                     const IsAgency& is_agency);

}  // namespace concordat::police

#endif  // CONCORDAT_SERVICES_POLICE_DOMAIN_POLICE_H_
