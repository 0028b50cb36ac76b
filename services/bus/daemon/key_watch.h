// The bus's key pairs, keys/bus.curve and keys/bus2.curve, and the two ports that
// each opens. While there are both, the bus is reached by either: so a new key
// takes the place of an old one without anybody being away. PROTOCOL.md, Keys.
//
// Threads  One of its own, from Start() to Stop(); List and Judge: any.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_KEY_WATCH_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_KEY_WATCH_H_

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "concordat/bus/v1/registry.pb.h"
#include "services/bus/transport/zmq_carrier.h"
#include "services/common/base/mutex.h"
#include "services/common/base/ticker.h"
#include "services/common/config/data_directory.h"
#include "services/common/telemetry/health.h"
#include "services/common/telemetry/log.h"

namespace concordat::bus {

// A pair, and where it is used.
struct ServedKeys {
  ServerKeys keys;
  std::string ingest;  // Endpoints.
  std::string delivery;
  size_t connections = 0;  // On both, a moment ago.
};

// Says of each principal whose last key ends within `warning` that it does, or has.
//   code "key"  critical in its last day, and after it
void JudgeKeys(const v1::Registry& registry, absl::Time now,
               absl::Duration warning, Troubles& troubles);

class KeyWatch {
 public:
  using Addresses = std::vector<std::pair<std::string, std::string>>;
  // Says where the bus is reached, each time that changes.
  using Tell = std::function<absl::Status(const Addresses&)>;

  // The pair to begin with, of the first file that there is, and as the names of
  // its listeners end.
  struct First {
    ServerKeys keys;
    std::string suffix;
  };
  //   NOT_FOUND, INVALID_ARGUMENT  as DataDirectory::LoadCurveKeys.
  static absl::StatusOr<First> FindFirst(const DataDirectory& data);

  // The carriers' first endpoints are FindFirst()'s. All outlive it.
  KeyWatch(const DataDirectory& data, ZmqCarrier& ingest, ZmqCarrier& delivery,
           const Logger& log, Tell tell);

  // Call it when the carriers' threads run.
  absl::Status Start();
  // Before those end.
  void Stop() { ticker_.Stop(); }

  std::vector<ServedKeys> List() const;
  // code "keys": a file that cannot be used, and why.
  void Judge(Troubles& troubles) const;

 private:
  // By file: "bus", "bus2".
  static constexpr size_t kSlots = 2;

  void Look();
  // What the file says; none: it is not there.
  absl::StatusOr<std::optional<ServerKeys>> Load(size_t slot) const;
  absl::Status Open(size_t slot, const ServerKeys& keys);
  void Close(size_t slot);
  void Count();
  absl::Status TellAddresses() const;

  const DataDirectory& data_;
  ZmqCarrier& ingest_;
  ZmqCarrier& delivery_;
  const Logger& log_;
  const Tell tell_;
  mutable Mutex mu_;
  std::array<std::optional<ServedKeys>, kSlots> served_ ABSL_GUARDED_BY(mu_);
  std::array<std::string, kSlots> problems_ ABSL_GUARDED_BY(mu_);
  Ticker ticker_;  // Last: it uses the others.
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_KEY_WATCH_H_
