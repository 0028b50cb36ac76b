// The most that this machine could carry: batches over CURVE both ways, each
// appended to a file and synced before it is acknowledged and passed on, and no
// other work. What `concordat bench` compares the bus with, in the same run.
#ifndef CONCORDAT_GATEWAY_CLI_BENCH_CEILING_H_
#define CONCORDAT_GATEWAY_CLI_BENCH_CEILING_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace concordat::cli {

struct CeilingJob {
  std::string folder;  // Holds the file; it is removed again.
  uint64_t events = 0;
  size_t event_bytes = 0;
  size_t batch_events = 256;
  size_t in_flight_events = 1024;
};

// Events a second, each delivered and acknowledged. Takes its own threads and
// sockets on loopback; blocks until done.
//   UNAVAILABLE  a socket or file failed.
absl::StatusOr<double> MeasureCeiling(const CeilingJob& job);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_BENCH_CEILING_H_
