// concordat retention: what is past its period, and its removal.
#include <cstdio>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "concordat/bus/v1/service.pb.h"
#include "gateway/cli/approvals.h"
#include "gateway/cli/command.h"
#include "gateway/cli/hub.h"
#include "gateway/cli/json.h"

namespace concordat::cli {
namespace {

constexpr char kMethod[] = "concordat.bus.v1.BusService/RunRetention";
// The longest that the bus lets a call wait.
constexpr absl::Duration kTimeout = absl::Seconds(60);

unsigned long long Number(uint64_t value) { return value; }

void Print(const bus::v1::RunRetentionResponse& response) {
  std::printf(
      "policy version %u; %u segments are old enough, to event %llu\n"
      "%llu events %s; of each its spine stays\n",
      response.policy_version(), response.segments(),
      Number(response.through()), Number(response.count()),
      response.done() ? "were removed" : "would be removed");
  for (const auto& each : response.removed()) {
    std::printf("  %10llu  %04u-%02u  %s\n", Number(each.events()),
                each.month() / 100, each.month() % 100, each.type().c_str());
  }
  if (response.kept_size() > 0) std::printf("kept whole, and why\n");
  for (const auto& each : response.kept()) {
    std::printf("  %10llu  %s\n", Number(each.events()),
                each.because().c_str());
  }
  for (const std::string& each : response.waits_for()) {
    std::printf("nothing later goes: %s\n", each.c_str());
  }
  if (response.has_asked()) {
    PrintAsked(response.asked());
  } else if (response.done()) {
    std::printf("%llu bytes are free again; recorded\n",
                Number(response.freed_bytes()));
  } else if (response.count() > 0) {
    std::printf("Back the log up first. To do it: --confirm %llu --why TEXT\n",
                Number(response.count()));
  }
}

}  // namespace

absl::Status RunRetention(const std::vector<std::string>& arguments) {
  CommandLine line(
      "retention [--confirm COUNT --why TEXT | --confirm COUNT --approve ID] "
      "[--profile admin]",
      "Says how many events of the log are past the period that "
      "retention.textproto\n"
      "gives them, by type and month, and what is kept and why. With "
      "--confirm it\n"
      "is asked for; another person removes them with --approve. Both are "
      "recorded in\n"
      "the log. deploy/docs/retention.md.");
  std::string confirm;
  std::string why;
  std::string approval;
  line.flags().AddString("confirm", "The count that was said before.",
                         &confirm);
  line.flags().AddString("why", "In a few words, for the record.", &why);
  AddApproveFlag(line, &approval);
  line.set_default_profile("admin");
  const auto go = line.Parse(arguments, 0, 0);
  if (!go.ok() || !*go) return go.status();
  bus::v1::RunRetentionRequest request;
  request.set_why(why);
  request.set_approval(approval);
  if (!confirm.empty()) {
    uint64_t count = 0;
    if (!absl::SimpleAtoi(confirm, &count)) {
      return absl::InvalidArgumentError("--confirm is the count of before");
    }
    request.set_confirmed_count(count);
  }
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  CallOptions options;
  options.timeout = kTimeout;
  const auto response = (*hub)->Call<bus::v1::RunRetentionResponse>(
      "concordat-bus", kMethod, request, options);
  if (absl::IsDeadlineExceeded(response.status())) {
    return absl::DeadlineExceededError(
        "the bus has more to read than a call may wait for; what was begun "
        "goes "
        "on: ask again, and see `concordat log status`");
  }
  if (!response.ok()) return response.status();
  if (line.json()) {
    std::printf("%s\n", ToJson(*response).c_str());
  } else {
    Print(*response);
  }
  if (response->failed().empty()) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("not all of it was done: ", response->failed()));
}

}  // namespace concordat::cli
