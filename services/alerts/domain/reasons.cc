// Why somebody sees an alert, what they may not see, whom they may pass it on to and
// what their alerts may rest on: what the rules and agreements say, and no fact.
#include <algorithm>
#include <utility>

#include "services/alerts/domain/engine.h"
#include "services/alerts/domain/windows.h"

namespace concordat::alerts {

AlertReasons Engine::Explain(const Alert& alert,
                             const AlertCaller& caller) const {
  AlertReasons reasons;
  reasons.rule = rules_.At(alert.limb_index)->limb.why();
  for (const AlertMember* member : MembersOf(alert, caller)) {
    for (const Sequence sequence : member->evidence) {
      const auto it = by_sequence_.find(sequence.value);
      if (it == by_sequence_.end() || reasons.lines.count(sequence)) continue;
      auto lines = audiences_.Lines(*it->second.fact, member->who, log_time_us_,
                                    caller.purpose);
      if (!lines.empty()) reasons.lines[sequence] = std::move(lines);
    }
  }
  if (!alert.subject.empty()) {
    const auto words =
        audiences_.NotShared(alert.subject, caller, log_time_us_);
    reasons.not_shared.assign(words.begin(), words.end());
  }
  return reasons;
}

std::vector<AlertAddressee> Engine::MayPassTo(const Alert& alert,
                                              const AlertCaller& caller) const {
  std::vector<AlertAddressee> result;
  const Members members = MembersOf(alert, caller);
  const bool stands =
      std::any_of(members.begin(), members.end(),
                  [](const AlertMember* m) { return !m->withdrawn(); });
  if (!stands || alert.closed()) return result;
  const auto sees = [&](const AlertAddressee& who, Sequence sequence) {
    const auto it = by_sequence_.find(sequence.value);
    if (it == by_sequence_.end()) return false;
    const Fact& fact = *it->second.fact;
    const GroupMask seen = Seen(fact, who);
    const RuleLimbs family = rules_.FamilyOf(alert.limb_index);
    return std::any_of(family.begin(), family.end(), [&](const RuleLimb* each) {
      return FirstPattern(each->condition(), fact, seen) >= 0 &&
             (!each->condition().has_absence() || MaySay(*each, fact, who));
    });
  };
  // As the caller is told of who has it: one who rests on other facts as well has
  // an alert of their own, which is not to be learned here.
  std::vector<AlertAddressee> has;
  for (const AlertAddressee& who : alert.known_to) {
    if (who.step <= alert.step) has.push_back(who);
  }
  for (const AlertPassing& passing : alert.passings) has.push_back(passing.to);
  const auto consider = [&](const AlertAddressee& who) {
    const auto same = [&who](const auto& other) { return other.SameAs(who); };
    if (std::any_of(has.begin(), has.end(), same) ||
        std::any_of(result.begin(), result.end(), same)) {
      return;
    }
    for (const AlertMember* member : members) {
      if (member->withdrawn()) continue;
      for (const Sequence sequence : member->evidence) {
        if (!sees(who, sequence)) return;
      }
    }
    result.push_back({who.agency, who.role});
  };
  for (const RoleName& role : audiences_.RolesOf(caller.agency, log_time_us_)) {
    consider({role.agency, role.role});
  }
  for (const AlertAddressee& who : alert.known_to) consider(who);
  return result;
}

std::vector<const FeedState*> Engine::FeedsFor(
    const AlertCaller& caller) const {
  std::vector<const FeedState*> feeds;
  for (const auto& state : feeds_.states()) {
    const auto& types = state->feed.types();
    const bool sees =
        caller.is_operator ||
        AgencyOfSource(state->feed.source()) == caller.agency ||
        std::any_of(types.begin(), types.end(), [&](const std::string& type) {
          return audiences_.MightSee(type, state->feed.source(), caller,
                                     log_time_us_);
        });
    if (sees) feeds.push_back(state.get());
  }
  // Silent ones first, then that which has come least far.
  std::stable_sort(feeds.begin(), feeds.end(),
                   [](const auto* a, const auto* b) {
                     const bool silent = a->silent_since_us != 0;
                     if (silent != (b->silent_since_us != 0)) return silent;
                     return a->complete_us < b->complete_us;
                   });
  return feeds;
}

}  // namespace concordat::alerts
