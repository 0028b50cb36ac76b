// Which events the retention policy keeps whole, and why. What is said of a person
// is judged together: a case that is open, a hold, or a recent event keeps all.
// PURE; for one thread.
#ifndef CONCORDAT_SERVICES_BUS_RETENTION_RETENTION_JUDGE_H_
#define CONCORDAT_SERVICES_BUS_RETENTION_RETENTION_JUDGE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/bus/v1/retention.pb.h"
#include "services/bus/log/compactable_log.h"
#include "services/bus/log/event_log.h"
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

// What a policy asks for at a moment.
struct RetentionTerms {
  uint32_t version = 0;
  // Keep what ended at or after these, log time.
  uint64_t case_cutoff_us = 0;
  uint64_t event_cutoff_us = 0;
  absl::flat_hash_set<PersonKey> held;
  std::map<std::string, ReviewTerms> reviews;  // By agency.
};
// The same day and time so many months, 1 to 1200, before `now_us`; where that month
// is too short, its last day.
//   INVALID_ARGUMENT  another number.
absl::StatusOr<uint64_t> MonthsBefore(uint32_t months, uint64_t now_us,
                                      const absl::TimeZone& london);
//   INVALID_ARGUMENT     a field is not as retention.proto has it; names it.
//   FAILED_PRECONDITION  it is not in force yet.
absl::StatusOr<RetentionTerms> TermsOf(const v1::RetentionPolicy& policy,
                                       uint64_t now_us,
                                       const absl::TimeZone& london);

class RetentionJudge {
 public:
  // `log` outlives it.
  RetentionJudge(const EventLog& log, std::shared_ptr<const TypeRegistry> types)
      : log_(log), types_(std::move(types)) {}

  // Takes in what the log has beyond what is known.  DATA_LOSS, UNAVAILABLE
  absl::Status CatchUp();

  // Of an event that was taken in.  UNAVAILABLE  the index does not answer.
  absl::StatusOr<KeptBecause> Judge(const EventFacts& event,
                                    const RetentionTerms& terms) const;

 private:
  struct Person {
    uint64_t last_us = 0;    // Of the last event.
    uint64_t closed_us = 0;  // Of the last case; 0: none was.
    bool open = false;
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
