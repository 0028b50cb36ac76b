// concordat alerts [--follow] | show | accept | close
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "concordat/alerts/v1/service.pb.h"
#include "gateway/cli/command.h"
#include "gateway/cli/demo/player.h"
#include "gateway/cli/hub.h"
#include "gateway/cli/json.h"

namespace concordat::cli {
namespace {

using ::concordat::alerts::v1::Alert;

constexpr char kProgram[] = "concordat-alerts";
constexpr char kService[] = "concordat.alerts.v1.AlertsService/";

void Print(const Alert& alert, bool as_json) {
  if (as_json) {
    std::printf("%s\n", ToJson(alert).c_str());
  } else {
    std::printf("%s\n", AlertText(alert).c_str());
  }
  std::fflush(stdout);
}

absl::Status List(Hub& hub, bool open_only, bool as_json) {
  alerts::v1::ListAlertsRequest request;
  request.set_open_only(open_only);
  const auto response = hub.Call<alerts::v1::ListAlertsResponse>(
      kProgram, absl::StrCat(kService, "ListAlerts"), request);
  if (!response.ok()) return response.status();
  for (const Alert& alert : response->alerts()) Print(alert, as_json);
  if (response->alerts().empty() && !as_json) std::printf("no alerts\n");
  return absl::OkStatus();
}

absl::Status Follow(Hub& hub, bool as_json) {
  const auto channel = hub.ChannelTo(kProgram);
  if (!channel.ok()) return channel.status();
  CallOptions options;
  options.timeout = absl::InfiniteDuration();
  return GenericServerStream(*channel, absl::StrCat(kService, "FollowAlerts"),
                             "", options, [as_json](const std::string& bytes) {
                               Alert alert;
                               if (alert.ParseFromString(bytes))
                                 Print(alert, as_json);
                               return true;
                             });
}

template <typename Request>
absl::Status Act(Hub& hub, const char* method, Request request, bool as_json) {
  // The same wish of the same person is the same request, however often it is
  // sent.
  request.mutable_command()->set_request_id(
      absl::StrCat(method, ":", request.alert_ref(), ":", hub.profile()));
  const auto alert =
      hub.Call<Alert>(kProgram, absl::StrCat(kService, method), request);
  if (!alert.ok()) return alert.status();
  Print(*alert, as_json);
  return absl::OkStatus();
}

}  // namespace

absl::Status RunAlerts(const std::vector<std::string>& arguments) {
  CommandLine line(
      "alerts [show|accept|close|accept-withdrawal REF] --profile NAME",
      "Lists the alerts addressed to a role of yours, oldest first.\n"
      "--follow   each alert as it is raised or changes, from now on\n"
      "show REF   records that you have seen it\n"
      "accept REF --action TEXT [--act-by DATE]   you take it on\n"
      "close REF --outcome TEXT\n"
      "accept-withdrawal REF  you know that what it said does not hold");
  bool follow = false;
  bool open_only = false;
  std::string action, act_by, outcome;
  line.flags().AddBool("follow", "Prints alerts as they come.", &follow);
  line.flags().AddBool("open", "Leaves out those that nobody has to act on.",
                       &open_only);
  line.flags().AddString("action", "What will be done.", &action);
  line.flags().AddString("act-by", "By when, a date.", &act_by);
  line.flags().AddString("outcome", "What came of it.", &outcome);
  const auto go = line.Parse(arguments, 0, 2);
  if (!go.ok() || !*go) return go.status();
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  if (follow) return Follow(**hub, line.json());
  if (line.words().empty()) return List(**hub, open_only, line.json());
  if (line.words().size() != 2) {
    return absl::InvalidArgumentError(
        "usage: alerts show|accept|close|accept-withdrawal REF");
  }
  const std::string& what = line.words()[0];
  const std::string& reference = line.words()[1];
  if (what == "show") {
    alerts::v1::ShowAlertRequest request;
    request.set_alert_ref(reference);
    return Act(**hub, "ShowAlert", request, line.json());
  }
  if (what == "accept") {
    alerts::v1::AcceptAlertRequest request;
    request.set_alert_ref(reference);
    request.set_action(action);
    request.set_act_by(act_by);
    return Act(**hub, "AcceptAlert", request, line.json());
  }
  if (what == "close") {
    alerts::v1::CloseAlertRequest request;
    request.set_alert_ref(reference);
    request.set_outcome(outcome);
    return Act(**hub, "CloseAlert", request, line.json());
  }
  if (what == "accept-withdrawal") {
    alerts::v1::AcceptWithdrawalRequest request;
    request.set_alert_ref(reference);
    return Act(**hub, "AcceptWithdrawal", request, line.json());
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "alerts ", what, "? show, accept, close or accept-withdrawal"));
}

}  // namespace concordat::cli
