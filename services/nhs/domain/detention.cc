#include "services/nhs/domain/detention.h"

#include <algorithm>
#include <iterator>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"

namespace concordat::nhs {
namespace {

struct Transition {
  absl::string_view from;
  absl::string_view to;
};

// The codes are those of the list restricted-patient-status. The hub may meet a
// patient at any point, so a first status is any but an end; and that a patient
// is missing is never refused for want of an earlier report, except from one
// whose detention has ended or who is not detained.
constexpr Transition kTransitions[] = {
    {"", "ADMITTED SUS_ESCORTED SUS_UNESCORTED COND_DISCHARGE RECALL AWOL"},
    {"ADMITTED", "SUS_ESCORTED SUS_UNESCORTED COND_DISCHARGE AWOL END"},
    {"SUS_ESCORTED", "ADMITTED SUS_UNESCORTED COND_DISCHARGE AWOL END"},
    {"SUS_UNESCORTED", "ADMITTED SUS_ESCORTED COND_DISCHARGE AWOL END"},
    {"COND_DISCHARGE", "RECALL END"},
    {"RECALL", "ADMITTED RETURNED AWOL END"},
    {"AWOL", "RETURNED END"},
    {"RETURNED",
     "ADMITTED SUS_ESCORTED SUS_UNESCORTED COND_DISCHARGE AWOL END"},
    {"END", ""},
};

}  // namespace

void Evolve(Detention& detention, const View& event) {
  v1::RestrictedPatientStatusChanged changed;
  if (ReadAs(event, &changed)) detention.status = changed.status();
}

bool CanFollow(absl::string_view from, absl::string_view to) {
  const auto* row =
      std::find_if(std::begin(kTransitions), std::end(kTransitions),
                   [from](const Transition& t) { return t.from == from; });
  // A status that this version does not know bars nothing.
  if (row == std::end(kTransitions)) return true;
  for (const absl::string_view next :
       absl::StrSplit(row->to, ' ', absl::SkipEmpty())) {
    if (next == to) return true;
  }
  return false;
}

Decision DecideStatus(const std::vector<View>& history,
                      const v1::RestrictedPatientStatusChanged& command) {
  Detention detention;
  for (const View& event : history) Evolve(detention, event);
  if (!CanFollow(detention.status, command.status())) {
    return absl::FailedPreconditionError(absl::StrCat(
        "status.status: ", command.status(), " does not follow from ",
        detention.status.empty() ? "nothing" : detention.status));
  }
  absl::CivilDay day;
  if (!command.effective_on().empty() &&
      !absl::ParseCivilTime(command.effective_on(), &day)) {
    return absl::InvalidArgumentError("status.effective_on: is not a date");
  }
  return std::vector<ProposedEvent>{Propose(command)};
}

}  // namespace concordat::nhs
