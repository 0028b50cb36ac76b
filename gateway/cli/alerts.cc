// concordat alerts [--follow] | feeds | show | accept | pass | dispute | close
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

// "Dundee case files   complete to …" and what is wrong with it.
absl::Status ListFeeds(Hub& hub, bool as_json) {
  const auto response = hub.Call<alerts::v1::ListFeedsResponse>(
      kProgram, absl::StrCat(kService, "ListFeeds"),
      alerts::v1::ListFeedsRequest());
  if (!response.ok()) return response.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*response).c_str());
    return absl::OkStatus();
  }
  for (const alerts::v1::FeedReport& feed : response->feeds()) {
    std::string silent;
    if (feed.silent_since() != 0) {
      silent =
          absl::StrCat("\n    NOT HERE since ", LocalTime(feed.silent_since()));
    }
    if (feed.rejected() != 0) {
      absl::StrAppend(&silent, "\n    ", feed.rejected(),
                      feed.rejected() == 1 ? " record" : " records",
                      " that cannot be read");
    }
    std::printf("%s (%s)\n    complete to %s; %s%s\n", feed.title().c_str(),
                feed.agency().c_str(),
                feed.complete_to() == 0 ? "nothing yet"
                                        : LocalTime(feed.complete_to()).c_str(),
                feed.expected().c_str(), silent.c_str());
  }
  std::printf("alerts are up to date to %s%s\n",
              LocalTime(response->time()).c_str(),
              response->up_to_date() ? "" : ", and behind");
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
absl::Status Act(Hub& hub, const char* method, Request request, bool as_json,
                 const std::string& which = "") {
  // The same wish of the same person is the same request, however often it is
  // sent.
  request.mutable_command()->set_request_id(absl::StrCat(
      method, ":", request.alert_ref(), ":", hub.profile(), which));
  const auto alert =
      hub.Call<Alert>(kProgram, absl::StrCat(kService, method), request);
  if (!alert.ok()) return alert.status();
  Print(*alert, as_json);
  return absl::OkStatus();
}

}  // namespace

absl::Status RunAlerts(const std::vector<std::string>& arguments) {
  CommandLine line(
      "alerts [feeds | show|accept|pass|dispute|close|accept-withdrawal REF] "
      "--profile NAME",
      "Lists the alerts addressed to a role of yours, oldest first.\n"
      "--follow   each alert as it is raised or changes, from now on\n"
      "feeds      whether what your alerts may rest on has come\n"
      "show REF   records that you have seen it\n"
      "accept REF --action TEXT [--act-by DATE]   you take it on\n"
      "pass REF --to ROLE --words TEXT   also to another role, of yours or of "
      "the "
      "alert's chain\n"
      "dispute REF --reason TEXT   it is wrong\n"
      "close REF --outcome TEXT\n"
      "accept-withdrawal REF  you know that what it said does not hold");
  bool follow = false;
  bool open_only = false;
  std::string action, act_by, outcome, to, words, reason;
  line.flags().AddBool("follow", "Prints alerts as they come.", &follow);
  line.flags().AddBool("open", "Leaves out those that nobody has to act on.",
                       &open_only);
  line.flags().AddString("action", "What will be done.", &action);
  line.flags().AddString("act-by", "By when, a date.", &act_by);
  line.flags().AddString("outcome", "What came of it.", &outcome);
  line.flags().AddString("to", "A role, or agency/role.", &to);
  line.flags().AddString("words", "Why it is passed on.", &words);
  line.flags().AddString("reason", "Why it is wrong.", &reason);
  const auto go = line.Parse(arguments, 0, 2);
  if (!go.ok() || !*go) return go.status();
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  if (follow) return Follow(**hub, line.json());
  if (line.words().empty()) return List(**hub, open_only, line.json());
  const std::string& what = line.words()[0];
  if (what == "feeds" && line.words().size() == 1) {
    return ListFeeds(**hub, line.json());
  }
  if (line.words().size() != 2) {
    return absl::InvalidArgumentError(
        "usage: alerts feeds, or alerts "
        "show|accept|pass|dispute|close|accept-withdrawal REF");
  }
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
  if (what == "pass") {
    alerts::v1::PassAlertRequest request;
    request.set_alert_ref(reference);
    request.set_to(to);
    request.set_words(words);
    // To another role is another wish.
    return Act(**hub, "PassAlert", request, line.json(),
               ":" + to.substr(to.find('/') + 1));
  }
  if (what == "dispute") {
    alerts::v1::DisputeAlertRequest request;
    request.set_alert_ref(reference);
    request.set_reason(reason);
    return Act(**hub, "DisputeAlert", request, line.json());
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
      "alerts ", what,
      "? show, accept, pass, dispute, close or accept-withdrawal"));
}

}  // namespace concordat::cli
