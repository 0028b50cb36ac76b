// One subscription over its own connection: the client's thread keeps the
// session and queues what comes; the user's thread decodes and acknowledges.
//
// Threads  Methods of Subscription: the user's. Of Connection::User, and Step:
//          the client's.
#ifndef CONCORDAT_SERVICES_COMMON_BUS_CLIENT_SUBSCRIPTION_LINK_H_
#define CONCORDAT_SERVICES_COMMON_BUS_CLIENT_SUBSCRIPTION_LINK_H_

#include <atomic>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/common/base/mutex.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/bus_client/connection.h"
#include "services/common/bus_client/delivery_window.h"
#include "services/common/bus_client/settle_window.h"

namespace concordat {

class SubscriptionLink : public Subscription, public Connection::User {
 public:
  // `wake` makes the client's thread call Step() soon.
  SubscriptionLink(SubscribeOptions options, Dialer& dialer,
                   ClientIdentity identity, DoorFinder finder,
                   std::function<void()> wake);

  absl::StatusOr<Delivery> Next(absl::Duration timeout) override;
  void Ack(uint64_t number) override;
  void Settle(uint64_t number) override;
  void Nack(uint64_t number, absl::Duration delay, std::string reason) override;
  Sequence log_end() const override;
  Sequence scanned_through() const override;
  bool connected() const override;
  LogEpoch log_epoch() const override;
  RemovedEvents removed() const override;

  // The client's thread.
  bool Step(absl::Duration now);
  absl::Duration due() const;
  bool AddPollItems(std::vector<pollfd>& items) const {
    return connection_.AddPollItems(items);
  }
  // For good: `why` is what Next() answers once it has given what it has.
  void End(absl::Status why, absl::Duration now);
  bool ended() const { return ended_; }

  void OnOpen(absl::Duration now) override;
  bool OnFrame(FrameKind kind, OwnedBytes body, absl::Duration now) override;
  void OnLost(bus::v1::Refusal refusal, const std::string& detail,
              absl::Duration now) override;

 private:
  // A Deliver that came, and what is left of it once decoded.
  struct Chunk {
    uint64_t generation = 0;
    bus::v1::Deliver rest;
    std::vector<View> views;
    size_t at = 0;
  };

  // It is we who know where it stands, not the bus.
  bool keeps_place() const {
    return options_.own_place || options_.name.empty();
  }
  // False: the chunk has no more.
  bool TakeOne(Delivery& delivery) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool singly() const { return options_.settlement != SettlementMode::kUpTo; }
  bool SendAck(absl::Duration now);
  void WakeToAck();

  const SubscribeOptions options_;
  const std::function<void()> wake_;
  Connection connection_;  // The client's thread.
  bool ended_ = false;     // The client's thread.
  absl::Duration acked_at_;
  absl::Duration busy_since_ = absl::InfiniteDuration();
  uint64_t acked_ = 0;  // Sent to the bus on this session.
  bool connected_once_ = false;

  mutable Mutex mu_;
  CondVar changed_;
  // Sessions so far: what came on an earlier one comes again.
  uint64_t generation_ ABSL_GUARDED_BY(mu_) = 0;
  std::deque<OwnedBytes> queue_ ABSL_GUARDED_BY(mu_);
  Chunk chunk_ ABSL_GUARDED_BY(mu_);
  DeliveryWindow window_ ABSL_GUARDED_BY(mu_);
  SettleWindow settle_window_ ABSL_GUARDED_BY(mu_);  // If singly().
  LogEpoch log_epoch_ ABSL_GUARDED_BY(mu_);
  RemovedEvents removed_ ABSL_GUARDED_BY(mu_);
  Sequence scanned_through_ ABSL_GUARDED_BY(mu_);
  Sequence backfilled_through_ ABSL_GUARDED_BY(mu_);
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  std::atomic<uint64_t> log_end_{0};
  std::atomic<bool> connected_{false};
  std::atomic<bool> ack_waits_{false};
  std::atomic<bool> at_end_{false};  // Of what was asked for.
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BUS_CLIENT_SUBSCRIPTION_LINK_H_
