// The thread of a ZmqBusClient and what it works on.
//
// Threads  Start, Stop, Publish, ReadStream, Subscribe: any. The rest: its own.
#ifndef CONCORDAT_SERVICES_COMMON_BUS_CLIENT_CLIENT_CORE_H_
#define CONCORDAT_SERVICES_COMMON_BUS_CLIENT_CLIENT_CORE_H_

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "services/common/base/mutex.h"
#include "services/common/bus_client/connection.h"
#include "services/common/bus_client/publish_queue.h"
#include "services/common/bus_client/subscription_link.h"
#include "services/common/bus_client/zmq_bus_client.h"

namespace concordat {

class ZmqBusClient::Core : public Connection::User {
 public:
  explicit Core(ZmqBusClientOptions options);
  ~Core() override;

  void Start();
  void Stop();

  // `views` are of `set`.
  absl::Status Publish(std::vector<Event> set,
                       absl::Span<const EventView> views, Publisher::Done done);
  absl::StatusOr<StreamSlice> ReadStream(const StreamName& stream,
                                         Sequence after,
                                         absl::Duration timeout);
  std::shared_ptr<SubscriptionLink> Subscribe(SubscribeOptions options);
  void Unsubscribe(const std::shared_ptr<SubscriptionLink>& link);
  bool connected() const { return connected_; }
  absl::Time log_time() const {
    return absl::FromUnixMicros(static_cast<int64_t>(log_time_us_.load()));
  }

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

  void Run();
  void TakeInbox();
  bool Pump(absl::Duration now);
  void AskForStreams(absl::Duration now);
  bool TakeStreamEvents(absl::string_view body);
  void HearTime(uint64_t us);
  // Of answered_.
  void CallBack();
  void Wait(absl::Duration now);

  const ZmqBusClientOptions options_;
  ZmqContext context_;
  Waker waker_;
  std::thread thread_;
  std::atomic<bool> stopping_{false};
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
  std::vector<pollfd> poll_items_;
  std::vector<std::shared_ptr<SubscriptionLink>> links_;
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
