// concordat rejects [list] | preview | look | release | replay | leave
#include <cstdio>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "concordat/edge/v1/service.pb.h"
#include "concordat/identity/v1/service.pb.h"
#include "concordat/nhs/v1/service.pb.h"
#include "gateway/cli/command.h"
#include "gateway/cli/hub.h"
#include "gateway/cli/json.h"
#include "services/common/event/make_event.h"

namespace concordat::cli {
namespace {

using ::concordat::edge::v1::Item;

constexpr char kAdapter[] = "concordat-adapter";
constexpr char kHealthEdge[] = "edge-health";
constexpr char kOperator[] = "operator";
constexpr char kService[] = "concordat.edge.v1.EdgeService/";

struct Options {
  std::string reason;
  std::string note;
  std::string decision;
  std::string service;
  std::string until;
  std::string edge;
  std::string mend;
  bool all = false;
  bool names = false;
};

// The program of the edge that was named, else of the caller's own agency.
std::string ProgramOf(const Hub& hub, const Options& options) {
  if (!options.edge.empty()) {
    return options.edge == kHealthEdge ? kAdapter : options.edge;
  }
  const auto registry = hub.data().LoadRegistry();
  return registry.ok()
             ? gateway::ProgramOfEdge(**registry, hub.principal().agency())
             : kAdapter;
}

// "Column=text;Column=text"
absl::Status AddMended(const std::string& mend,
                       edge::v1::ReplayItemRequest& request) {
  for (const absl::string_view part :
       absl::StrSplit(mend, ';', absl::SkipEmpty())) {
    const size_t equals = part.find('=');
    if (equals == absl::string_view::npos) {
      return absl::InvalidArgumentError("--mend is Column=text;Column=text");
    }
    edge::v1::ShownField& field = *request.add_mended();
    field.set_name(std::string(part.substr(0, equals)));
    field.set_value(std::string(part.substr(equals + 1)));
  }
  return absl::OkStatus();
}

unsigned long long Number(uint64_t value) { return value; }

// A person as the caller may name them: by name when asked for, else by their
// own number, else by the key.
class People {
 public:
  People(Hub& hub, bool names) : hub_(hub), names_(names) {}

  // The caller is told of no person.
  bool hidden() const { return hub_.principal().role() == kOperator; }

  std::string Of(const Item& item) {
    if (item.subject().empty()) return "nobody known";
    if (names_) {
      const std::string name = NameOf(item.subject());
      if (!name.empty()) return name;
    }
    return item.localsubject().empty() ? item.subject() : item.localsubject();
  }

 private:
  const std::string& NameOf(const std::string& subject) {
    const auto [at, is_new] = known_.try_emplace(subject);
    if (!is_new) return at->second;
    identity::v1::DescribeRequest request;
    request.set_subject(subject);
    request.set_purpose(hub_.principal().default_purpose());
    const auto person = hub_.Call<identity::v1::DescribeResponse>(
        "concordat-identity", "concordat.identity.v1.IdentityService/Describe",
        request);
    if (person.ok()) {
      at->second =
          absl::StrCat(person->given_name(), " ", person->family_name());
    }
    return at->second;
  }

  Hub& hub_;
  const bool names_;
  std::map<std::string, std::string> known_;
};

void Print(const Item& item, People& people) {
  if (people.hidden()) {
    std::printf(
        "%-6s %-16s  %-8s %-10s %s\n", item.item_ref().c_str(),
        item.received_at() == 0 ? "" : LocalTime(item.received_at()).c_str(),
        item.outcome().c_str(), item.state().c_str(), item.reason().c_str());
    return;
  }
  const uint64_t when =
      item.happened_at() == 0 ? item.received_at() : item.happened_at();
  std::printf("%-6s %-16s  %-8s %-10s %s: %s%s\n", item.item_ref().c_str(),
              LocalTime(when).c_str(), item.message_type().c_str(),
              item.state().c_str(), people.Of(item).c_str(),
              item.words().empty() ? "" : (item.words() + " - ").c_str(),
              item.reason().c_str());
  if (!item.place().empty()) {
    std::printf("       %s %s\n", item.source().c_str(), item.place().c_str());
  }
  if (!item.cannot_release().empty()) {
    std::printf("       cannot be released: %s\n",
                item.cannot_release().c_str());
  } else if (!item.service_code().empty()) {
    std::printf("       can be released, under a decision about %s\n",
                item.service_code().c_str());
  }
  if (item.acted_by().empty()) return;
  std::printf("       %s %s by %s: %s%s%s\n", item.state().c_str(),
              LocalTime(item.acted_at()).c_str(), item.acted_by().c_str(),
              item.act_reason().c_str(), item.act_note().empty() ? "" : ", ",
              item.act_note().c_str());
}

absl::StatusOr<edge::v1::ListRejectsResponse> Ask(Hub& hub,
                                                  const Options& options,
                                                  bool all) {
  edge::v1::ListRejectsRequest request;
  request.set_with_ended(all);
  return hub.Call<edge::v1::ListRejectsResponse>(
      ProgramOf(hub, options), absl::StrCat(kService, "ListRejects"), request);
}

absl::Status List(Hub& hub, const Options& options, bool as_json) {
  const auto list = Ask(hub, options, options.all);
  if (!list.ok()) return list.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*list).c_str());
    return absl::OkStatus();
  }
  const auto& counts = list->counts();
  std::printf(
      "held %llu, to identity %llu, published %llu, not in cohort %llu, "
      "refused %llu, left %llu, waiting %llu; last message %s\n",
      Number(counts.held()), Number(counts.to_identity()),
      Number(counts.published()), Number(counts.not_in_cohort()),
      Number(counts.refused()), Number(counts.left()), Number(counts.spooled()),
      LocalTime(counts.last_message_at()).c_str());
  People people(hub, options.names);
  for (const Item& item : list->items()) {
    Print(item, people);
  }
  for (const auto& file : list->files()) {
    std::printf("%-24s %-16s  %s\n", file.name().c_str(),
                LocalTime(file.at()).c_str(), file.words().c_str());
  }
  return absl::OkStatus();
}

absl::Status Preview(Hub& hub, const Options& options, bool as_json) {
  const auto preview = hub.Call<edge::v1::PreviewReplayResponse>(
      ProgramOf(hub, options), absl::StrCat(kService, "PreviewReplay"),
      edge::v1::PreviewReplayRequest());
  if (!preview.ok()) return preview.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*preview).c_str());
    return absl::OkStatus();
  }
  for (const auto& item : preview->items()) {
    std::printf("%-6s %s\n", item.item_ref().c_str(),
                item.ready() ? "would be taken" : "would be refused still");
  }
  if (preview->more()) std::printf("and more\n");
  return absl::OkStatus();
}

absl::Status Look(Hub& hub, const std::string& ref, const Options& options,
                  bool as_json) {
  edge::v1::LookAtItemRequest request;
  request.set_item_ref(ref);
  const auto looked = hub.Call<edge::v1::LookAtItemResponse>(
      ProgramOf(hub, options), absl::StrCat(kService, "LookAtItem"), request);
  if (!looked.ok()) return looked.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*looked).c_str());
    return absl::OkStatus();
  }
  People people(hub, options.names);
  Print(looked->item(), people);
  for (const auto& field : looked->fields()) {
    std::printf("       %-28s %s\n", field.name().c_str(),
                field.value().c_str());
  }
  if (looked->fields().empty()) std::printf("       nothing of it is kept\n");
  std::printf("       that you looked is recorded\n");
  return absl::OkStatus();
}

// The same wish of the same person is the same request, however often it is
// sent.
std::string RequestId(const Hub& hub, const std::string& what,
                      const std::string& ref, const Options& options) {
  return DerivedId("cli",
                   absl::StrJoin({what, ref, hub.profile(), options.reason,
                                  options.note, options.decision, options.mend},
                                 "\n"),
                   0);
}

template <typename Request>
absl::Status Act(Hub& hub, const std::string& what, const char* method,
                 const std::string& ref, const Options& options, bool as_json,
                 Request request) {
  if (options.reason.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "rejects ", what,
        " needs --reason, one of deploy/config/codes/kept-item-reason"));
  }
  request.mutable_command()->set_request_id(RequestId(hub, what, ref, options));
  request.set_item_ref(ref);
  request.set_reason(options.reason);
  request.set_note(options.note);
  const auto reply = hub.Call<edge::v1::ActReply>(
      ProgramOf(hub, options), absl::StrCat(kService, method), request);
  if (!reply.ok()) return reply.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*reply).c_str());
    return absl::OkStatus();
  }
  People people(hub, options.names);
  Print(reply->item(), people);
  std::printf("       in the log at %llu%s\n", Number(reply->position()),
              reply->duplicate() ? ", as before" : "");
  return absl::OkStatus();
}

// Whether a decision about this service lets the item out. One that was acted on
// says no more: its act is perhaps this one, sent again.
absl::Status CheckRelease(const Item& item, const std::string& service) {
  if (!item.cannot_release().empty()) {
    return absl::FailedPreconditionError(item.cannot_release());
  }
  if (item.service_code().empty() || item.service_code() == service) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--service: it is about ", item.service_code()));
}

// Records the sharing decision that an item is let out under, unless nothing
// would come of it.
absl::StatusOr<uint64_t> DecideSharing(Hub& hub, const std::string& ref,
                                       const Options& options) {
  const auto list = Ask(hub, options, true);
  if (!list.ok()) return list.status();
  nhs::v1::DecideSharingRequest request;
  for (const Item& item : list->items()) {
    if (item.item_ref() != ref) continue;
    const absl::Status useful = CheckRelease(item, options.service);
    if (!useful.ok()) return useful;
    request.set_subject(item.subject());
  }
  if (request.subject().empty()) {
    return absl::NotFoundError(
        absl::StrCat(ref, ": there is no such item about a person"));
  }
  request.mutable_command()->set_request_id(
      RequestId(hub, "decide-sharing", ref, options));
  request.mutable_decision()->set_decision_ref(options.decision);
  request.mutable_decision()->set_what("ENGAGEMENT_ONLY");
  request.mutable_decision()->set_service_code(options.service);
  request.mutable_decision()->set_until(options.until);
  const auto reply = hub.Call<hub::v1::CommandReply>(
      "concordat-nhs", "concordat.nhs.v1.NhsService/DecideSharing", request);
  if (!reply.ok()) return reply.status();
  return reply->position();
}

absl::Status Release(Hub& hub, const std::string& ref, const Options& options,
                     bool as_json) {
  if (options.decision.empty()) {
    return absl::InvalidArgumentError(
        "rejects release needs --decision REF: one that is in force, or with "
        "--service and --until the name of a new one");
  }
  edge::v1::ReleaseItemRequest request;
  request.set_decision_ref(options.decision);
  if (!options.service.empty()) {
    const auto position = DecideSharing(hub, ref, options);
    if (!position.ok()) return position.status();
    request.set_min_position(*position);
  }
  return Act(hub, "release", "ReleaseItem", ref, options, as_json, request);
}

}  // namespace

absl::Status RunRejects(const std::vector<std::string>& arguments) {
  CommandLine line(
      "rejects [list | preview | look REF | release REF | replay REF | leave "
      "REF] "
      "--profile NAME",
      "What the adapter at the edge of an agency did with its messages: "
      "counts,\n"
      "and for its own people what is held for them or was refused, and "
      "whether\n"
      "it can be released.\n"
      "preview       what would come of replaying what was refused\n"
      "look REF      what is kept of one; recorded\n"
      "release REF   publishes it under a sharing decision: --decision REF,\n"
      "              with --service CODE --until DATE a new one of that name\n"
      "replay REF    judges it again, by the tables and decisions of now\n"
      "leave REF     nothing comes of it; its content is destroyed\n"
      "The last three need --reason CODE, of the list kept-item-reason.");
  Options options;
  line.flags().AddString("reason", "Why; a code.", &options.reason);
  line.flags().AddString("note", "Why, in words; stays at the edge.",
                         &options.note);
  line.flags().AddString("decision", "The sharing decision.",
                         &options.decision);
  line.flags().AddString("service", "Makes the decision, about this service.",
                         &options.service);
  line.flags().AddString("until", "Its last day.", &options.until);
  line.flags().AddString("edge", "Of which edge; else of your own agency.",
                         &options.edge);
  line.flags().AddString(
      "mend", "With replay, of a file's row: Column=text;Column=text",
      &options.mend);
  line.flags().AddBool("all", "Those that were acted on, too.", &options.all);
  line.flags().AddBool("names", "Names of people, from identity.",
                       &options.names);
  const auto go = line.Parse(arguments, 0, 2);
  if (!go.ok() || !*go) return go.status();
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  const auto& words = line.words();
  const std::string what = words.empty() ? "list" : words[0];
  if (what == "list" && words.size() < 2) {
    return List(**hub, options, line.json());
  }
  if (what == "preview" && words.size() == 1) {
    return Preview(**hub, options, line.json());
  }
  if (words.size() != 2) {
    return absl::InvalidArgumentError(
        "usage: rejects [list | preview | look REF | release REF | replay REF "
        "| leave "
        "REF]");
  }
  const std::string& ref = words[1];
  if (what == "look") return Look(**hub, ref, options, line.json());
  if (what == "release") return Release(**hub, ref, options, line.json());
  if (what == "replay") {
    edge::v1::ReplayItemRequest request;
    if (auto status = AddMended(options.mend, request); !status.ok()) {
      return status;
    }
    return Act(**hub, what, "ReplayItem", ref, options, line.json(), request);
  }
  if (what == "leave") {
    return Act(**hub, what, "LeaveItem", ref, options, line.json(),
               edge::v1::LeaveItemRequest());
  }
  return absl::InvalidArgumentError(
      absl::StrCat("rejects ", what, "? look, release, replay or leave"));
}

}  // namespace concordat::cli
