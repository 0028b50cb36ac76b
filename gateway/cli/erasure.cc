// concordat erasure | hold | restriction | wrapping-key: people's rights over what
// the log keeps of them, and the key that it rests on. Each act is asked for by one
// person and done when another, with --approve, agrees.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "concordat/bus/v1/erasure.pb.h"
#include "gateway/cli/approvals.h"
#include "gateway/cli/command.h"
#include "gateway/cli/hub.h"
#include "gateway/cli/json.h"

namespace concordat::cli {
namespace {

constexpr char kProgram[] = "concordat-bus";
constexpr char kService[] = "concordat.bus.v1.ErasureService/";
// The longest that the bus lets a call wait.
constexpr absl::Duration kTimeout = absl::Seconds(60);

struct Options {
  std::string reason;
  std::string why;
  std::string confirm;
  std::string approval;
  std::string also;
  std::string review_on;
  std::string keeps;
  std::string destroyed;
  bool identity_checked = false;
};

unsigned long long Number(uint64_t value) { return value; }

template <typename Response, typename Request>
absl::StatusOr<Response> Ask(Hub& hub, const char* method,
                             const Request& request) {
  CallOptions options;
  options.timeout = kTimeout;
  return hub.Call<Response>(kProgram, absl::StrCat(kService, method), request,
                            options);
}

template <typename Response>
bool IsAsked(const Response& response) {
  if (response.has_asked()) PrintAsked(response.asked());
  return response.has_asked();
}

void Print(const bus::v1::ErasePersonResponse& response) {
  if (IsAsked(response)) return;
  const bool done = !response.erasure_ref().empty();
  std::printf("%llu events %s; of each its spine stays\n",
              Number(response.count()), done ? "are erased" : "would go");
  for (const auto& each : response.controllers()) {
    std::printf("  %10llu  %s\n", Number(each.events()),
                each.controller().c_str());
  }
  std::printf("told, and asked to confirm: %s\n",
              absl::StrJoin(response.told(), ", ").c_str());
  for (const std::string& because : response.blocked_because()) {
    std::printf("stands against it: %s\n", because.c_str());
  }
  if (done) {
    std::printf(
        "%s: %llu keys destroyed, %llu go on under a new wrapping key.\n"
        "Destroy every copy of the key file of before, and keep the new one "
        "with keys/key-table.\n",
        response.erasure_ref().c_str(), Number(response.erased_keys()),
        Number(response.kept_keys()));
  } else if (response.blocked_because_size() == 0) {
    std::printf("To do it: --confirm %llu --reason CODE --why TEXT\n",
                Number(response.count()));
  }
}

void Print(const bus::v1::Erasure& erasure) {
  std::printf("%s  %s  %s%s%s\n", erasure.erasure_ref().c_str(),
              LocalTime(erasure.accepted_time()).c_str(),
              erasure.reason().c_str(), erasure.subject().empty() ? "" : "  ",
              erasure.subject().c_str());
  if (!erasure.keys_destroyed()) {
    std::printf("  the wrapping key of before is not destroyed yet\n");
  }
  for (const auto& one : erasure.confirmations()) {
    if (one.confirmed_time() == 0) {
      std::printf("  waits for  %s\n", one.holder().c_str());
      continue;
    }
    std::printf("  confirmed  %s, %s by %s: %llu records%s%s\n",
                one.holder().c_str(), LocalTime(one.confirmed_time()).c_str(),
                one.by().c_str(), Number(one.destroyed()),
                one.keeps_because().empty() ? "" : "; keeps some because of ",
                one.keeps_because().c_str());
  }
}

void Print(const bus::v1::ListErasuresResponse& list) {
  for (const auto& erasure : list.erasures()) Print(erasure);
  if (list.erasures().empty()) std::printf("nobody was erased\n");
}
void Print(const bus::v1::ConfirmErasureResponse& response) {
  Print(response.erasure());
}
void Print(const bus::v1::HoldResponse& response) {
  if (IsAsked(response)) return;
  std::printf("%s: done\n", response.hold_ref().c_str());
}
void Print(const bus::v1::ListHoldsResponse& list) {
  for (const auto& hold : list.holds()) {
    std::printf("%s  %s  to be looked at on %s%s\n  %s, agreed by %s: %s\n",
                hold.hold_ref().c_str(), hold.reason().c_str(),
                hold.review_on().c_str(), hold.review_due() ? ", DUE" : "",
                hold.asked_by().c_str(), hold.agreed_by().c_str(),
                hold.why().c_str());
  }
  if (list.holds().empty()) std::printf("no hold stands\n");
}
void Print(const bus::v1::RestrictProcessingResponse& response) {
  if (IsAsked(response)) return;
  std::printf("restricted now: %s\n",
              response.controllers().empty()
                  ? "nothing"
                  : absl::StrJoin(response.controllers(), ", ").c_str());
}
void Print(const bus::v1::ChangeWrappingKeyResponse& response) {
  if (IsAsked(response)) return;
  std::printf(
      "wrapping key %u wraps %llu keys; the one before is destroyed.\n"
      "Put copies of keys/wrapping.key and keys/key-table into custody, and "
      "destroy the copies of before.\n",
      response.wrapping_key(), Number(response.keys()));
}

template <typename Response>
absl::Status Show(const absl::StatusOr<Response>& response, bool as_json) {
  if (!response.ok()) return response.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*response).c_str());
  } else {
    Print(*response);
  }
  return absl::OkStatus();
}

// How each of these is told its words.
void AddFlags(CommandLine& line, Options& options) {
  line.flags().AddString("why", "In a few words, for the record.",
                         &options.why);
  AddApproveFlag(line, &options.approval);
}

absl::Status Erase(Hub& hub, const std::string& whom, const Options& options,
                   bool as_json) {
  bus::v1::ErasePersonRequest request;
  request.set_subject(whom);
  request.set_reason(options.reason);
  request.set_why(options.why);
  request.set_approval(options.approval);
  request.set_identity_checked(options.identity_checked);
  for (const absl::string_view key :
       absl::StrSplit(options.also, ',', absl::SkipEmpty())) {
    request.add_also(std::string(key));
  }
  if (!options.confirm.empty()) {
    uint64_t count = 0;
    if (!absl::SimpleAtoi(options.confirm, &count)) {
      return absl::InvalidArgumentError("--confirm is the count of before");
    }
    request.set_confirmed_count(count);
  }
  return Show(Ask<bus::v1::ErasePersonResponse>(hub, "ErasePerson", request),
              as_json);
}

absl::Status Confirm(Hub& hub, const std::string& ref, const Options& options,
                     bool as_json) {
  bus::v1::ConfirmErasureRequest request;
  request.set_erasure_ref(ref);
  request.set_keeps_because(options.keeps);
  uint64_t destroyed = 0;
  if (!options.destroyed.empty() &&
      !absl::SimpleAtoi(options.destroyed, &destroyed)) {
    return absl::InvalidArgumentError("--destroyed is a number of records");
  }
  request.set_destroyed(destroyed);
  return Show(
      Ask<bus::v1::ConfirmErasureResponse>(hub, "ConfirmErasure", request),
      as_json);
}

}  // namespace

absl::Status RunErasure(const std::vector<std::string>& arguments) {
  CommandLine line(
      "erasure [list | of PERSON-KEY | confirm REF] --profile NAME",
      "The erasure of people from the hub; deploy/docs/erasure.md.\n"
      "list             who was told, and who has confirmed\n"
      "of PERSON-KEY    what would go and what stands against it; with "
      "--confirm\n"
      "                 COUNT --reason CODE --why TEXT it is asked for, and "
      "done\n"
      "                 when another person says the same with --approve\n"
      "confirm REF      your agency is rid of its copy; --keeps CODE says why "
      "not");
  Options options;
  AddFlags(line, options);
  line.flags().AddString("confirm", "The count that was said before.",
                         &options.confirm);
  line.flags().AddString("reason", "A code of erasure-reason.",
                         &options.reason);
  line.flags().AddString("also", "Other keys of the same person.",
                         &options.also);
  line.flags().AddBool("identity-checked",
                       "Identity was asked which keys are the person's.",
                       &options.identity_checked);
  line.flags().AddString("keeps", "A code of erasure-kept-reason.",
                         &options.keeps);
  line.flags().AddString("destroyed", "How many records went.",
                         &options.destroyed);
  line.set_default_profile("admin");
  const auto go = line.Parse(arguments, 0, 2);
  if (!go.ok() || !*go) return go.status();
  const std::vector<std::string>& words = line.words();
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  if (words.empty() || words[0] == "list") {
    return Show(Ask<bus::v1::ListErasuresResponse>(
                    **hub, "ListErasures", bus::v1::ListErasuresRequest()),
                line.json());
  }
  if (words.size() == 2 && words[0] == "of") {
    return Erase(**hub, words[1], options, line.json());
  }
  if (words.size() == 2 && words[0] == "confirm") {
    return Confirm(**hub, words[1], options, line.json());
  }
  return absl::InvalidArgumentError("list, of PERSON-KEY or confirm REF");
}

absl::Status RunHold(const std::vector<std::string>& arguments) {
  CommandLine line(
      "hold [list | place PERSON-KEY | lift REF]",
      "Legal holds: nothing of the person is erased or removed "
      "while one stands.\n"
      "list               those first whose review is due\n"
      "place PERSON-KEY   --reason CODE --review-on DAY --why TEXT\n"
      "lift REF           --why TEXT");
  Options options;
  AddFlags(line, options);
  line.flags().AddString("reason", "A code of hold-reason.", &options.reason);
  line.flags().AddString("review-on", "When it is looked at again: 2027-04-01.",
                         &options.review_on);
  line.set_default_profile("admin");
  const auto go = line.Parse(arguments, 0, 2);
  if (!go.ok() || !*go) return go.status();
  const std::vector<std::string>& words = line.words();
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  if (words.empty() || words[0] == "list") {
    return Show(Ask<bus::v1::ListHoldsResponse>(**hub, "ListHolds",
                                                bus::v1::ListHoldsRequest()),
                line.json());
  }
  if (words.size() == 2 && words[0] == "place") {
    bus::v1::PlaceHoldRequest request;
    request.set_subject(words[1]);
    request.set_reason(options.reason);
    request.set_review_on(options.review_on);
    request.set_why(options.why);
    request.set_approval(options.approval);
    return Show(Ask<bus::v1::HoldResponse>(**hub, "PlaceHold", request),
                line.json());
  }
  if (words.size() == 2 && words[0] == "lift") {
    bus::v1::LiftHoldRequest request;
    request.set_hold_ref(words[1]);
    request.set_why(options.why);
    request.set_approval(options.approval);
    return Show(Ask<bus::v1::HoldResponse>(**hub, "LiftHold", request),
                line.json());
  }
  return absl::InvalidArgumentError("list, place PERSON-KEY or lift REF");
}

absl::Status RunRestriction(const std::vector<std::string>& arguments) {
  CommandLine line(
      "restriction [on | off] PERSON --profile NAME",
      "What your agency told of a person is kept and shown to nobody else, or\n"
      "is again. PERSON is a person key or ref:SYSTEM:NUMBER.");
  Options options;
  AddFlags(line, options);
  line.flags().AddString("reason", "A code of restriction-reason.",
                         &options.reason);
  const auto go = line.Parse(arguments, 2, 2);
  if (!go.ok() || !*go) return go.status();
  const std::vector<std::string>& words = line.words();
  if (words[0] != "on" && words[0] != "off") {
    return absl::InvalidArgumentError("on or off, and whom");
  }
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  const auto subject = (*hub)->ResolveSubject(words[1]);
  if (!subject.ok()) return subject.status();
  bus::v1::RestrictProcessingRequest request;
  request.set_subject(*subject);
  request.set_restricted(words[0] == "on");
  request.set_reason(options.reason);
  request.set_why(options.why);
  request.set_approval(options.approval);
  return Show(Ask<bus::v1::RestrictProcessingResponse>(
                  **hub, "RestrictProcessing", request),
              line.json());
}

absl::Status RunWrappingKey(const std::vector<std::string>& arguments) {
  CommandLine line(
      "wrapping-key change --why TEXT | split --need M --shares N --to DIR",
      "The key that every key of the log is wrapped with.\n"
      "change   wraps all with a new one and destroys the one before; "
      "everything\n"
      "         goes on meanwhile\n"
      "split    no bus runs: from here on M of N people together open the key "
      "file,\n"
      "         each with a share of DIR");
  Options options;
  std::string need;
  std::string shares;
  std::string to;
  AddFlags(line, options);
  line.flags().AddString("need", "So many shares open it.", &need);
  line.flags().AddString("shares", "So many there are.", &shares);
  line.flags().AddString("to", "A new folder, for the shares.", &to);
  line.set_default_profile("admin");
  const auto go = line.Parse(arguments, 1, 1);
  if (!go.ok() || !*go) return go.status();
  if (line.words()[0] == "split") {
    return RunBeside("concordat-key-custody",
                     {"--data", line.data_path(), "--need", need, "--shares",
                      shares, "--to", to});
  }
  if (line.words()[0] != "change") {
    return absl::InvalidArgumentError("wrapping-key change or split");
  }
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  bus::v1::ChangeWrappingKeyRequest request;
  request.set_why(options.why);
  request.set_approval(options.approval);
  return Show(Ask<bus::v1::ChangeWrappingKeyResponse>(
                  **hub, "ChangeWrappingKey", request),
              line.json());
}

}  // namespace concordat::cli
