// Keeps SharingDecisions in step with the log: reads them from its beginning
// at each start, and goes on.
#ifndef CONCORDAT_ADAPTERS_CORE_DECISION_FEED_H_
#define CONCORDAT_ADAPTERS_CORE_DECISION_FEED_H_

#include <atomic>
#include <memory>
#include <thread>

#include "absl/status/statusor.h"
#include "adapters/core/sharing_decisions.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/telemetry/log.h"

namespace concordat::edge {

class DecisionFeed {
 public:
  // Subscribes and starts its thread. Borrows all. Decisions are folded in the
  // log's order: when what was folded is no longer in the log, after a restore, or
  // policy shows more of the past, all is forgotten and read anew.
  //   As BusClient::Subscribe().
  static absl::StatusOr<std::unique_ptr<DecisionFeed>> Start(
      BusClient& bus, SharingDecisions& decisions, const Logger& log);
  ~DecisionFeed();

  // The log's end as last heard.
  Sequence log_end() const { return Sequence{log_end_.load()}; }

 private:
  DecisionFeed(BusClient& bus, std::unique_ptr<Subscription> subscription,
               SharingDecisions& decisions, const Logger& log)
      : bus_(bus),
        subscription_(std::move(subscription)),
        decisions_(decisions),
        log_(log) {}
  void Run();
  // False: it cannot be begun anew.
  bool BeginAnew(absl::string_view why);

  BusClient& bus_;
  std::unique_ptr<Subscription> subscription_;
  SharingDecisions& decisions_;
  const Logger& log_;
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> log_end_{0};
  std::thread thread_;
};

}  // namespace concordat::edge

#endif  // CONCORDAT_ADAPTERS_CORE_DECISION_FEED_H_
