#include "services/common/bus_client/traced_bus_client.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"

namespace concordat {
namespace {

class TracedSubscription : public Subscription {
 public:
  TracedSubscription(std::unique_ptr<Subscription> subscription,
                     SpanExporter& spans, const Clock& clock,
                     std::shared_ptr<HandledEvents> events)
      : subscription_(std::move(subscription)),
        spans_(spans),
        clock_(clock),
        events_(std::move(events)) {}

  absl::StatusOr<Delivery> Next(absl::Duration timeout) override {
    auto delivery = subscription_->Next(timeout);
    if (!delivery.ok()) return delivery;
    const Header& header = delivery->view.header;
    if (header.traceparent.empty()) return delivery;
    auto parent = ParseTraceparent(header.traceparent);
    if (parent.has_value() && handled_.size() < kHandledMax) {
      const absl::Time now = clock_.Now();
      const std::string id = spans_.NewSpanId();
      events_->Add(absl::StrCat(header.source, "#", header.id),
                   {parent->trace, id});
      handled_.push_back(
          {delivery->number,
           {*std::move(parent), "handle", header.type, now, now, id}});
    }
    return delivery;
  }
  void Ack(uint64_t number) override {
    while (!handled_.empty() && handled_.front().number <= number) {
      handled_.front().span.end = clock_.Now();
      spans_.Add(std::move(handled_.front().span));
      handled_.pop_front();
    }
    subscription_->Ack(number);
  }
  void Settle(uint64_t number) override {
    EndOf(number);
    subscription_->Settle(number);
  }
  void Nack(uint64_t number, absl::Duration delay,
            std::string reason) override {
    EndOf(number);
    subscription_->Nack(number, delay, std::move(reason));
  }
  Sequence log_end() const override { return subscription_->log_end(); }
  Sequence scanned_through() const override {
    return subscription_->scanned_through();
  }
  bool connected() const override { return subscription_->connected(); }
  LogEpoch log_epoch() const override { return subscription_->log_epoch(); }
  RemovedEvents removed() const override { return subscription_->removed(); }

 private:
  // As many as may be out.
  static constexpr size_t kHandledMax = 4096;
  struct Handled {
    uint64_t number = 0;
    Span span;
  };

  void EndOf(uint64_t number) {
    const auto handled = std::find_if(
        handled_.begin(), handled_.end(),
        [&](const Handled& each) { return each.number == number; });
    if (handled == handled_.end()) return;
    handled->span.end = clock_.Now();
    spans_.Add(std::move(handled->span));
    handled_.erase(handled);
  }
  const std::unique_ptr<Subscription> subscription_;
  SpanExporter& spans_;
  const Clock& clock_;
  const std::shared_ptr<HandledEvents> events_;
  std::deque<Handled> handled_;
};

}  // namespace

void HandledEvents::Add(std::string event, TraceContext handled) {
  MutexLock lock(mu_);
  if (spans_.insert_or_assign(event, std::move(handled)).second) {
    oldest_.push_back(std::move(event));
  }
  if (oldest_.size() > kMax) {
    spans_.erase(oldest_.front());
    oldest_.pop_front();
  }
}

std::optional<TraceContext> HandledEvents::Find(
    const std::string& event) const {
  MutexLock lock(mu_);
  const auto found = spans_.find(event);
  if (found == spans_.end()) return std::nullopt;
  return found->second;
}

absl::Status TracedBusClient::Publish(std::vector<Event> set, Done done) {
  if (!spans_.wants() || set.empty()) {
    return client_.Publish(std::move(set), std::move(done));
  }
  std::optional<Span> begun;
  for (Event& event : set) {
    if (!event.header.traceparent.empty()) continue;
    if (const auto cause = handled_->Find(event.header.causation)) {
      event.header.traceparent = Traceparent(*cause);
    } else if (traces_ == Traces::kBegin) {
      if (!begun.has_value()) {
        const absl::Time now = clock_.Now();
        begun = Span{
            {spans_.NewTraceId(), ""}, "publish", event.header.type, now, now,
            spans_.NewSpanId()};
      }
      event.header.traceparent = Traceparent({begun->parent.trace, begun->id});
    }
  }
  if (!begun.has_value()) {
    return client_.Publish(std::move(set), std::move(done));
  }
  return client_.Publish(
      std::move(set),
      // The answer may come when this client has gone.
      [&spans = spans_, &clock = clock_, span = *std::move(begun),
       done = std::move(done)](std::vector<PublishOutcome> outcomes) mutable {
        span.end = clock.Now();
        spans.Add(std::move(span));
        done(std::move(outcomes));
      });
}

absl::StatusOr<std::unique_ptr<Subscription>> TracedBusClient::Subscribe(
    SubscribeOptions options) {
  auto subscription = client_.Subscribe(std::move(options));
  if (!subscription.ok() || !spans_.wants()) return subscription;
  return std::make_unique<TracedSubscription>(*std::move(subscription), spans_,
                                              clock_, handled_);
}

}  // namespace concordat
