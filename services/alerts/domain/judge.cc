// What a new fact means for each rule and each addressee, and what one that holds
// no more means for the alerts that rest on it.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/alerts/domain/engine.h"
#include "services/alerts/domain/windows.h"

namespace concordat::alerts {

bool Engine::IsHistory(const std::vector<const Fact*>& evidence) const {
  // The newest is what happened last: the rest had happened by then.
  const Fact& newest = **std::max_element(
      evidence.begin(), evidence.end(), [](const Fact* a, const Fact* b) {
        return a->header.time_us < b->header.time_us;
      });
  const uint64_t began =
      std::max(*log_began_us_,
               feeds_.BeganFor(newest.header.type, newest.header.source));
  return newest.header.time_us < began;
}

AlertMember* Engine::OpenFor(const RuleLimb& limb, const Person& person,
                             const AlertAddressee& who, Alert** alert) const {
  for (Alert* known : person.alerts) {
    if (known->closed() || known->rule != limb.rule ||
        known->family != limb.family) {
      continue;
    }
    AlertMember* member = known->Find(who);
    if (member == nullptr || member->withdrawn()) continue;
    *alert = known;
    return member;
  }
  return nullptr;
}

bool Engine::ToldBefore(const RuleLimb& limb, const Fact& trigger,
                        const Person& person, const AlertAddressee& who) const {
  const v1::Condition& condition = limb.condition();
  for (const Alert* known : person.alerts) {
    if (known->rule != limb.rule || known->family != limb.family) continue;
    const AlertMember* member = known->Find(who);
    if (member == nullptr || member->withdrawn()) continue;
    for (const Sequence sequence : member->evidence) {
      if (sequence == trigger.sequence) return true;
      const auto it = by_sequence_.find(sequence.value);
      if (!condition.has_count() || it == by_sequence_.end()) continue;
      const Fact& old = *it->second.fact;
      if (IncidentOf(condition.count(), old, Seen(old, who)) ==
          IncidentOf(condition.count(), trigger, Seen(trigger, who))) {
        return true;
      }
    }
  }
  return false;
}

void Engine::Judge(const RuleLimb& limb, const Fact& trigger, Person& person) {
  const PersonKey& subject = trigger.header.subject;
  if (limb.condition().open_case() && !audiences_.CaseOpen(subject)) return;
  const std::string cause = EventRef(trigger.header);
  std::vector<Told> fresh;
  for (const AlertAddressee& who :
       audiences_.Resolve(limb, trigger, log_time_us_)) {
    auto met = Meet(limb.condition(), trigger, person.facts,
                    [&](const Fact& fact) { return Seen(fact, who); });
    if (met.empty() || IsHistory(met)) continue;
    // An open alert takes new evidence. Not one of another family: a serious
    // charge is not to be lost in an open breach.
    Alert* open = nullptr;
    if (AlertMember* member = OpenFor(limb, person, who, &open)) {
      book_.AddEvidence(*open, *member, met, cause, log_time_us_);
    } else if (!ToldBefore(limb, trigger, person, who)) {
      // Only a new fact raises what was closed.
      fresh.push_back({who, std::move(met)});
    }
  }
  AddToPassedOn(limb, trigger, person);
  RaiseRequest request;
  request.causation = cause;
  // What the hub itself says of a feed is of the moment it says it of.
  request.at_us = subject.empty() ? trigger.header.time_us : log_time_us_;
  Raise(limb, trigger, person, fresh, std::move(request));
}

void Engine::AddToPassedOn(const RuleLimb& limb, const Fact& trigger,
                           Person& person) {
  for (Alert* alert : person.alerts) {
    if (alert->closed() || alert->rule != limb.rule ||
        alert->family != limb.family) {
      continue;
    }
    for (AlertMember& member : alert->members) {
      if (!member.passed_on || member.withdrawn()) continue;
      const auto met =
          Meet(limb.condition(), trigger, person.facts,
               [&](const Fact& fact) { return Seen(fact, member.who); });
      if (met.empty() || IsHistory(met)) continue;
      book_.AddEvidence(*alert, member, met, EventRef(trigger.header),
                        log_time_us_);
    }
  }
}

uint64_t Engine::AcceptBy(const RuleLimb& limb, uint64_t at_us,
                          bool* out_of_hours) {
  const v1::Limb& data = limb.limb;
  *out_of_hours = false;
  if (data.has_out_of_hours()) {
    const auto open = deadlines_.IsOpen(limb.calendar, at_us);
    // Who cannot tell whether anybody is there tells who covers, too.
    *out_of_hours = !open.ok() || !*open;
    if (!open.ok()) fault_ = std::string(open.status().message());
  }
  return Limit(*out_of_hours ? data.out_of_hours().accept() : data.accept(),
               limb.calendar, at_us);
}

void Engine::Raise(const RuleLimb& limb, const Fact& trigger, Person& person,
                   const std::vector<Told>& fresh, RaiseRequest request) {
  std::vector<bool> done(fresh.size(), false);
  for (size_t i = 0; i < fresh.size(); ++i) {
    if (done[i]) continue;
    bool out_of_hours = false;
    request.limb = &limb;
    request.trigger = &trigger;
    request.accept_by_us = AcceptBy(limb, request.at_us, &out_of_hours);
    request.evidence = fresh[i].evidence;
    request.members.clear();
    request.known_to.clear();
    const auto place = [out_of_hours](AlertAddressee who) {
      if (who.cover && out_of_hours) who.step = 0;
      return who;
    };
    // It is shared by those who see the same facts.
    for (size_t j = i; j < fresh.size(); ++j) {
      if (done[j] || fresh[j].evidence != fresh[i].evidence) continue;
      done[j] = true;
      request.members.push_back(place(fresh[j].who));
    }
    for (const AlertAddressee& who :
         audiences_.Resolve(limb, trigger, log_time_us_)) {
      const bool sees =
          MaySay(limb, trigger, who) &&
          std::all_of(request.evidence.begin(), request.evidence.end(),
                      [&](const Fact* fact) {
                        return FirstPattern(limb.condition(), *fact,
                                            Seen(*fact, who)) >= 0;
                      });
      if (sees) request.known_to.push_back(place(who));
    }
    Alert& alert = book_.Raise(request);
    person.alerts.push_back(&alert);
    person_of_[&alert] = &person;
    if (alert.accept_by_us != 0) {
      Timer timer;
      timer.alert = &alert;
      timer.person = &person;
      AddTimer(alert.accept_by_us, timer);
    }
  }
}

bool Engine::Stands(const Alert& alert, const AlertMember& member,
                    const Person& person) const {
  for (const RuleLimb* limb : rules_.FamilyOf(alert.limb_index)) {
    for (const Sequence sequence : member.evidence) {
      const auto it = by_sequence_.find(sequence.value);
      if (it == by_sequence_.end()) continue;
      const auto met =
          Meet(limb->condition(), *it->second.fact, person.facts,
               [&](const Fact& fact) { return Seen(fact, member.who); });
      if (!met.empty()) return true;
    }
  }
  return false;
}

std::string Engine::WhyTakenBack(const Alert& alert, const AlertMember& member,
                                 const Fact& off, const Fact& by) const {
  const RuleLimb* limb = rules_.At(alert.limb_index);
  const GroupMask seen = Seen(off, member.who);
  const int pattern = FirstPattern(limb->condition(), off, seen);
  if (pattern < 0) return kTakenBack;
  const v1::EventPattern& of = limb->condition().events(pattern);
  const std::string fact = InWords(*limb, of.words(), off, seen);
  if (by.header.type == kLinkCut) {
    return absl::StrCat("it came by a number that is another person's: ", fact);
  }
  std::string reason;
  const auto* codes = ValuesOf(by, kAmendmentReason, Seen(by, member.who));
  if (codes != nullptr && !codes->empty() && !codes->front().empty()) {
    reason = limb->InWords(kAmendmentReason, codes->front());
  }
  if (of.taken_back().empty()) {
    return absl::StrCat("taken back: ", fact, reason.empty() ? "" : "; ",
                        reason);
  }
  return InWords(*limb, of.taken_back(), off, seen, {{"reason", reason}});
}

void Engine::JudgeAgain(Person& person, const Fact& off, const Fact* instead,
                        const Fact& by) {
  const std::string cause = EventRef(by.header);
  for (Alert* alert : person.alerts) {
    for (AlertMember& member : alert->members) {
      const auto place = std::find(member.evidence.begin(),
                                   member.evidence.end(), off.sequence);
      if (member.withdrawn() || place == member.evidence.end()) continue;
      const std::vector<Sequence> before = member.evidence;
      member.evidence.erase(place);
      if (instead != nullptr) {
        const RuleLimb* limb = rules_.At(alert->limb_index);
        if (FirstPattern(limb->condition(), *instead,
                         Seen(*instead, member.who)) >= 0) {
          book_.AddEvidence(*alert, member, {instead}, cause, log_time_us_);
        }
      }
      if (Stands(*alert, member, person)) continue;
      member.evidence = before;  // What they were told stays what it was.
      book_.Withdraw(*alert, member, WhyTakenBack(*alert, member, off, by),
                     cause, log_time_us_);
    }
  }
  for (const auto& pending : person.pending) {
    // What answered an absence answers it no more.
    if (pending->judged && !pending->start->off) {
      JudgeAbsence(*pending, cause, nullptr);
    }
  }
}

}  // namespace concordat::alerts
