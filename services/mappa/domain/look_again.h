// What was decided on a fact that was corrected, taken back or cut from the person
// since, and asks whoever decided it to look at it again. PURE and total.
//
// Rests on  A decision rests on every fact that stood when it was made: whether it
//           would have been another one without the fact only they know who decided,
//           as in the bus's register of corrections. A referral rests on the
//           assessments that it cites.
// Until     A case, a plan and a level: a meeting held since; a level also: it was
//           changed since. A referral: it was decided since; one that was decided
//           before: a meeting held, or a referral submitted, since.
#ifndef CONCORDAT_SERVICES_MAPPA_DOMAIN_LOOK_AGAIN_H_
#define CONCORDAT_SERVICES_MAPPA_DOMAIN_LOOK_AGAIN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "services/common/base/ids.h"

namespace concordat::mappa {

struct CaseFile;

// A fact that does not hold as it was told. Times are microseconds since
// 1970-01-01T00:00:00Z.
struct WithdrawnFact {
  enum class How { kCorrected, kTakenBack, kCut };
  How how = How::kCorrected;
  Sequence fact;              // Its place in the log.
  Sequence by;                // And that of what withdrew it.
  uint64_t withdrawn_us = 0;  // When the log took that.
  std::string type;
  std::string agency;          // Its controller.
  std::string assessment_ref;  // Of an assessment; empty: it is none.
  // The reader sees it by the newest policy. Else it was granted the reader while it
  // stood, and that it is withdrawn is all that the reader is told.
  bool shown = false;
};

// One item by one withdrawal.
struct LookAgain {
  enum class Item { kCase, kPlan, kLevel, kReferral };
  Item item = Item::kCase;
  std::string ref;          // Of the case, or of the referral.
  uint64_t decided_us = 0;  // When what rests on it happened.
  bool undecided = false;   // Of a referral: its decision is what is asked for.
  // The first of them. Of one that is not shown `withdrawn_us` alone is set.
  WithdrawnFact fact;
  uint32_t facts = 0;  // Withdrawn by the same; 0 where none is shown.
};

// In the order of items, and in each of the withdrawals; of those that are not shown
// the newest stands for all. `file` is as its reader sees it, `facts` are of its
// person, in the order of their places.
std::vector<LookAgain> FindToLookAgain(const CaseFile& file,
                                       const std::vector<WithdrawnFact>& facts);

}  // namespace concordat::mappa

#endif  // CONCORDAT_SERVICES_MAPPA_DOMAIN_LOOK_AGAIN_H_
