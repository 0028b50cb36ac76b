// Which events are kept whole, why, and by what. What is said of a person is judged
// together: a case that is open, a hold, or a recent event keeps all, and the longest
// of the periods of those that told of the person counts.
// PURE; for one thread.
#ifndef CONCORDAT_SERVICES_BUS_RETENTION_RETENTION_JUDGE_H_
#define CONCORDAT_SERVICES_BUS_RETENTION_RETENTION_JUDGE_H_

#include <cstdint>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/bus/log/compactable_log.h"
#include "services/bus/log/event_log.h"
#include "services/bus/retention/retention_terms.h"
#include "services/bus/retention/review_book.h"
#include "services/common/event/type_table.h"

namespace concordat::bus {

// Why an event stays; in this order, the first that is so.
enum class KeptBecause {
  kNothing,          // It goes.
  kUnknownType,      // No type in force has its name.
  kPolicy,           // It decides who may see what.
  kHubRecord,        // What the hub says of itself.
  kHold,             // Somebody ordered it.
  kIdentityInDoubt,  // Two keys may be one person, or one key two.
  kOpenCase,
  kCasePeriod,   // The last case was closed too recently.
  kEventPeriod,  // The last event about the person is too recent.
  kReview,       // An agency decides first.
  kStreamHead,   // About nobody, and its stream's last.
};
inline constexpr int kKeptReasons = 11;
// "open-case": as reports have it.
absl::string_view NameOf(KeptBecause because);

struct Judged {
  KeptBecause because = KeptBecause::kNothing;
  // Of a period: what has it, of the terms' own; empty: the policy.
  absl::string_view by = {};
};

class RetentionJudge {
 public:
  // `log` outlives it.
  RetentionJudge(const EventLog& log, std::shared_ptr<const TypeRegistry> types)
      : log_(log), types_(std::move(types)) {}

  // Takes in what the log has beyond what is known.  DATA_LOSS, UNAVAILABLE
  absl::Status CatchUp();

  // Of an event that was taken in.  UNAVAILABLE  the index does not answer.
  absl::StatusOr<Judged> Judge(const EventFacts& event,
                               const RetentionTerms& terms) const;

 private:
  struct Person {
    uint64_t last_us = 0;    // Of the last event.
    uint64_t closed_us = 0;  // Of the last case; 0: none was.
    bool open = false;
    Agencies told;  // Controllers of what there was, removed or not.
    int holds = 0;  // That stand.
    bool in_doubt = false;
  };
  void Fold(const StoredEvent& event);

  const EventLog& log_;
  const std::shared_ptr<const TypeRegistry> types_;
  Sequence folded_;
  absl::flat_hash_map<PersonKey, Person> persons_;
  ReviewBook reviews_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_RETENTION_RETENTION_JUDGE_H_
