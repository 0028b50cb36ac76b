#include "services/alerts/domain/alert.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"

namespace concordat::alerts {
namespace {

std::string By(const AlertCaller& caller) { return caller.name; }

absl::Status ClosedBefore(const Alert& alert) {
  return absl::FailedPreconditionError(
      absl::StrCat("alert ", alert.ref, " is closed"));
}

}  // namespace

absl::string_view StageName(AlertStage stage) {
  switch (stage) {
    case AlertStage::kRaised:
      return "raised";
    case AlertStage::kShown:
      return "shown";
    case AlertStage::kAccepted:
      return "accepted";
    case AlertStage::kClosed:
      return "closed";
  }
  return "unknown";
}

bool Alert::AddressedTo(absl::string_view agency) const {
  return std::any_of(to.begin(), to.end(), [agency](const AlertAddressee& a) {
    return a.agency == agency;
  });
}

bool Alert::AcceptedBy(absl::string_view agency) const {
  return std::any_of(
      acceptances.begin(), acceptances.end(),
      [agency](const AlertAcceptance& a) { return a.agency == agency; });
}

bool MaySee(const Alert& alert, const AlertCaller& caller) {
  return std::any_of(
      alert.to.begin(), alert.to.end(), [&caller](const AlertAddressee& a) {
        return a.agency == caller.agency &&
               std::find(caller.roles.begin(), caller.roles.end(), a.role) !=
                   caller.roles.end();
      });
}

bool Owns(const Alert& alert, const AlertCaller& caller) {
  return !alert.to.empty() && alert.to.front().agency == caller.agency;
}

absl::StatusOr<v1::AlertAccepted> DecideAccept(const Alert& alert,
                                               const AlertCaller& caller,
                                               absl::string_view action,
                                               absl::string_view act_by) {
  if (action.empty()) {
    return absl::InvalidArgumentError("action: required, say what you will do");
  }
  absl::CivilDay day;
  if (!act_by.empty() && !absl::ParseCivilTime(act_by, &day)) {
    return absl::InvalidArgumentError("act_by: not a date YYYY-MM-DD");
  }
  if (!alert.open()) return ClosedBefore(alert);
  if (alert.AcceptedBy(caller.agency)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "alert ", alert.ref, " was accepted by ", caller.agency, " before"));
  }
  v1::AlertAccepted event;
  event.set_alert_ref(alert.ref);
  event.set_agency(caller.agency);
  event.set_by(By(caller));
  event.set_action(std::string(action));
  event.set_act_by(std::string(act_by));
  return event;
}

absl::StatusOr<v1::AlertClosed> DecideClose(const Alert& alert,
                                            const AlertCaller& caller,
                                            absl::string_view outcome) {
  if (outcome.empty()) {
    return absl::InvalidArgumentError("outcome: required, say what came of it");
  }
  if (!alert.open()) return ClosedBefore(alert);
  if (!Owns(alert, caller) && !alert.AcceptedBy(caller.agency)) {
    return absl::PermissionDeniedError(
        absl::StrCat("only an agency that owns alert ", alert.ref,
                     " or accepted it may "
                     "close it"));
  }
  if (alert.acceptances.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "alert ", alert.ref, " has not been accepted by anybody yet"));
  }
  v1::AlertClosed event;
  event.set_alert_ref(alert.ref);
  event.set_agency(caller.agency);
  event.set_by(By(caller));
  event.set_outcome(std::string(outcome));
  return event;
}

void Evolve(const v1::AlertShown&, Alert& alert) {
  alert.stage = std::max(alert.stage, AlertStage::kShown);
}

void Evolve(const v1::AlertAccepted& event, uint64_t at_us, Alert& alert) {
  if (!alert.open() || alert.AcceptedBy(event.agency())) return;
  alert.stage = AlertStage::kAccepted;
  alert.acceptances.push_back(
      {event.agency(), event.by(), at_us, event.action(), event.act_by()});
}

void Evolve(const v1::AlertClosed& event, uint64_t at_us, Alert& alert) {
  if (!alert.open()) return;
  alert.stage = AlertStage::kClosed;
  alert.closed_us = at_us;
  alert.outcome = event.outcome();
}

}  // namespace concordat::alerts
