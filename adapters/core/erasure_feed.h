// Has an edge destroy what it keeps of people who are erased, and says so in the
// log: reads the erasures from the log's beginning at each start, and goes on.
#ifndef CONCORDAT_ADAPTERS_CORE_ERASURE_FEED_H_
#define CONCORDAT_ADAPTERS_CORE_ERASURE_FEED_H_

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "absl/status/statusor.h"
#include "concordat/bus/v1/registry.pb.h"
#include "services/common/base/ids.h"
#include "services/common/base/mutex.h"
#include "services/common/base/random.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/event/type_table.h"
#include "services/common/telemetry/log.h"

namespace concordat::edge {

class ErasureFeed {
 public:
  // How many records went. Asked again at each start, and until it is OK.
  using Destroy = std::function<absl::StatusOr<uint64_t>(const PersonKey&)>;

  // Subscribes and starts its thread. Borrows all but `destroy`.
  //   As BusClient::Subscribe().
  static absl::StatusOr<std::unique_ptr<ErasureFeed>> Start(
      BusClient& bus, const bus::v1::Principal& self,
      std::shared_ptr<const TypeRegistry> types, Random& random,
      const Logger& log, Destroy destroy);
  ~ErasureFeed();

 private:
  ErasureFeed(BusClient& bus, const bus::v1::Principal& self,
              std::shared_ptr<const TypeRegistry> types, Random& random,
              const Logger& log, Destroy destroy,
              std::unique_ptr<Subscription> subscription)
      : bus_(bus),
        self_(self),
        types_(std::move(types)),
        random_(random),
        log_(log),
        destroy_(std::move(destroy)),
        subscription_(std::move(subscription)) {}
  void Run();
  absl::Status Take(const View& view);

  BusClient& bus_;
  const bus::v1::Principal& self_;
  const std::shared_ptr<const TypeRegistry> types_;
  Random& random_;
  const Logger& log_;
  const Destroy destroy_;
  const std::unique_ptr<Subscription> subscription_;
  Mutex mu_;
  CondVar stop_changed_;
  std::atomic<bool> stopping_{false};  // Set under `mu_`.
  std::thread thread_;
};

}  // namespace concordat::edge

#endif  // CONCORDAT_ADAPTERS_CORE_ERASURE_FEED_H_
