#include "services/common/bus_client/traced_bus_client.h"

#include <algorithm>
#include <deque>
#include <utility>

namespace concordat {
namespace {

class TracedSubscription : public Subscription {
 public:
  TracedSubscription(std::unique_ptr<Subscription> subscription,
                     SpanExporter& spans, const Clock& clock)
      : subscription_(std::move(subscription)), spans_(spans), clock_(clock) {}

  absl::StatusOr<Delivery> Next(absl::Duration timeout) override {
    auto delivery = subscription_->Next(timeout);
    if (!delivery.ok()) return delivery;
    const Header& header = delivery->view.header;
    if (header.traceparent.empty()) return delivery;
    auto parent = ParseTraceparent(header.traceparent);
    if (parent.has_value() && handled_.size() < kHandledMax) {
      const absl::Time now = clock_.Now();
      handled_.push_back(
          {delivery->number,
           {*std::move(parent), "handle", header.type, now, now}});
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
  std::deque<Handled> handled_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Subscription>> TracedBusClient::Subscribe(
    SubscribeOptions options) {
  auto subscription = client_.Subscribe(std::move(options));
  if (!subscription.ok() || !spans_.wants()) return subscription;
  return std::make_unique<TracedSubscription>(*std::move(subscription), spans_,
                                              clock_);
}

}  // namespace concordat
