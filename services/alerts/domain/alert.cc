#include "services/alerts/domain/alert.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"

namespace concordat::alerts {
namespace {

absl::Status ClosedBefore(const Alert& alert) {
  return absl::FailedPreconditionError(
      absl::StrCat("alert ", alert.ref, " is closed"));
}

absl::Status WithdrawnBefore(const Alert& alert) {
  return absl::FailedPreconditionError(
      absl::StrCat("alert ", alert.ref, " is withdrawn; accept that instead"));
}

bool AllWithdrawn(const std::vector<const AlertMember*>& members) {
  return std::all_of(members.begin(), members.end(),
                     [](const AlertMember* m) { return m->withdrawn(); });
}

// An event names its roles; one without is from before roles were written, and
// is of every role of its agency.
template <typename Event>
bool IsOf(const AlertAddressee& who, const Event& event) {
  if (who.agency != event.agency()) return false;
  return event.roles().empty() ||
         std::find(event.roles().begin(), event.roles().end(), who.role) !=
             event.roles().end();
}

template <typename Event>
void Sign(const Alert& alert, const AlertCaller& caller, Event* event) {
  event->set_alert_ref(alert.ref);
  event->set_agency(caller.agency);
  event->set_by(caller.name);
}

template <typename Event>
AlertDoer DoerOf(const Event& event, const AlertActed& acted) {
  return {event.agency(), event.by(), acted.staff, acted.at_us};
}

}  // namespace

AlertAddressee ReadAddressee(absl::string_view name) {
  const std::pair<std::string, std::string> parts =
      absl::StrSplit(name, absl::MaxSplits('/', 1));
  if (parts.first.empty() || parts.second.empty()) return {};
  return {parts.first, parts.second};
}

absl::string_view StageName(AlertStage stage) {
  switch (stage) {
    case AlertStage::kRaised:
      return "raised";
    case AlertStage::kShown:
      return "shown";
    case AlertStage::kAccepted:
      return "accepted";
    case AlertStage::kClosed:
      return "closed";
  }
  return "unknown";
}

AlertMember* Alert::Find(const AlertAddressee& who) {
  for (AlertMember& member : members) {
    if (member.who.SameAs(who)) return &member;
  }
  return nullptr;
}

const AlertMember* Alert::Find(const AlertAddressee& who) const {
  return const_cast<Alert*>(this)->Find(who);
}

bool Alert::AddressedTo(absl::string_view agency) const {
  return std::any_of(members.begin(), members.end(),
                     [agency](const AlertMember& member) {
                       return member.told() && member.who.agency == agency;
                     });
}

bool Alert::accepted() const {
  return std::any_of(members.begin(), members.end(), [](const AlertMember& m) {
    return m.accepted && !m.who.copy;
  });
}

bool AlertCaller::Is(const AlertAddressee& who) const {
  return who.agency == agency &&
         std::find(roles.begin(), roles.end(), who.role) != roles.end();
}

std::vector<const AlertMember*> MembersOf(const Alert& alert,
                                          const AlertCaller& caller) {
  std::vector<const AlertMember*> result;
  for (const AlertMember& member : alert.members) {
    if (member.told() && caller.Is(member.who)) {
      result.push_back(&member);
    }
  }
  return result;
}

bool MaySee(const Alert& alert, const AlertCaller& caller) {
  return !MembersOf(alert, caller).empty();
}

bool Owns(const Alert& alert, const AlertCaller& caller) {
  return !alert.known_to.empty() &&
         alert.known_to.front().agency == caller.agency;
}

v1::AlertShown DecideShow(const Alert& alert, const AlertCaller& caller) {
  v1::AlertShown event;
  Sign(alert, caller, &event);
  for (const AlertMember* member : MembersOf(alert, caller)) {
    if (!member->shown) event.add_roles(member->who.role);
  }
  return event;
}

absl::StatusOr<v1::AlertAccepted> DecideAccept(const Alert& alert,
                                               const AlertCaller& caller,
                                               absl::string_view action,
                                               absl::string_view act_by) {
  if (action.empty()) {
    return absl::InvalidArgumentError("action: required, say what you will do");
  }
  absl::CivilDay day;
  if (!act_by.empty() && !absl::ParseCivilTime(act_by, &day)) {
    return absl::InvalidArgumentError("act_by: not a date YYYY-MM-DD");
  }
  const auto members = MembersOf(alert, caller);
  if (AllWithdrawn(members)) return WithdrawnBefore(alert);
  if (alert.closed()) return ClosedBefore(alert);
  v1::AlertAccepted event;
  Sign(alert, caller, &event);
  for (const AlertMember* member : members) {
    if (!member->accepted) event.add_roles(member->who.role);
  }
  if (event.roles().empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "alert ", alert.ref, " was accepted by ", caller.agency, " before"));
  }
  event.set_action(std::string(action));
  event.set_act_by(std::string(act_by));
  return event;
}

absl::StatusOr<v1::AlertClosed> DecideClose(const Alert& alert,
                                            const AlertCaller& caller,
                                            absl::string_view outcome) {
  if (outcome.empty()) {
    return absl::InvalidArgumentError("outcome: required, say what came of it");
  }
  const auto members = MembersOf(alert, caller);
  if (AllWithdrawn(members)) return WithdrawnBefore(alert);
  if (alert.closed()) return ClosedBefore(alert);
  const bool accepted =
      std::any_of(members.begin(), members.end(),
                  [](const AlertMember* m) { return m->accepted; });
  if (!Owns(alert, caller) && !accepted) {
    return absl::PermissionDeniedError(
        absl::StrCat("only an agency that owns alert ", alert.ref,
                     " or accepted it may close it"));
  }
  if (alert.acceptances.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "alert ", alert.ref, " has not been accepted by anybody yet"));
  }
  v1::AlertClosed event;
  Sign(alert, caller, &event);
  event.set_outcome(std::string(outcome));
  return event;
}

absl::StatusOr<v1::AlertPassedOn> DecidePass(
    const Alert& alert, const AlertCaller& caller, absl::string_view to,
    absl::string_view words, const std::vector<AlertAddressee>& may) {
  if (to.empty()) {
    return absl::InvalidArgumentError("to: required, name a role");
  }
  if (words.empty()) {
    return absl::InvalidArgumentError(
        "words: required, say why you pass it on");
  }
  if (AllWithdrawn(MembersOf(alert, caller))) return WithdrawnBefore(alert);
  if (alert.closed()) return ClosedBefore(alert);
  const std::string name = absl::StrContains(to, '/')
                               ? std::string(to)
                               : absl::StrCat(caller.agency, "/", to);
  if (std::none_of(may.begin(), may.end(),
                   [&](const auto& who) { return who.Name() == name; })) {
    return absl::FailedPreconditionError(absl::StrCat(
        "alert ", alert.ref, " cannot be passed on to ", name,
        ": it is no role of your agency or of the alert's chain, has the alert "
        "already, or does not see all that it rests on"));
  }
  v1::AlertPassedOn event;
  Sign(alert, caller, &event);
  for (const AlertMember* member : MembersOf(alert, caller)) {
    event.add_roles(member->who.role);
  }
  event.set_to(name);
  event.set_words(std::string(words));
  return event;
}

absl::StatusOr<v1::AlertDisputed> DecideDispute(const Alert& alert,
                                                const AlertCaller& caller,
                                                absl::string_view reason) {
  if (reason.empty()) {
    return absl::InvalidArgumentError("reason: required, say what is wrong");
  }
  const auto members = MembersOf(alert, caller);
  if (AllWithdrawn(members)) return WithdrawnBefore(alert);
  if (alert.closed()) return ClosedBefore(alert);
  v1::AlertDisputed event;
  Sign(alert, caller, &event);
  for (const AlertMember* member : members) {
    if (!member->disputed) event.add_roles(member->who.role);
  }
  if (event.roles().empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        caller.agency, " said before that alert ", alert.ref, " is wrong"));
  }
  event.set_reason(std::string(reason));
  return event;
}

absl::StatusOr<v1::AlertWithdrawalAccepted> DecideAcceptWithdrawal(
    const Alert& alert, const AlertCaller& caller) {
  v1::AlertWithdrawalAccepted event;
  Sign(alert, caller, &event);
  for (const AlertMember* member : MembersOf(alert, caller)) {
    if (member->owes_withdrawal()) event.add_roles(member->who.role);
  }
  if (event.roles().empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "alert ", alert.ref, " has no withdrawal that waits for you"));
  }
  return event;
}

void Evolve(const v1::AlertShown& event, Alert& alert) {
  alert.stage = std::max(alert.stage, AlertStage::kShown);
  for (AlertMember& member : alert.members) {
    if (IsOf(member.who, event)) member.shown = true;
  }
}

void Evolve(const v1::AlertAccepted& event, const AlertActed& acted,
            uint64_t act_by_us, Alert& alert) {
  if (alert.closed()) return;
  AlertAcceptance acceptance{
      DoerOf(event, acted), {}, event.action(), event.act_by(), act_by_us};
  for (AlertMember& member : alert.members) {
    if (!member.told() || !IsOf(member.who, event) || member.accepted) {
      continue;
    }
    member.shown = member.accepted = true;
    acceptance.roles.push_back(member.who.role);
  }
  if (acceptance.roles.empty()) return;
  // Who has a copy takes nothing on for those who are to act.
  if (alert.accepted()) alert.stage = AlertStage::kAccepted;
  alert.acceptances.push_back(std::move(acceptance));
}

void Evolve(const v1::AlertPassedOn& event, const AlertActed& acted,
            Alert& alert) {
  const AlertAddressee to = ReadAddressee(event.to());
  if (alert.closed() || to.role.empty()) return;
  // It rests on what whoever passed it on sees.
  std::vector<Sequence> evidence;
  for (const AlertMember& member : alert.members) {
    if (!member.told() || member.withdrawn() || !IsOf(member.who, event)) {
      continue;
    }
    std::vector<Sequence> both;
    std::set_union(evidence.begin(), evidence.end(), member.evidence.begin(),
                   member.evidence.end(), std::back_inserter(both));
    evidence = std::move(both);
  }
  AlertMember* member = alert.Find(to);
  if (evidence.empty() || (member != nullptr && member->told())) return;
  if (member == nullptr) {
    member = &alert.members.emplace_back();
    member->who = to;
    member->who.step = AlertAddressee::kNever;
    member->evidence = std::move(evidence);
  }
  member->told_us = acted.at_us;
  member->passed_on = true;
  alert.passings.push_back({DoerOf(event, acted), to, event.words()});
}

void Evolve(const v1::AlertDisputed& event, const AlertActed& acted,
            Alert& alert) {
  bool any = false;
  for (AlertMember& member : alert.members) {
    if (!member.told() || !IsOf(member.who, event) || member.disputed) continue;
    any = member.disputed = true;
  }
  if (any) alert.disputes.push_back({DoerOf(event, acted), event.reason()});
}

void Evolve(const v1::AlertClosed& event, const AlertActed& acted,
            Alert& alert) {
  if (alert.closed()) return;
  alert.stage = AlertStage::kClosed;
  alert.closed_by = DoerOf(event, acted);
  alert.outcome = event.outcome();
}

void Evolve(const v1::AlertWithdrawalAccepted& event, Alert& alert) {
  for (AlertMember& member : alert.members) {
    if (member.withdrawn() && IsOf(member.who, event)) {
      member.withdrawal_accepted = true;
    }
  }
}

}  // namespace concordat::alerts
