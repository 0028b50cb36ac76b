// The load of DESIGN 11 on a running bus: 512-byte payloads, one publisher with
// a window in flight, one durable subscriber that acknowledges.
#ifndef CONCORDAT_GATEWAY_CLI_BENCH_LOAD_H_
#define CONCORDAT_GATEWAY_CLI_BENCH_LOAD_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/base/random.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/event/type_table.h"

namespace concordat::cli {

struct LoadJob {
  uint64_t events = 0;
  size_t in_flight = 1024;
  // Events a second; 0: as fast as they go.
  double rate = 0;
  // Names the subscription and the streams: one run, one name.
  std::string name;
  // Of the first event, the next one a microsecond later. Ids grow with it, as
  // those of a producer do: begin each run after the one before.
  uint64_t start_us = 0;
};

struct LoadResult {
  double acked_per_s = 0;      // Until the last receipt.
  double delivered_per_s = 0;  // Until the last event was taken and acked.
  double p50_ms = 0;           // Publish to delivery, the first tenth left out.
  double p99_ms = 0;
};

// Blocks until every event has come back once, in order.
//   DATA_LOSS    one was refused, lost, doubled or out of order.
//   UNAVAILABLE  nothing came for ten seconds.
absl::StatusOr<LoadResult> RunLoad(BusClient& publisher, BusClient& reader,
                                   std::shared_ptr<const TypeRegistry> types,
                                   Random& random, const LoadJob& job);

// The value that a share `q` of `values`, of which there is one at least, does
// not exceed. Reorders them.
double Quantile(std::vector<double>& values, double q);

// Bytes of one of its events in a batch of 256.
absl::StatusOr<size_t> EventBytes(const TypeRegistry& types, Random& random);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_BENCH_LOAD_H_
