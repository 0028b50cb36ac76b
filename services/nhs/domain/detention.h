// A restricted patient's detention, as a person states it. PURE and total.
#ifndef CONCORDAT_SERVICES_NHS_DOMAIN_DETENTION_H_
#define CONCORDAT_SERVICES_NHS_DOMAIN_DETENTION_H_

#include <string>
#include <vector>

#include "concordat/nhs/v1/events.pb.h"
#include "services/common/projection/decide.h"

namespace concordat::nhs {

struct Detention {
  std::string status;  // Empty: the hub was told none.
};

void Evolve(Detention& detention, const View& event);

// Whether status `to` can follow `from`; empty `from`: it is the first.
bool CanFollow(absl::string_view from, absl::string_view to);

//   FAILED_PRECONDITION  the status does not follow from the last one.
//   INVALID_ARGUMENT     effective_on is not a date.
Decision DecideStatus(const std::vector<View>& history,
                      const v1::RestrictedPatientStatusChanged& command);

}  // namespace concordat::nhs

#endif  // CONCORDAT_SERVICES_NHS_DOMAIN_DETENTION_H_
