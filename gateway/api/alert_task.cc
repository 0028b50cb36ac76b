#include "gateway/api/alert_task.h"

#include <algorithm>

#include "concordat/alerts/v1/service.pb.h"

namespace concordat::gateway {

absl::Status CheckAlertTask(Upstream& upstream, const Caller& caller,
                            const std::string& subject,
                            const std::string& alert_ref,
                            absl::Duration timeout) {
  const auto options = OptionsFor({}, caller, timeout);
  if (!options.ok()) return options.status();
  alerts::v1::ListAlertsRequest request;
  request.set_open_only(true);
  const auto answer = upstream.Call<alerts::v1::ListAlertsResponse>(
      "concordat-alerts", "concordat.alerts.v1.AlertsService/ListAlerts",
      request, *options);
  if (!answer.ok()) {
    return absl::UnavailableError(
        "Your alerts cannot be looked at now. Say in a sentence why you open "
        "this person.");
  }
  const bool is_task = std::any_of(
      answer->alerts().begin(), answer->alerts().end(), [&](const auto& alert) {
        return alert.alert_ref() == alert_ref && alert.subject() == subject;
      });
  if (is_task) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "This is no open alert of yours about this person. Say in a sentence why "
      "you open them.");
}

}  // namespace concordat::gateway
