#include "services/common/publish_spool/spooled_publisher.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace concordat {
namespace {

size_t BytesOf(const SpooledSet& set) {
  size_t bytes = 0;
  for (const Event& event : set.events) {
    bytes += kHeaderBytesMax;
    for (const auto& group : event.groups) bytes += group.data.size();
  }
  return bytes;
}

}  // namespace

struct SpooledPublisher::Inbox {
  struct Answer {
    uint64_t number;
    std::vector<PublishOutcome> outcomes;
  };

  void Put(uint64_t number, std::vector<PublishOutcome> outcomes) {
    MutexLock lock(mu);
    answers.push_back({number, std::move(outcomes)});
    woken = true;
    changed.NotifyAll();
  }

  Mutex mu;
  CondVar changed;
  std::vector<Answer> answers ABSL_GUARDED_BY(mu);
  bool woken ABSL_GUARDED_BY(mu) = true;  // For what an earlier process left.
  bool stopping ABSL_GUARDED_BY(mu) = false;
};

SpooledPublisher::SpooledPublisher(std::unique_ptr<PublishSpool> spool,
                                   Publisher& bus, const Clock& clock)
    : bus_(bus),
      clock_(clock),
      inbox_(std::make_shared<Inbox>()),
      spool_(std::move(spool)) {}

void SpooledPublisher::Start() {
  thread_ = std::thread([this] { Run(); });
}

SpooledPublisher::~SpooledPublisher() {
  if (!thread_.joinable()) return;
  {
    MutexLock lock(inbox_->mu);
    inbox_->stopping = true;
    inbox_->changed.NotifyAll();
  }
  thread_.join();
  // Else whoever opens the spool next finds waiting what the bus has.
  MutexLock lock(mu_);
  HoldUp(spool_->Tidy());
}

absl::Status SpooledPublisher::Publish(std::vector<Event> set, Done done) {
  {
    MutexLock lock(mu_);
    const auto number = spool_->Add(set, Now());
    if (!number.ok()) return number.status();
    if (done) dones_[*number] = std::move(done);
  }
  MutexLock lock(inbox_->mu);
  inbox_->woken = true;
  inbox_->changed.NotifyAll();
  return absl::OkStatus();
}

bool SpooledPublisher::WaitUntilSent(absl::Duration timeout) const {
  MutexLock lock(mu_);
  return settled_.WaitFor(mu_, timeout,
                          [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
                            return spool_->waiting() == 0;
                          });
}

SpoolState SpooledPublisher::state() const {
  MutexLock lock(mu_);
  SpoolState state;
  state.waiting_sets = spool_->waiting();
  state.waiting_bytes = spool_->bytes();
  state.oldest_taken_us = spool_->oldest_taken_us();
  state.refused_sets = spool_->refused().size();
  state.held_up_by = held_up_by_;
  return state;
}

void SpooledPublisher::Run() {
  bool go_on = true;
  while (Wait(go_on)) go_on = Turn();
}

bool SpooledPublisher::Wait(bool go_on) {
  MutexLock lock(inbox_->mu);
  inbox_->changed.WaitFor(inbox_->mu, kPause,
                          [this, go_on]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
                            return inbox_->stopping || (go_on && inbox_->woken);
                          });
  return !inbox_->stopping;
}

bool SpooledPublisher::Turn() {
  Ended ended;
  bool go_on;
  {
    MutexLock lock(mu_);
    const bool was_woken = TakeAnswers(ended);
    go_on = rewinding_ ? Rewind() : Send();
    if (!was_woken) HoldUp(spool_->Tidy());
    settled_.NotifyAll();
  }
  for (auto& [done, outcomes] : ended) done(std::move(outcomes));
  return go_on;
}

bool SpooledPublisher::TakeAnswers(Ended& ended) {
  std::vector<Inbox::Answer> answers;
  bool was_woken;
  {
    MutexLock lock(inbox_->mu);
    answers.swap(inbox_->answers);
    was_woken = std::exchange(inbox_->woken, false);
  }
  for (Inbox::Answer& answer : answers) {
    // Numbers have no gaps.
    Out& out = out_[answer.number - out_.front().number];
    out.answer = std::move(answer.outcomes);
    ++answered_;
  }
  while (!rewinding_ && !out_.empty() && out_.front().answer.has_value()) {
    rewinding_ = !Settle(out_.front(), ended);
    if (!rewinding_) PopOldest();
  }
  return was_woken;
}

bool SpooledPublisher::Settle(Out& out, Ended& ended) {
  std::vector<PublishOutcome>& outcomes = *out.answer;
  // Of a set that is refused the others are refused for that one's sake.
  auto refused = outcomes.end();
  for (auto one = outcomes.begin(); one != outcomes.end(); ++one) {
    if (one->accepted) continue;
    if (refused == outcomes.end() ||
        refused->refusal == bus::v1::REFUSAL_ATOMIC_SET) {
      refused = one;
    }
  }
  if (refused == outcomes.end()) {
    if (!HoldUp(spool_->Done())) return false;
  } else if (IsPassing(refused->refusal)) {
    held_up_by_ = absl::StrCat("the bus: ", RefusalWord(refused->refusal), ", ",
                               refused->detail);
    return false;
  } else {
    const auto index = static_cast<size_t>(refused - outcomes.begin());
    if (!HoldUp(spool_->Refuse(index, *refused, Now()))) return false;
  }
  held_up_by_.clear();
  const auto done = dones_.find(out.number);
  if (done != dones_.end()) {
    ended.emplace_back(std::move(done->second), std::move(outcomes));
    dones_.erase(done);
  }
  return true;
}

bool SpooledPublisher::HoldUp(const absl::Status& status) {
  if (!status.ok()) held_up_by_ = std::string(status.message());
  return status.ok();
}

void SpooledPublisher::PopOldest() {
  out_events_ -= out_.front().events;
  out_bytes_ -= out_.front().bytes;
  --answered_;
  out_.pop_front();
}

// What is out has to have its answers first: they would be taken for those of
// the second time.
bool SpooledPublisher::Rewind() {
  if (answered_ < out_.size()) return true;
  while (!out_.empty()) PopOldest();
  spool_->Rewind();
  rewinding_ = false;
  return false;
}

bool SpooledPublisher::Send() {
  while (out_events_ < kOutEvents && out_bytes_ < kOutBytes) {
    auto next = spool_->Next();
    if (!HoldUp(next.status())) return false;
    if (!next->has_value()) return true;
    const absl::Status sent = SendOne(**std::move(next));
    if (sent.ok()) continue;
    spool_->GiveBack();
    if (absl::IsResourceExhausted(sent)) return !out_.empty();
    HoldUp(sent);
    return false;
  }
  return true;
}

absl::Status SpooledPublisher::SendOne(SpooledSet set) {
  const Out out{set.number, set.events.size(), BytesOf(set), std::nullopt};
  absl::Status sent = bus_.Publish(std::move(set.events),
                                   [inbox = inbox_, number = out.number](
                                       std::vector<PublishOutcome> outcomes) {
                                     inbox->Put(number, std::move(outcomes));
                                   });
  if (absl::IsInvalidArgument(sent)) {
    PublishOutcome outcome;
    outcome.refusal = bus::v1::REFUSAL_MALFORMED;
    outcome.detail = std::string(sent.message());
    inbox_->Put(out.number, {outcome});
    sent = absl::OkStatus();
  }
  if (!sent.ok()) return sent;
  out_events_ += out.events;
  out_bytes_ += out.bytes;
  out_.push_back(out);
  return absl::OkStatus();
}

uint64_t SpooledPublisher::Now() const {
  return static_cast<uint64_t>(absl::ToUnixMicros(clock_.Now()));
}

}  // namespace concordat
