// concordat retention: what is past its period, who decides of it, and its removal.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "concordat/bus/v1/erasure.pb.h"
#include "concordat/bus/v1/service.pb.h"
#include "gateway/cli/approvals.h"
#include "gateway/cli/command.h"
#include "gateway/cli/hub.h"
#include "gateway/cli/json.h"

namespace concordat::cli {
namespace {

constexpr char kReviews[] = "concordat.bus.v1.ErasureService/";
constexpr char kMethod[] = "concordat.bus.v1.BusService/RunRetention";

unsigned long long Number(uint64_t value) { return value; }

void Print(const bus::v1::RunRetentionResponse& response) {
  std::printf(
      "policy version %u%s%s; %u segments are old enough, to event %llu\n"
      "%llu events %s; of each its spine stays\n",
      response.policy_version(),
      response.agreements().empty() ? "" : ", and the periods of ",
      absl::StrJoin(response.agreements(), ", ").c_str(), response.segments(),
      Number(response.through()), Number(response.count()),
      response.done() ? "were removed" : "would be removed");
  for (const auto& each : response.removed()) {
    std::printf("  %10llu  %04u-%02u  %s\n", Number(each.events()),
                each.month() / 100, each.month() % 100, each.type().c_str());
  }
  if (response.kept_size() > 0) std::printf("kept whole, and why\n");
  for (const auto& each : response.kept()) {
    std::printf("  %10llu  %s%s%s\n", Number(each.events()),
                each.because().c_str(), each.by().empty() ? "" : ", by ",
                each.by().c_str());
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

void Print(const bus::v1::ListReviewsResponse& list) {
  for (const auto& item : list.items()) {
    std::printf("%s  %llu events, %s %s%s\n  period of %s: %s\n",
                item.subject().c_str(), Number(item.events()),
                item.because() == "case-closed" ? "case closed" : "last told",
                LocalMoment(item.ended_time()).c_str(),
                item.due() ? ", DUE" : "", item.agreement().c_str(),
                item.reason().c_str());
    if (item.review_ref().empty()) continue;
    std::printf("  %s  %s by %s, %s: %s%s%s\n", item.review_ref().c_str(),
                item.decision().c_str(), item.decided_by().c_str(),
                LocalMoment(item.decided_time()).c_str(),
                item.decided_reason().c_str(),
                item.review_on().empty() ? "" : "; again on ",
                item.review_on().c_str());
  }
  if (list.items().empty())
    std::printf("nobody is past your agency's period\n");
  if (list.more()) std::printf("and more: decide of these first\n");
}

absl::Status ListReviews(Hub& hub, bool as_json) {
  const auto list = hub.Call<bus::v1::ListReviewsResponse>(
      "concordat-bus", absl::StrCat(kReviews, "ListReviews"),
      bus::v1::ListReviewsRequest());
  if (!list.ok()) return list.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*list).c_str());
  } else {
    Print(*list);
  }
  return absl::OkStatus();
}

absl::Status DecideReview(Hub& hub, const bus::v1::DecideReviewRequest& request,
                          bool as_json) {
  const auto decided = hub.Call<bus::v1::DecideReviewResponse>(
      "concordat-bus", absl::StrCat(kReviews, "DecideReview"), request);
  if (!decided.ok()) return decided.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*decided).c_str());
  } else {
    std::printf("%s: recorded; nothing is removed by it\n",
                decided->review_ref().c_str());
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunRetention(const std::vector<std::string>& arguments) {
  CommandLine line(
      "retention [--confirm COUNT --why TEXT | --confirm COUNT --approve ID] | "
      "reviews | keep PERSON | erase PERSON",
      "Says how many events of the log are past the period that their "
      "agencies'\n"
      "agreements, or else retention.textproto, give them, by type and month, "
      "and\n"
      "what is kept, why and by what. With --confirm it is asked for; another "
      "person\n"
      "removes them with --approve. Both are recorded in the log.\n"
      "deploy/docs/retention.md.\n"
      "reviews        who is past your agency's period, and what was decided\n"
      "keep PERSON    --review-on DAY --reason CODE --why TEXT\n"
      "erase PERSON   --reason CODE --why TEXT: the next run may remove it");
  std::string confirm;
  std::string why;
  std::string approval;
  line.flags().AddString("confirm", "The count that was said before.",
                         &confirm);
  line.flags().AddString("why", "In a few words, for the record.", &why);
  AddApproveFlag(line, &approval);
  bus::v1::DecideReviewRequest review;
  line.flags().AddString("reason", "A code of retention-reason.",
                         review.mutable_reason());
  line.flags().AddString("review-on", "When it is looked at again: 2027-04-01.",
                         review.mutable_review_on());
  line.set_default_profile("admin");
  const auto go = line.Parse(arguments, 0, 2);
  if (!go.ok() || !*go) return go.status();
  const std::vector<std::string>& words = line.words();
  if (!words.empty()) {
    const bool lists = words[0] == "reviews" && words.size() == 1;
    const bool keeps = words[0] == "keep";
    if (!lists && ((!keeps && words[0] != "erase") || words.size() != 2)) {
      return absl::InvalidArgumentError(
          "reviews, keep PERSON or erase PERSON; or no word");
    }
    const auto reviewed = line.OpenHub();
    if (!reviewed.ok()) return reviewed.status();
    if (lists) return ListReviews(**reviewed, line.json());
    const auto subject = (*reviewed)->ResolveSubject(words[1]);
    if (!subject.ok()) return subject.status();
    review.set_subject(*subject);
    review.set_decision(keeps ? "KEEP" : "ERASE");
    review.set_why(why);
    return DecideReview(**reviewed, review, line.json());
  }
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
  options.timeout = kLongCall;
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
