// From a hospital's message to the alert in front of somebody: a no-show over
// MLLP, and the co-ordinator's stream of alerts.
#ifndef CONCORDAT_GATEWAY_CLI_BENCH_EDGE_H_
#define CONCORDAT_GATEWAY_CLI_BENCH_EDGE_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "services/common/config/data_directory.h"

namespace concordat::cli {

struct EdgeLatency {
  double p50_ms = 0;
  double p99_ms = 0;
};

// Sends `messages` no-shows of P2, one after the other, to a demo hub that has
// played its story; each is new evidence of an alert.
//   UNAVAILABLE        a message was not answered AA, or no alert came of it.
//   FAILED_PRECONDITION  another environment than demo.
absl::StatusOr<EdgeLatency> MeasureEdge(const DataDirectory& data,
                                        size_t messages);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_BENCH_EDGE_H_
