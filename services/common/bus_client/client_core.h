// What a bus client's thread works on: its connection to the ingest port, what
// it has on its way, and its subscriptions. It has no thread and no sockets of
// its own; who has them steps it:
//
//   while (!stopping) {
//     if (core.Step(now)) continue;
//     poll(items, core.PrepareToWait(now, items) - now);
//     core.StopWaiting();
//   }
//   core.Finish(now);
//
// Threads  Publish, ReadStream, Subscribe, Unsubscribe, connected: any. The
//          rest: one.
#ifndef CONCORDAT_SERVICES_COMMON_BUS_CLIENT_CLIENT_CORE_H_
#define CONCORDAT_SERVICES_COMMON_BUS_CLIENT_CLIENT_CORE_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "services/common/base/mutex.h"
#include "services/common/bus_client/checkpoint_watch.h"
#include "services/common/bus_client/connection.h"
#include "services/common/bus_client/publish_queue.h"
#include "services/common/bus_client/subscription_link.h"
#include "services/common/evidence/producer_chain.h"

namespace concordat {

struct ClientOptions {
  ClientIdentity identity;
  DoorFinder ingest;
  DoorFinder delivery;
  size_t in_flight_events_max = 1024;
  // Signs what was accepted; none: it stays unsigned.
  std::optional<Ed25519Signer> signer = std::nullopt;
  // What watches the log's tree on the ingest session; null: nothing does.
  std::shared_ptr<CheckpointWatch> watch = nullptr;
};

class ClientCore : public Connection::User {
 public:
  // `wake` makes its thread call Step() soon. `dialer` outlives it.
  ClientCore(ClientOptions options, Dialer& dialer, std::function<void()> wake);

  // `views` are of `set`. Else as Publisher::Publish.
  absl::Status Publish(std::vector<Event> set,
                       absl::Span<const EventView> views, Publisher::Done done);
  // Waits for who steps it.
  absl::StatusOr<StreamSlice> ReadStream(const StreamName& stream,
                                         Sequence after,
                                         absl::Duration timeout);
  // Null: closed.
  std::shared_ptr<SubscriptionLink> Subscribe(SubscribeOptions options);
  void Unsubscribe(const std::shared_ptr<SubscriptionLink>& link);
  bool connected() const { return connected_; }
  std::string log_alarm() const {
    return options_.watch == nullptr ? "" : options_.watch->alarm();
  }
  absl::Time log_time() const {
    return absl::FromUnixMicros(static_cast<int64_t>(log_time_us_.load()));
  }

  // Connects, sends, receives, as far as that goes without waiting. True: there
  // is more to do at once.
  bool Step(absl::Duration now);
  // Adds what to wait for, and says until when at most; no later than `now`:
  // step at once. What is published from here on wakes, if it would be sent.
  absl::Duration PrepareToWait(absl::Duration now, std::vector<pollfd>& items);
  void StopWaiting() { wants_publishes_ = false; }
  // Closes it: what has no answer is answered SHUTTING_DOWN.
  void Finish(absl::Duration now);

 private:
  // One call of ReadStream; guarded by mu_.
  struct Reading {
    StreamName stream;
    Sequence after;
    StreamSlice slice;
    bool sent = false;
    bool done = false;
    absl::Status status;
  };

  void OnOpen(absl::Duration now) override;
  bool OnFrame(FrameKind kind, OwnedBytes body, absl::Duration now) override;
  void OnLost(bus::v1::Refusal refusal, const std::string& detail,
              absl::Duration now) override;

  void TakeInbox(absl::Duration now);
  bool Pump(absl::Duration now);
  void AskForStreams(absl::Duration now);
  void WatchTree(absl::Duration now);
  // Of answered_, for the producer's chain.
  void Chain(absl::Duration now);
  void SignChain();
  void SendChain(absl::Duration now);
  // Without a session that may ask, who reads hears of that at once.
  void FailReadings() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool TakeStreamEvents(absl::string_view body);
  bool TakeConsistency(absl::string_view body);
  void HearTime(uint64_t us);
  // Of answered_.
  void CallBack();

  const ClientOptions options_;
  Dialer& dialer_;
  const std::function<void()> wake_;
  std::atomic<bool> connected_{false};
  std::atomic<size_t> in_flight_{0};
  std::atomic<uint64_t> log_time_us_{0};  // Written by its own thread alone.
  // The thread sleeps and would send what is published now.
  std::atomic<bool> wants_publishes_{false};

  // Its own thread's.
  Connection ingest_;
  uint64_t seen_published_ = 0;
  bus::v1::Receipts receipts_;  // Kept for their memory.
  std::vector<PublishQueue::Answered> answered_;
  std::vector<std::shared_ptr<SubscriptionLink>> links_;
  // Of this session; none: there is no signer, or no session.
  std::optional<ProducerChain> chain_;
  absl::Duration sign_at_ = absl::InfiniteDuration();
  std::vector<std::string> signed_;  // Links to be sent.
  // The newest word on why nothing can be sent at all.
  bus::v1::Refusal shut_out_ = bus::v1::REFUSAL_UNSPECIFIED;
  std::string shut_out_detail_;

  Mutex mu_;
  CondVar read_;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  PublishQueue queue_ ABSL_GUARDED_BY(mu_);
  uint64_t published_ ABSL_GUARDED_BY(mu_) = 0;  // Calls so far.
  std::vector<std::shared_ptr<SubscriptionLink>> new_links_
      ABSL_GUARDED_BY(mu_);
  std::vector<std::shared_ptr<SubscriptionLink>> left_links_
      ABSL_GUARDED_BY(mu_);
  std::map<uint64_t, Reading> readings_ ABSL_GUARDED_BY(mu_);
  uint64_t last_reading_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BUS_CLIENT_CLIENT_CORE_H_
