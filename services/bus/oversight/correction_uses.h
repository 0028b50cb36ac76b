#ifndef CONCORDAT_SERVICES_BUS_OVERSIGHT_CORRECTION_USES_H_
#define CONCORDAT_SERVICES_BUS_OVERSIGHT_CORRECTION_USES_H_

#include <vector>

#include "absl/status/statusor.h"
#include "concordat/bus/v1/corrections.pb.h"
#include "services/bus/log/event_log.h"
#include "services/bus/oversight/correction_book.h"
#include "services/common/event/type_table.h"

namespace concordat::bus {

// What was made of a fact that was corrected, taken back or cut, from the person's
// events; and what has become of that since:
//   alert   raised on it, or that took it as evidence. Settled when it is withdrawn
//           and each whom it was withdrawn for knows, or when the alerts service has
//           judged it again and it stands on what else it rests on.
//   clock   by when such an alert was to be accepted: it ends with the alert.
//   plan    a meeting held while it stood; settled by the next one.
//   figure  what the case register says of the person that was decided while it
//           stood, level, risk and next review; settled when it is decided anew.
//   event   published because of it; settled when it is amended itself.
// Of what was decided while it stood nobody but who decided knows whether it counted:
// they are asked to look again. `alerts_at`: what the alerts service has folded.
//   DATA_LOSS, UNAVAILABLE  the log cannot be read.
absl::StatusOr<std::vector<v1::CorrectionUse>> UsesOf(
    const EventLog& log, const TypeRegistry& types,
    const CorrectionBook::Entry& entry, Sequence alerts_at);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_OVERSIGHT_CORRECTION_USES_H_
