// What people ask of the alerts service: what they see of an alert, and what they
// do to it.
#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/alerts/rpc/desk.h"
#include "services/common/event/make_event.h"

namespace concordat::alerts {
namespace {

constexpr absl::string_view kService = "concordat-alerts";
constexpr int kTriesMax = 3;

using Step = absl::StatusOr<std::pair<std::string, std::string>>;

// Type and bytes of a step that was decided.
template <typename Event>
Step Decided(const absl::StatusOr<Event>& event) {
  if (!event.ok()) return event.status();
  return std::pair(std::string(event->GetDescriptor()->full_name()),
                   event->SerializeAsString());
}

v1::Alert ToProto(const AlertSight& sight) {
  v1::Alert out;
  out.set_alert_ref(sight.ref);
  out.set_rule(sight.rule);
  out.set_severity(sight.severity);
  out.set_state(sight.state);
  if (!sight.subject.empty()) out.set_subject(sight.subject.ToString());
  out.set_raised_at(sight.raised_us);
  out.set_accept_by(sight.accept_by_us);
  out.set_headline(sight.headline);
  out.set_owner(sight.owner);
  out.set_copy(sight.copy);
  out.set_escalated_at(sight.escalated_us);
  out.set_act_by(sight.act_by_us);
  out.set_overdue(sight.overdue);
  out.set_not_known(sight.not_known);
  out.set_closed_at(sight.closed_us);
  out.set_outcome(sight.outcome);
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
  }
  for (const AlertAcceptance& acceptance : sight.acceptances) {
    v1::Acceptance* accepted = out.add_acceptances();
    accepted->set_agency(acceptance.agency);
    accepted->set_by(acceptance.by);
    accepted->set_at(acceptance.at_us);
    accepted->set_action(acceptance.action);
    accepted->set_act_by(acceptance.act_by);
  }
  return out;
}

}  // namespace

std::optional<v1::Alert> Desk::Render(const Alert& alert,
                                      const AlertCaller& caller) const {
  // Not before the log has it.
  if (alert.version.value == 0) return std::nullopt;
  const std::optional<AlertSight> sight = engine_.See(alert, caller);
  if (!sight.has_value()) return std::nullopt;
  return ToProto(*sight);
}

absl::StatusOr<v1::ListAlertsResponse> Desk::List(
    const AlertCaller& caller, const v1::ListAlertsRequest& request,
    absl::Time deadline) {
  if (!AwaitPosition(Sequence{request.min_position()}, deadline)) {
    return absl::DeadlineExceededError(
        "the alerts service has not reached that position yet");
  }
  MutexLock lock(mu_);
  // Half a list would say that nothing is wrong.
  if (!folded_.WaitFor(
          mu_, deadline - clock_.Now(),
          [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return caught_up_; })) {
    return absl::UnavailableError(
        "the alerts are still being read from the log; ask again");
  }
  v1::ListAlertsResponse response;
  response.set_position(position_.value);
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

absl::StatusOr<v1::Alert> Desk::Change(
    const AlertCaller& caller, const std::string& ref, const std::string& key,
    uint64_t time_us, absl::Time deadline,
    const std::function<absl::StatusOr<std::pair<std::string, std::string>>(
        const Alert&)>& decide) {
  for (int tries = 0; tries < kTriesMax; ++tries) {
    absl::StatusOr<Event> event = absl::UnknownError("not made yet");
    {
      MutexLock lock(mu_);
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
      event = MakeOwn(key, decided->first, decided->second,
                      absl::StrCat("alert/", ref), alert->subject, "",
                      time_us != 0 ? time_us : engine_.log_time_us(),
                      alert->version);
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
      std::optional<v1::Alert> seen = Render(*engine_.Find(ref), caller);
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
                request.command().time(), deadline,
                [&](const Alert& alert) -> Step {
                  const v1::AlertShown shown = DecideShow(alert, caller);
                  if (shown.roles().empty())
                    return Step(std::pair<std::string, std::string>());
                  return Decided(absl::StatusOr<v1::AlertShown>(shown));
                });
}

absl::StatusOr<v1::Alert> Desk::Accept(const AlertCaller& caller,
                                       const v1::AcceptAlertRequest& request,
                                       absl::Time deadline) {
  return Change(
      caller, request.alert_ref(),
      absl::StrCat("accept/", caller.name, "/", request.command().request_id()),
      request.command().time(), deadline, [&](const Alert& alert) {
        return Decided(
            DecideAccept(alert, caller, request.action(), request.act_by()));
      });
}

absl::StatusOr<v1::Alert> Desk::Close(const AlertCaller& caller,
                                      const v1::CloseAlertRequest& request,
                                      absl::Time deadline) {
  return Change(
      caller, request.alert_ref(),
      absl::StrCat("close/", caller.name, "/", request.command().request_id()),
      request.command().time(), deadline, [&](const Alert& alert) {
        return Decided(DecideClose(alert, caller, request.outcome()));
      });
}

absl::StatusOr<v1::Alert> Desk::AcceptWithdrawal(
    const AlertCaller& caller, const v1::AcceptWithdrawalRequest& request,
    absl::Time deadline) {
  return Change(caller, request.alert_ref(),
                absl::StrCat("withdrawal/", caller.name, "/",
                             request.command().request_id()),
                request.command().time(), deadline, [&](const Alert& alert) {
                  return Decided(DecideAcceptWithdrawal(alert, caller));
                });
}

void Desk::Follow(const AlertCaller& caller,
                  std::function<bool(const v1::Alert&)> write) {
  MutexLock lock(mu_);
  auto follower = std::make_shared<Follower>();
  follower->caller = caller;
  follower->write = std::move(write);
  for (const auto& alert : engine_.alerts()) {
    const std::optional<v1::Alert> seen = Render(*alert, caller);
    if (seen.has_value()) follower->told[alert->ref] = SightHash(*seen);
  }
  followers_.push_back(std::move(follower));
}

size_t Desk::SightHash(const v1::Alert& alert) {
  return std::hash<std::string>()(alert.SerializeAsString());
}

}  // namespace concordat::alerts
