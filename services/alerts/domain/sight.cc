#include "services/alerts/domain/sight.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "services/alerts/domain/engine.h"
#include "services/alerts/domain/sentence.h"
#include "services/alerts/domain/windows.h"

namespace concordat::alerts {

std::string Engine::AgencyName(const std::string& agency) const {
  const auto name = agency_names_.find(agency);
  return name == agency_names_.end() ? agency : name->second;
}

std::string Engine::InWords(const RuleLimb& limb, absl::string_view form,
                            const Fact& fact, GroupMask seen,
                            const MoreWords& more) const {
  const Header& header = fact.header;
  return Sentence(form, [&](absl::string_view name) -> std::string {
    if (name == "date") return DayInWords(header.time_us);
    if (name == "time") return TimeInWords(header.time_us);
    if (name == "agency") return AgencyName(header.controller);
    if (!absl::ConsumePrefix(&name, "field:")) {
      const auto it = more.find(std::string(name));
      return it == more.end() ? "" : it->second;
    }
    const auto* values = ValuesOf(fact, name, seen);
    if (values == nullptr) return "";
    return absl::StrJoin(*values, ", ",
                         [&](std::string* out, const std::string& value) {
                           out->append(limb.InWords(name, value));
                         });
  });
}

GroupMask Engine::SeenBy(const Fact& fact, const Members& members,
                         const AlertCaller& caller) const {
  GroupMask seen = 0;
  for (const AlertMember* member : members) {
    seen |= Seen(fact, *member, caller);
  }
  return seen;
}

void Engine::SeeEvidence(const Alert& alert, const AlertMember& member,
                         const AlertCaller& caller,
                         std::map<Sequence, EvidenceWords>* evidence) const {
  for (const Sequence sequence : member.evidence) {
    const auto it = by_sequence_.find(sequence.value);
    if (it == by_sequence_.end() || evidence->count(sequence)) continue;
    const Fact& fact = *it->second.fact;
    const GroupMask seen = Seen(fact, member, caller);
    for (const RuleLimb* limb : rules_.FamilyOf(alert.limb_index)) {
      const int pattern = FirstPattern(limb->condition(), fact, seen);
      if (pattern < 0 ||
          !WouldSeeAnswers(*limb, fact, member.who, caller.purpose)) {
        continue;
      }
      const v1::EventPattern& of = limb->condition().events(pattern);
      (*evidence)[sequence] = {sequence,
                               EventRef(fact.header),
                               fact.header.type,
                               AgencyName(fact.header.controller),
                               fact.header.time_us,
                               fact.header.time_precision,
                               fact.accepted_us,
                               InWords(*limb, of.words(), fact, seen)};
      break;
    }
  }
}

const Fact* Engine::NewestOf(
    const std::map<Sequence, EvidenceWords>& evidence) const {
  const Fact* newest = nullptr;
  for (const auto& [sequence, words] : evidence) {
    const Fact* fact = by_sequence_.find(sequence.value)->second.fact;
    if (newest == nullptr || fact->header.time_us >= newest->header.time_us) {
      newest = fact;
    }
  }
  return newest;
}

std::string Engine::Headline(
    const Alert& alert, const Members& members, const AlertCaller& caller,
    const std::map<Sequence, EvidenceWords>& evidence) const {
  const RuleLimb* limb = rules_.At(alert.limb_index);
  std::set<std::string> incidents, observers;
  uint64_t first_us = UINT64_MAX, last_us = 0;
  for (const auto& [sequence, words] : evidence) {
    const Fact& fact = *by_sequence_.find(sequence.value)->second.fact;
    incidents.insert(IncidentOf(limb->condition().count(), fact,
                                SeenBy(fact, members, caller)));
    if (fact.header.basis != bus::v1::BASIS_REPORTED_BY_PARTNER) {
      observers.insert(fact.header.controller);
    }
    first_us = std::min(first_us, fact.header.time_us);
    last_us = std::max(last_us, fact.header.time_us);
  }
  const std::string& form = alert.not_known.empty()
                                ? limb->limb.headline()
                                : limb->limb.headline_not_known();
  const Fact& newest = *NewestOf(evidence);
  MoreWords more = {{"count", NumberInWords(incidents.size())},
                    {"agencies", NumberInWords(observers.size())},
                    {"days", NumberInWords(DaysBetween(first_us, last_us))}};
  const Pending* pending = PendingOf(alert);
  if (pending != nullptr) {
    more["deadline"] = DayInWords(pending->deadline_us - 1);
  }
  return InWords(*limb, form, newest, SeenBy(newest, members, caller), more);
}

void Engine::SeeAbsence(const Alert& alert, AlertSight* sight) const {
  const Pending* pending = PendingOf(alert);
  if (pending == nullptr) return;
  // That nothing came is known when the feed is complete, or late.
  sight->happened_us = pending->deadline_us - 1;
  sight->precision = bus::v1::TIME_PRECISION_DAY;
  sight->known_us = alert.raised_us;
  if (!alert.not_known.empty()) return;
  EvidenceWords& words = sight->evidence.emplace_back();
  words.time_us = pending->deadline_us;
  words.precision = bus::v1::TIME_PRECISION_DAY;
  words.accepted_us = alert.raised_us;
  words.words = InWords(
      *pending->limb, pending->limb->condition().absence().words(),
      *pending->start, 0, {{"deadline", DayInWords(pending->deadline_us - 1)}});
}

void Engine::SeeActs(const Alert& alert, const AlertCaller& caller,
                     uint64_t until_us, AlertSight* sight) const {
  // A reference to staff is for their own agency.
  const auto shown = [&caller](AlertDoer doer) {
    if (doer.agency != caller.agency) doer.staff.clear();
    return doer;
  };
  for (AlertAcceptance acceptance : alert.acceptances) {
    if (acceptance.doer.at_us > until_us) continue;
    acceptance.doer = shown(std::move(acceptance.doer));
    sight->acceptances.push_back(std::move(acceptance));
  }
  for (AlertPassing passing : alert.passings) {
    if (passing.doer.at_us > until_us) continue;
    // What is said to somebody is for them.
    if (caller.agency != passing.to.agency &&
        caller.agency != passing.doer.agency) {
      passing.words.clear();
    }
    passing.doer = shown(std::move(passing.doer));
    sight->passings.push_back(std::move(passing));
  }
  for (AlertDispute dispute : alert.disputes) {
    if (dispute.doer.at_us > until_us ||
        (!Owns(alert, caller) && dispute.doer.agency != caller.agency)) {
      continue;
    }
    dispute.doer = shown(std::move(dispute.doer));
    sight->disputes.push_back(std::move(dispute));
  }
  if (!alert.closed() || alert.closed_by.at_us > until_us) return;
  sight->closed_by = shown(alert.closed_by);
  sight->outcome = alert.outcome;
}

std::optional<AlertSight> Engine::See(const Alert& alert,
                                      const AlertCaller& caller) const {
  const Members members = WhoMaySay(alert, MembersOf(alert, caller), caller);
  if (members.empty()) return std::nullopt;
  if (!alert.subject.empty() && !audiences_.Allows(alert.subject, caller)) {
    return std::nullopt;
  }
  std::map<Sequence, EvidenceWords> evidence;
  for (const AlertMember* member : members) {
    SeeEvidence(alert, *member, caller, &evidence);
  }
  if (evidence.empty()) return SeeHeld(alert, members, caller);

  AlertSight sight;
  sight.ref = alert.ref;
  sight.rule = alert.rule;
  sight.severity = alert.severity;
  sight.headline = Headline(alert, members, caller, evidence);
  sight.state = std::string(StageName(alert.stage));
  sight.subject = alert.subject;
  const Fact& newest = *NewestOf(evidence);
  sight.happened_us = newest.header.time_us;
  sight.precision = newest.header.time_precision;
  sight.known_us = newest.accepted_us;
  sight.raised_us = alert.raised_us;
  sight.accept_by_us = alert.accept_by_us;
  sight.overdue = alert.overdue && !alert.closed();
  sight.owner = Owns(alert, caller);
  const auto all = [&members](auto is) {
    return std::all_of(members.begin(), members.end(), is);
  };
  sight.copy = all([](const AlertMember* m) { return m->who.copy; });
  sight.accepted = all([](const AlertMember* m) { return m->accepted; });
  sight.not_known = alert.not_known;
  const auto doubts = doubts_.find(alert.subject);
  sight.identity_in_doubt = doubts != doubts_.end() && !doubts->second.empty();
  for (const AlertAcceptance& acceptance : alert.acceptances) {
    if (acceptance.act_by_us == 0 || alert.closed()) continue;
    sight.act_by_us = sight.act_by_us == 0
                          ? acceptance.act_by_us
                          : std::min(sight.act_by_us, acceptance.act_by_us);
  }
  std::set<Sequence> shown;
  for (auto& [sequence, words] : evidence) {
    shown.insert(sequence);
    sight.evidence.push_back(std::move(words));
  }
  SeeAbsence(alert, &sight);
  // Withdrawn when nothing of it stands for the caller, who hears no more of what
  // becomes of it for others.
  const bool stands = !all([](const AlertMember* m) { return m->withdrawn(); });
  if (!stands) {
    sight.accept_by_us = 0;
    sight.state = "withdrawn";
    for (const AlertMember* member : members) {
      sight.withdrawn_us = std::max(sight.withdrawn_us, member->withdrawn_us);
      // Which says what a fact was: not to who sees that fact no more.
      const bool whole = std::all_of(
          member->evidence.begin(), member->evidence.end(),
          [&shown](Sequence sequence) { return shown.count(sequence) > 0; });
      sight.withdrawn_because = whole ? member->withdrawn_because : kTakenBack;
      sight.withdrawal_to_accept |= member->owes_withdrawal();
    }
  }
  const AlertMember& last = *members.back();
  sight.escalated_us = stands ? alert.escalated_us : last.last_escalated_us;
  SeeActs(alert, caller, stands ? UINT64_MAX : sight.withdrawn_us, &sight);
  SeeAddressees(alert, stands ? alert.step : last.last_step, &sight);
  return sight;
}

void Engine::SeeAddressees(const Alert& alert, uint32_t step,
                           AlertSight* sight) const {
  const auto add = [sight](const AlertAddressee& who) {
    sight->addressees.push_back(
        absl::StrCat(who.Name(), who.copy ? " (copy)" : ""));
  };
  for (const AlertAddressee& who : alert.known_to) {
    if (who.step <= step) add(who);
  }
  for (const AlertPassing& passing : sight->passings) {
    const bool there = std::any_of(
        alert.known_to.begin(), alert.known_to.end(), [&](const auto& who) {
          return who.step <= step && who.SameAs(passing.to);
        });
    if (!there) add(passing.to);
  }
}

}  // namespace concordat::alerts
