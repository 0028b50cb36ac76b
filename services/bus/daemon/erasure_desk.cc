#include "services/bus/daemon/erasure_desk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/bus/delivery/delivery_core.h"
#include "services/bus/ingest/hub_records.h"
#include "services/common/config/principal_registry.h"

namespace concordat::bus {
namespace {

constexpr char kService[] = "concordat.bus.v1.ErasureService/";
constexpr char kErasureAct[] = "erasure";
constexpr char kKeysAct[] = "keys";
constexpr char kReviewAct[] = "review";
constexpr char kConfirmedType[] = "concordat.hub.v1.ErasureConfirmed";
constexpr int kKeysMax = 16;

absl::Status NeedsRight(const Call& call, absl::string_view kind) {
  if (MayAgree(*call.principal, kind)) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat("this needs the right ", RightTo(kind), " of the registry"));
}

// Whoever answers in an agency for what becomes of what it has: not everybody there
// is told whom an erasure was of, nor speaks for the agency.
absl::Status NeedsToAnswer(const Call& call) {
  const v1::Principal& caller = *call.principal;
  if (caller.role() == "operator" || caller.role() == "guardian" ||
      MayAgree(caller, kReviewAct)) {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError(
      absl::StrCat("this is for an agency's guardian, or who has the right ",
                   RightTo(kReviewAct), " of the registry"));
}

// Whom an operator is: everybody else is asked for its agency alone.
std::string AgencyOf(const Call& call) {
  return call.principal->role() == "operator" ? "" : call.principal->agency();
}

// Services that say that they are rid of a person: by the registry they may.
std::vector<std::string> HoldersOf(const PrincipalRegistry& registry) {
  std::vector<std::string> holders;
  for (const v1::Principal& principal : registry.proto().principals()) {
    if (principal.revoked()) continue;
    for (const v1::PublishGrant& grant : principal.publish()) {
      const auto& types = grant.types();
      if (std::find(types.begin(), types.end(), kConfirmedType) !=
          types.end()) {
        holders.push_back(grant.source());
      }
    }
  }
  return holders;
}

// What no program can do: what a gateway keeps is in no log, and copies that people
// made are known to them alone.
std::vector<std::string> GatewaysOf(const PrincipalRegistry& registry) {
  std::vector<std::string> gateways;
  for (const v1::Principal& principal : registry.proto().principals()) {
    if (!principal.revoked() && SpeaksForOthers(principal)) {
      gateways.push_back(principal.name());
    }
  }
  return gateways;
}

const v1::ErasureConfirmation* StepOf(const v1::Erasure& erasure,
                                      absl::string_view step) {
  for (const v1::ErasureConfirmation& one : erasure.confirmations()) {
    if (!one.by_hand().empty() && one.holder() == step) return &one;
  }
  return nullptr;
}

absl::StatusOr<std::vector<PersonKey>> KeysOf(
    const v1::ErasePersonRequest& request) {
  std::vector<PersonKey> keys;
  const auto subject = PersonKey::Parse(request.subject());
  if (!subject.ok()) {
    return absl::InvalidArgumentError("subject: no person key");
  }
  keys.push_back(*subject);
  if (request.also_size() >= kKeysMax) {
    return absl::InvalidArgumentError("also: too many keys of one person");
  }
  for (const std::string& text : request.also()) {
    const auto key = PersonKey::Parse(text);
    if (!key.ok()) return absl::InvalidArgumentError("also: no person key");
    keys.push_back(*key);
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

}  // namespace

ErasureDesk::ErasureDesk(EventLog& log, Rekeyer& rekeyer, ActRecorder& recorder,
                         FourEyes& four_eyes,
                         std::shared_ptr<const TypeRegistry> types,
                         LoadPolicy policy, PersonLists& lists,
                         std::unique_ptr<Background> thread)
    : log_(log),
      rekeyer_(rekeyer),
      recorder_(recorder),
      four_eyes_(four_eyes),
      types_(std::move(types)),
      policy_(std::move(policy)),
      register_(log),
      lists_(lists),
      thread_(std::move(thread)) {}

void ErasureDesk::Serve(ServerHost& host) {
  host.HandleLater<v1::ErasePersonRequest, v1::ErasePersonResponse>(
      absl::StrCat(kService, "ErasePerson"), {{"operator"}},
      [this](const Call& call, const v1::ErasePersonRequest& request,
             Reply<v1::ErasePersonResponse> reply) {
        Begin(call, request, std::move(reply));
      });
  host.HandleLater<v1::ChangeWrappingKeyRequest, v1::ChangeWrappingKeyResponse>(
      absl::StrCat(kService, "ChangeWrappingKey"), {{"operator"}},
      [this](const Call& call, const v1::ChangeWrappingKeyRequest& request,
             Reply<v1::ChangeWrappingKeyResponse> reply) {
        ChangeKey(call, request, std::move(reply));
      });
  host.Handle<v1::ListErasuresRequest, v1::ListErasuresResponse>(
      absl::StrCat(kService, "ListErasures"), {},
      [this](const Call& call, const v1::ListErasuresRequest&)
          -> absl::StatusOr<v1::ListErasuresResponse> {
        const absl::Status may = NeedsToAnswer(call);
        if (!may.ok()) return may;
        const auto list = register_.List(AgencyOf(call));
        if (!list.ok()) return list.status();
        v1::ListErasuresResponse response;
        response.mutable_erasures()->Assign(list->begin(), list->end());
        for (v1::Erasure& erasure : *response.mutable_erasures()) {
          const absl::Status hidden = HideSubject(call, erasure);
          if (!hidden.ok()) return hidden;
        }
        return response;
      });
  host.HandleLater<v1::ConfirmErasureRequest, v1::ConfirmErasureResponse>(
      absl::StrCat(kService, "ConfirmErasure"), {},
      [this](const Call& call, const v1::ConfirmErasureRequest& request,
             Reply<v1::ConfirmErasureResponse> reply) {
        Confirm(call, request, std::move(reply));
      });
}

absl::Status ErasureDesk::HideSubject(const Call& call, v1::Erasure& erasure) {
  const auto person = PersonKey::Parse(erasure.subject());
  if (!person.ok()) return absl::OkStatus();  // It names nobody.
  const auto allowed =
      lists_.Allow(RecipientOf(*call.principal, call.purpose), *person);
  if (!allowed.ok()) return allowed.status();
  if (!*allowed) erasure.clear_subject();
  return absl::OkStatus();
}

void ErasureDesk::Begin(const Call& call, const v1::ErasePersonRequest& request,
                        Reply<v1::ErasePersonResponse> reply) {
  absl::Status may = NeedsRight(call, kErasureAct);
  if (may.ok() && request.has_confirmed_count() && request.approval().empty()) {
    may = CheckWhy(request.why());
  }
  if (may.ok() && request.has_confirmed_count() && request.reason().empty()) {
    may = absl::InvalidArgumentError(
        "reason: one of the code list erasure-reason");
  }
  if (!may.ok()) return reply(may);
  auto keys = KeysOf(request);
  if (!keys.ok()) return reply(keys.status());
  if (request.has_confirmed_count()) {
    // What the log would not take is refused before anybody is asked to agree.
    hub::v1::PersonErased asked;
    asked.set_erasure_ref(recorder_.NewId("E"));
    asked.set_reason(request.reason());
    const auto fits = recorder_.EventOf(asked.erasure_ref(), kErasuresStream,
                                        keys->front(), asked);
    if (!fits.ok()) return reply(fits.status());
  }
  auto run = std::make_shared<Run>();
  run->call = call;
  run->request = request;
  run->keys = *std::move(keys);
  run->reply = std::move(reply);
  thread_->Post([this, run] { Decide(run); });
}

absl::Status ErasureDesk::Look(Run& run) const {
  for (const PersonKey& key : run.keys) {
    const absl::Status added = run.standing.Add(log_, *types_, key);
    if (!added.ok()) return added;
  }
  bool held = run.standing.holds > 0;
  const auto policy = policy_();
  if (!policy.ok() && !absl::IsNotFound(policy.status())) {
    return policy.status();
  }
  if (policy.ok()) {
    for (const v1::RetentionHold& hold : policy->holds()) {
      const auto person = PersonKey::Parse(hold.person());
      held |= person.ok() && std::find(run.keys.begin(), run.keys.end(),
                                       *person) != run.keys.end();
    }
  }
  v1::ErasePersonResponse& response = run.response;
  response.set_count(run.standing.events);
  for (const auto& [controller, events] : run.standing.by_controller) {
    v1::ControllerCount& count = *response.add_controllers();
    count.set_controller(controller);
    count.set_events(events);
  }
  response.mutable_told()->Assign(run.standing.told.begin(),
                                  run.standing.told.end());
  if (held) response.add_blocked_because("hold");
  if (run.standing.case_open) response.add_blocked_because("open-case");
  if (run.standing.in_doubt && !run.request.identity_checked()) {
    response.add_blocked_because("in-doubt");
  }
  return absl::OkStatus();
}

absl::Status ErasureDesk::Allowed(const Run& run) {
  const v1::ErasePersonResponse& response = run.response;
  if (response.blocked_because_size() > 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("it is not erased because of: ",
                     absl::StrJoin(response.blocked_because(), ", ")));
  }
  if (run.request.confirmed_count() != response.count()) {
    return absl::FailedPreconditionError(
        absl::StrCat("there are ", response.count(), " events now, not ",
                     run.request.confirmed_count()));
  }
  return absl::OkStatus();
}

void ErasureDesk::Decide(const Shared& run) {
  const absl::Status looked = Look(*run);
  if (!looked.ok()) return run->reply(looked);
  const v1::ErasePersonResponse& response = run->response;
  if (!run->request.has_confirmed_count()) return run->reply(response);
  const absl::Status allowed = Allowed(*run);
  if (!allowed.ok()) return run->reply(allowed);
  Act act;
  act.kind = kErasureAct;
  act.count = response.count();
  act.what = absl::StrCat("erasure of one person, ", act.count, " events of ",
                          response.controllers_size(),
                          " controllers: ", run->request.reason());
  std::string keys;
  for (const PersonKey& key : run->keys) absl::StrAppend(&keys, key.bytes());
  act.digest = ActDigest(
      act.kind, {keys, run->request.reason(), absl::StrCat(act.count)});
  four_eyes_.Decide(
      run->call, act, run->request.why(), run->request.approval(),
      [this, run](absl::StatusOr<Decision> decision) {
        if (!decision.ok()) return run->reply(decision.status());
        if (decision->asked.has_value()) {
          *run->response.mutable_asked() = *decision->asked;
          return run->reply(run->response);
        }
        const Agreed agreed = *decision->agreed;
        thread_->Post([this, run, agreed] { Erase(run, agreed); });
      });
}

void ErasureDesk::Erase(const Shared& run, const Agreed& agreed) {
  // A hold that was recorded beside the agreement beats it.
  run->standing = {};
  run->response = {};
  absl::Status allowed = Look(*run);
  if (allowed.ok()) allowed = Allowed(*run);
  if (!allowed.ok()) return run->reply(allowed);
  run->ref = recorder_.NewId("E");
  hub::v1::PersonErased erased;
  erased.set_erasure_ref(run->ref);
  erased.set_reason(run->request.reason());
  erased.set_events(run->response.count());
  *erased.mutable_told() = run->response.told();
  const std::vector<std::string> holders = HoldersOf(*run->call.registry);
  erased.mutable_holders()->Assign(holders.begin(), holders.end());
  const std::vector<std::string> gateways = GatewaysOf(*run->call.registry);
  erased.set_asked_by(agreed.asked_by);
  erased.set_agreed_by(agreed.agreed_by);
  rekeyer_.Run(
      {run->keys.begin(), run->keys.end()},
      [this, run, erased, gateways](
          uint32_t wrapping_key) mutable -> absl::StatusOr<std::vector<Event>> {
        erased.set_wrapping_key(wrapping_key);
        std::vector<Event> events;
        for (size_t i = 0; i < run->keys.size(); ++i) {
          erased.mutable_by_hand()->Assign(gateways.begin(), gateways.end());
          // Each key is an erasure of its own to those who know the person by it.
          // Copies are of all keys together.
          if (i > 0) {
            erased.set_erasure_ref(absl::StrCat(run->ref, "-", i + 1));
            erased.set_events(0);
          } else {
            erased.add_by_hand(kKeyFileCopies);
            erased.add_by_hand(kIdentityCopies);
          }
          auto event = recorder_.EventOf(erased.erasure_ref(), kErasuresStream,
                                         run->keys[i], erased);
          if (!event.ok()) return event.status();
          events.push_back(*std::move(event));
        }
        return events;
      },
      [run](const absl::StatusOr<Rekeyer::Outcome>& outcome) {
        if (!outcome.ok()) return run->reply(outcome.status());
        run->response.set_erasure_ref(run->ref);
        run->response.set_erased_keys(outcome->erased);
        run->response.set_kept_keys(outcome->kept);
        run->reply(run->response);
      });
}

void ErasureDesk::ChangeKey(const Call& call,
                            const v1::ChangeWrappingKeyRequest& request,
                            Reply<v1::ChangeWrappingKeyResponse> reply) {
  const absl::Status may = NeedsRight(call, kKeysAct);
  if (!may.ok()) return reply(may);
  Act act;
  act.kind = kKeysAct;
  act.what = "a new wrapping key for every key of the log";
  act.digest = ActDigest(act.kind, {"wrapping"});
  const auto done = [reply](const absl::StatusOr<Rekeyer::Outcome>& outcome) {
    if (!outcome.ok()) return reply(outcome.status());
    v1::ChangeWrappingKeyResponse response;
    response.set_wrapping_key(outcome->wrapping_key);
    response.set_keys(outcome->kept);
    reply(response);
  };
  four_eyes_.Decide(
      call, act, request.why(), request.approval(),
      [this, reply, done](absl::StatusOr<Decision> decision) {
        if (!decision.ok()) return reply(decision.status());
        if (decision->asked.has_value()) {
          v1::ChangeWrappingKeyResponse response;
          *response.mutable_asked() = *decision->asked;
          return reply(response);
        }
        hub::v1::WrappingKeyChanged changed;
        changed.set_asked_by(decision->agreed->asked_by);
        changed.set_agreed_by(decision->agreed->agreed_by);
        changed.set_why(decision->agreed->why);
        rekeyer_.Run(
            {},
            [this, changed](
                uint32_t number) mutable -> absl::StatusOr<std::vector<Event>> {
              changed.set_wrapping_key(number);
              auto event = recorder_.EventOf(absl::StrCat("wrapping-", number),
                                             kKeysStream, PersonKey(), changed);
              if (!event.ok()) return event.status();
              return std::vector<Event>{*std::move(event)};
            },
            done);
      });
}

void ErasureDesk::Confirm(const Call& call,
                          const v1::ConfirmErasureRequest& request,
                          Reply<v1::ConfirmErasureResponse> reply) {
  const std::string agency = call.principal->agency();
  if (AgencyOf(call).empty() || !request.step().empty() ||
      !request.subject().empty()) {
    return ConfirmStep(call, request, std::move(reply));
  }
  if (const absl::Status may = NeedsToAnswer(call); !may.ok()) {
    return reply(may);
  }
  const auto erasure = register_.Find(request.erasure_ref(), agency);
  if (!erasure.ok()) return reply(erasure.status());
  hub::v1::ErasureConfirmed confirmed;
  confirmed.set_erasure_ref(request.erasure_ref());
  confirmed.set_holder(agency);
  confirmed.set_destroyed(request.destroyed());
  confirmed.set_by(call.principal->name());
  confirmed.set_keeps_because(request.keeps_because());
  recorder_.RecordIn(ConfirmationId(request.erasure_ref(), agency),
                     kErasuresStream, PersonKey(), confirmed,
                     [this, call, reply, agency,
                      ref = request.erasure_ref()](const absl::Status& status) {
                       if (!status.ok()) return reply(status);
                       thread_->Post([this, call, reply, agency, ref] {
                         auto now = register_.Find(ref, agency);
                         if (!now.ok()) return reply(now.status());
                         const absl::Status hidden = HideSubject(call, *now);
                         if (!hidden.ok()) return reply(hidden);
                         v1::ConfirmErasureResponse response;
                         *response.mutable_erasure() = *std::move(now);
                         reply(response);
                       });
                     });
}

absl::StatusOr<std::vector<v1::Erasure>> ErasureDesk::WithStep(
    const v1::ConfirmErasureRequest& request) const {
  if (request.step().empty()) {
    return absl::InvalidArgumentError(
        "step: an operator confirms what was done by hand, by its name");
  }
  if (!request.keeps_because().empty()) {
    return absl::InvalidArgumentError(
        "keeps_because: of an agency; a step by hand is done or it is not");
  }
  if (request.subject().empty() == request.erasure_ref().empty()) {
    return absl::InvalidArgumentError(
        "erasure_ref: it, or the subject, and not both");
  }
  std::vector<v1::Erasure> erasures;
  if (request.subject().empty()) {
    auto one = register_.Find(request.erasure_ref(), "");
    if (!one.ok()) return one.status();
    erasures.push_back(*std::move(one));
  } else {
    const auto subject = PersonKey::Parse(request.subject());
    if (!subject.ok()) {
      return absl::InvalidArgumentError("subject: no person key");
    }
    auto all = register_.OfPerson(*subject);
    if (!all.ok()) return all.status();
    erasures = *std::move(all);
  }
  std::vector<std::string> steps;
  for (const auto& one : erasures.front().confirmations()) {
    if (!one.by_hand().empty()) steps.push_back(one.holder());
  }
  std::erase_if(erasures, [&](const v1::Erasure& each) {
    return StepOf(each, request.step()) == nullptr;
  });
  if (erasures.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("step: it has no such step by hand, but ",
                     steps.empty() ? "none" : absl::StrJoin(steps, ", ")));
  }
  return erasures;
}

void ErasureDesk::ConfirmStep(const Call& call,
                              const v1::ConfirmErasureRequest& request,
                              Reply<v1::ConfirmErasureResponse> reply) {
  if (const absl::Status may = NeedsRight(call, kErasureAct); !may.ok()) {
    return reply(may);
  }
  const auto erasures = WithStep(request);
  if (!erasures.ok()) return reply(erasures.status());
  const auto answer = [this, reply, ref = erasures->front().erasure_ref()] {
    auto now = register_.Find(ref, "");
    if (!now.ok()) return reply(now.status());
    v1::ConfirmErasureResponse response;
    *response.mutable_erasure() = *std::move(now);
    reply(response);
  };
  std::vector<Event> events;
  for (const v1::Erasure& each : *erasures) {
    // The first word stands.
    if (StepOf(each, request.step())->confirmed_time() != 0) continue;
    hub::v1::ErasureConfirmed confirmed;
    confirmed.set_erasure_ref(each.erasure_ref());
    confirmed.set_step(request.step());
    confirmed.set_destroyed(request.destroyed());
    confirmed.set_by(call.principal->name());
    auto event = recorder_.EventOf(
        StepConfirmationId(each.erasure_ref(), request.step()), kErasuresStream,
        PersonKey(), confirmed);
    if (!event.ok()) return reply(event.status());
    events.push_back(*std::move(event));
  }
  if (events.empty()) return answer();
  recorder_.Publish(events, [this, reply, answer](const absl::Status& status) {
    if (!status.ok()) return reply(status);
    thread_->Post(answer);
  });
}

}  // namespace concordat::bus
