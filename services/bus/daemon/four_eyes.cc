#include "services/bus/daemon/four_eyes.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/bus/ingest/hub_records.h"
#include "services/common/event/reference_rules.h"

namespace concordat::bus {
namespace {

constexpr char kService[] = "concordat.bus.v1.ApprovalService/";
constexpr size_t kRecordsMax = 1u << 20;

using hub::v1::ApprovalAsked;
using hub::v1::ApprovalGiven;
using hub::v1::ApprovalRefused;

// Those that are done elsewhere; the others have calls of their own.
constexpr absl::string_view kDoneElsewhere[] = {"enrolment", "keys", "restore",
                                                "rule"};

Person PersonOf(const Call& call) {
  return {call.principal->name(), call.staff, call.principal->agency()};
}

absl::Status SettledError(absl::string_view how) {
  return absl::FailedPreconditionError(
      absl::StrCat("it has been ", how, " already"));
}

std::string GivenId(absl::string_view approval) {
  return absl::StrCat(approval, "-given");
}

std::string RefusedId(absl::string_view approval) {
  return absl::StrCat(approval, "-refused");
}

absl::Status CheckRight(const Call& call, const std::string& kind,
                        const std::string& agency) {
  if (!MayAgree(*call.principal, kind)) {
    return absl::PermissionDeniedError(absl::StrCat(
        "this needs the right ", RightTo(kind), " of the registry"));
  }
  if (!agency.empty() && agency != call.principal->agency()) {
    return absl::PermissionDeniedError(
        absl::StrCat("this is for people of ", agency));
  }
  return absl::OkStatus();
}

absl::StatusOr<ApprovalAsked> ParseAsked(const StoredEvent& event) {
  ApprovalAsked asked;
  if (event.header.type != ApprovalAsked::descriptor()->full_name() ||
      !asked.ParseFromString(MessageOf(event))) {
    return absl::NotFoundError("approval: nobody asked for that");
  }
  return asked;
}

v1::OpenApproval ToOpen(absl::string_view id, const ApprovalAsked& asked) {
  v1::OpenApproval open;
  open.set_approval(std::string(id));
  open.set_kind(asked.kind());
  open.set_what(asked.what());
  open.set_count(asked.count());
  open.set_by(asked.by());
  open.set_why(asked.why());
  open.set_until(asked.until());
  return open;
}

absl::StatusOr<Act> ActOf(const v1::AgreeRequest& request) {
  if (std::find(std::begin(kDoneElsewhere), std::end(kDoneElsewhere),
                request.kind()) == std::end(kDoneElsewhere)) {
    return absl::InvalidArgumentError(
        "kind: enrolment, keys, restore or rule; others have calls of their "
        "own");
  }
  Act act;
  if (request.digest().size() != act.digest.size()) {
    return absl::InvalidArgumentError("digest: the 32 bytes of a SHA-256");
  }
  if (request.what().empty() || request.what().size() > kActWordsMax ||
      !IsPrintable(request.what()) ||
      !BrokenReferenceRule(request.what()).empty()) {
    return absl::InvalidArgumentError(
        "what: 1 to 300 printable bytes, with no number or address of anybody");
  }
  act.kind = request.kind();
  act.what = request.what();
  act.count = request.count();
  std::copy(request.digest().begin(), request.digest().end(),
            act.digest.begin());
  return act;
}

}  // namespace

bool FourEyes::Take(const std::string& approval) {
  MutexLock lock(mu_);
  return taken_.insert(approval).second;
}

void FourEyes::Let(const std::string& approval) {
  MutexLock lock(mu_);
  taken_.erase(approval);
}

void FourEyes::Decide(const Call& call, const Act& act, const std::string& why,
                      const std::string& approval, Then then) {
  const absl::Status right = CheckRight(call, act.kind, act.agency);
  if (!right.ok()) return then(right);
  if (approval.empty()) return Ask(call, act, why, std::move(then));
  Agree(call, act, approval, std::move(then));
}

void FourEyes::Ask(const Call& call, const Act& act, const std::string& why,
                   Then then) {
  const absl::Status said = CheckWhy(why);
  if (!said.ok()) return then(said);
  const Person person = PersonOf(call);
  ApprovalAsked asked;
  asked.set_kind(act.kind);
  asked.set_what(act.what);
  asked.set_digest(act.digest.data(), act.digest.size());
  asked.set_count(act.count);
  asked.set_agency(act.agency);
  asked.set_by(person.principal);
  asked.set_staff(person.staff);
  asked.set_why(why);
  asked.set_until(
      static_cast<uint64_t>(absl::ToUnixMicros(clock_.Now() + kOpenFor)));
  Decision decision;
  decision.asked.emplace();
  decision.asked->set_approval(recorder_.NewId("approval"));
  decision.asked->set_until(asked.until());
  decision.asked->set_what(act.what);
  recorder_.RecordIn(decision.asked->approval(), kApprovalsStream, PersonKey(),
                     asked, [decision, then](const absl::Status& recorded) {
                       if (!recorded.ok()) return then(recorded);
                       then(decision);
                     });
}

absl::StatusOr<ApprovalAsked> FourEyes::Find(const std::string& approval) {
  const auto at = log_.OfId(kHubSource, approval);
  if (!at.ok()) return at.status();
  if (at->value == 0)
    return absl::NotFoundError("approval: nobody asked for that");
  const auto event = log_.ReadOne(*at);
  if (!event.ok()) return event.status();
  return ParseAsked(*event);
}

void FourEyes::Agree(const Call& call, const Act& act,
                     const std::string& approval, Then then) {
  const auto asked = Find(approval);
  if (!asked.ok()) return then(asked.status());
  const Person person = PersonOf(call);
  const absl::Status may = CheckApproval(*asked, act, person, clock_.Now());
  if (!may.ok()) return then(may);
  // From here until it is durable nobody else gets as far; after that the log has
  // its id.
  if (!Take(approval)) return then(SettledError("settled"));
  const auto settled = Settled(approval);
  if (!settled.ok() || !settled->empty()) {
    Let(approval);
    return then(settled.ok() ? SettledError(*settled) : settled.status());
  }
  ApprovalGiven given;
  given.set_request(approval);
  given.set_kind(act.kind);
  given.set_digest(act.digest.data(), act.digest.size());
  given.set_asked_by(asked->by());
  given.set_by(person.principal);
  given.set_staff(person.staff);
  Decision decision;
  decision.agreed =
      Agreed{approval, asked->by(), person.principal, asked->why()};
  recorder_.RecordIn(
      GivenId(approval), kApprovalsStream, PersonKey(), given,
      [this, approval, decision, then](const absl::Status& recorded) {
        Let(approval);
        if (!recorded.ok()) return then(recorded);
        then(decision);
      });
}

absl::StatusOr<std::string> FourEyes::Settled(const std::string& approval) {
  const auto given = log_.OfId(kHubSource, GivenId(approval));
  if (!given.ok()) return given.status();
  if (given->value != 0) return std::string("agreed to");
  const auto refused = log_.OfId(kHubSource, RefusedId(approval));
  if (!refused.ok()) return refused.status();
  return std::string(refused->value != 0 ? "refused" : "");
}

void FourEyes::Refuse(const Call& call, const v1::RefuseRequest& request,
                      Reply<v1::RefuseResponse> reply) {
  const absl::Status said = CheckWhy(request.why());
  if (!said.ok()) return reply(said);
  const std::string& approval = request.approval();
  const auto asked = Find(approval);
  if (!asked.ok()) return reply(asked.status());
  const absl::Status right = CheckRight(call, asked->kind(), asked->agency());
  if (!right.ok()) return reply(right);
  if (asked->until() <=
      static_cast<uint64_t>(absl::ToUnixMicros(clock_.Now()))) {
    return reply(absl::FailedPreconditionError(
        "it was asked for too long ago: nobody can agree to it any more"));
  }
  if (!Take(approval)) return reply(SettledError("settled"));
  const auto settled = Settled(approval);
  if (!settled.ok() || !settled->empty()) {
    Let(approval);
    return reply(settled.ok() ? SettledError(*settled) : settled.status());
  }
  const Person person = PersonOf(call);
  ApprovalRefused refused;
  refused.set_request(approval);
  refused.set_kind(asked->kind());
  refused.set_asked_by(asked->by());
  refused.set_by(person.principal);
  refused.set_staff(person.staff);
  refused.set_why(request.why());
  recorder_.RecordIn(RefusedId(approval), kApprovalsStream, PersonKey(),
                     refused,
                     [this, approval, reply](const absl::Status& recorded) {
                       Let(approval);
                       if (!recorded.ok()) return reply(recorded);
                       reply(v1::RefuseResponse());
                     });
}

absl::StatusOr<v1::ListApprovalsResponse> FourEyes::List(const Call& call) {
  v1::ListApprovalsResponse response;
  for (std::string& kind : AgreedBy(*call.principal)) {
    response.add_kinds(std::move(kind));
  }
  if (response.kinds().empty()) return response;
  const auto all =
      log_.OfStream(kHubSource, kApprovalsStream, {0}, kRecordsMax);
  if (!all.ok()) return all.status();
  const auto now_us = static_cast<uint64_t>(absl::ToUnixMicros(clock_.Now()));
  for (auto at = all->rbegin(); at != all->rend(); ++at) {
    if (static_cast<size_t>(response.approvals_size()) == kListMax) break;
    const auto event = log_.ReadOne(*at);
    if (!event.ok()) return event.status();
    const auto asked = ParseAsked(*event);
    if (!asked.ok()) continue;  // The other kind of record.
    // Asked in this order, each open as long as the others.
    if (asked->until() <= now_us) break;
    if (!CheckRight(call, asked->kind(), asked->agency()).ok()) continue;
    const auto settled = Settled(std::string(event->header.id));
    if (!settled.ok()) return settled.status();
    if (!settled->empty()) continue;
    v1::OpenApproval& open = *response.add_approvals();
    open = ToOpen(event->header.id, *asked);
    open.set_own(
        IsSamePerson({asked->by(), asked->staff(), ""}, PersonOf(call)));
  }
  return response;
}

void FourEyes::Serve(ServerHost& host) {
  host.Handle<v1::ListApprovalsRequest, v1::ListApprovalsResponse>(
      absl::StrCat(kService, "ListApprovals"), {},
      [this](const Call& call, const v1::ListApprovalsRequest&) {
        return List(call);
      });
  host.HandleLater<v1::RefuseRequest, v1::RefuseResponse>(
      absl::StrCat(kService, "Refuse"), {},
      [this](const Call& call, const v1::RefuseRequest& request,
             Reply<v1::RefuseResponse> reply) {
        Refuse(call, request, std::move(reply));
      });
  host.HandleLater<v1::AgreeRequest, v1::AgreeResponse>(
      absl::StrCat(kService, "Agree"), {},
      [this](const Call& call, const v1::AgreeRequest& request,
             Reply<v1::AgreeResponse> reply) {
        const auto act = ActOf(request);
        if (!act.ok()) return reply(act.status());
        Decide(call, *act, request.why(), request.approval(),
               [reply](absl::StatusOr<Decision> decision) {
                 if (!decision.ok()) return reply(decision.status());
                 v1::AgreeResponse response;
                 if (decision->asked.has_value()) {
                   *response.mutable_asked() = *decision->asked;
                 } else {
                   response.set_asked_by(decision->agreed->asked_by);
                   response.set_agreed_by(decision->agreed->agreed_by);
                   response.set_why(decision->agreed->why);
                 }
                 reply(response);
               });
      });
}

}  // namespace concordat::bus
