// concordat agreements: list, show, explain; the rest is in agreement_life.h.
#include <cstdio>
#include <fstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "concordat/bus/v1/arrival.pb.h"
#include "concordat/bus/v1/service.pb.h"
#include "gateway/cli/agreement_life.h"
#include "gateway/cli/command.h"
#include "gateway/cli/event_door.h"
#include "gateway/cli/json.h"
#include "google/protobuf/text_format.h"

namespace concordat::cli {
namespace {

constexpr char kProgram[] = "concordat-bus";
constexpr char kService[] = "concordat.bus.v1.BusService/";
constexpr uint64_t kMicrosPerMinute = 60'000'000;

struct Asked {
  std::string profile;
  std::string agency;
  std::string role;
  std::string purpose;
  std::string name;
};

// An event of the demo's story, as deploy/demo/story_numbers.tsv has it.
struct StoryEvent {
  std::string type;
  uint64_t minute = 0;  // Since 1970.
};

absl::StatusOr<StoryEvent> FindInStory(absl::string_view number) {
  const std::string path = CheckoutPath() + "/deploy/demo/story_numbers.tsv";
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> fields = absl::StrSplit(line, '\t');
    if (fields.size() != 3 || fields[0] != number) continue;
    absl::Time happened;
    std::string why;
    if (!absl::ParseTime("%Y-%m-%dT%H:%M", fields[1], &happened, &why)) {
      return absl::DataLossError(absl::StrCat(path, ": ", why));
    }
    return StoryEvent{
        fields[2],
        static_cast<uint64_t>(absl::ToUnixMicros(happened)) / kMicrosPerMinute};
  }
  return absl::NotFoundError(
      absl::StrCat(number,
                   " is no position, no <source>#<id> and no event of "
                   "the story"));
}

// Where the story's event stands in the log, as far as the caller sees it.
absl::StatusOr<uint64_t> PositionInStory(Hub& hub, absl::string_view number) {
  const auto story = FindInStory(number);
  if (!story.ok()) return story.status();
  const auto door = EventDoor::Open(hub);
  if (!door.ok()) return door.status();
  const auto views = (*door)->ReadAll({story->type});
  if (!views.ok()) return views.status();
  std::vector<uint64_t> found;
  for (const View& view : *views) {
    if (view.header.time_us / kMicrosPerMinute == story->minute) {
      found.push_back(view.sequence.value);
    }
  }
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    return absl::NotFoundError(
        absl::StrCat(number, " has not happened, or you may not see it"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat(number, " is one of the positions ",
                   absl::StrJoin(found, ", "), ": ask about each"));
}

absl::Status NameEvent(Hub& hub, const std::string& word,
                       bus::v1::ExplainViewRequest& request) {
  uint64_t sequence = 0;
  if (absl::SimpleAtoi(word, &sequence)) {
    request.set_sequence(sequence);
  } else if (word.find('#') != std::string::npos) {
    request.set_event(word);
  } else {
    const auto position = PositionInStory(hub, word);
    if (!position.ok()) return position.status();
    request.set_sequence(*position);
  }
  return absl::OkStatus();
}

absl::Status NameRecipient(Hub& hub, const Asked& asked,
                           bus::v1::ExplainViewRequest& request) {
  request.set_agency(asked.agency);
  request.set_role(asked.role);
  request.set_purpose(asked.purpose);
  if (asked.profile.empty()) return absl::OkStatus();
  const auto registry = hub.data().LoadRegistry();
  if (!registry.ok()) return registry.status();
  const bus::v1::Principal* const principal =
      (*registry)->FindByName(asked.profile);
  if (principal == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("--for ", asked.profile, "? there is no such profile"));
  }
  request.set_agency(principal->agency());
  request.set_role(principal->role());
  if (hub.principal().role() == "operator") {
    request.set_principal(principal->name());
  }
  if (asked.purpose.empty()) request.set_purpose(principal->default_purpose());
  return absl::OkStatus();
}

void Print(const bus::v1::ExplainViewResponse& answer) {
  std::printf("%llu  %s  of %s, accepted %s\n%s/%s: %s\n",
              static_cast<unsigned long long>(answer.sequence()),
              answer.type().c_str(), answer.controller().c_str(),
              LocalMoment(answer.accepted_time()).c_str(),
              answer.agency().c_str(), answer.role().c_str(),
              answer.seen() ? "sees it" : "does not see it");
  if (!answer.because().empty()) {
    std::printf("  because %s\n", answer.because().c_str());
  } else if (!answer.seen()) {
    std::printf("  because no line of an agreement gives it:\n");
  }
  if (answer.shown_size() > 0) {
    std::printf("  shown     %s\n",
                absl::StrJoin(answer.shown(), ", ").c_str());
  }
  if (answer.withheld_size() > 0) {
    std::printf("  withheld  %s\n",
                absl::StrJoin(answer.withheld(), ", ").c_str());
  }
  for (const auto& line : answer.lines()) {
    std::printf("  %s version %u %s: %s\n      %s: %s\n",
                line.agreement().c_str(), line.version(), line.line().c_str(),
                line.says().c_str(), line.applies() ? "yes" : "no",
                line.because().c_str());
  }
}

absl::Status Explain(Hub& hub, const std::string& event, const Asked& asked,
                     bool as_json) {
  bus::v1::ExplainViewRequest request;
  if (auto status = NameEvent(hub, event, request); !status.ok()) return status;
  if (auto status = NameRecipient(hub, asked, request); !status.ok()) {
    return status;
  }
  const auto answer = hub.Call<bus::v1::ExplainViewResponse>(
      kProgram, absl::StrCat(kService, "ExplainView"), request);
  if (!answer.ok()) return answer.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*answer).c_str());
  } else {
    Print(*answer);
  }
  return absl::OkStatus();
}

void Print(const bus::v1::ExplainArrivalResponse& answer) {
  std::printf("%llu  %s  of %s, accepted %s\n",
              static_cast<unsigned long long>(answer.sequence()),
              answer.type().c_str(), answer.controller().c_str(),
              LocalMoment(answer.accepted_time()).c_str());
  for (const bus::v1::Arrival& arrival : answer.arrivals()) {
    std::printf("%s/%s/%s: %s: %s\n", answer.agency().c_str(),
                answer.role().c_str(),
                arrival.name().empty() ? "-" : arrival.name().c_str(),
                arrival.arrived() ? "arrived" : "did not arrive",
                arrival.because().c_str());
    for (const bus::v1::ArrivalStep& step : arrival.steps()) {
      std::printf("  %-15s %s: %s%s%s%s\n", step.what().c_str(),
                  step.keeps() ? "NO" : "ok", step.because().c_str(),
                  step.line().empty() ? "" : " (", step.line().c_str(),
                  step.line().empty() ? "" : ")");
    }
  }
  if (!answer.missing().empty()) {
    std::printf("not all: %s\n", answer.missing().c_str());
  }
}

absl::Status ExplainArrival(Hub& hub, const std::string& event,
                            const Asked& asked, bool as_json) {
  bus::v1::ExplainViewRequest named;
  if (auto status = NameEvent(hub, event, named); !status.ok()) return status;
  if (auto status = NameRecipient(hub, asked, named); !status.ok()) {
    return status;
  }
  bus::v1::ExplainArrivalRequest request;
  request.set_sequence(named.sequence());
  request.set_event(named.event());
  request.set_agency(named.agency());
  request.set_role(named.role());
  request.set_purpose(named.purpose());
  request.set_name(asked.name);
  const auto answer = hub.Call<bus::v1::ExplainArrivalResponse>(
      kProgram, "concordat.bus.v1.ArrivalService/ExplainArrival", request);
  if (!answer.ok()) return answer.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*answer).c_str());
  } else {
    Print(*answer);
  }
  return absl::OkStatus();
}

void PrintText(const policy::v1::Agreement& agreement) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(agreement, &text);
  std::printf("%s", text.c_str());
}

std::string StateOf(const bus::v1::AgreementState& state) {
  if (state.retired_from() != 0) {
    return absl::StrCat(state.in_force() ? "in force until " : "RETIRED from ",
                        LocalMoment(state.retired_from()), " by ",
                        state.retired_by(), ": ", state.retired_because());
  }
  if (!state.in_force()) return "NOT IN FORCE";
  return absl::StrCat("in force, ", state.days_left(), " days left");
}

// All of them in a line each, or the one of that name as its text.
absl::Status List(Hub& hub, const std::string& name, bool as_json) {
  const auto list = hub.Call<bus::v1::ListAgreementsResponse>(
      kProgram, absl::StrCat(kService, "ListAgreements"),
      bus::v1::ListAgreementsRequest());
  if (!list.ok()) return list.status();
  bool shown = name.empty();
  for (const auto& each : list->agreements()) {
    const auto& agreement = each.agreement();
    if (!name.empty() && agreement.name() != name) continue;
    shown = true;
    if (as_json) {
      std::printf("%s\n", ToJson(each).c_str());
    } else if (!name.empty()) {
      PrintText(agreement);
    } else {
      std::printf("%s version %u, %s to %s, %s\n    %s%s%s\n    %s\n%s",
                  agreement.name().c_str(), agreement.version(),
                  agreement.valid_from().c_str(), agreement.valid_to().c_str(),
                  StateOf(each).c_str(),
                  absl::StrJoin(agreement.parties(), ", ").c_str(),
                  agreement.arrangement().empty() ? "" : "; ",
                  agreement.arrangement().c_str(),
                  each.signed_by().empty()
                      ? "unsigned"
                      : absl::StrCat("signed by ",
                                     absl::StrJoin(each.signed_by(), ", "))
                            .c_str(),
                  each.notice().empty()
                      ? ""
                      : absl::StrCat("    ", each.notice(), "\n").c_str());
    }
  }
  if (shown) return absl::OkStatus();
  return absl::NotFoundError(
      absl::StrCat("no agreement ", name, " that you are a party to"));
}

}  // namespace

absl::Status RunAgreements(const std::vector<std::string>& arguments) {
  CommandLine line(
      "agreements list | show NAME | explain EVENT --for PROFILE |\n"
      "       arrival EVENT --for PROFILE [--name SUBSCRIPTION] |\n"
      "       new-key KEYFILE | sign FILE | adopt FILE | retire FILE |\n"
      "       diff [FILE] CANDIDATE | simulate CANDIDATE",
      "list      agreements, whether they are in force and who signed them\n"
      "show      the text of one\n"
      "explain   why a recipient sees an event or not, by which line. EVENT is "
      "a\n"
      "          position, <source>#<id>, or a number of the demo's story "
      "(2.15)\n"
      "arrival   whether it came to the recipient's subscriptions, or what "
      "keeps it\n"
      "new-key   makes a key that signs for a party, and prints its public "
      "half\n"
      "sign      signs an agreement, or its early end, for --party with --key\n"
      "adopt     puts an agreement into force that its parties have signed\n"
      "retire    ends one early, as a party has signed it\n"
      "diff      who would see more and who less than by what is adopted, or "
      "by "
      "FILE\n"
      "simulate  what of the events --from to --to would be newly shown and "
      "hidden");
  Asked asked;
  LifeFlags life;
  line.set_default_profile("admin");
  line.flags().AddString("for", "The profile to explain it for.",
                         &asked.profile);
  line.flags().AddString("agency", "Or: an agency; default your own.",
                         &asked.agency);
  line.flags().AddString("role", "And a role of it.", &asked.role);
  line.flags().AddString("purpose", "For this purpose.", &asked.purpose);
  line.flags().AddString("name", "Arrival: of this subscription of theirs.",
                         &asked.name);
  line.flags().AddString("key", "The file of the key that signs.", &life.key);
  line.flags().AddString("party", "The party that it signs for.", &life.party);
  line.flags().AddString("office", "As what it signs.", &life.office);
  line.flags().AddString("from", "The first day of a trial (2026-04-01).",
                         &life.from);
  line.flags().AddString("to", "Its last day.", &life.to);
  line.flags().AddBool("check", "Adopt: only say whether it may be.",
                       &life.check);
  const auto go = line.Parse(arguments, 1, 3);
  if (!go.ok() || !*go) return go.status();
  const std::vector<std::string>& words = line.words();
  const std::string& verb = words[0];
  if (verb == "new-key" && words.size() == 2) return NewKey(words[1]);
  if (verb == "sign" && words.size() == 2) return Sign(words[1], life);
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  if (verb == "list" && words.size() == 1) {
    return List(**hub, "", line.json());
  }
  if (verb == "diff" && words.size() >= 2) {
    return Diff(**hub, {words.begin() + 1, words.end()}, line.json());
  }
  if (words.size() == 2) {
    if (verb == "show") return List(**hub, words[1], line.json());
    if (verb == "explain") {
      return Explain(**hub, words[1], asked, line.json());
    }
    if (verb == "arrival") {
      return ExplainArrival(**hub, words[1], asked, line.json());
    }
    if (verb == "adopt") return Adopt(**hub, words[1], life, line.json());
    if (verb == "retire") return Retire(**hub, words[1], line.json());
    if (verb == "simulate") return Try(**hub, words[1], life, line.json());
  }
  return absl::InvalidArgumentError(
      "agreements list, show NAME, explain EVENT, arrival EVENT, new-key "
      "KEYFILE, sign FILE, "
      "adopt FILE, retire FILE, diff [FILE] CANDIDATE or simulate CANDIDATE");
}

}  // namespace concordat::cli
