// Coded statements of risk that a board lets out. PURE and total.
#ifndef CONCORDAT_SERVICES_NHS_DOMAIN_DISCLOSURE_H_
#define CONCORDAT_SERVICES_NHS_DOMAIN_DISCLOSURE_H_

#include <vector>

#include "absl/time/civil_time.h"
#include "concordat/nhs/v1/events.pb.h"
#include "services/common/projection/decide.h"

namespace concordat::nhs {

// `gateway` is the legal gateway that the caller named, `day` that of the
// disclosure.
//   ALREADY_EXISTS    the reference is taken.
//   INVALID_ARGUMENT  no gateway was named; expires_on is no date after `day`.
Decision DecideDisclosure(const std::vector<View>& history,
                          const v1::RiskInformationDisclosed& command,
                          absl::string_view gateway, absl::CivilDay day);

}  // namespace concordat::nhs

#endif  // CONCORDAT_SERVICES_NHS_DOMAIN_DISCLOSURE_H_
