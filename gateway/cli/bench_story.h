// The facts of a story that was played on one hub, replayed on an empty one for
// many other persons at once, in story time: what bus, services, alerts and
// views do in a second together.
#ifndef CONCORDAT_GATEWAY_CLI_BENCH_STORY_H_
#define CONCORDAT_GATEWAY_CLI_BENCH_STORY_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "services/common/config/data_directory.h"

namespace concordat::cli {

struct StoryLoad {
  uint64_t events = 0;     // Published and accepted.
  double accepted_s = 0;   // Until the last receipt.
  uint64_t views = 0;      // Delivered to the four profiles.
  double delivered_s = 0;  // Until the last of them was taken.
  uint64_t alerts = 0;     // Raised.
  double alerted_s = 0;    // Until the last of them was in the log.
  // From the receipt of what raised it to there: of a fact about the person, and
  // of a moment, which raises what is due for all persons at once.
  double fact_p50_ms = 0;
  double fact_p99_ms = 0;
  double moment_p50_ms = 0;
  double moment_p99_ms = 0;
};

// `played` and `empty` run. `rate` is of events a second; 0: as fast as they go, each
// moment of the story at once for all. Each profile must get `persons` times what it got
// of the story, and every alert of the story be raised for each person.
//   DATA_LOSS    an event was refused; the counts are not those.
//   UNAVAILABLE  nothing moved for a minute.
absl::StatusOr<StoryLoad> ReplayStory(const DataDirectory& played,
                                      const DataDirectory& empty,
                                      size_t persons, double rate);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_BENCH_STORY_H_
