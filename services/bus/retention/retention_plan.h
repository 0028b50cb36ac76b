// What a run of retention would remove, or removed: counted, and how far it may go.
// PURE.
#ifndef CONCORDAT_SERVICES_BUS_RETENTION_RETENTION_PLAN_H_
#define CONCORDAT_SERVICES_BUS_RETENTION_RETENTION_PLAN_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "concordat/hub/v1/events.pb.h"
#include "services/bus/log/compactable_log.h"
#include "services/bus/retention/retention_judge.h"

namespace concordat::bus {

class RetentionTally {
 public:
  void Add(const EventFacts& event, const Judged& judged);
  uint64_t removed() const { return removed_; }
  std::vector<hub::v1::RemovedCount> Removed() const;
  std::vector<hub::v1::KeptCount> Kept() const;

 private:
  uint64_t removed_ = 0;
  // By type and month.
  std::map<std::pair<std::string, uint32_t>, uint64_t> removed_by_;
  // By reason and what has the period.
  std::map<std::pair<KeptBecause, std::string>, uint64_t> kept_;
};

struct RetentionPlan {
  std::vector<uint32_t> segments;  // Of which something goes.
  uint32_t looked_at = 0;          // Segments that are old enough.
  Sequence through;                // The last event in them.
  RetentionTally tally;
  // Durable names that hold back what is old enough, a clause each.
  std::vector<std::string> waits_for;
};

// For each durable name the first event that it still needs.
using FirstNeeded = std::map<std::string, Sequence>;

// Goes through the old segments that nobody still needs. `go_on` is asked before
// each.
//   DATA_LOSS, UNAVAILABLE  the log cannot be read.  CANCELLED  not to go on.
absl::StatusOr<RetentionPlan> PlanRetention(const CompactableLog& log,
                                            const RetentionJudge& judge,
                                            const RetentionTerms& terms,
                                            const FirstNeeded& needed,
                                            const std::function<bool()>& go_on);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_RETENTION_RETENTION_PLAN_H_
