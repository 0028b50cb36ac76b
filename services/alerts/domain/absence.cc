// What did not happen in time: judged when those who could have told have told
// everything, or are late themselves.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/alerts/domain/engine.h"
#include "services/alerts/domain/windows.h"

namespace concordat::alerts {
namespace {

// As the registry calls who is asked about all of the arrangement.
constexpr absl::string_view kCoordinatorRole = "coordinator";

}  // namespace

void Engine::Await(const RuleLimb& limb, const Fact& start, Person& person) {
  const v1::Condition& condition = limb.condition();
  // What everybody sees; who sees it is asked when it is judged.
  if (FirstPattern(condition, start, GroupMask(0xff)) < 0) return;
  const uint64_t deadline = Limit(condition.absence().deadline(), limb.calendar,
                                  start.header.time_us);
  if (deadline == 0 ||
      deadline <= std::max(*log_began_us_, limb.effective_us)) {
    return;  // It was over before anybody here could know.
  }
  person.pending.push_back(
      std::make_unique<Pending>(Pending{&limb, &start, deadline}));
  Pending* pending = person.pending.back().get();
  if (FeedsOf(*pending).empty()) {
    Timer timer;
    timer.kind = Timer::Kind::kAbsence;
    timer.pending = pending;
    timer.person = &person;
    AddTimer(deadline, timer);
  } else {
    waiting_[{deadline, start.sequence, limb.index}] = {pending, &person};
  }
}

std::vector<const FeedState*> Engine::FeedsOf(const Pending& pending) const {
  std::vector<const FeedState*> result;
  for (const auto& pattern : pending.limb->condition().absence().of()) {
    for (const std::string& type : pattern.types()) {
      for (const FeedState* state :
           feeds_.Bringing(type, pending.start->header.source)) {
        if (std::find(result.begin(), result.end(), state) == result.end()) {
          result.push_back(state);
        }
      }
    }
  }
  return result;
}

void Engine::JudgeWaiting(const FeedState& feed, const std::string& cause) {
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    Pending& pending = *it->second.first;
    if (pending.deadline_us > feed.complete_us) break;
    const auto feeds = FeedsOf(pending);
    bool complete = std::find(feeds.begin(), feeds.end(), &feed) != feeds.end();
    bool history = false;
    for (const FeedState* each : feeds) {
      complete &= each->complete_us >= pending.deadline_us;
      history |= pending.deadline_us <=
                 std::max(each->first_complete_us, each->effective_us);
    }
    if (!complete) {
      ++it;
      continue;
    }
    it = waiting_.erase(it);
    if (history) continue;
    pending.judged = true;
    JudgeAbsence(pending, cause, nullptr);
  }
}

void Engine::JudgeUnknown(const FeedState& feed, uint64_t due_us) {
  for (const auto& [key, waits] : waiting_) {
    Pending& pending = *waits.first;
    if (pending.deadline_us > due_us) break;
    const auto feeds = FeedsOf(pending);
    if (std::find(feeds.begin(), feeds.end(), &feed) == feeds.end()) continue;
    const bool known = feed.complete_us >= pending.deadline_us;
    const bool history = pending.deadline_us <= feed.effective_us;
    if (!known && !history) JudgeAbsence(pending, "", &feed);
  }
}

bool Engine::MaySay(const RuleLimb& limb, const Fact& start,
                    const AlertAddressee& who) const {
  return FirstPattern(limb.condition(), start, Seen(start, who)) >= 0 &&
         WouldSeeAnswers(limb, start, who);
}

bool Engine::WouldSeeAnswers(const RuleLimb& limb, const Fact& start,
                             const AlertAddressee& who,
                             const std::optional<std::string>& purpose) const {
  for (const auto& pattern : limb.condition().absence().of()) {
    for (const std::string& type : pattern.types()) {
      if (!audiences_.WouldSee(type, start.header, who, log_time_us_,
                               purpose)) {
        return false;
      }
    }
  }
  return true;
}

Engine::Members Engine::WhoMaySay(const Alert& alert, Members members,
                                  const AlertCaller& caller) const {
  const Pending* const pending = PendingOf(alert);
  if (pending == nullptr) return members;
  std::erase_if(members, [&](const AlertMember* member) {
    return !WouldSeeAnswers(*pending->limb, *pending->start, member->who,
                            caller.purpose);
  });
  return members;
}

const Fact* Engine::AnswerTo(const Pending& pending, const Person& person,
                             const AlertAddressee& who) const {
  for (const auto& fact : person.facts) {
    if (!fact->off && IsAnswer(pending, *fact, Seen(*fact, who))) {
      return fact.get();
    }
  }
  return nullptr;
}

bool Engine::IsAnswer(const Pending& pending, const Fact& fact,
                      GroupMask seen) {
  const v1::Absence& absence = pending.limb->condition().absence();
  if (fact.header.time_us >= pending.deadline_us ||
      fact.header.time_us < StartOfDay(pending.start->header.time_us)) {
    return false;
  }
  const auto* same = ValuesOf(*pending.start, absence.same_field(), 0xff);
  const auto* its = ValuesOf(fact, absence.same_field(), seen);
  if (same != nullptr && its != nullptr && *same != *its) return false;
  return std::any_of(
      absence.of().begin(), absence.of().end(),
      [&](const v1::EventPattern& of) { return Matches(of, fact, seen); });
}

std::vector<Engine::FactClock> Engine::ClocksOf(
    Sequence sequence, const AlertCaller& caller) const {
  std::vector<FactClock> clocks;
  const auto known = by_sequence_.find(sequence.value);
  if (known == by_sequence_.end()) return clocks;
  const Fact& fact = *known->second.fact;
  const bool may_ask = fact.header.controller == caller.agency ||
                       caller.role == kCoordinatorRole;
  // Not of somebody of whom there is no record to them.
  const bool is_known = fact.header.subject.empty() ||
                        audiences_.Allows(fact.header.subject, caller);
  if (!may_ask || !is_known) return clocks;
  for (const auto& pending : known->second.person->pending) {
    const bool starts = pending->start == &fact;
    if (!starts && !IsAnswer(*pending, fact, GroupMask(0xff))) continue;
    clocks.push_back({pending->limb->rule, pending->limb->limb.name(),
                      pending->deadline_us, !starts, fact.off,
                      pending->judged});
  }
  return clocks;
}

void Engine::JudgeAbsence(Pending& pending, const std::string& cause,
                          const FeedState* late) {
  const RuleLimb& limb = *pending.limb;
  const Fact& start = *pending.start;
  const auto known = by_sequence_.find(start.sequence.value);
  if (start.off || known == by_sequence_.end()) return;
  Person& person = *known->second.person;
  if (limb.condition().open_case() &&
      !audiences_.CaseOpen(start.header.subject)) {
    return;
  }
  std::vector<Told> fresh;
  for (const AlertAddressee& who :
       audiences_.Resolve(limb, start, log_time_us_)) {
    if (!MaySay(limb, start, who) ||
        AnswerTo(pending, person, who) != nullptr) {
      continue;
    }
    Alert* open = nullptr;
    if (AlertMember* member = OpenFor(limb, person, who, &open)) {
      if (late == nullptr && open->trigger == start.sequence &&
          !open->not_known.empty()) {
        book_.Confirm(*open, cause, log_time_us_);
      }
      book_.AddEvidence(*open, *member, {&start}, cause, log_time_us_);
    } else if (!ToldBefore(limb, start, person, who)) {
      fresh.push_back({who, {&start}});
    }
  }
  RaiseRequest request;
  request.causation = cause;
  request.at_us = log_time_us_;
  if (late != nullptr) {
    request.feed = late->feed.name();
    request.not_known =
        absl::StrCat(late->feed.title(), " for ",
                     DayInWords(pending.deadline_us - 1), " have not come");
  }
  Raise(limb, start, person, fresh, std::move(request));
}

void Engine::Answer(const Fact& fact, Person& person) {
  for (const auto& pending : person.pending) {
    WithdrawAnswered(*pending, person, fact);
  }
}

void Engine::WithdrawAnswered(Pending& pending, Person& person,
                              const Fact& fact) {
  for (Alert* alert : person.alerts) {
    if (PendingOf(*alert) != &pending) continue;
    for (AlertMember& member : alert->members) {
      if (member.withdrawn() ||
          AnswerTo(pending, person, member.who) != &fact) {
        continue;
      }
      for (const auto& of : pending.limb->condition().absence().of()) {
        const GroupMask seen = Seen(fact, member.who);
        if (!Matches(of, fact, seen)) continue;
        book_.Withdraw(*alert, member,
                       InWords(*pending.limb, of.words(), fact, seen),
                       EventRef(fact.header), log_time_us_);
        break;
      }
    }
  }
}

const Engine::Pending* Engine::PendingOf(const Alert& alert) const {
  const auto person = person_of_.find(&alert);
  if (person == person_of_.end()) return nullptr;
  for (const auto& pending : person->second->pending) {
    if (pending->limb->rule == alert.rule &&
        pending->limb->limb.name() == alert.limb &&
        pending->start->sequence == alert.trigger) {
      return pending.get();
    }
  }
  return nullptr;
}

}  // namespace concordat::alerts
