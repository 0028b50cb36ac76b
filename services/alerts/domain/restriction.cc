// What the engine does while a controller has restricted what it told of somebody:
// no rule uses it, for nobody, and what rests on it alone stands still.
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/alerts/domain/engine.h"

namespace concordat::alerts {

void Engine::FoldRestriction(const View& view,
                             const std::set<std::string>& before) {
  const std::set<std::string>& now =
      audiences_.RestrictedOf(view.header.subject);
  auto& from = restricted_from_[view.header.subject];
  for (const std::string& controller : now) {
    if (before.count(controller) == 0) from[controller] = view.sequence;
  }
  const auto found = persons_.find(view.header.subject);
  for (const std::string& controller : before) {
    if (now.count(controller) > 0) continue;
    const Sequence since = std::exchange(from[controller], Sequence());
    from.erase(controller);
    if (found == persons_.end()) continue;
    // What came meanwhile was never judged.
    Person& person = *found->second;
    for (size_t i = 0; i < person.facts.size(); ++i) {
      Fact& fact = *person.facts[i];
      if (fact.off || fact.header.controller != controller ||
          fact.sequence < since) {
        continue;
      }
      for (const RuleLimb* limb :
           rules_.Watching(fact.header.type, fact.sequence, fact.accepted_us)) {
        // An absence was waited for all the while.
        if (!limb->condition().has_absence()) Judge(*limb, fact, person);
      }
    }
  }
  if (from.empty()) restricted_from_.erase(view.header.subject);
}

bool Engine::IsHeld(const Alert& alert) const {
  bool is_held = false;
  for (const AlertMember& member : alert.members) {
    for (const Sequence sequence : member.evidence) {
      const auto it = by_sequence_.find(sequence.value);
      if (it == by_sequence_.end()) continue;
      const Fact& fact = *it->second.fact;
      if (audiences_.IsRestricted(fact)) {
        is_held = true;
      } else if (!fact.off && Seen(fact, member.who) != 0) {
        return false;
      }
    }
  }
  return is_held;
}

std::optional<AlertSight> Engine::SeeHeld(const Alert& alert,
                                          const Members& members,
                                          const AlertCaller& caller) const {
  std::set<std::string> controllers;
  for (const AlertMember* member : members) {
    for (const Sequence sequence : member->evidence) {
      const auto it = by_sequence_.find(sequence.value);
      // Who would not see it without the restriction is told of none.
      if (it == by_sequence_.end() ||
          !audiences_.IsRestricted(*it->second.fact) ||
          audiences_.SeeUnrestricted(*it->second.fact, member->who,
                                     log_time_us_, caller.purpose) == 0) {
        continue;
      }
      controllers.insert(AgencyName(it->second.fact->header.controller));
    }
  }
  if (controllers.empty()) return std::nullopt;  // They see them no more.
  AlertSight sight;
  sight.ref = alert.ref;
  sight.rule = alert.rule;
  sight.severity = alert.severity;
  sight.headline =
      absl::StrCat("Restricted: what ", absl::StrJoin(controllers, " and "),
                   " told, on which this rests, is kept and not used.");
  sight.state = "restricted";
  sight.subject = alert.subject;
  sight.raised_us = alert.raised_us;
  return sight;
}

}  // namespace concordat::alerts
