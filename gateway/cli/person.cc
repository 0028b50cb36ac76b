// concordat person reviews [list | look | decide | doubt]
#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "concordat/identity/v1/service.pb.h"
#include "gateway/cli/command.h"
#include "gateway/cli/hub.h"
#include "gateway/cli/json.h"
#include "services/common/event/make_event.h"

namespace concordat::cli {
namespace {

using ::concordat::identity::v1::Review;

constexpr char kProgram[] = "concordat-identity";
constexpr char kService[] = "concordat.identity.v1.IdentityService/";

struct Options {
  std::string decision;
  std::string reason;
  std::string note;
  bool all = false;
};

template <typename Response, typename Request>
absl::StatusOr<Response> Ask(Hub& hub, const char* method,
                             const Request& request) {
  return hub.Call<Response>(kProgram, absl::StrCat(kService, method), request);
}

void Print(const Review& review) {
  std::printf("%-6s %-16s  %-17s %-8s %s, from %s\n",
              review.review_ref().c_str(),
              LocalTime(review.happened_at()).c_str(), review.kind().c_str(),
              review.state().c_str(), review.subject().c_str(),
              review.opened_by().c_str());
  if (review.decided_by().empty()) return;
  if (review.decision().empty()) {
    std::printf("       %s wants the link cut\n", review.decided_by().c_str());
    return;
  }
  std::printf("       %s %s by %s: %s\n", review.decision().c_str(),
              LocalTime(review.decided_at()).c_str(),
              review.decided_by().c_str(), review.reason().c_str());
}

absl::Status List(Hub& hub, const Options& options, bool as_json) {
  identity::v1::ListReviewsRequest request;
  request.set_with_decided(options.all);
  const auto list =
      Ask<identity::v1::ListReviewsResponse>(hub, "ListReviews", request);
  if (!list.ok()) return list.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*list).c_str());
    return absl::OkStatus();
  }
  for (const Review& review : list->reviews()) Print(review);
  if (list->reviews().empty()) std::printf("no reviews\n");
  return absl::OkStatus();
}

absl::Status Look(Hub& hub, const std::string& ref, bool as_json) {
  identity::v1::LookAtReviewRequest request;
  request.set_review_ref(ref);
  const auto looked =
      Ask<identity::v1::LookAtReviewResponse>(hub, "LookAtReview", request);
  if (!looked.ok()) return looked.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*looked).c_str());
    return absl::OkStatus();
  }
  Print(looked->review());
  for (const auto& one : looked->identifiers()) {
    std::printf("       number   %s %s %s: %s\n",
                one.identifier().scheme().c_str(),
                one.identifier().authority().c_str(),
                one.identifier().value().c_str(),
                one.holder().empty() ? "nobody's that you know"
                : one.holder() == looked->review().subject()
                    ? "this person's"
                    : one.holder().c_str());
  }
  if (!looked->address().text().empty()) {
    std::printf("       address  %s\n       known    %s\n",
                looked->address().text().c_str(),
                looked->known_address().text().empty()
                    ? "none"
                    : looked->known_address().text().c_str());
  }
  for (const std::string& note : {looked->note(), looked->decision_note()}) {
    if (!note.empty()) std::printf("       note     %s\n", note.c_str());
  }
  return absl::OkStatus();
}

absl::Status Decide(Hub& hub, const std::string& ref, const Options& options,
                    bool as_json) {
  if (options.decision.empty() || options.reason.empty()) {
    return absl::InvalidArgumentError(
        "person reviews decide needs --as, one of "
        "deploy/config/codes/identity-review-decision, and --reason, one of "
        "identity-review-reason");
  }
  identity::v1::DecideReviewRequest request;
  // The same wish of the same person is the same request.
  request.mutable_command()->set_request_id(DerivedId(
      "cli",
      absl::StrJoin({std::string("decide"), ref, hub.profile(),
                     options.decision, options.reason, options.note},
                    "\n"),
      0));
  request.set_review_ref(ref);
  request.set_decision(options.decision);
  request.set_reason(options.reason);
  request.set_note(options.note);
  const auto reply =
      Ask<identity::v1::DecideReviewResponse>(hub, "DecideReview", request);
  if (!reply.ok()) return reply.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*reply).c_str());
  } else {
    Print(reply->review());
  }
  return absl::OkStatus();
}

// `number` is ref:<scheme>:<number>, as everywhere.
absl::Status Doubt(Hub& hub, const std::string& number, const Options& options,
                   bool as_json) {
  const size_t colon = number.find(':', 4);
  if (!absl::StartsWith(number, "ref:") || colon == std::string::npos) {
    return absl::InvalidArgumentError(
        "person reviews doubt ref:<scheme>:<number>");
  }
  const auto subject = hub.ResolveSubject(number);
  if (!subject.ok()) return subject.status();
  identity::v1::OpenReviewRequest request;
  request.mutable_command()->set_request_id(DerivedId(
      "cli",
      absl::StrJoin({std::string("doubt"), number, hub.profile(), options.note},
                    "\n"),
      0));
  request.set_kind("LINK_DOUBTED");
  request.set_subject(*subject);
  auto& identifier = *request.add_identifiers();
  identifier.set_scheme(number.substr(4, colon - 4));
  identifier.set_value(number.substr(colon + 1));
  request.set_note(options.note);
  const auto reply =
      Ask<identity::v1::OpenReviewResponse>(hub, "OpenReview", request);
  if (!reply.ok()) return reply.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*reply).c_str());
  } else {
    std::printf("%s opened: identity in doubt\n", reply->review_ref().c_str());
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunPerson(const std::vector<std::string>& arguments) {
  CommandLine line(
      "person reviews [list | look REF | decide REF | doubt NUMBER] "
      "--profile NAME",
      "Reviews of who somebody is, for the people of the agency concerned.\n"
      "look REF      its numbers or address\n"
      "decide REF    --as MERGED, KEPT_APART, CONFIRMED or LINK_CUT, with\n"
      "              --reason CODE; a link is cut when a second person agrees\n"
      "doubt NUMBER  ref:chi:N, ref:pnc:N, ref:council:N: whether that number\n"
      "              is this person's; alerts go on and say so");
  Options options;
  line.flags().AddString("as", "The decision; a code.", &options.decision);
  line.flags().AddString("reason", "Why; a code.", &options.reason);
  line.flags().AddString("note", "Why, in words; stays with identity.",
                         &options.note);
  line.flags().AddBool("all", "Decided ones, too.", &options.all);
  const auto go = line.Parse(arguments, 1, 3);
  if (!go.ok() || !*go) return go.status();
  const auto& words = line.words();
  if (words[0] != "reviews") {
    return absl::InvalidArgumentError(
        absl::StrCat("person ", words[0], "? reviews"));
  }
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  const std::string what = words.size() < 2 ? "list" : words[1];
  if (what == "list") return List(**hub, options, line.json());
  if (words.size() == 3 && what == "look") {
    return Look(**hub, words[2], line.json());
  }
  if (words.size() == 3 && what == "decide") {
    return Decide(**hub, words[2], options, line.json());
  }
  if (words.size() == 3 && what == "doubt") {
    return Doubt(**hub, words[2], options, line.json());
  }
  return absl::InvalidArgumentError(
      "usage: person reviews [list | look REF | decide REF | doubt NUMBER]");
}

}  // namespace concordat::cli
