#include "services/alerts/rpc/desk.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/approval.pb.h"
#include "concordat/hub/v1/erasure.pb.h"
#include "concordat/hub/v1/events.pb.h"
#include "services/common/event/make_event.h"

namespace concordat::alerts {
namespace {

constexpr absl::string_view kService = "concordat-alerts";
// Silence after which a live log is told the time.
constexpr absl::Duration kQuiet = absl::Minutes(1);
constexpr absl::Duration kFoldPatience = absl::Seconds(1);
constexpr absl::string_view kPersonErased = "concordat.hub.v1.PersonErased";

// What a draft of this type says, for who runs the service.
absl::string_view DraftInWords(absl::string_view type) {
  if (type == hub::v1::RulesAdopted().GetTypeName()) {
    return "the adoption of rules";
  }
  if (type == hub::v1::FeedSilent().GetTypeName()) return "a feed's silence";
  if (type == hub::v1::ErasureConfirmed().GetTypeName()) {
    return "the confirmation of an erasure";
  }
  return "an alert";
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

void Desk::AdoptFrom(FolderRules folder,
                     std::function<absl::StatusOr<Engine>(WantedFields)> make) {
  folder_rules_ = std::move(folder);
  make_engine_ = std::move(make);
}

absl::Status Desk::Run() {
  while (!stopped_) {
    const absl::Status ended = FollowLog();
    if (!ended.ok()) return ended;
  }
  return absl::OkStatus();
}

absl::Status Desk::FollowLog() {
  SubscribeOptions options;
  options.name = "alerts";
  options.own_place = true;  // Folded from the first event at each start.
  options.urgent = true;
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
        if (caught_up_) {
          for (Follower& follower : std::exchange(waiting_, {})) {
            if (Begin(follower)) followers_.push_back(std::move(follower));
          }
        }
        position_ = std::max(position_, (*subscription)->scanned_through());
        log_end_ = (*subscription)->log_end();
        folded_.NotifyAll();
      }
      AdoptAgreed();
      PublishPending(/*again=*/true);
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
    const auto again = BeginAgain();
    if (!again.ok()) return again.status();
    if (*again) return absl::OkStatus();
    AdoptAgreed();
    // At once: while facts keep coming there is no end to wait for.
    PublishPending(/*again=*/false);
  }
  return absl::OkStatus();
}

void Desk::Stop() { stopped_ = true; }

absl::Status Desk::Fold(const Delivery& delivery) {
  const View& view = delivery.view;
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
  if (view.header.type == kPersonErased) {
    // What was not published of the person never is.
    std::erase_if(pending_, [&view](const auto& each) {
      return each.second.draft.subject == view.header.subject;
    });
  }
  for (AlertDraft& draft : *drafts) {
    const std::string id = DerivedId(kService, draft.key, 0);
    pending_[id] = {std::move(draft), false};
    if (caught_up_) new_.push_back(id);
  }
  for (const Alert* alert : engine_.TakeChanged()) Tell(*alert, view.sequence);
  return absl::OkStatus();
}

void Desk::AdoptAgreed() {
  if (folder_rules_ == nullptr) return;
  std::vector<RuleHistory::Agreed> agreed;
  std::string in_force;
  {
    MutexLock lock(mu_);
    if (!caught_up_) return;
    for (const RuleHistory::Agreed& each : engine_.rules().agreed()) {
      if (!looked_at_.contains(each.request)) agreed.push_back(each);
    }
    if (agreed.empty() || clock_.Now() < read_again_) return;
    in_force = DigestOf(engine_.rules().newest().rules());
  }
  const auto rules = folder_rules_();
  if (!rules.ok()) {
    read_again_ = clock_.Now() + kFoldPatience;
    const std::string why(rules.status().message());
    if (std::exchange(not_read_because_, why) == why) return;
    log_.Error(
        "rules that two people agreed to cannot be read; they are tried again",
        {{"why", why}});
    return;
  }
  not_read_because_.clear();
  for (const RuleHistory::Agreed& each : agreed) {
    looked_at_.insert(each.request);
  }
  const std::string digest = DigestOf(*rules);
  for (const RuleHistory::Agreed& each : agreed) {
    if (each.digest != digest || digest == in_force) continue;
    AlertDraft draft;
    draft.key = absl::StrCat("rules/", each.request);
    draft.type = hub::v1::RulesAdopted().GetTypeName();
    draft.stream = "rules";
    draft.data = AdoptionOf(*rules).SerializeAsString();
    MutexLock lock(mu_);
    const std::string id = DerivedId(kService, draft.key, 0);
    pending_[id] = {std::move(draft), false};
    new_.push_back(id);
    return;
  }
}

absl::StatusOr<bool> Desk::BeginAgain() {
  if (make_engine_ == nullptr) return false;
  MutexLock lock(mu_);
  if (!engine_.rules().widened()) return false;
  auto engine = make_engine_(engine_.rules().wanted());
  if (!engine.ok()) return engine.status();
  engine_ = *std::move(engine);
  pending_.clear();
  new_.clear();
  looked_at_.clear();  // An adoption that was not published is drawn anew, too.
  for (Follower& follower : std::exchange(followers_, {})) {
    follower.after = position_;
    waiting_.push_back(std::move(follower));
  }
  position_ = {};
  up_to_date_ = false;
  caught_up_ = false;
  return true;
}

void Desk::Tell(const Alert& alert, Sequence changed) {
  // By who they are: a person's lists may name one of those of the same roles.
  std::map<AlertCaller, std::optional<v1::Alert>> told;
  std::erase_if(
      followers_, [&](const Follower& follower) ABSL_NO_THREAD_SAFETY_ANALYSIS {
        const AlertCaller& caller = follower.caller;
        const auto [it, first] = told.try_emplace(caller, std::nullopt);
        // Only of what has changed in their sight: who is told again when
        // nothing has learns that something hidden was added.
        if (first && engine_.PositionOf(alert, caller) == changed) {
          it->second = Render(alert, caller);
        }
        return it->second.has_value() && !follower.write(*it->second);
      });
}

Header Desk::OwnHeader(const std::string& key) const {
  Header header;
  header.source = SourceOf(self_);
  header.controller = self_.agency();
  header.purpose = self_.default_purpose();
  header.gateway = self_.default_gateway();
  header.regime = self_.default_regime();
  header.id = DerivedId(kService, key, 0);
  return header;
}

void Desk::PublishPending(bool again) {
  std::vector<std::pair<std::string, Pending>> due;
  {
    MutexLock lock(mu_);
    // Until the log was read to its end once, it may have them already.
    if (!caught_up_) return;
    const auto add = [&](const std::string& id, Pending& pending) {
      if (!std::exchange(pending.sent, true)) due.emplace_back(id, pending);
    };
    if (again) {
      for (auto& [id, pending] : pending_) add(id, pending);
    }
    for (const std::string& id : std::exchange(new_, {})) {
      const auto it = pending_.find(id);
      if (it != pending_.end()) add(id, it->second);
    }
  }
  for (auto& [id, pending] : due) {
    Header header = OwnHeader(pending.draft.key);
    header.type = pending.draft.type;
    header.stream = pending.draft.stream;
    header.subject = pending.draft.subject;
    header.causation = pending.draft.causation;
    header.time_us = pending.draft.time_us;
    absl::StatusOr<Event> event = MakeEvent(
        *types_, std::move(header), pending.draft.data, DrawSeed(random_));
    absl::Status status = event.status();
    if (event.ok()) {
      std::vector<Event> set;
      set.push_back(*std::move(event));
      status = bus_.Publish(
          std::move(set),
          [this, id = id, what = DraftInWords(pending.draft.type)](
              std::vector<PublishOutcome> outcomes) {
            MutexLock lock(mu_);
            if (outcomes[0].accepted) {
              refused_.clear();
              return;
            }
            // A full disk or a drain passes: it is asked for again, with its
            // id, until the log has it.
            const auto it = pending_.find(id);
            if (it != pending_.end()) it->second.sent = false;
            if (!refused_.empty()) return;
            refused_ = absl::StrCat(what, " was refused by the bus");
            log_.Error(refused_,
                       {{"refusal", bus::v1::Refusal_Name(outcomes[0].refusal)},
                        {"why", outcomes[0].detail}});
          });
    }
    if (!status.ok()) {
      log_.Error(absl::StrCat(DraftInWords(pending.draft.type),
                              " could not be published"),
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
  Header header = OwnHeader(absl::StrCat("time/", to));
  header.stream = "hub/time";
  header.time_us = to;
  absl::StatusOr<Event> event =
      MakeEvent(*types_, std::move(header), passed, random_);
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

absl::StatusOr<v1::ListRulesResponse> Desk::Rules(absl::Time deadline) {
  MutexLock lock(mu_);
  if (absl::Status end = AwaitTheEnd(deadline); !end.ok()) return end;
  const RuleHistory& history = engine_.rules();
  const std::vector<v1::Rule>& rules = history.newest().rules();
  const auto standing = history.StandingAt(engine_.log_time_us());
  v1::ListRulesResponse response;
  for (size_t i = 0; i < rules.size(); ++i) {
    *response.add_rules() = rules[i];
    v1::RuleStanding& out = *response.add_standing();
    out.set_rule(rules[i].id());
    out.set_version(rules[i].version());
    out.set_adopted_at(standing[i].from_us);
    out.set_position(standing[i].from.value);
    out.set_asked_by(standing[i].agreed.asked_by);
    out.set_agreed_by(standing[i].agreed.by);
    out.set_acts_until_then(standing[i].acts_until_then);
  }
  return response;
}

void Desk::FillStatus(hub::v1::GetStatusResponse* status) {
  MutexLock lock(mu_);
  status->set_ready(up_to_date_);
  std::string because = fault_.empty() ? refused_ : fault_;
  if (because.empty() && !connected_) because = "the bus is away";
  if (because.empty()) because = engine_.fault();
  status->set_degraded_because(because);
  // Its effects are accepted once they have come back.
  status->set_position(pending_.empty() ? position_.value : 0);
  status->set_log_end(log_end_.value);
  status->set_time(engine_.log_time_us());
}

}  // namespace concordat::alerts
