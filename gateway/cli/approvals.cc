// concordat approvals: what was asked for and waits for another person; refuse.
#include "gateway/cli/approvals.h"

#include <cstdio>

#include "gateway/cli/hub.h"
#include "gateway/cli/json.h"

namespace concordat::cli {

void AddApproveFlag(CommandLine& line, std::string* approval) {
  line.flags().AddString(
      "approve", "Agrees to what another person asked for, and does it.",
      approval);
}

void PrintAsked(const bus::v1::AskedApproval& asked) {
  std::printf(
      "asked for: %s\nnothing is done yet. Another person with the right does "
      "it until %s,\nby the same command with --approve %s\n",
      asked.what().c_str(), LocalTime(asked.until()).c_str(),
      asked.approval().c_str());
}

namespace {

constexpr char kProgram[] = "concordat-bus";

absl::Status Refuse(Hub& hub, const std::string& approval,
                    const std::string& why) {
  if (why.empty()) {
    return absl::InvalidArgumentError("approvals refuse ID --why TEXT");
  }
  bus::v1::RefuseRequest request;
  request.set_approval(approval);
  request.set_why(why);
  const auto refused = hub.Call<bus::v1::RefuseResponse>(
      kProgram, "concordat.bus.v1.ApprovalService/Refuse", request);
  if (!refused.ok()) return refused.status();
  std::printf("refused, and recorded: it is not done\n");
  return absl::OkStatus();
}

}  // namespace

absl::Status RunApprovals(const std::vector<std::string>& arguments) {
  CommandLine line(
      "approvals [refuse ID --why TEXT] [--profile admin]",
      "What people asked for that needs another one to agree, newest first, "
      "of the\nkinds that the profile may agree to. refuse: one of them is not "
      "done; who asked\ntakes it back so.");
  std::string why;
  line.flags().AddString("why", "For the record, in a few words.", &why);
  line.set_default_profile("admin");
  const auto go = line.Parse(arguments, 0, 2);
  if (!go.ok() || !*go) return go.status();
  const std::vector<std::string>& words = line.words();
  if (!words.empty() && (words.size() != 2 || words[0] != "refuse")) {
    return absl::InvalidArgumentError(
        "usage: approvals [refuse ID --why TEXT]");
  }
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  if (!words.empty()) return Refuse(**hub, words[1], why);
  const auto list = (*hub)->Call<bus::v1::ListApprovalsResponse>(
      kProgram, "concordat.bus.v1.ApprovalService/ListApprovals",
      bus::v1::ListApprovalsRequest());
  if (!list.ok()) return list.status();
  for (const auto& each : list->approvals()) {
    if (line.json()) {
      std::printf("%s\n", ToJson(each).c_str());
    } else {
      std::printf("%s  until %s\n    %s\n    by %s: %s\n",
                  each.approval().c_str(), LocalTime(each.until()).c_str(),
                  each.what().c_str(), each.by().c_str(), each.why().c_str());
    }
  }
  return absl::OkStatus();
}

}  // namespace concordat::cli
