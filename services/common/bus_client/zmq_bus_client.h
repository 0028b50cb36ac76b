// The BusClient that speaks to a bus: one connection to its ingest port, and
// one to its delivery port for each subscription, made again whenever they
// break.
//
// Threads  One of its own for all connections, beside one of ZeroMQ's.
// Bounds   `in_flight_events_max` events handed over and not answered; for each
//          subscription its credit.
// Faults   While the bus is away, what was handed over waits; sets that the bus
//          refuses as a whole (key, agency, environment) are answered so.
//          When the client is destroyed, what has no answer is answered
//          SHUTTING_DOWN: whether it was stored is unknown.
#ifndef CONCORDAT_SERVICES_COMMON_BUS_CLIENT_ZMQ_BUS_CLIENT_H_
#define CONCORDAT_SERVICES_COMMON_BUS_CLIENT_ZMQ_BUS_CLIENT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/bus_client/client_core.h"
#include "services/common/config/data_directory.h"
#include "services/common/telemetry/health.h"

namespace concordat {

using ZmqBusClientOptions = ClientOptions;

class ZmqBusClient : public BusClient {
 public:
  class Thread;

  static std::unique_ptr<ZmqBusClient> Create(ZmqBusClientOptions options);
  ~ZmqBusClient() override;

  // Beside the codes of Publisher: INVALID_ARGUMENT: no set that a bus could
  // take (a header's limit, more than 256 events or 480 KiB); names it.
  absl::Status Publish(std::vector<Event> set, Done done) override;
  absl::StatusOr<StreamSlice> ReadStream(const StreamName& stream,
                                         Sequence after,
                                         absl::Duration timeout) override;
  absl::StatusOr<std::unique_ptr<Subscription>> Subscribe(
      SubscribeOptions options) override;
  absl::Time log_time() const override;

  // Why people have to look at the log: what it signed does not agree. Nothing:
  // all is well, or nothing watches.
  std::string log_alarm() const;

  // The ingest session is open at this moment.
  bool connected() const;

 private:
  explicit ZmqBusClient(std::shared_ptr<Thread> thread);
  std::shared_ptr<Thread> thread_;
};

// A client of the bus of this data directory, as the principal of this name.
// The bus need not run yet. Keys that are replaced in the directory, its own or
// the bus's, are used within a second.
//   NOT_FOUND, INVALID_ARGUMENT  as DataDirectory's; no such principal.
absl::StatusOr<std::unique_ptr<ZmqBusClient>> ConnectBus(
    const DataDirectory& data, absl::string_view principal);

// Says of a program while people have to look at the log. `bus` outlives whoever
// asks `health`.
//   code "log"  critical
void WatchLog(const ZmqBusClient& bus, Health& health);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BUS_CLIENT_ZMQ_BUS_CLIENT_H_
