// GET /alerts/stream: alerts as server-sent events.
//
// Threads  One of its own for all readers; it also records who begins to read, and
//          of whom each reader is shown something before it is.
#ifndef CONCORDAT_GATEWAY_API_ALERT_DOOR_H_
#define CONCORDAT_GATEWAY_API_ALERT_DOOR_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "concordat/hub/v1/status.pb.h"
#include "gateway/api/alert_feeds.h"
#include "gateway/api/upstream.h"
#include "gateway/common/schemas.h"
#include "gateway/http/router.h"
#include "services/common/base/clock.h"
#include "services/common/base/ticker.h"
#include "services/common/config/live_registry.h"
#include "services/common/rpc/access_log.h"
#include "services/common/rpc/async_call.h"
#include "services/common/rpc/executor.h"
#include "services/common/telemetry/metrics.h"
#include "services/common/telemetry/trace.h"

namespace concordat::gateway {

// What it needs of the world. All of it outlives the door.
struct AlertDoorWorld {
  const Schemas& schemas;
  Upstream& upstream;
  RegistrySource registry;
  Authenticator& authenticator;
  // The alerts service sees one reader a principal; who the people behind it
  // were, and of whom each was shown something, this says.
  AccessLog& access;
  const Clock& clock;
  const SteadyClock& steady;
  Metrics& metrics;
  // An alert that is traced leaves a span "show" when it goes to its readers.
  SpanExporter& spans;
};

class AlertDoor : private AlertSource {
 public:
  AlertDoor(AlertDoorWorld world, absl::Duration heartbeat);
  ~AlertDoor() override;  // Stop().
  void Register(Router& router);
  // Ends what it has upstream. After the server has stopped.
  void Stop();

 private:
  struct Following;

  void Open(uint64_t feed, const std::string& principal,
            const std::string& purpose, std::optional<uint64_t> after) override;
  void Close(uint64_t feed) override;
  void Show(uint64_t feed, const std::string& bytes);
  void AskTime() override;
  // `done` is called on the executor's thread.
  void AskStatus(
      const CallOptions& options,
      std::function<void(const absl::StatusOr<hub::v1::GetStatusResponse>&)>
          done);
  void Follow(uint64_t feed, uint64_t after);

  void Handle(const std::shared_ptr<Exchange>& exchange);
  void Join(const std::shared_ptr<Exchange>& exchange, CallOptions options,
            std::optional<uint64_t> last);
  bool IsCurrent(const Caller& caller);
  // What a reader does, or is shown, of these persons.
  absl::Status Record(const Caller& reader, const std::string& purpose,
                      const CallPersons* persons);

  const AlertDoorWorld world_;
  // The executor's thread only.
  AlertFeeds feeds_;
  std::map<uint64_t, std::shared_ptr<Following>> following_;

  prometheus::Gauge& readers_;
  // Shared with calls that end after this has.
  const std::shared_ptr<Executor> executor_;
  Ticker beats_;  // Last: it uses the others.
};

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_API_ALERT_DOOR_H_
