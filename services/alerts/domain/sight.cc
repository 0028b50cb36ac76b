#include "services/alerts/domain/sight.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "services/alerts/domain/engine.h"
#include "services/alerts/domain/windows.h"

namespace concordat::alerts {

std::string Engine::InWords(const v1::EventPattern& pattern,
                            absl::string_view words, const Fact& fact) const {
  const Header& header = fact.header;
  const auto name = agency_names_.find(header.controller);
  std::string result = absl::StrReplaceAll(
      words, {{"{date}", DayInWords(header.time_us)},
              {"{time}", TimeInWords(header.time_us)},
              {"{agency}", name == agency_names_.end() ? header.controller
                                                       : name->second}});
  // Only of fields that the pattern itself asks for or that are of group 0: who
  // sees the fact sees those.
  for (const FactField& field : fact.fields) {
    const bool asked = std::any_of(
        pattern.where().begin(), pattern.where().end(),
        [&field](const auto& where) { return where.field() == field.name; });
    if (field.group != 0 && !asked) continue;
    absl::StrReplaceAll({{absl::StrCat("{field:", field.name, "}"),
                          absl::StrJoin(field.values, ", ")}},
                        &result);
  }
  return result;
}

void Engine::SeeEvidence(const Alert& alert, const AlertMember& member,
                         std::map<Sequence, EvidenceWords>* evidence) const {
  for (const Sequence sequence : member.evidence) {
    const auto it = by_sequence_.find(sequence.value);
    if (it == by_sequence_.end() || evidence->count(sequence)) continue;
    const Fact& fact = *it->second.fact;
    for (const RuleLimb* limb : rules_.Family(alert.rule, alert.family)) {
      const int pattern =
          FirstPattern(limb->condition(), fact, Seen(fact, member.who));
      if (pattern < 0) continue;
      const v1::EventPattern& of = limb->condition().events(pattern);
      (*evidence)[sequence] = {sequence, EventRef(fact.header),
                               fact.header.type, fact.header.time_us,
                               InWords(of, of.words(), fact)};
      break;
    }
  }
}

std::optional<AlertSight> Engine::See(const Alert& alert,
                                      const AlertCaller& caller) const {
  const auto members = MembersOf(alert, caller);
  if (members.empty()) return std::nullopt;
  std::map<Sequence, EvidenceWords> evidence;
  for (const AlertMember* member : members) {
    SeeEvidence(alert, *member, &evidence);
  }
  if (evidence.empty()) return std::nullopt;  // They see this person no more.

  AlertSight sight;
  sight.ref = alert.ref;
  sight.rule = alert.rule;
  sight.severity = alert.severity;
  sight.headline = alert.headline;
  sight.state = std::string(StageName(alert.stage));
  sight.subject = alert.subject;
  sight.raised_us = alert.raised_us;
  sight.accept_by_us = alert.accept_by_us;
  sight.overdue = alert.overdue && !alert.closed();
  sight.owner = Owns(alert, caller);
  sight.copy = std::all_of(members.begin(), members.end(),
                           [](const AlertMember* m) { return m->who.copy; });
  sight.acceptances = alert.acceptances;
  sight.not_known = alert.not_known;
  const auto doubts = doubts_.find(alert.subject);
  sight.identity_in_doubt = doubts != doubts_.end() && !doubts->second.empty();
  sight.closed_us = alert.closed_us;
  sight.outcome = alert.outcome;
  for (const AlertAcceptance& acceptance : alert.acceptances) {
    if (acceptance.act_by_us == 0 || alert.closed()) continue;
    sight.act_by_us = sight.act_by_us == 0
                          ? acceptance.act_by_us
                          : std::min(sight.act_by_us, acceptance.act_by_us);
  }
  // Withdrawn when nothing of it stands for the caller, who hears no more of what
  // becomes of it for others.
  const bool stands =
      std::any_of(members.begin(), members.end(),
                  [](const AlertMember* m) { return !m->withdrawn(); });
  const AlertMember& last = *members.back();
  sight.escalated_us = stands ? alert.escalated_us : last.last_escalated_us;
  const uint32_t step = stands ? alert.step : last.last_step;
  for (const AlertAddressee& who : alert.known_to) {
    if (who.step > step) continue;
    sight.addressees.push_back(
        absl::StrCat(who.Name(), who.copy ? " (copy)" : ""));
  }
  for (auto& [sequence, words] : evidence) {
    sight.evidence.push_back(std::move(words));
  }
  const auto person = person_of_.find(&alert);
  const Pending* pending =
      person == person_of_.end() ? nullptr : PendingOf(alert, *person->second);
  if (pending != nullptr && alert.not_known.empty()) {
    sight.evidence.push_back(
        {{},
         "",
         "",
         pending->deadline_us,
         absl::StrReplaceAll(
             pending->limb->condition().absence().words(),
             {{"{deadline}", DayInWords(pending->deadline_us - 1)}})});
  }
  if (stands) return sight;
  sight.accept_by_us = 0;
  sight.state = "withdrawn";
  for (const AlertMember* member : members) {
    sight.withdrawn_us = std::max(sight.withdrawn_us, member->withdrawn_us);
    sight.withdrawn_because = member->withdrawn_because;
    sight.withdrawal_to_accept |= member->owes_withdrawal();
  }
  return sight;
}

}  // namespace concordat::alerts
