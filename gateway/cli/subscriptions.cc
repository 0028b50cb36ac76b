// concordat subscriptions [list] | set-aside | redrive | park | pause | resume |
// remove
#include <cstdio>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "concordat/bus/v1/service.pb.h"
#include "gateway/cli/approvals.h"
#include "gateway/cli/command.h"
#include "gateway/cli/hub.h"
#include "gateway/cli/json.h"

namespace concordat::cli {
namespace {

constexpr char kProgram[] = "concordat-bus";
constexpr char kService[] = "concordat.bus.v1.BusService/";
constexpr size_t kWordsMax = 1000;

struct Options {
  std::string type;
  std::string agency;
  std::string reason;
  std::string why;
  std::string confirm;
  std::string approval;
  bool waiting = false;
};

unsigned long long Number(uint64_t value) { return value; }

template <typename Response, typename Request>
absl::StatusOr<Response> Call(Hub& hub, const char* method,
                              const Request& request) {
  return hub.Call<Response>(kProgram, absl::StrCat(kService, method), request);
}

absl::StatusOr<bus::v1::SubscriptionName> NameOf(const std::string& word) {
  const std::vector<std::string> parts =
      absl::StrSplit(word, absl::MaxSplits('/', 2));
  if (parts.size() != 3) {
    return absl::InvalidArgumentError(
        absl::StrCat(word,
                     "? a subscription is AGENCY/ROLE/NAME, as "
                     "`concordat subscriptions` has them"));
  }
  bus::v1::SubscriptionName name;
  name.set_agency(parts[0]);
  name.set_role(parts[1]);
  name.set_name(parts[2]);
  return name;
}

bus::v1::SetAsideFilter FilterOf(const Options& options) {
  bus::v1::SetAsideFilter filter;
  if (!options.type.empty()) filter.add_types(options.type);
  if (!options.agency.empty()) filter.add_agencies(options.agency);
  filter.set_reason(options.reason);
  return filter;
}

std::string StateOf(const bus::v1::SubscriptionState& each) {
  if (!each.stopped_because().empty()) {
    return absl::StrCat("STOPPED: ", each.stopped_because());
  }
  if (each.paused()) return "paused";
  if (each.stalled_since() > 0) {
    return absl::StrCat("DOES NOT MOVE since ",
                        LocalTime(each.stalled_since()));
  }
  return each.connected() ? "connected" : "away";
}

absl::Status List(Hub& hub, bool as_json) {
  const auto list = Call<bus::v1::ListSubscriptionsResponse>(
      hub, "ListSubscriptions", bus::v1::ListSubscriptionsRequest());
  if (!list.ok()) return list.status();
  if (!as_json) {
    std::printf("%-50s %10s %8s %7s %7s %7s %s\n", "SUBSCRIPTION", "DONE",
                "BEHIND", "WAITING", "ASIDE", "PARKED", "STATE");
  }
  for (const auto& each : list->subscriptions()) {
    if (as_json) {
      std::printf("%s\n", ToJson(each).c_str());
      continue;
    }
    std::printf("%-50s %10llu %8llu %7llu %7llu %7llu %s\n",
                absl::StrCat(each.agency(), "/", each.role(), "/",
                             each.name().empty() ? "(tail)" : each.name())
                    .c_str(),
                Number(each.acknowledged()), Number(each.lag()),
                Number(each.waiting()), Number(each.set_aside()),
                Number(each.parked()), StateOf(each).c_str());
  }
  return absl::OkStatus();
}

const char* Word(bus::v1::SetAsideState state) {
  switch (state) {
    case bus::v1::SET_ASIDE_STATE_WAITING:
      return "waiting";
    case bus::v1::SET_ASIDE_STATE_SET_ASIDE:
      return "set aside";
    case bus::v1::SET_ASIDE_STATE_PARKED:
      return "parked";
    default:
      return "?";
  }
}

absl::Status ListSetAside(Hub& hub, const bus::v1::SubscriptionName& name,
                          const Options& options, bool as_json) {
  bus::v1::ListSetAsideRequest request;
  *request.mutable_subscription() = name;
  *request.mutable_filter() = FilterOf(options);
  request.set_with_waiting(options.waiting);
  if (!as_json) {
    std::printf("%8s %-9s %10s %-40s %8s %-16s %s\n", "ROW", "STATE", "EVENT",
                "TYPE", "ATTEMPTS", "LAST", "REASON");
  }
  for (bool more = true; more;) {
    const auto page =
        Call<bus::v1::ListSetAsideResponse>(hub, "ListSetAside", request);
    if (!page.ok()) return page.status();
    for (const auto& each : page->events()) {
      request.set_after(each.row());
      if (as_json) {
        std::printf("%s\n", ToJson(each).c_str());
        continue;
      }
      std::printf(
          "%8llu %-9s %10llu %-40s %8u %-16s %s\n", Number(each.row()),
          Word(each.state()), Number(each.sequence()), each.type().c_str(),
          each.attempts(),
          each.last_time() == 0 ? "" : LocalTime(each.last_time()).c_str(),
          each.reason().c_str());
    }
    more = page->more();
  }
  return absl::OkStatus();
}

// Without --confirm it only counts.
template <typename Response, typename Request>
absl::Status ActOnRows(Hub& hub, const char* method, const char* done_word,
                       const bus::v1::SubscriptionName& name,
                       const std::vector<std::string>& words,
                       const Options& options, bool as_json) {
  Request request;
  *request.mutable_choice()->mutable_subscription() = name;
  *request.mutable_choice()->mutable_filter() = FilterOf(options);
  for (size_t i = 2; i < words.size(); ++i) {
    uint64_t row = 0;
    if (!absl::SimpleAtoi(words[i], &row)) {
      return absl::InvalidArgumentError(
          absl::StrCat(words[i], "? a row is a number"));
    }
    request.mutable_choice()->add_rows(row);
  }
  request.set_why(options.why);
  request.set_approval(options.approval);
  if (!options.confirm.empty()) {
    uint32_t count = 0;
    if (!absl::SimpleAtoi(options.confirm, &count)) {
      return absl::InvalidArgumentError("--confirm is the count of before");
    }
    request.set_confirmed_count(count);
  }
  const auto response = Call<Response>(hub, method, request);
  if (!response.ok()) return response.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*response).c_str());
  } else if (response->done()) {
    std::printf("%u %s; recorded\n", response->count(), done_word);
  } else if (response->has_asked()) {
    PrintAsked(response->asked());
  } else {
    std::printf("%u would be. To do it: --confirm %u --why TEXT\n",
                response->count(), response->count());
  }
  return absl::OkStatus();
}

absl::Status SetPaused(Hub& hub, const bus::v1::SubscriptionName& name,
                       bool paused, const Options& options) {
  bus::v1::SetPausedRequest request;
  *request.mutable_subscription() = name;
  request.set_paused(paused);
  request.set_why(options.why);
  return Call<bus::v1::SetPausedResponse>(hub, "SetPaused", request).status();
}

absl::Status Remove(Hub& hub, const bus::v1::SubscriptionName& name,
                    const Options& options) {
  bus::v1::RemoveSubscriptionRequest request;
  *request.mutable_subscription() = name;
  request.set_why(options.why);
  return Call<bus::v1::RemoveSubscriptionResponse>(hub, "RemoveSubscription",
                                                   request)
      .status();
}

}  // namespace

absl::Status RunSubscriptions(const std::vector<std::string>& arguments) {
  CommandLine line(
      "subscriptions [list | set-aside NAME | redrive NAME [ROW…] | park NAME "
      "[ROW…] | pause NAME | resume NAME | remove NAME] [--profile admin]",
      "Places in the log: how far each is, who is behind, and what could not "
      "be\n"
      "delivered. NAME is AGENCY/ROLE/NAME, as the list has it.\n"
      "set-aside  what is set aside and parked: envelopes; changes nothing\n"
      "redrive    delivers it again: the rows that are named, else what is "
      "set\n"
      "           aside and fits the filter. Says how many without --confirm\n"
      "park       the same, for people alone from then on; what waits behind "
      "it\n"
      "           goes on\n"
      "pause      no deliveries until resume; the place stays\n"
      "remove     forgets a name that nobody uses\n"
      "Redrive and park need two people: one asks with --confirm and --why, "
      "another\n"
      "does it by the same command with --approve.\n"
      "All but the first two need --why and are recorded in the log.");
  Options options;
  line.set_default_profile("admin");
  line.flags().AddString("type", "Of this type; * for any characters.",
                         &options.type);
  line.flags().AddString("agency", "Of this controller.", &options.agency);
  line.flags().AddString("reason", "That failed so; * for any characters.",
                         &options.reason);
  line.flags().AddString("why", "In a few words, for the record.",
                         &options.why);
  line.flags().AddString("confirm", "Do it: with so many, and no others.",
                         &options.confirm);
  AddApproveFlag(line, &options.approval);
  line.flags().AddBool("waiting", "With those that will be tried again.",
                       &options.waiting);
  const auto go = line.Parse(arguments, 0, kWordsMax);
  if (!go.ok() || !*go) return go.status();
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  const auto& words = line.words();
  const std::string what = words.empty() ? "list" : words[0];
  if (what == "list" && words.size() < 2) return List(**hub, line.json());
  if (words.size() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("subscriptions ", what, "? see --help"));
  }
  const auto name = NameOf(words[1]);
  if (!name.ok()) return name.status();
  if (what == "redrive") {
    return ActOnRows<bus::v1::RedriveResponse, bus::v1::RedriveRequest>(
        **hub, "Redrive", "are delivered again", *name, words, options,
        line.json());
  }
  if (what == "park") {
    return ActOnRows<bus::v1::ParkResponse, bus::v1::ParkRequest>(
        **hub, "Park", "are parked", *name, words, options, line.json());
  }
  if (words.size() == 2) {
    if (what == "set-aside") {
      return ListSetAside(**hub, *name, options, line.json());
    }
    if (what == "pause") return SetPaused(**hub, *name, true, options);
    if (what == "resume") return SetPaused(**hub, *name, false, options);
    if (what == "remove") return Remove(**hub, *name, options);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("subscriptions ", what, "? see --help"));
}

}  // namespace concordat::cli
