#ifndef CONCORDAT_TESTS_UNIT_SERVICES_ALERTS_RPC_BUSY_CLIENT_H_
#define CONCORDAT_TESTS_UNIT_SERVICES_ALERTS_RPC_BUSY_CLIENT_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/common/bus_client/bus_client.h"

namespace concordat::alerts {

// A client whose subscription always has another event, until an alert is
// published or `more` has nothing.
class BusyClient : public BusClient {
 public:
  BusyClient(std::unique_ptr<BusClient> inner, std::function<bool()> more)
      : inner_(std::move(inner)), more_(std::move(more)) {}
  absl::Status Publish(std::vector<Event> set, Done done) override {
    has_published_ = true;
    return inner_->Publish(std::move(set), std::move(done));
  }
  absl::StatusOr<StreamSlice> ReadStream(const StreamName& stream,
                                         Sequence after,
                                         absl::Duration timeout) override {
    return inner_->ReadStream(stream, after, timeout);
  }
  absl::StatusOr<std::unique_ptr<Subscription>> Subscribe(
      SubscribeOptions options) override {
    auto inner = inner_->Subscribe(std::move(options));
    if (!inner.ok()) return inner.status();
    return std::make_unique<Busy>(*this, *std::move(inner));
  }
  absl::Time log_time() const override { return inner_->log_time(); }
  bool has_published() const { return has_published_; }

 private:
  class Busy : public Subscription {
   public:
    Busy(BusyClient& client, std::unique_ptr<Subscription> inner)
        : client_(client), inner_(std::move(inner)) {}
    absl::StatusOr<Delivery> Next(absl::Duration timeout) override {
      auto next = inner_->Next(timeout);
      if (next.ok() || client_.has_published_ || !client_.more_()) return next;
      return inner_->Next(absl::Seconds(5));
    }
    void Ack(uint64_t number) override { inner_->Ack(number); }
    void Settle(uint64_t number) override { inner_->Settle(number); }
    void Nack(uint64_t number, absl::Duration delay,
              std::string reason) override {
      inner_->Nack(number, delay, std::move(reason));
    }
    Sequence log_end() const override { return inner_->log_end(); }
    Sequence scanned_through() const override {
      return inner_->scanned_through();
    }
    bool connected() const override { return inner_->connected(); }
    RemovedEvents removed() const override { return inner_->removed(); }
    LogEpoch log_epoch() const override { return inner_->log_epoch(); }

   private:
    BusyClient& client_;
    const std::unique_ptr<Subscription> inner_;
  };

  const std::unique_ptr<BusClient> inner_;
  const std::function<bool()> more_;
  std::atomic<bool> has_published_ = false;
};

}  // namespace concordat::alerts

#endif  // CONCORDAT_TESTS_UNIT_SERVICES_ALERTS_RPC_BUSY_CLIENT_H_
