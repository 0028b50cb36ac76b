// What people ask of the alerts service: what they see of an alert, and what they
// do to it.
#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/alerts/domain/deadlines.h"
#include "services/alerts/rpc/desk.h"
#include "services/common/event/make_event.h"

namespace concordat::alerts {
namespace {

constexpr absl::string_view kService = "concordat-alerts";
constexpr int kTriesMax = 3;
// A read may ask for a position that is not folded yet; as mappa's and nhs's it is
// waited for no longer, because who waits holds everybody else's calls up.
constexpr absl::Duration kReadWait = absl::Seconds(2);

// Type and bytes of a step that was decided.
template <typename Event>
absl::StatusOr<std::pair<std::string, std::string>> Decided(
    const absl::StatusOr<Event>& event) {
  if (!event.ok()) return event.status();
  return std::pair(std::string(event->GetDescriptor()->full_name()),
                   event->SerializeAsString());
}

// As ListFeedsResponse has it.
v1::FeedReport ToProto(const FeedState& state, const std::string& agency) {
  v1::FeedReport out;
  out.set_name(state.feed.name());
  out.set_title(state.feed.title());
  out.set_agency(agency);
  out.set_expected(state.Expected());
  out.set_complete_to(state.complete_us);
  out.set_received_at(state.received_us);
  out.set_silent_since(state.silent_since_us);
  if (state.limit_us != UINT64_MAX) out.set_expected_by(state.limit_us);
  out.set_rejected(state.rejected);
  return out;
}

// Names as people write them are put in by who knows the registry.
v1::Doer ToProto(const AlertDoer& doer, const AlertCaller& caller) {
  v1::Doer out;
  out.set_agency(doer.agency);
  out.set_by(doer.by);
  out.set_staff(doer.staff);
  out.set_yours(doer.agency == caller.agency);
  return out;
}

void FillActs(const AlertSight& sight, const AlertCaller& caller,
              v1::Alert* out) {
  for (const AlertAcceptance& acceptance : sight.acceptances) {
    v1::Acceptance* accepted = out->add_acceptances();
    accepted->set_agency(acceptance.doer.agency);
    accepted->set_by(acceptance.doer.by);
    accepted->set_at(acceptance.doer.at_us);
    accepted->set_action(acceptance.action);
    accepted->set_act_by(acceptance.act_by);
    accepted->set_limit(acceptance.act_by_us);
    *accepted->mutable_doer() = ToProto(acceptance.doer, caller);
    for (const std::string& role : acceptance.roles) accepted->add_roles(role);
  }
  for (const AlertPassing& passing : sight.passings) {
    v1::Passing* passed = out->add_passed_on();
    *passed->mutable_doer() = ToProto(passing.doer, caller);
    passed->set_at(passing.doer.at_us);
    passed->set_to(passing.to.Name());
    passed->set_words(passing.words);
    passed->set_to_you(caller.Is(passing.to));
  }
  for (const AlertDispute& dispute : sight.disputes) {
    v1::Dispute* disputed = out->add_disputes();
    *disputed->mutable_doer() = ToProto(dispute.doer, caller);
    disputed->set_at(dispute.doer.at_us);
    disputed->set_reason(dispute.reason);
  }
  if (sight.closed_by.at_us == 0) return;
  *out->mutable_closed_by() = ToProto(sight.closed_by, caller);
  out->set_closed_at(sight.closed_by.at_us);
  out->set_outcome(sight.outcome);
}

v1::Alert ToProto(const AlertSight& sight, const AlertReasons& reasons,
                  const AlertCaller& caller) {
  v1::Alert out;
  out.set_alert_ref(sight.ref);
  out.set_rule(sight.rule);
  out.set_severity(sight.severity);
  out.set_state(sight.state);
  if (!sight.subject.empty()) out.set_subject(sight.subject.ToString());
  out.set_happened_at(sight.happened_us);
  out.set_happened_precision(sight.precision);
  out.set_known_at(sight.known_us);
  out.set_raised_at(sight.raised_us);
  out.set_accept_by(sight.accept_by_us);
  out.set_headline(sight.headline);
  out.set_owner(sight.owner);
  out.set_copy(sight.copy);
  out.set_escalated_at(sight.escalated_us);
  out.set_act_by(sight.act_by_us);
  out.set_overdue(sight.overdue);
  out.set_not_known(sight.not_known);
  out.set_accepted_by_you(sight.accepted);
  out.set_withdrawn_at(sight.withdrawn_us);
  out.set_withdrawn_because(sight.withdrawn_because);
  out.set_withdrawal_to_accept(sight.withdrawal_to_accept);
  out.set_identity_in_doubt(sight.identity_in_doubt);
  for (const std::string& who : sight.addressees) out.add_addressees(who);
  for (const EvidenceWords& words : sight.evidence) {
    v1::Evidence* evidence = out.add_evidence();
    evidence->set_event(words.event);
    evidence->set_sequence(words.sequence.value);
    evidence->set_type(words.type);
    evidence->set_time(words.time_us);
    evidence->set_words(words.words);
    evidence->set_agency(words.agency);
    evidence->set_precision(words.precision);
    evidence->set_accepted_time(words.accepted_us);
    const auto lines = reasons.lines.find(words.sequence);
    if (lines == reasons.lines.end()) continue;
    for (const std::string& line : lines->second) {
      evidence->add_agreement_lines(line);
    }
  }
  out.set_rule_words(reasons.rule);
  for (const std::string& words : reasons.not_shared) {
    out.add_not_shared(words);
  }
  FillActs(sight, caller, &out);
  return out;
}

}  // namespace

std::optional<v1::Alert> Desk::Render(const Alert& alert,
                                      const AlertCaller& caller) const {
  // Not before the log has it.
  if (alert.version.value == 0) return std::nullopt;
  const std::optional<AlertSight> sight = engine_.See(alert, caller);
  if (!sight.has_value()) return std::nullopt;
  v1::Alert out = ToProto(*sight, engine_.Explain(alert, caller), caller);
  out.set_position(engine_.PositionOf(alert, caller).value);
  out.set_traceparent(alert.traceparent);
  for (const AlertAddressee& who : engine_.MayPassTo(alert, caller)) {
    out.add_may_pass_to(who.Name());
  }
  return out;
}

absl::Status Desk::AwaitTheEnd(absl::Time deadline) {
  // Half a list would say that nothing is wrong.
  if (folded_.WaitFor(
          mu_, deadline - clock_.Now(),
          [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return caught_up_; })) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(
      "the alerts are still being read from the log; ask again");
}

absl::StatusOr<v1::ListAlertsResponse> Desk::List(
    const AlertCaller& caller, const v1::ListAlertsRequest& request,
    absl::Time deadline) {
  if (!AwaitPosition(Sequence{request.min_position()},
                     std::min(deadline, clock_.Now() + kReadWait))) {
    return absl::DeadlineExceededError(
        "the alerts service has not reached that position yet");
  }
  MutexLock lock(mu_);
  if (absl::Status end = AwaitTheEnd(deadline); !end.ok()) return end;
  v1::ListAlertsResponse response;
  response.set_position(position_.value);
  response.set_time(engine_.log_time_us());
  response.set_up_to_date(up_to_date_);
  for (const auto& alert : engine_.alerts()) {
    std::optional<v1::Alert> seen = Render(*alert, caller);
    if (!seen.has_value()) continue;
    if (request.open_only() &&
        (seen->withdrawn_at() != 0 ? !seen->withdrawal_to_accept()
                                   : seen->state() == "closed")) {
      continue;
    }
    *response.add_alerts() = *std::move(seen);
  }
  return response;
}

absl::StatusOr<v1::ListFeedsResponse> Desk::ListFeeds(
    const AlertCaller& caller, const v1::ListFeedsRequest&,
    absl::Time deadline) {
  MutexLock lock(mu_);
  if (absl::Status end = AwaitTheEnd(deadline); !end.ok()) return end;
  v1::ListFeedsResponse response;
  response.set_position(position_.value);
  response.set_time(engine_.log_time_us());
  response.set_up_to_date(up_to_date_);
  for (const FeedState* state : engine_.FeedsFor(caller)) {
    const std::string agency(AgencyOfSource(state->feed.source()));
    *response.add_feeds() = ToProto(*state, engine_.AgencyName(agency));
  }
  return response;
}

absl::StatusOr<v1::ListClocksResponse> Desk::ListClocks(
    const AlertCaller& caller, const v1::ListClocksRequest& request,
    absl::Time deadline) {
  MutexLock lock(mu_);
  if (absl::Status end = AwaitTheEnd(deadline); !end.ok()) return end;
  v1::ListClocksResponse response;
  response.set_position(position_.value);
  for (const uint64_t fact : request.facts()) {
    for (const Engine::FactClock& clock : engine_.ClocksOf({fact}, caller)) {
      v1::FactClock& out = *response.add_clocks();
      out.set_fact(fact);
      out.set_rule(clock.rule);
      out.set_limb(clock.limb);
      out.set_due(clock.due_us);
      out.set_answers(clock.answers);
      out.set_ended(clock.off);
      out.set_state(clock.off      ? clock.answers
                                         ? "judged without it"
                                         : "ended: what started it does not hold"
                    : clock.judged ? "judged"
                                   : "runs");
    }
  }
  return response;
}

absl::StatusOr<v1::Alert> Desk::Change(
    const AlertCaller& caller, const std::string& ref, const std::string& key,
    const hub::v1::Command& command, absl::Time deadline,
    const std::function<Step(const Alert&)>& decide) {
  for (int tries = 0; tries < kTriesMax; ++tries) {
    absl::StatusOr<Event> event = absl::UnknownError("not made yet");
    {
      MutexLock lock(mu_);
      if (absl::Status end = AwaitTheEnd(deadline); !end.ok()) return end;
      const Alert* alert = engine_.Find(ref);
      const std::optional<v1::Alert> seen =
          alert == nullptr ? std::nullopt : Render(*alert, caller);
      if (!seen.has_value()) {
        return absl::NotFoundError(absl::StrCat("no alert ", ref, " for you"));
      }
      // A retry of what was done gets the answer again.
      if (std::find(alert->steps.begin(), alert->steps.end(),
                    DerivedId(kService, key, 0)) != alert->steps.end()) {
        return *seen;
      }
      const auto decided = decide(*alert);
      if (!decided.ok()) return decided.status();
      if (decided->first.empty()) return *seen;
      Header header = OwnHeader(key);
      header.type = decided->first;
      header.stream = absl::StrCat("alert/", ref);
      header.subject = alert->subject;
      header.time_us =
          command.time() != 0 ? command.time() : engine_.log_time_us();
      header.on_behalf_of =
          caller.staff.empty() ? command.on_behalf_of() : caller.staff;
      header.expected_version = alert->version;
      event = MakeEvent(*types_, std::move(header), decided->second,
                        DrawSeed(random_));
      if (!event.ok()) return event.status();
    }
    std::vector<Event> set;
    set.push_back(*std::move(event));
    const auto outcomes =
        PublishAndWait(bus_, std::move(set), deadline - clock_.Now());
    if (!outcomes.ok()) return outcomes.status();
    const PublishOutcome& outcome = outcomes->front();
    if (outcome.accepted) {
      if (!AwaitPosition(outcome.sequence, deadline)) {
        return absl::DeadlineExceededError(
            "accepted, and not folded yet; ask again");
      }
      MutexLock lock(mu_);
      // It may be folding again, or its person may be erased.
      if (absl::Status end = AwaitTheEnd(deadline); !end.ok()) return end;
      const Alert* alert = engine_.Find(ref);
      std::optional<v1::Alert> seen =
          alert == nullptr ? std::nullopt : Render(*alert, caller);
      if (seen.has_value()) return *std::move(seen);
      return absl::NotFoundError(absl::StrCat("no alert ", ref, " for you"));
    }
    if (outcome.refusal != bus::v1::REFUSAL_VERSION_CONFLICT) {
      return absl::InvalidArgumentError(outcome.detail);
    }
    // Somebody was quicker: decide again on what they made of it.
    if (!AwaitPosition(outcome.stream_version, deadline)) break;
  }
  return absl::AbortedError(
      absl::StrCat("alert ", ref, " keeps changing; try again"));
}

absl::StatusOr<v1::Alert> Desk::Show(const AlertCaller& caller,
                                     const v1::ShowAlertRequest& request,
                                     absl::Time deadline) {
  // Once for each person who saw it, however often they look.
  return Change(caller, request.alert_ref(),
                absl::StrCat("show/", request.alert_ref(), "/", caller.name),
                request.command(), deadline, [&](const Alert& alert) -> Step {
                  const v1::AlertShown shown = DecideShow(alert, caller);
                  if (shown.roles().empty())
                    return Step(std::pair<std::string, std::string>());
                  return Decided(absl::StatusOr<v1::AlertShown>(shown));
                });
}

absl::StatusOr<v1::Alert> Desk::Accept(const AlertCaller& caller,
                                       const v1::AcceptAlertRequest& request,
                                       absl::Time deadline) {
  const uint64_t end = EndOfDate(request.act_by());  // 0: no date.
  bool is_over = false;
  {
    MutexLock lock(mu_);
    is_over = end != 0 && end <= engine_.log_time_us();
  }
  return Change(
      caller, request.alert_ref(),
      absl::StrCat("accept/", caller.name, "/", request.command().request_id()),
      request.command(), deadline, [&](const Alert& alert) {
        auto accepted =
            DecideAccept(alert, caller, request.action(), request.act_by());
        if (accepted.ok() && is_over) {
          accepted = absl::InvalidArgumentError("act_by: that day is over");
        }
        return Decided(accepted);
      });
}

absl::StatusOr<v1::Alert> Desk::Close(const AlertCaller& caller,
                                      const v1::CloseAlertRequest& request,
                                      absl::Time deadline) {
  return Change(
      caller, request.alert_ref(),
      absl::StrCat("close/", caller.name, "/", request.command().request_id()),
      request.command(), deadline, [&](const Alert& alert) {
        return Decided(DecideClose(alert, caller, request.outcome()));
      });
}

absl::StatusOr<v1::Alert> Desk::AcceptWithdrawal(
    const AlertCaller& caller, const v1::AcceptWithdrawalRequest& request,
    absl::Time deadline) {
  return Change(caller, request.alert_ref(),
                absl::StrCat("withdrawal/", caller.name, "/",
                             request.command().request_id()),
                request.command(), deadline, [&](const Alert& alert) {
                  return Decided(DecideAcceptWithdrawal(alert, caller));
                });
}

absl::StatusOr<v1::Alert> Desk::Pass(const AlertCaller& caller,
                                     const v1::PassAlertRequest& request,
                                     absl::Time deadline) {
  return Change(
      caller, request.alert_ref(),
      absl::StrCat("pass/", caller.name, "/", request.command().request_id()),
      request.command(), deadline,
      [&](const Alert& alert) ABSL_NO_THREAD_SAFETY_ANALYSIS {
        return Decided(DecidePass(alert, caller, request.to(), request.words(),
                                  engine_.MayPassTo(alert, caller)));
      });
}

absl::StatusOr<v1::Alert> Desk::Dispute(const AlertCaller& caller,
                                        const v1::DisputeAlertRequest& request,
                                        absl::Time deadline) {
  return Change(
      caller, request.alert_ref(),
      absl::StrCat("dispute/", caller.name, "/",
                   request.command().request_id()),
      request.command(), deadline, [&](const Alert& alert) {
        return Decided(DecideDispute(alert, caller, request.reason()));
      });
}

bool Desk::Begin(const Follower& follower) {
  if (follower.after.value == 0) return true;
  std::vector<std::pair<Sequence, const Alert*>> changed;
  for (const auto& alert : engine_.alerts()) {
    const Sequence position = engine_.PositionOf(*alert, follower.caller);
    if (position >= follower.after) changed.emplace_back(position, alert.get());
  }
  std::stable_sort(
      changed.begin(), changed.end(),
      [](const auto& a, const auto& b) { return a.first < b.first; });
  return std::all_of(changed.begin(), changed.end(),
                     [&](const auto& each) ABSL_NO_THREAD_SAFETY_ANALYSIS {
                       const auto seen = Render(*each.second, follower.caller);
                       return !seen.has_value() || follower.write(*seen);
                     });
}

void Desk::Follow(const AlertCaller& caller, Sequence after,
                  std::function<bool(const v1::Alert&)> write) {
  MutexLock lock(mu_);
  Follower follower{caller, after, std::move(write)};
  if (!caught_up_) {
    waiting_.push_back(std::move(follower));
  } else if (Begin(follower)) {
    followers_.push_back(std::move(follower));
  }
}

}  // namespace concordat::alerts
