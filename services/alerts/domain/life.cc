// Time and what people do: what falls due, escalation, acceptance.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/alerts/domain/engine.h"

namespace concordat::alerts {
namespace {

// How often one that is held is looked at again.
constexpr uint64_t kHeldLookUs = 24ull * 3600 * 1'000'000;

}  // namespace

uint64_t Engine::Limit(const v1::Clock& clock, const std::string& calendar,
                       uint64_t from_us) {
  const auto due = deadlines_.After(clock, calendar, from_us, log_time_us_);
  if (due.ok()) return *due;
  fault_ = std::string(due.status().message());
  return 0;
}

void Engine::AddTimer(uint64_t due_us, Timer timer) {
  timer.due_us = due_us;
  timer.order = ++timers_made_;
  timers_.insert(timer);
}

void Engine::PassTime(uint64_t to_us) {
  for (;;) {
    const uint64_t timer =
        timers_.empty() ? UINT64_MAX : timers_.begin()->due_us;
    const uint64_t limit = feeds_.NextLimit();
    if (std::min(timer, limit) > to_us) break;
    log_time_us_ = std::max(log_time_us_, std::min(timer, limit));
    if (timer < limit) {
      const Timer due = *timers_.begin();
      timers_.erase(timers_.begin());
      Fire(due);
      continue;
    }
    // A feed's silence comes before anything else of its moment.
    const FeedBook::Late late = feeds_.NextLate(limit);
    if (!late.silent.has_value()) continue;
    JudgeUnknown(*late.state, late.silent->due());
    AlertDraft draft;
    draft.key =
        absl::StrCat("silent/", late.silent->feed(), "/", late.silent->due());
    draft.type = std::string(late.silent->GetDescriptor()->full_name());
    draft.data = late.silent->SerializeAsString();
    draft.stream = absl::StrCat("feed/", late.silent->feed());
    draft.time_us = log_time_us_;
    book_.Draft(std::move(draft));
  }
  log_time_us_ = std::max(log_time_us_, to_us);
}

void Engine::Fire(const Timer& timer) {
  switch (timer.kind) {
    case Timer::Kind::kAbsence:
      timer.pending->judged = true;
      JudgeAbsence(*timer.pending, "", nullptr);
      return;
    case Timer::Kind::kAccept:
      if (timer.alert->accept_by_us != timer.due_us) return;
      [[fallthrough]];
    case Timer::Kind::kHeld:
      if (IsHeld(*timer.alert)) {
        // It goes to nobody else; looked at again until it is lifted.
        Timer again;
        again.kind = Timer::Kind::kHeld;
        again.alert = timer.alert;
        again.person = timer.person;
        AddTimer(timer.due_us + kHeldLookUs, again);
        return;
      }
      Escalate(*timer.alert, *timer.person);
      return;
    case Timer::Kind::kAct:
      if (timer.alert->closed()) return;
      for (const AlertAcceptance& acceptance : timer.alert->acceptances) {
        if (acceptance.act_by_us == timer.due_us) {
          book_.MarkOverdue(*timer.alert, acceptance, log_time_us_);
        }
      }
      return;
  }
}

bool Engine::AcceptedElsewhere(const Alert& alert, const Person& person) const {
  // Who sees all of this one and accepted another one about it acts on this.
  for (const Alert* other : person.alerts) {
    if (other == &alert || other->closed() || other->rule != alert.rule ||
        other->family != alert.family) {
      continue;
    }
    for (const AlertAddressee& who : alert.known_to) {
      const AlertMember* member = other->Find(who);
      if (member != nullptr && member->accepted && !member->withdrawn() &&
          !who.copy) {
        return true;
      }
    }
  }
  return false;
}

void Engine::Escalate(Alert& alert, const Person& person) {
  const bool stands =
      std::any_of(alert.members.begin(), alert.members.end(),
                  [](const AlertMember& m) { return !m.withdrawn(); });
  const RuleLimb* limb = rules_.At(alert.limb_index);
  if (!stands || alert.closed() || alert.accepted() ||
      AcceptedElsewhere(alert, person)) {
    return;
  }
  // The next who may see what it rests on; after the last of them, nobody.
  uint32_t step = AlertAddressee::kNever;
  for (const AlertAddressee& who : alert.known_to) {
    if (who.step > alert.step) step = std::min(step, who.step);
  }
  uint64_t accept_by = 0;
  if (step == AlertAddressee::kNever) {
    step = alert.step + 1;
  } else {
    accept_by = Limit(limb->AcceptAt(step), limb->calendar, log_time_us_);
  }
  book_.Escalate(alert, step, accept_by, log_time_us_);
  if (accept_by != 0) {
    Timer timer;
    timer.alert = &alert;
    timer.person = person_of_[&alert];
    AddTimer(accept_by, timer);
  }
}

void Engine::FoldOwn(const View& view, const std::string& data) {
  const auto fold = [&](auto event, auto evolve) {
    if (view.header.type != event.GetDescriptor()->full_name()) return;
    if (!event.ParseFromString(data)) return;
    Alert* alert = book_.CameBack(event.alert_ref(), view);
    came_back_ = alert;
    if (alert != nullptr) evolve(event, *alert);
  };
  const AlertActed acted{view.accepted_us, view.header.on_behalf_of};
  const auto known = [](const auto&, Alert&) {};  // The engine made it.
  fold(v1::AlertRaised(), known);
  fold(v1::AlertEvidenceAdded(), known);
  fold(v1::AlertConfirmed(), known);
  fold(v1::AlertEscalated(), known);
  fold(v1::AlertOverdue(), known);
  fold(v1::AlertWithdrawn(), known);
  const auto evolve = [](const auto& e, Alert& a) { Evolve(e, a); };
  fold(v1::AlertShown(), evolve);
  fold(v1::AlertWithdrawalAccepted(), evolve);
  const auto acts = [&](const auto& e, Alert& a) { Evolve(e, acted, a); };
  fold(v1::AlertClosed(), acts);
  fold(v1::AlertPassedOn(), acts);
  fold(v1::AlertDisputed(), acts);
  fold(v1::AlertAccepted(), [&](const auto& event, Alert& alert) {
    uint64_t act_by = EndOfDate(event.act_by());
    const RuleLimb* limb = rules_.At(alert.limb_index);
    if (act_by == 0 && limb->limb.has_act()) {
      act_by = Limit(limb->limb.act(), limb->calendar, acted.at_us);
    }
    const size_t before = alert.acceptances.size();
    Evolve(event, acted, act_by, alert);
    if (alert.acceptances.size() == before || act_by == 0) return;
    Timer timer;
    timer.kind = Timer::Kind::kAct;
    timer.alert = &alert;
    timer.person = person_of_[&alert];
    AddTimer(act_by, timer);
  });
}

}  // namespace concordat::alerts
