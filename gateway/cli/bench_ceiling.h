// The most that this machine could carry: frames over CURVE both ways, appended
// to a file and synced before they are acknowledged and passed on, and no other
// work. What `concordat bench` compares the bus with, in the same run.
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
  size_t batch_events = 256;  // In a frame.
  size_t in_flight_events = 1024;
  // Frames a second; 0: as fast as they go.
  double rate = 0;
};

struct Ceiling {
  double per_s = 0;   // Events, each delivered and acknowledged.
  double p50_ms = 0;  // Sent to delivered, the first tenth left out.
  double p99_ms = 0;
};

// Takes its own threads and sockets on loopback; blocks until done.
//   UNAVAILABLE  a socket or file failed.
absl::StatusOr<Ceiling> MeasureCeiling(const CeilingJob& job);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_BENCH_CEILING_H_
