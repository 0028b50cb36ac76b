// concordat person find | show | pack | schedule | reviews [list | look | decide | doubt]
#include <algorithm>
#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "concordat/identity/v1/service.pb.h"
#include "concordat/mappa/v1/service.pb.h"
#include "gateway/cli/command.h"
#include "gateway/cli/hub.h"
#include "gateway/cli/json.h"
#include "gateway/cli/person_papers.h"
#include "services/common/event/make_event.h"

namespace concordat::cli {
namespace {

using ::concordat::identity::v1::Review;

constexpr char kProgram[] = "concordat-identity";
constexpr char kService[] = "concordat.identity.v1.IdentityService/";
constexpr char kNothingCameByIt[] = "none";

struct Options {
  std::string decision;
  std::string reason;
  std::string note;
  std::string sources;
  std::string given;
  std::string born;
  bool all = false;
};

template <typename Response, typename Request>
absl::StatusOr<Response> Ask(Hub& hub, const char* method,
                             const Request& request) {
  return hub.Call<Response>(kProgram, absl::StrCat(kService, method), request);
}

void Print(const identity::v1::PersonDescription& person) {
  std::printf("%s %s%s%s  %s%s%s\n", person.given_name().c_str(),
              person.family_name().c_str(),
              person.birth_date().empty() ? "" : ", born ",
              person.birth_date().c_str(), person.subject().c_str(),
              person.localsubject().empty() ? "" : "  yours: ",
              person.localsubject().c_str());
  for (const identity::v1::PersonName& name : person.other_names()) {
    std::printf("  also called %s %s\n", name.given_name().c_str(),
                name.family_name().c_str());
  }
  if (person.in_doubt()) {
    std::printf("  identity in doubt: somebody holds that a link is wrong\n");
  }
}

// "ref:<scheme>:<number>", as everywhere; else a family name.
absl::Status Find(Hub& hub, const std::string& whom, const Options& options,
                  bool as_json) {
  identity::v1::FindPeopleRequest request;
  const std::vector<std::string> parts =
      absl::StrSplit(whom, absl::MaxSplits(':', 2));
  if (parts.size() == 3 && parts[0] == "ref") {
    request.mutable_identifier()->set_scheme(parts[1]);
    request.mutable_identifier()->set_value(parts[2]);
  } else {
    request.set_family_name(whom);
    request.set_given_name(options.given);
    request.set_birth_date(options.born);
  }
  const auto found =
      Ask<identity::v1::FindPeopleResponse>(hub, "FindPeople", request);
  if (!found.ok()) return found.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*found).c_str());
    return absl::OkStatus();
  }
  for (const auto& person : found->people()) Print(person);
  if (found->people().empty()) {
    std::printf("nobody in whom your agency has an interest\n");
  }
  if (found->more()) std::printf("and more: narrow your search\n");
  return absl::OkStatus();
}

void PrintCase(const mappa::v1::Case& record) {
  if (record.case_ref().empty()) return;
  std::printf(
      "  case %s, %s since %s%s%s%s\n", record.case_ref().c_str(),
      record.level() == 0 ? "no level"
                          : absl::StrCat("Level ", record.level()).c_str(),
      LocalTime(record.level() == 0 ? record.opened_at() : record.level_since())
          .c_str(),
      record.category().empty() ? "" : ", ", record.category().c_str(),
      record.closed_at() == 0 ? "" : ", closed");
  if (!record.rosh().empty()) {
    std::printf("  risk of serious harm %s, found %s\n", record.rosh().c_str(),
                LocalTime(record.rosh_at()).c_str());
  }
  if (!record.next_review().empty()) {
    std::printf("  next review %s\n", record.next_review().c_str());
  }
}

void PrintHolder(const char* what, const identity::v1::RoleHolder& holder) {
  std::printf("    %s %s%s%s%s%s\n", what, holder.role().c_str(),
              holder.name().empty() ? "" : ", ", holder.name().c_str(),
              holder.telephone().empty() ? "" : ", ",
              holder.telephone().c_str());
}

absl::Status Show(Hub& hub, const std::string& whom) {
  const auto subject = hub.ResolveSubject(whom);
  if (!subject.ok()) return subject.status();
  identity::v1::DescribeManyRequest describe;
  describe.add_subjects(*subject);
  const auto people =
      Ask<identity::v1::DescribeManyResponse>(hub, "DescribeMany", describe);
  if (!people.ok()) return people.status();
  if (people->people().empty()) {
    return absl::NotFoundError("nobody in whom your agency has an interest");
  }
  Print(people->people(0));
  for (const std::string& sentence : people->people(0).same_because()) {
    std::printf("  %s\n", sentence.c_str());
  }
  mappa::v1::GetCaseRequest ask_case;
  ask_case.set_subject(*subject);
  const auto file = hub.Call<mappa::v1::GetCaseResponse>(
      "concordat-mappa", "concordat.mappa.v1.MappaService/GetCase", ask_case);
  if (!file.ok() && !absl::IsNotFound(file.status())) return file.status();
  if (file.ok()) PrintCase(file->record());
  identity::v1::ListInvolvedRequest ask_involved;
  ask_involved.add_subjects(*subject);
  const auto involved = Ask<identity::v1::ListInvolvedResponse>(
      hub, "ListInvolved", ask_involved);
  if (!involved.ok()) return involved.status();
  for (const auto& person : involved->people()) {
    for (const auto& agency : person.agencies()) {
      std::printf("  %s%s\n", agency.lead() ? "Lead: " : "",
                  agency.unit().c_str());
      if (agency.has_contact()) PrintHolder("contact:", agency.contact());
      if (agency.has_on_duty()) PrintHolder("on duty:", agency.on_duty());
    }
  }
  return absl::OkStatus();
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
    std::printf(
        "       number   %s %s %s: %s\n", one.identifier().scheme().c_str(),
        one.identifier().authority().c_str(), one.identifier().value().c_str(),
        one.holder().empty()                         ? "nobody's that you know"
        : one.holder() == looked->review().subject() ? "this person's"
                                                     : one.holder().c_str());
  }
  if (!looked->address().text().empty()) {
    std::printf("       address  %s\n       known    %s\n",
                looked->address().text().c_str(),
                looked->known_address().text().empty()
                    ? "none"
                    : looked->known_address().text().c_str());
  }
  for (const auto& use : looked->uses()) {
    const auto& proposed = looked->proposed_sources();
    std::printf("       source   %s%s%s\n", use.source().c_str(),
                use.likely() ? ", likely by this number" : "",
                std::find(proposed.begin(), proposed.end(), use.source()) ==
                        proposed.end()
                    ? ""
                    : ", proposed");
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
  identity::v1::LookAtReviewRequest look;
  look.set_review_ref(ref);
  const auto looked =
      Ask<identity::v1::LookAtReviewResponse>(hub, "LookAtReview", look);
  if (!looked.ok()) return looked.status();
  identity::v1::DecideReviewRequest request;
  // The same wish of the same person is the same request, while what somebody else
  // proposed is the same.
  const Review& review = looked->review();
  std::vector<std::string> wish = {"decide",       ref,
                                   hub.profile(),  options.decision,
                                   options.reason, options.note};
  if (!options.sources.empty()) wish.push_back(options.sources);
  if (review.decision().empty() && !review.decided_by().empty() &&
      review.decided_by() != SourceOf(hub.principal())) {
    wish.push_back(review.decided_by());
    wish.insert(wish.end(), looked->proposed_sources().begin(),
                looked->proposed_sources().end());
  }
  request.mutable_command()->set_request_id(
      DerivedId("cli", absl::StrJoin(wish, "\n"), 0));
  if (options.sources == kNothingCameByIt) {
    request.set_no_sources(true);
  } else {
    for (const absl::string_view source :
         absl::StrSplit(options.sources, ',', absl::SkipEmpty())) {
      request.add_sources(std::string(source));
    }
  }
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
      "person find NAME | find NUMBER | show NUMBER | pack NUMBER | schedule "
      "NUMBER | reviews [list | look REF | decide REF | doubt NUMBER] "
      "--profile "
      "NAME",
      "People in whom your agency has an interest; a NUMBER is ref:chi:N,\n"
      "ref:pnc:N, ref:council:N or ref:SYSTEM:N.\n"
      "find NAME             a family name, with --given, --born or both\n"
      "show NUMBER           who it is, the case, and whom to ring\n"
      "pack NUMBER           what your agency told of the person, for the "
      "person "
      "who\n"
      "                      asks; third parties and more are marked\n"
      "schedule NUMBER       of all that your agency told or was shown, for "
      "the\n"
      "                      prosecutor\n"
      "reviews               of who somebody is, for the agency concerned\n"
      "reviews look REF      its numbers or address\n"
      "reviews decide REF    --as MERGED, KEPT_APART, CONFIRMED or LINK_CUT,\n"
      "                      with --reason CODE; a link is cut when a second\n"
      "                      person agrees, --sources says whose facts came "
      "by\n"
      "                      it, else those that look shows as likely\n"
      "reviews doubt NUMBER  whether that number is this person's; alerts go "
      "on\n"
      "                      and say so");
  Options options;
  line.flags().AddString("as", "The decision; a code.", &options.decision);
  line.flags().AddString("reason", "Why; a code.", &options.reason);
  line.flags().AddString("note", "Why, in words; stays with identity.",
                         &options.note);
  line.flags().AddString("sources",
                         "Of a cut: sources, with commas between; or none.",
                         &options.sources);
  line.flags().AddString("given", "Given name, or its beginning.",
                         &options.given);
  line.flags().AddString("born", "Date of birth, YYYY-MM-DD.", &options.born);
  line.flags().AddBool("all", "Decided ones, too.", &options.all);
  PaperRequest paper;
  line.flags().AddString("controller", "Of a pack: your own agency.",
                         &paper.controller);
  line.flags().AddString("to", "Of a pack or schedule: TO.json and TO.html.",
                         &paper.to);
  const auto go = line.Parse(arguments, 1, 3);
  if (!go.ok() || !*go) return go.status();
  const auto& words = line.words();
  if ((words[0] == "pack" || words[0] == "schedule") && words.size() == 2) {
    paper.is_schedule = words[0] == "schedule";
    paper.whom = words[1];
    paper.as_json = line.json();
    return MakePersonPaper(line, paper);
  }
  const bool finds = words[0] == "find" || words[0] == "show";
  if ((!finds && words[0] != "reviews") || (finds && words.size() != 2)) {
    return absl::InvalidArgumentError(
        "usage: person find NAME | find NUMBER | show NUMBER | reviews …");
  }
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  if (words[0] == "find") return Find(**hub, words[1], options, line.json());
  if (words[0] == "show") return Show(**hub, words[1]);
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
