// concordat access | access records | access open | access review | access
// register
#include <cstdio>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "concordat/access/v1/glass.pb.h"
#include "concordat/access/v1/service.pb.h"
#include "gateway/cli/access_question.h"
#include "gateway/cli/command.h"
#include "gateway/cli/hub.h"
#include "gateway/cli/json.h"
#include "services/common/event/make_event.h"
#include "services/common/rpc/access_log.h"

namespace concordat::cli {
namespace {

using access::v1::Access;

constexpr char kBus[] = "concordat-bus";
constexpr char kGlass[] = "concordat.access.v1.GlassService/";

struct Options {
  AccessQuestion question;
  std::string reason;
  std::string outcome;
  std::string words;
};

std::string OperationWord(policy::v1::Operation operation) {
  const std::string name = policy::v1::Operation_Name(operation);
  return absl::AsciiStrToLower(name.substr(name.find('_') + 1));
}

void Print(const std::string& program, const Access& access) {
  const std::string who = absl::StrCat(
      access.agency(), access.role().empty() ? "" : "/", access.role(),
      access.principal().empty() ? "" : " ", access.principal(),
      access.staff().empty() ? "" : " (", access.staff(),
      access.staff().empty() ? "" : ")",
      access.on_behalf_of().empty() ? "" : " for ", access.on_behalf_of());
  std::printf("%-21s %-12s %s  %s", LocalMoment(access.time()).c_str(),
              OperationWord(access.operation()).c_str(), who.c_str(),
              access.what().c_str());
  if (access.events() > 0) {
    std::printf(
        "  %llu events%s", static_cast<unsigned long long>(access.events()),
        access.acknowledged() == access.events() ? ", acknowledged" : "");
  }
  std::printf("%s%s%s%s  [%s]\n", access.purpose().empty() ? "" : "  ",
              access.purpose().c_str(), access.outcome() == "OK" ? "" : "  ",
              access.outcome() == "OK" ? "" : access.outcome().c_str(),
              program.c_str());
}

absl::Status List(Hub& hub, const Options& options, bool as_json) {
  const auto request = RequestOf(hub, options.question);
  if (!request.ok()) return request.status();
  std::string before;
  const auto missing = AskEveryProgram(
      hub, *request, [&](const access::v1::ListAccessResponse& page) {
        // Whole: whose rows they are, and when it did not run.
        if (as_json) std::printf("%s\n", ToJson(page).c_str());
        if (as_json) return;
        for (const Access& access : page.accesses()) {
          Print(page.program(), access);
        }
        const bool is_first = page.program() != before;
        before = page.program();
        if (!is_first) return;
        for (const auto& gap : page.not_running()) {
          std::printf("%s did not run from %s to %s%s\n",
                      page.program().c_str(), LocalMoment(gap.from()).c_str(),
                      LocalMoment(gap.to()).c_str(),
                      gap.crashed() ? "; it ended without saying so" : "");
        }
      });
  if (!missing.ok()) return missing.status();
  const auto elsewhere = AskedElsewhere(hub);
  if (!elsewhere.ok()) return elsewhere.status();
  for (const std::string& edge : *elsewhere) {
    std::fprintf(stderr, "%s was not asked: it never ran here\n", edge.c_str());
  }
  if (missing->empty()) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("not complete: ", absl::StrJoin(*missing, "; ")));
}

// Of the calls in an access log on this machine, a line each.
absl::Status Records(const CommandLine& line, const std::string& folder) {
  const auto data = line.OpenData();
  if (!data.ok()) return data.status();
  const std::string path = folder[0] == '/' ? folder : data->PathOf(folder);
  const auto store = AccessStore::OpenToRead(path);
  if (!store.ok()) return store.status();
  const auto or_dash = [](const std::string& text) {
    return text.empty() ? "-" : text.c_str();
  };
  return (*store)->Read(0, [&](uint64_t number,
                               const access::v1::Record& record,
                               absl::string_view) {
    if (line.json()) {
      std::printf("%s\n", ToJson(record).c_str());
      return absl::OkStatus();
    }
    if (!record.has_called()) return absl::OkStatus();
    const access::v1::Called& called = record.called();
    std::printf(
        "%llu %s principal=%s agency=%s via=%s staff=%s what=%s purpose=%s "
        "operation=%s persons=%d outcome=%s\n",
        static_cast<unsigned long long>(number), IsoTime(record.time()).c_str(),
        or_dash(called.principal()), or_dash(called.agency()),
        or_dash(called.via()), or_dash(called.staff()),
        or_dash(called.method()), or_dash(called.purpose()),
        OperationWord(called.operation()).c_str(), called.subjects_size(),
        or_dash(called.outcome()));
    return absl::OkStatus();
  });
}

// Opens a person without an interest, for an hour.
absl::Status Open(Hub& hub, const Options& options, bool as_json) {
  if (options.question.person.empty() || options.reason.empty() ||
      options.words.empty()) {
    return absl::InvalidArgumentError(
        "access open needs --person, --reason (of "
        "deploy/config/codes/break-glass-reason) and --words, a sentence");
  }
  auto subject = hub.ResolveSubject(options.question.person);
  if (!subject.ok()) return subject.status();
  access::v1::BreakGlassRequest request;
  // The same wish of the same person is the same request.
  request.mutable_command()->set_request_id(
      DerivedId("cli",
                absl::StrJoin({std::string("open"), hub.profile(), *subject,
                               options.reason, options.words},
                              "\n"),
                0));
  request.set_subject(*std::move(subject));
  request.set_reason(options.reason);
  request.set_words(options.words);
  const auto opened = hub.Call<access::v1::BreakGlassResponse>(
      kBus, absl::StrCat(kGlass, "BreakGlass"), request);
  if (!opened.ok()) return opened.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*opened).c_str());
    return absl::OkStatus();
  }
  std::printf("%s%s until %s; reviewed by somebody else by %s\n",
              opened->opening().opening_ref().c_str(),
              opened->was_open() ? " is open already," : " is open",
              LocalMoment(opened->opening().until()).c_str(),
              LocalMoment(opened->opening().review_by()).c_str());
  return absl::OkStatus();
}

absl::Status Review(Hub& hub, const std::string& ref, const Options& options) {
  if (options.outcome.empty() || options.words.empty()) {
    return absl::InvalidArgumentError(
        "access review needs --outcome (of "
        "deploy/config/codes/break-glass-outcome) and --words");
  }
  access::v1::ReviewGlassRequest request;
  request.set_opening_ref(ref);
  request.set_outcome(options.outcome);
  request.set_words(options.words);
  return hub
      .Call<access::v1::ReviewGlassResponse>(
          kBus, absl::StrCat(kGlass, "ReviewGlass"), request)
      .status();
}

absl::Status Register(Hub& hub, bool as_json) {
  const auto list = hub.Call<access::v1::ListGlassResponse>(
      kBus, absl::StrCat(kGlass, "ListGlass"), access::v1::ListGlassRequest());
  if (!list.ok()) return list.status();
  for (const access::v1::GlassEntry& entry : list->entries()) {
    if (as_json) {
      std::printf("%s\n", ToJson(entry).c_str());
      continue;
    }
    const access::v1::GlassBroken& opening = entry.opening();
    std::printf(
        "%s  %s  %s %s%s%s  %s: %s\n    %s\n", opening.opening_ref().c_str(),
        LocalMoment(entry.time()).c_str(), entry.agency().c_str(),
        opening.by().c_str(), opening.staff().empty() ? "" : " ",
        opening.staff().c_str(), opening.reason().c_str(),
        opening.words().c_str(),
        entry.has_review()
            ? absl::StrCat(entry.review().outcome(), " by ",
                           entry.review().by(), ": ", entry.review().words())
                  .c_str()
        : entry.review_overdue()
            ? "REVIEW OVERDUE"
            : absl::StrCat("review by ", LocalMoment(opening.review_by()))
                  .c_str());
  }
  if (!as_json && list->entries().empty()) std::printf("no openings\n");
  return absl::OkStatus();
}

}  // namespace

absl::Status RunAccess(const std::vector<std::string>& arguments) {
  CommandLine line(
      "access [--person NUMBER] | records FOLDER | open | review REF | "
      "register "
      "--profile NAME",
      "Who reached what of whom: collection, alteration, consultation, "
      "disclosure,\n"
      "combination and erasure, as section 62 of the Data Protection Act 2018 "
      "has\n"
      "them, by every program of the hub. For co-ordinators and guardians.\n"
      "records FOLDER  the calls in an access log of this data directory\n"
      "open            a person without an interest, for a short time: "
      "--person,\n"
      "                --reason CODE, --words; the co-ordinator and your own\n"
      "                guardian are told at once\n"
      "review REF      of an opening, by somebody else: --outcome CODE, "
      "--words\n"
      "register        the openings and their reviews");
  Options options;
  AddQuestionFlags(line, &options.question);
  line.flags().AddString("reason", "Of an opening; a code.", &options.reason);
  line.flags().AddString("outcome", "Of a review; a code.", &options.outcome);
  line.flags().AddString("words", "In a sentence.", &options.words);
  const auto go = line.Parse(arguments, 0, 2);
  if (!go.ok() || !*go) return go.status();
  const std::vector<std::string>& words = line.words();
  if (words.size() == 2 && words[0] == "records") {
    return Records(line, words[1]);
  }
  const std::string what = words.empty() ? "" : words[0];
  const bool is_known =
      words.empty() || (words.size() == 2 && what == "review") ||
      (words.size() == 1 && (what == "open" || what == "register"));
  if (!is_known) {
    return absl::InvalidArgumentError(
        "usage: access | access records FOLDER | access open | access review "
        "REF | access register");
  }
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  if (what == "open") return Open(**hub, options, line.json());
  if (what == "review") return Review(**hub, words[1], options);
  if (what == "register") return Register(**hub, line.json());
  return List(**hub, options, line.json());
}

}  // namespace concordat::cli
