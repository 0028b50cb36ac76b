// Which people an agency looks at before anything of them is removed, and what it
// decided. Where the policy has a review for an agency, the period alone removes
// nothing of whoever the agency told of. PURE; for one thread.
#ifndef CONCORDAT_SERVICES_BUS_RETENTION_REVIEW_BOOK_H_
#define CONCORDAT_SERVICES_BUS_RETENTION_REVIEW_BOOK_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "services/bus/log/event_log.h"
#include "services/bus/retention/retention_terms.h"
#include "services/common/base/ids.h"
#include "services/common/event/type_table.h"

namespace concordat::bus {

inline constexpr char kRetentionReviewedType[] =
    "concordat.hub.v1.RetentionReviewed";

struct ReviewDecision {
  std::string ref;  // Empty: none.
  bool erase = false;
  std::string review_on;  // Of one to keep: when it is looked at again.
  std::string reason;
  std::string by;
  uint64_t at_us = 0;
};

// One of an agency's list.
struct ReviewItem {
  PersonKey person;
  uint64_t events = 0;    // Whole ones that the agency told.
  uint64_t ended_us = 0;  // The last case's end, else its last event.
  bool case_closed = false;
  ReviewDecision decision;
  bool due = false;  // Nobody has decided, or what was decided is over.
};

class ReviewBook {
 public:
  // In log order.
  void Fold(const StoredEvent& event, const EventType* type);

  // Somebody has to decide, or decided to keep it, for one of these agencies.
  bool Keeps(const PersonKey& person,
             const std::map<std::string, ReviewTerms>& terms) const;
  // Those past the agency's period, the longest ended first; whoever has an open
  // case, or was told of later, is not among them. `today` is an ISO date.
  std::vector<ReviewItem> ListOf(const std::string& agency,
                                 const ReviewTerms& terms,
                                 absl::string_view today) const;

 private:
  struct Told {
    uint64_t events = 0;
    uint64_t last_us = 0;
    ReviewDecision decision;
  };
  struct Person {
    bool open = false;
    uint64_t closed_us = 0;
    std::map<std::string, Told> by_controller;
  };
  absl::flat_hash_map<PersonKey, Person> persons_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_RETENTION_REVIEW_BOOK_H_
