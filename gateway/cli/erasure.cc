// concordat erasure | hold | restriction | wrapping-key: people's rights over what
// the log keeps of them, and the key that it rests on. Each act is asked for by one
// person and done when another, with --approve, agrees.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
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
#include "gateway/signin/sealed_store.h"
#include "services/common/base/ids.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"

namespace concordat::cli {
namespace {

constexpr char kProgram[] = "concordat-bus";
constexpr char kService[] = "concordat.bus.v1.ErasureService/";

struct Options {
  std::string reason;
  std::string why;
  std::string confirm;
  std::string approval;
  std::string also;
  std::string review_on;
  std::string keeps;
  std::string destroyed;
  std::string step;
  std::string gateway = "gateway";
  bool identity_checked = false;
};

unsigned long long Number(uint64_t value) { return value; }

template <typename Response, typename Request>
absl::StatusOr<Response> Ask(Hub& hub, const char* method,
                             const Request& request) {
  CallOptions options;
  options.timeout = kLongCall;
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
        "with keys/key-table. `concordat erasure list` has what else is done "
        "by "
        "hand.\n",
        response.erasure_ref().c_str(), Number(response.erased_keys()),
        Number(response.kept_keys()));
  } else if (response.blocked_because_size() == 0) {
    std::printf("To do it: --confirm %llu --reason CODE --why TEXT\n",
                Number(response.count()));
  }
}

void Print(const bus::v1::Erasure& erasure) {
  std::printf("%s  %s  %s%s%s\n", erasure.erasure_ref().c_str(),
              LocalMoment(erasure.accepted_time()).c_str(),
              erasure.reason().c_str(), erasure.subject().empty() ? "" : "  ",
              erasure.subject().c_str());
  if (!erasure.keys_destroyed()) {
    std::printf("  the wrapping key of before is not destroyed yet\n");
  }
  for (const auto& one : erasure.confirmations()) {
    if (!one.by_hand().empty()) {
      std::printf("  by hand    %s: %s\n", one.holder().c_str(),
                  one.confirmed_time() == 0
                      ? absl::StrCat("NOT YET: ", one.by_hand()).c_str()
                      : absl::StrCat(
                            "done, ", LocalMoment(one.confirmed_time()), " by ",
                            one.by(), ": ", one.destroyed(), " records")
                            .c_str());
      continue;
    }
    if (one.confirmed_time() == 0) {
      std::printf("  waits for  %s\n", one.holder().c_str());
      continue;
    }
    std::printf("  confirmed  %s, %s by %s: %llu records%s%s\n",
                one.holder().c_str(), LocalMoment(one.confirmed_time()).c_str(),
                one.by().c_str(), Number(one.destroyed()),
                one.keeps_because().empty() ? "" : "; keeps some because of ",
                one.keeps_because().c_str());
  }
  if (erasure.keys_destroyed() && erasure.waits_for() == 0) {
    std::printf("  complete\n");
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

// Why, and who agrees to what: every act of these is asked for by one person and
// done by another.
template <typename Request>
Request ActOf(const Options& options) {
  Request request;
  request.set_why(options.why);
  request.set_approval(options.approval);
  return request;
}

// A word that one of these commands begins with.
struct Verb {
  const char* name;
  bool takes_word = true;  // Whom, or which.
  std::function<absl::Status(Hub& hub, const std::string& word,
                             const Options& options, bool as_json)>
      run;
};
template <typename Response, typename Request>
Verb Listing(const char* method) {
  return {"list", false,
          [method](Hub& hub, const std::string&, const Options&, bool as_json) {
            return Show(Ask<Response>(hub, method, Request()), as_json);
          }};
}

// By what was parsed.
absl::Status RunVerb(const CommandLine& line, const Options& options,
                     const std::vector<Verb>& verbs) {
  std::vector<std::string> words = line.words();
  if (words.empty()) words.push_back(verbs[0].name);
  const auto verb =
      std::find_if(verbs.begin(), verbs.end(), [&](const Verb& each) {
        return each.name == words[0] &&
               words.size() == (each.takes_word ? 2u : 1u);
      });
  if (verb == verbs.end()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "say one of: ",
        absl::StrJoin(verbs, ", ", [](std::string* out, const Verb& each) {
          absl::StrAppend(out, each.name, each.takes_word ? " …" : "");
        })));
  }
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  words.resize(2);
  return verb->run(**hub, words[1], options, line.json());
}

// One command: its words are those of a verb, or none where the first verb takes
// none. Its flags are added to the line before.
absl::Status Run(CommandLine& line, const Options& options,
                 const std::vector<Verb>& verbs,
                 const std::vector<std::string>& arguments) {
  const auto go = line.Parse(arguments, verbs[0].takes_word ? 1 : 0, 2);
  if (!go.ok() || !*go) return go.status();
  return RunVerb(line, options, verbs);
}

void AddActFlags(CommandLine& line, Options& options) {
  line.flags().AddString("why", "In a few words, for the record.",
                         &options.why);
  AddApproveFlag(line, &options.approval);
}
void AddReasonFlag(CommandLine& line, const char* code_list, Options& options) {
  line.flags().AddString("reason", absl::StrCat("A code of ", code_list, "."),
                         &options.reason);
}

absl::Status Erase(Hub& hub, const std::string& whom, const Options& options,
                   bool as_json) {
  auto request = ActOf<bus::v1::ErasePersonRequest>(options);
  request.set_subject(whom);
  request.set_reason(options.reason);
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
  request.set_step(options.step);
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

// On the files: the gateway has no place in the log, so that no event tells it. That
// it is done goes into the log, as the word of whoever ran this.
absl::Status ForgetAtGateway(Hub& hub, const std::string& whom,
                             const Options& options, bool as_json) {
  const auto person = PersonKey::Parse(whom);
  if (!person.ok()) return person.status();
  const std::string path = hub.data().PathOf(gateway::kSealedStoreFile);
  if (!std::filesystem::exists(path)) {
    return absl::NotFoundError(absl::StrCat(
        path,
        ": no gateway has run on this data directory. If it has on none: "
        "concordat erasure confirm REF --step ",
        options.gateway));
  }
  const auto secret = hub.data().LoadSecret("gateway");
  if (!secret.ok()) return secret.status();
  const SystemClock clock;
  SystemRandom random;
  const auto store = gateway::SealedStore::Open(path, *secret, clock, random);
  if (!store.ok()) return store.status();
  const auto went = (*store)->Forget(whom);
  if (!went.ok()) return went.status();
  bus::v1::ConfirmErasureRequest request;
  request.set_subject(whom);
  request.set_step(options.gateway);
  request.set_destroyed(*went);
  const auto confirmed =
      Ask<bus::v1::ConfirmErasureResponse>(hub, "ConfirmErasure", request);
  if (!confirmed.ok()) {
    return absl::Status(
        confirmed.status().code(),
        absl::StrCat(
            *went,
            " drafts and reasons destroyed, and that is not "
            "confirmed: ",
            confirmed.status().message(),
            ". Run it again, or: concordat erasure confirm REF --step ",
            options.gateway, " --destroyed ", *went));
  }
  std::printf(as_json ? "{\"destroyed\":%llu}\n"
                      : "%llu drafts and reasons destroyed\n",
              Number(*went));
  return absl::OkStatus();
}

absl::Status PlaceHold(Hub& hub, const std::string& whom,
                       const Options& options, bool as_json) {
  auto request = ActOf<bus::v1::PlaceHoldRequest>(options);
  request.set_subject(whom);
  request.set_reason(options.reason);
  request.set_review_on(options.review_on);
  return Show(Ask<bus::v1::HoldResponse>(hub, "PlaceHold", request), as_json);
}

absl::Status LiftHold(Hub& hub, const std::string& ref, const Options& options,
                      bool as_json) {
  auto request = ActOf<bus::v1::LiftHoldRequest>(options);
  request.set_hold_ref(ref);
  return Show(Ask<bus::v1::HoldResponse>(hub, "LiftHold", request), as_json);
}

Verb Restriction(const char* name, bool restricted) {
  return {name, true,
          [restricted](Hub& hub, const std::string& whom,
                       const Options& options, bool as_json) {
            const auto subject = hub.ResolveSubject(whom);
            if (!subject.ok()) return subject.status();
            auto request = ActOf<bus::v1::RestrictProcessingRequest>(options);
            request.set_subject(*subject);
            request.set_restricted(restricted);
            request.set_reason(options.reason);
            return Show(Ask<bus::v1::RestrictProcessingResponse>(
                            hub, "RestrictProcessing", request),
                        as_json);
          }};
}

absl::Status ChangeKey(Hub& hub, const std::string&, const Options& options,
                       bool as_json) {
  return Show(Ask<bus::v1::ChangeWrappingKeyResponse>(
                  hub, "ChangeWrappingKey",
                  ActOf<bus::v1::ChangeWrappingKeyRequest>(options)),
              as_json);
}

}  // namespace

absl::Status RunErasure(const std::vector<std::string>& arguments) {
  CommandLine line(
      "erasure [list | of PERSON-KEY | confirm REF | at-gateway PERSON-KEY]\n"
      "  --profile NAME",
      "The erasure of people from the hub; deploy/docs/erasure.md.\n"
      "list             who was told, and who has confirmed\n"
      "of PERSON-KEY    what would go and what stands against it; with "
      "--confirm\n"
      "                 COUNT --reason CODE --why TEXT it is asked for, and "
      "done\n"
      "                 when another person says the same with --approve\n"
      "confirm REF      your agency is rid of its copy; --keeps CODE says why "
      "not.\n"
      "                 Of an operator: --step NAME of the list is done by "
      "hand\n"
      "at-gateway PERSON-KEY\n"
      "                 destroys drafts and reasons that name the key in the "
      "gateway's\n"
      "                 file of --data, and confirms it");
  Options options;
  AddActFlags(line, options);
  AddReasonFlag(line, "erasure-reason", options);
  line.flags().AddString("confirm", "The count that was said before.",
                         &options.confirm);
  line.flags().AddString("also", "Other keys of the same person.",
                         &options.also);
  line.flags().AddBool("identity-checked",
                       "Identity was asked which keys are the person's.",
                       &options.identity_checked);
  line.flags().AddString("keeps", "A code of erasure-kept-reason.",
                         &options.keeps);
  line.flags().AddString("destroyed", "How many records went.",
                         &options.destroyed);
  line.flags().AddString("step", "The step by hand that is done.",
                         &options.step);
  line.flags().AddString("gateway", "At-gateway: its name in the registry.",
                         &options.gateway);
  line.set_default_profile("admin");
  return Run(
      line, options,
      {Listing<bus::v1::ListErasuresResponse, bus::v1::ListErasuresRequest>(
           "ListErasures"),
       {"of", true, Erase},
       {"confirm", true, Confirm},
       {"at-gateway", true, ForgetAtGateway}},
      arguments);
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
  AddActFlags(line, options);
  AddReasonFlag(line, "hold-reason", options);
  line.flags().AddString("review-on", "When it is looked at again: 2027-04-01.",
                         &options.review_on);
  line.set_default_profile("admin");
  return Run(line, options,
             {Listing<bus::v1::ListHoldsResponse, bus::v1::ListHoldsRequest>(
                  "ListHolds"),
              {"place", true, PlaceHold},
              {"lift", true, LiftHold}},
             arguments);
}

absl::Status RunRestriction(const std::vector<std::string>& arguments) {
  CommandLine line(
      "restriction on|off PERSON --profile NAME",
      "What your agency told of a person is kept and shown to nobody else, or\n"
      "is again. PERSON is a person key or ref:SYSTEM:NUMBER.");
  Options options;
  AddActFlags(line, options);
  AddReasonFlag(line, "restriction-reason", options);
  return Run(line, options,
             {Restriction("on", true), Restriction("off", false)}, arguments);
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
  AddActFlags(line, options);
  line.flags().AddString("need", "So many shares open it.", &need);
  line.flags().AddString("shares", "So many there are.", &shares);
  line.flags().AddString("to", "A new folder, for the shares.", &to);
  line.set_default_profile("admin");
  const auto go = line.Parse(arguments, 0, 2);
  if (!go.ok() || !*go) return go.status();
  // It opens no hub: none runs.
  if (!line.words().empty() && line.words()[0] == "split") {
    if (line.words().size() > 1) {
      return absl::InvalidArgumentError("split: it takes no other word");
    }
    for (const auto& [flag, text] :
         {std::pair("--need", need), std::pair("--shares", shares)}) {
      uint32_t number = 0;
      if (!absl::SimpleAtoi(text, &number)) {
        return absl::InvalidArgumentError(
            absl::StrCat(flag, ": it is needed, a number"));
      }
    }
    if (to.empty()) {
      return absl::InvalidArgumentError("--to: a new folder, for the shares");
    }
    return RunBeside("concordat-key-custody",
                     {"--data", line.data_path(), "--need", need, "--shares",
                      shares, "--to", to});
  }
  return RunVerb(line, options, {{"change", false, ChangeKey}});
}

}  // namespace concordat::cli
