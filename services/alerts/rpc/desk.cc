#include "services/alerts/rpc/desk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/events.pb.h"
#include "services/common/event/make_event.h"

namespace concordat::alerts {
namespace {

constexpr absl::string_view kService = "concordat-alerts";
// Silence after which a live log is told the time.
constexpr absl::Duration kQuiet = absl::Minutes(1);
constexpr absl::Duration kFoldPatience = absl::Seconds(1);
constexpr int kTriesMax = 3;
constexpr absl::string_view kRefused = "an alert was refused by the bus";

std::string StreamOf(absl::string_view ref) {
  return absl::StrCat("alert/", ref);
}

}  // namespace

Desk::Desk(Engine engine, BusClient& bus,
           std::shared_ptr<const TypeRegistry> types,
           const bus::v1::Principal& self, bus::v1::Environment environment,
           const Clock& clock, Random& random, const Logger& log)
    : bus_(bus),
      types_(std::move(types)),
      self_(self),
      environment_(environment),
      clock_(clock),
      random_(random),
      log_(log),
      engine_(std::move(engine)),
      last_accepted_(clock.Now()) {}

absl::Status Desk::Run() {
  SubscribeOptions options;
  options.name = "alerts";
  options.own_place = true;  // Folded from the first event at each start.
  auto subscription = bus_.Subscribe(std::move(options));
  if (!subscription.ok()) return subscription.status();
  while (!stopped_) {
    absl::StatusOr<Delivery> delivery =
        (*subscription)->Next(absl::ZeroDuration());
    if (absl::IsDeadlineExceeded(delivery.status())) {
      {
        MutexLock lock(mu_);
        // Before it is connected it knows of no end.
        connected_ = (*subscription)->connected();
        up_to_date_ = connected_ && (*subscription)->scanned_through() >=
                                        (*subscription)->log_end();
        caught_up_ |= up_to_date_;
        position_ = std::max(position_, (*subscription)->scanned_through());
        log_end_ = (*subscription)->log_end();
        folded_.NotifyAll();
      }
      PublishPending();
      PublishTimePassed();
      delivery = (*subscription)->Next(kFoldPatience);
    }
    if (absl::IsDeadlineExceeded(delivery.status())) continue;
    if (!delivery.ok()) return delivery.status();
    if (absl::Status status = Fold(*delivery); !status.ok()) {
      log_.Error("an event could not be judged",
                 {{"sequence", delivery->view.sequence.value},
                  {"why", status.message()}});
    }
    (*subscription)->Ack(delivery->number);
  }
  return absl::OkStatus();
}

void Desk::Stop() { stopped_ = true; }

absl::Status Desk::Fold(const Delivery& delivery) {
  const View& view = delivery.view;
  std::vector<std::pair<std::shared_ptr<Follower>, v1::Alert>> tell;
  {
    MutexLock lock(mu_);
    last_accepted_ = clock_.Now();
    if (view.header.source == SourceOf(self_)) pending_.erase(view.header.id);
    absl::StatusOr<std::vector<AlertDraft>> drafts = engine_.Apply(view);
    position_ = std::max(position_, view.sequence);
    folded_.NotifyAll();
    if (!drafts.ok()) {
      fault_ = "an event could not be judged";
      return drafts.status();
    }
    for (AlertDraft& draft : *drafts) {
      const std::string id = DerivedId(kService, draft.key, 0);
      pending_[id] = {std::move(draft), engine_.log_time_us(), false};
    }
    for (const std::string& ref : engine_.TakeChanged()) {
      const Alert* alert = engine_.Find(ref);
      for (const std::shared_ptr<Follower>& follower : followers_) {
        if (!MaySee(*alert, follower->caller)) continue;
        tell.emplace_back(follower, Render(*alert, follower->caller));
      }
    }
  }
  for (const auto& [follower, alert] : tell) {
    if (follower->write(alert)) continue;
    MutexLock lock(mu_);
    std::erase(followers_, follower);
  }
  return absl::OkStatus();
}

absl::StatusOr<Event> Desk::MakeOwn(
    const std::string& key, const std::string& type, const std::string& data,
    const std::string& stream, const PersonKey& subject,
    const std::string& causation, uint64_t time_us,
    std::optional<Sequence> expected_version) {
  Header header;
  header.source = SourceOf(self_);
  header.type = type;
  header.controller = self_.agency();
  header.purpose = self_.default_purpose();
  header.gateway = self_.default_gateway();
  header.regime = self_.default_regime();
  header.id = DerivedId(kService, key, 0);
  header.subject = subject;
  header.stream = stream;
  header.time_us = time_us;
  header.causation = causation;
  header.expected_version = expected_version;
  return MakeEvent(*types_, std::move(header), data, DrawSeed(random_));
}

void Desk::PublishPending() {
  std::vector<std::pair<std::string, Pending>> due;
  {
    MutexLock lock(mu_);
    if (!up_to_date_) return;
    for (auto& [id, pending] : pending_) {
      if (!std::exchange(pending.sent, true)) due.emplace_back(id, pending);
    }
  }
  for (auto& [id, pending] : due) {
    absl::StatusOr<Event> event =
        MakeOwn(pending.draft.key, pending.draft.type, pending.draft.data,
                StreamOf(pending.draft.alert_ref), pending.draft.subject,
                pending.draft.causation, pending.time_us, std::nullopt);
    absl::Status status = event.status();
    if (event.ok()) {
      std::vector<Event> set;
      set.push_back(*std::move(event));
      status = bus_.Publish(
          std::move(set),
          [this, id = id](std::vector<PublishOutcome> outcomes) {
            MutexLock lock(mu_);
            if (outcomes[0].accepted) {
              if (fault_ == kRefused) fault_.clear();
              return;
            }
            // A full disk or a drain passes: it is asked for again, with its
            // id, until the log has it.
            const auto it = pending_.find(id);
            if (it != pending_.end()) it->second.sent = false;
            if (!fault_.empty()) return;
            fault_ = std::string(kRefused);
            log_.Error("an alert was refused",
                       {{"refusal", bus::v1::Refusal_Name(outcomes[0].refusal)},
                        {"why", outcomes[0].detail}});
          });
    }
    if (!status.ok()) {
      log_.Error("an alert could not be published",
                 {{"why", status.message()}});
      MutexLock lock(mu_);
      const auto it = pending_.find(id);
      if (it != pending_.end()) it->second.sent = false;
    }
  }
}

void Desk::PublishTimePassed() {
  if (environment_ != bus::v1::ENVIRONMENT_LIVE) return;
  const absl::Time now = clock_.Now();
  {
    MutexLock lock(mu_);
    if (!up_to_date_ || now - last_accepted_ < kQuiet) return;
    last_accepted_ = now;
  }
  const uint64_t to = static_cast<uint64_t>(absl::ToUnixMicros(now));
  hub::v1::TimePassed passed;
  passed.set_to(to);
  absl::StatusOr<Event> event =
      MakeOwn(absl::StrCat("time/", to), "concordat.hub.v1.TimePassed",
              passed.SerializeAsString(), "hub/time", PersonKey(), "", to,
              std::nullopt);
  if (!event.ok()) return;
  std::vector<Event> set;
  set.push_back(*std::move(event));
  // Refused or not: the next quiet minute says it again.
  (void)bus_.Publish(std::move(set), [](std::vector<PublishOutcome>) {});
}

bool Desk::AwaitPosition(Sequence position, absl::Time deadline) {
  MutexLock lock(mu_);
  return folded_.WaitFor(mu_, deadline - clock_.Now(),
                         [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
                           return position_ >= position;
                         });
}

v1::Alert Desk::Render(const Alert& alert, const AlertCaller& caller) const {
  v1::Alert out;
  out.set_alert_ref(alert.ref);
  out.set_rule(alert.rule);
  out.set_severity(alert.severity);
  out.set_state(std::string(StageName(alert.stage)));
  out.set_subject(alert.subject.ToString());
  out.set_raised_at(alert.raised_us);
  out.set_accept_by(alert.accept_by_us);
  out.set_headline(alert.headline);
  out.set_owner(Owns(alert, caller));
  out.set_closed_at(alert.closed_us);
  out.set_outcome(alert.outcome);
  for (const AlertAddressee& to : alert.to) {
    out.add_addressees(
        absl::StrCat(to.agency, "/", to.role, to.copy ? " (copy)" : ""));
  }
  for (const EvidenceWords& words : engine_.Evidence(alert, caller.agency)) {
    v1::Evidence* evidence = out.add_evidence();
    evidence->set_event(words.event);
    evidence->set_sequence(words.sequence.value);
    evidence->set_type(words.type);
    evidence->set_time(words.time_us);
    evidence->set_words(words.words);
  }
  for (const AlertAcceptance& acceptance : alert.acceptances) {
    v1::Acceptance* accepted = out.add_acceptances();
    accepted->set_agency(acceptance.agency);
    accepted->set_by(acceptance.by);
    accepted->set_at(acceptance.at_us);
    accepted->set_action(acceptance.action);
    accepted->set_act_by(acceptance.act_by);
  }
  return out;
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
    // Not before the log has it.
    if (alert->version.value == 0 || !MaySee(*alert, caller)) continue;
    if (request.open_only() && !alert->open()) continue;
    *response.add_alerts() = Render(*alert, caller);
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
      if (alert == nullptr || alert->version.value == 0 ||
          !MaySee(*alert, caller)) {
        return absl::NotFoundError(absl::StrCat("no alert ", ref, " for you"));
      }
      // A retry of what was done gets the answer again.
      if (std::find(alert->steps.begin(), alert->steps.end(),
                    DerivedId(kService, key, 0)) != alert->steps.end()) {
        return Render(*alert, caller);
      }
      const auto decided = decide(*alert);
      if (!decided.ok()) return decided.status();
      if (decided->first.empty()) return Render(*alert, caller);
      event = MakeOwn(
          key, decided->first, decided->second, StreamOf(ref), alert->subject,
          "", time_us != 0 ? time_us : engine_.log_time_us(), alert->version);
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
      return Render(*engine_.Find(ref), caller);
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
                [&](const Alert& alert)
                    -> absl::StatusOr<std::pair<std::string, std::string>> {
                  if (alert.stage != AlertStage::kRaised) {
                    return std::pair<std::string, std::string>();
                  }
                  v1::AlertShown shown;
                  shown.set_alert_ref(alert.ref);
                  shown.set_agency(caller.agency);
                  shown.set_by(caller.name);
                  return std::pair(
                      std::string("concordat.alerts.v1.AlertShown"),
                      shown.SerializeAsString());
                });
}

absl::StatusOr<v1::Alert> Desk::Accept(const AlertCaller& caller,
                                       const v1::AcceptAlertRequest& request,
                                       absl::Time deadline) {
  return Change(
      caller, request.alert_ref(),
      absl::StrCat("accept/", caller.name, "/", request.command().request_id()),
      request.command().time(), deadline,
      [&](const Alert& alert)
          -> absl::StatusOr<std::pair<std::string, std::string>> {
        const auto event =
            DecideAccept(alert, caller, request.action(), request.act_by());
        if (!event.ok()) return event.status();
        return std::pair(std::string("concordat.alerts.v1.AlertAccepted"),
                         event->SerializeAsString());
      });
}

absl::StatusOr<v1::Alert> Desk::Close(const AlertCaller& caller,
                                      const v1::CloseAlertRequest& request,
                                      absl::Time deadline) {
  return Change(
      caller, request.alert_ref(),
      absl::StrCat("close/", caller.name, "/", request.command().request_id()),
      request.command().time(), deadline,
      [&](const Alert& alert)
          -> absl::StatusOr<std::pair<std::string, std::string>> {
        const auto event = DecideClose(alert, caller, request.outcome());
        if (!event.ok()) return event.status();
        return std::pair(std::string("concordat.alerts.v1.AlertClosed"),
                         event->SerializeAsString());
      });
}

void Desk::Follow(const AlertCaller& caller,
                  std::function<bool(const v1::Alert&)> write) {
  MutexLock lock(mu_);
  followers_.push_back(
      std::make_shared<Follower>(Follower{caller, std::move(write)}));
}

void Desk::FillStatus(hub::v1::GetStatusResponse* status) {
  MutexLock lock(mu_);
  status->set_ready(up_to_date_);
  status->set_degraded_because(fault_.empty() && !connected_ ? "the bus is away"
                                                             : fault_);
  // Its effects are accepted once they have come back.
  status->set_position(pending_.empty() ? position_.value : 0);
  status->set_log_end(log_end_.value);
  status->set_time(engine_.log_time_us());
}

}  // namespace concordat::alerts
