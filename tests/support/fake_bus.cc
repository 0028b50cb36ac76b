#include "tests/support/fake_bus.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "services/common/base/check.h"

namespace concordat::testing {
namespace {

bool MatchesType(const std::vector<std::string>& types,
                 absl::string_view type) {
  if (types.empty()) return true;
  return std::any_of(types.begin(), types.end(), [&](absl::string_view want) {
    if (!absl::EndsWith(want, "*")) return want == type;
    return absl::StartsWith(type, want.substr(0, want.size() - 1));
  });
}

bool SaysTheSame(const View& original, const Event& event) {
  if (original.header.type != event.header.type ||
      original.header.subject != event.header.subject ||
      original.header.stream != event.header.stream ||
      original.header.time_us != event.header.time_us ||
      original.groups.size() != event.groups.size()) {
    return false;
  }
  for (size_t i = 0; i < event.groups.size(); ++i) {
    if (original.groups[i].number != event.groups[i].number ||
        original.groups[i].data != event.groups[i].data) {
      return false;
    }
  }
  return true;
}

}  // namespace

// Its state is guarded by the bus's mutex, which the bus takes for both sides.
class FakeBus::FakeSubscription : public Subscription {
 public:
  FakeSubscription(FakeBus& bus, std::string principal, ViewFilter filter,
                   SubscribeOptions options)
      : bus_(bus),
        principal_(std::move(principal)),
        filter_(std::move(filter)),
        options_(std::move(options)) {
    MutexLock lock(bus_.mu_);
    position_ = options_.from_latest ? bus_.log_.size() : options_.after.value;
    if (durable()) {
      const auto [place, is_new] = bus_.places_.try_emplace(
          {principal_, options_.name}, Sequence{position_});
      if (!is_new) position_ = place->second.value;
    }
    bus_.subscriptions_.push_back(this);
  }
  ~FakeSubscription() override {
    MutexLock lock(bus_.mu_);
    std::erase(bus_.subscriptions_, this);
  }

  absl::StatusOr<Delivery> Next(absl::Duration timeout) override {
    MutexLock lock(bus_.mu_);
    std::optional<Delivery> next;
    bus_.changed_.WaitFor(bus_.mu_, timeout,
                          [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
                            if (!ended_.ok()) return true;
                            if (!bus_.away_) next = Take();
                            return next.has_value();
                          });
    if (!ended_.ok()) return ended_;
    if (!next) return absl::DeadlineExceededError("nothing came in time");
    next->number = ++handed_out_;
    unacked_.push_back({next->number, position_});
    if (options_.settlement != SettlementMode::kUpTo) {
      out_[next->number] = *next;
    }
    return *std::move(next);
  }

  void Ack(uint64_t number) override {
    MutexLock lock(bus_.mu_);
    CONCORDAT_CHECK(number <= handed_out_);
    out_.erase(out_.begin(), out_.upper_bound(number));
    while (!unacked_.empty() && unacked_.front().first <= number) {
      if (durable()) {
        Sequence& place = bus_.places_[{principal_, options_.name}];
        place = std::max(place, Sequence{unacked_.front().second});
      }
      unacked_.pop_front();
    }
    bus_.changed_.NotifyAll();
  }

  // Its place moves with the first that is not settled.
  void Settle(uint64_t number) override {
    uint64_t through = 0;
    {
      MutexLock lock(bus_.mu_);
      CONCORDAT_CHECK(out_.erase(number) == 1);
      if (!again_.empty()) return;
      through = (out_.empty() ? handed_out_ + 1 : out_.begin()->first) - 1;
    }
    Ack(through);
  }
  // It comes again at once, whatever the delay.
  void Nack(uint64_t number, absl::Duration, std::string) override {
    MutexLock lock(bus_.mu_);
    const auto item = out_.find(number);
    CONCORDAT_CHECK(item != out_.end());
    again_.push_back(std::move(item->second));
    ++again_.back().attempt;
    out_.erase(item);
    bus_.changed_.NotifyAll();
  }

  Sequence log_end() const override {
    MutexLock lock(bus_.mu_);
    return {bus_.log_.size()};
  }
  Sequence scanned_through() const override {
    MutexLock lock(bus_.mu_);
    uint64_t through = position_;
    while (through < bus_.log_.size() && !Seen(bus_.log_[through])) ++through;
    return {through};
  }
  RemovedEvents removed() const override { return {}; }
  LogEpoch log_epoch() const override { return {std::string(16, 'L'), 1}; }
  bool connected() const override {
    MutexLock lock(bus_.mu_);
    return !bus_.away_ && ended_.ok();
  }

 private:
  friend class FakeBus;

  bool durable() const { return !options_.name.empty() && !options_.own_place; }

  std::optional<View> Seen(const View& whole) const {
    if (!MatchesType(options_.types, whole.header.type)) return std::nullopt;
    return filter_ ? filter_(whole) : whole;
  }

  std::optional<Delivery> Take() ABSL_EXCLUSIVE_LOCKS_REQUIRED(bus_.mu_) {
    if (!again_.empty()) {
      Delivery delivery = std::move(again_.front());
      again_.pop_front();
      return delivery;
    }
    while (!backfill_.empty()) {
      const auto [cause, sequence] = backfill_.front();
      backfill_.pop_front();
      std::optional<View> view = Seen(bus_.log_.at(sequence.value - 1));
      if (view) {
        return Delivery{0, *std::move(view), cause,
                        backfill_.empty() ? Sequence{position_} : Sequence{},
                        1};
      }
    }
    while (position_ < bus_.log_.size()) {
      std::optional<View> view = Seen(bus_.log_[position_++]);
      if (view) return Delivery{0, *std::move(view), {}, {position_}, 1};
    }
    return std::nullopt;
  }

  FakeBus& bus_;
  const std::string principal_;
  const ViewFilter filter_;
  const SubscribeOptions options_;
  uint64_t position_ = 0;
  uint64_t handed_out_ = 0;
  std::deque<std::pair<uint64_t, uint64_t>> unacked_;  // Number, position.
  std::map<uint64_t, Delivery> out_;  // Settled singly: by number.
  std::deque<Delivery> again_;        // Nacked.
  std::deque<std::pair<Sequence, Sequence>> backfill_;  // Cause, event.
  absl::Status ended_;
};

class FakeBus::Client : public BusClient {
 public:
  Client(FakeBus& bus, std::string principal, ViewFilter filter)
      : bus_(bus),
        principal_(std::move(principal)),
        filter_(std::move(filter)) {}

  absl::Status Publish(std::vector<Event> set, Done done) override {
    MutexLock lock(bus_.mu_);
    if (bus_.unanswered_events_ + set.size() > kInFlightMax) {
      return absl::ResourceExhaustedError("1,024 events wait for an answer");
    }
    bus_.unanswered_events_ += set.size();
    if (bus_.away_) {
      bus_.waiting_.push_back({std::move(set), std::move(done)});
      return absl::OkStatus();
    }
    std::vector<PublishOutcome> outcomes = bus_.Judge(set);
    if (bus_.go_before_answer_.has_value() &&
        absl::EndsWith(set.front().header.type, *bus_.go_before_answer_)) {
      bus_.go_before_answer_.reset();
      bus_.away_ = true;
      bus_.waiting_.push_back({std::move(set), std::move(done)});
    } else {
      bus_.ready_.emplace_back(std::move(done), std::move(outcomes));
    }
    bus_.changed_.NotifyAll();
    return absl::OkStatus();
  }

  absl::StatusOr<StreamSlice> ReadStream(const StreamName& stream,
                                         Sequence after,
                                         absl::Duration timeout) override {
    MutexLock lock(bus_.mu_);
    const bool there = bus_.changed_.WaitFor(
        bus_.mu_, timeout,
        [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !bus_.away_; });
    if (!there) return absl::UnavailableError("the bus does not answer");
    StreamSlice slice;
    for (const View& whole : bus_.log_) {
      if (whole.header.source != stream.source ||
          whole.header.stream != stream.name) {
        continue;
      }
      slice.version = whole.sequence;
      if (whole.sequence <= after) continue;
      std::optional<View> view = filter_ ? filter_(whole) : whole;
      if (view) slice.views.push_back(*std::move(view));
    }
    return slice;
  }

  absl::Time log_time() const override {
    MutexLock lock(bus_.mu_);
    return absl::FromUnixMicros(static_cast<int64_t>(
        bus_.log_.empty() ? 0 : bus_.log_.back().accepted_us));
  }

  absl::StatusOr<std::unique_ptr<Subscription>> Subscribe(
      SubscribeOptions options) override {
    return std::make_unique<FakeSubscription>(bus_, principal_, filter_,
                                              std::move(options));
  }

 private:
  FakeBus& bus_;
  const std::string principal_;
  const ViewFilter filter_;
};

FakeBus::FakeBus(const Clock& clock)
    : clock_(clock), callbacks_([this] { RunCallbacks(); }) {}

FakeBus::~FakeBus() {
  {
    MutexLock lock(mu_);
    CONCORDAT_CHECK(subscriptions_.empty());
    stopping_ = true;
    changed_.NotifyAll();
  }
  callbacks_.join();
}

std::unique_ptr<BusClient> FakeBus::Connect(std::string principal,
                                            ViewFilter filter) {
  return std::make_unique<Client>(*this, std::move(principal),
                                  std::move(filter));
}

void FakeBus::RunCallbacks() {
  while (true) {
    Ready next;
    {
      MutexLock lock(mu_);
      changed_.WaitFor(mu_, absl::InfiniteDuration(),
                       [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
                         return stopping_ || !ready_.empty();
                       });
      if (ready_.empty()) return;
      next = std::move(ready_.front());
      ready_.pop_front();
    }
    const size_t events = next.second.size();
    next.first(std::move(next.second));
    MutexLock lock(mu_);
    unanswered_events_ -= events;
    changed_.NotifyAll();
  }
}

PublishOutcome FakeBus::JudgeOne(const Event& event) const {
  PublishOutcome outcome;
  const auto original = by_id_.find({event.header.source, event.header.id});
  if (original != by_id_.end()) {
    const View& view = log_[original->second];
    outcome.duplicate = SaysTheSame(view, event);
    outcome.accepted = outcome.duplicate;
    if (outcome.accepted) {
      outcome.sequence = view.sequence;
      outcome.accepted_us = view.accepted_us;
    } else {
      outcome.refusal = bus::v1::REFUSAL_ID_REUSED;
    }
    return outcome;
  }
  const auto version =
      versions_.find({event.header.source, event.header.stream});
  const uint64_t actual = version == versions_.end() ? 0 : version->second;
  if (event.header.expected_version &&
      event.header.expected_version->value != actual) {
    outcome.refusal = bus::v1::REFUSAL_VERSION_CONFLICT;
    outcome.stream_version = {actual};
    return outcome;
  }
  outcome.accepted = true;
  return outcome;
}

void FakeBus::Accept(const Event& event, PublishOutcome& outcome) {
  View view;
  view.sequence = {log_.size() + 1};
  const auto now = static_cast<uint64_t>(absl::ToUnixMicros(clock_.Now()));
  view.accepted_us =
      log_.empty() ? now : std::max(now, log_.back().accepted_us);
  view.header = event.header;
  for (const auto& group : event.groups) {
    view.groups.push_back({group.number, group.data, {}});
  }
  view.header_salt = Salt{};
  view.environment = bus::v1::ENVIRONMENT_DEMO;
  outcome.sequence = view.sequence;
  outcome.accepted_us = view.accepted_us;
  outcome.digest = event.digest;
  by_id_[{event.header.source, event.header.id}] = log_.size();
  versions_[{event.header.source, event.header.stream}] = view.sequence.value;
  log_.push_back(std::move(view));
}

std::vector<PublishOutcome> FakeBus::Judge(const std::vector<Event>& set) {
  std::vector<PublishOutcome> outcomes;
  if (refuse_next_) {
    outcomes.assign(set.size(), *refuse_next_);
    refuse_next_.reset();
    return outcomes;
  }
  bool all_new = true;
  for (const Event& event : set) {
    outcomes.push_back(JudgeOne(event));
    all_new &= outcomes.back().accepted && !outcomes.back().duplicate;
  }
  for (size_t i = 0; i < set.size(); ++i) {
    if (all_new) {
      Accept(set[i], outcomes[i]);
    } else if (outcomes[i].accepted && !outcomes[i].duplicate) {
      outcomes[i].accepted = false;
      outcomes[i].refusal = bus::v1::REFUSAL_ATOMIC_SET;
    }
  }
  return outcomes;
}

std::vector<View> FakeBus::events() const {
  MutexLock lock(mu_);
  return log_;
}

Sequence FakeBus::end() const {
  MutexLock lock(mu_);
  return {log_.size()};
}

Sequence FakeBus::AckedBy(absl::string_view principal,
                          absl::string_view name) const {
  MutexLock lock(mu_);
  const auto place = places_.find({std::string(principal), std::string(name)});
  return place == places_.end() ? Sequence{} : place->second;
}

bool FakeBus::WaitForEvents(size_t count, absl::Duration timeout) const {
  MutexLock lock(mu_);
  return changed_.WaitFor(mu_, timeout, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return log_.size() >= count;
  });
}

bool FakeBus::WaitForAnswers(absl::Duration timeout) const {
  MutexLock lock(mu_);
  return changed_.WaitFor(mu_, timeout, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return unanswered_events_ == 0;
  });
}

void FakeBus::RefuseNext(bus::v1::Refusal refusal, std::string detail) {
  MutexLock lock(mu_);
  refuse_next_.emplace();
  refuse_next_->refusal = refusal;
  refuse_next_->detail = std::move(detail);
}

void FakeBus::GoAway() {
  MutexLock lock(mu_);
  away_ = true;
}

void FakeBus::GoAwayBeforeNextAnswer(std::string type) {
  MutexLock lock(mu_);
  go_before_answer_ = std::move(type);
}

void FakeBus::ComeBack() {
  MutexLock lock(mu_);
  away_ = false;
  for (Waiting& set : waiting_) {
    ready_.emplace_back(std::move(set.done), Judge(set.set));
  }
  waiting_.clear();
  changed_.NotifyAll();
}

void FakeBus::Backfill(absl::string_view principal, Sequence cause,
                       std::vector<Sequence> events) {
  MutexLock lock(mu_);
  for (FakeSubscription* subscription : subscriptions_) {
    if (subscription->principal_ != principal) continue;
    for (const Sequence event : events) {
      if (event.value > subscription->position_) continue;
      subscription->backfill_.emplace_back(cause, event);
    }
  }
  changed_.NotifyAll();
}

void FakeBus::EndSubscriptions(absl::string_view principal, absl::Status why) {
  MutexLock lock(mu_);
  for (FakeSubscription* subscription : subscriptions_) {
    if (subscription->principal_ == principal) subscription->ended_ = why;
  }
  changed_.NotifyAll();
}

}  // namespace concordat::testing
