#ifndef CONCORDAT_SERVICES_COMMON_BUS_CLIENT_TRACED_BUS_CLIENT_H_
#define CONCORDAT_SERVICES_COMMON_BUS_CLIENT_TRACED_BUS_CLIENT_H_

#include <memory>
#include <utility>
#include <vector>

#include "services/common/base/clock.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/telemetry/trace.h"

namespace concordat {

// A client whose deliveries leave a span "handle" each, from Next() to Ack(), when
// the event carries a traceparent. Everything else goes through.
class TracedBusClient : public BusClient {
 public:
  // The references outlive it.
  TracedBusClient(BusClient& client, SpanExporter& spans, const Clock& clock)
      : client_(client), spans_(spans), clock_(clock) {}

  absl::Status Publish(std::vector<Event> set, Done done) override {
    return client_.Publish(std::move(set), std::move(done));
  }
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
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BUS_CLIENT_TRACED_BUS_CLIENT_H_
