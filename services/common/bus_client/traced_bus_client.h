// A client that carries traces from event to event:
//
//   Next() … Ack()  of an event with a traceparent is a span "handle", its child.
//   Publish()       of an event whose causation is one that is or was just handled
//                   so gives it a traceparent: a child of that span. Of another
//                   one, where traces begin, that of a span "publish" of its own,
//                   until the bus has answered. What has a traceparent keeps it.
//
// Everything else goes through.
//
// Threads  As BusClient.
// Bounds   4,096 events that are handled at a time, and 1,024 that were.
#ifndef CONCORDAT_SERVICES_COMMON_BUS_CLIENT_TRACED_BUS_CLIENT_H_
#define CONCORDAT_SERVICES_COMMON_BUS_CLIENT_TRACED_BUS_CLIENT_H_

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/telemetry/trace.h"

namespace concordat {

// The newest events that were handled, by reference, and the spans of that.
// Threads  Any.
class HandledEvents {
 public:
  void Add(std::string event, TraceContext handled);
  std::optional<TraceContext> Find(const std::string& event) const;

 private:
  static constexpr size_t kMax = 4096 + 1024;

  mutable Mutex mu_;
  std::map<std::string, TraceContext> spans_ ABSL_GUARDED_BY(mu_);
  std::deque<std::string> oldest_ ABSL_GUARDED_BY(mu_);
};

class TracedBusClient : public BusClient {
 public:
  enum class Traces {
    kGoOn,
    kBegin,  // Also where the program publishes of itself.
  };

  // The references outlive it, and its subscriptions.
  TracedBusClient(BusClient& client, SpanExporter& spans, const Clock& clock,
                  Traces traces = Traces::kGoOn)
      : client_(client), spans_(spans), clock_(clock), traces_(traces) {}

  absl::Status Publish(std::vector<Event> set, Done done) override;
  absl::StatusOr<StreamSlice> ReadStream(const StreamName& stream,
                                         Sequence after,
                                         absl::Duration timeout) override {
    return client_.ReadStream(stream, after, timeout);
  }
  absl::StatusOr<std::unique_ptr<Subscription>> Subscribe(
      SubscribeOptions options) override;
  absl::Time log_time() const override { return client_.log_time(); }

 private:
  BusClient& client_;
  SpanExporter& spans_;
  const Clock& clock_;
  const Traces traces_;
  // Subscriptions have it too.
  const std::shared_ptr<HandledEvents> handled_ =
      std::make_shared<HandledEvents>();
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BUS_CLIENT_TRACED_BUS_CLIENT_H_
