// Whether there is such a person for somebody: what the person's own lists
// (AccessRestricted) say now, whatever moment is asked about. Who is excluded, or is
// not one of those whom alone it is shown to, is answered as of a person that the
// log does not have.
//
// Every face that answers about people otherwise than by their views asks this: who
// knew what, who reached what, corrections, openings, reviews, erasures. Views ask
// the same lists where they are granted (policy.h).
//
// Threads  Any; who asks waits for who asked before.
#ifndef CONCORDAT_SERVICES_BUS_OVERSIGHT_PERSON_LISTS_H_
#define CONCORDAT_SERVICES_BUS_OVERSIGHT_PERSON_LISTS_H_

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "services/bus/delivery/policy_fold.h"
#include "services/bus/log/event_log.h"
#include "services/common/base/mutex.h"

namespace concordat::bus {

class PersonLists {
 public:
  // `log` outlives it. `fold` is its own: as far as it has come.
  PersonLists(const EventLog& log, PolicyFold fold)
      : log_(log), fold_(std::move(fold)) {}

  // By the newest event. True for nobody's key, and for the operator, who is shown
  // no person.
  //   DATA_LOSS, UNAVAILABLE  the log cannot be read: answer nothing.
  absl::StatusOr<bool> Allow(const Recipient& to, const PersonKey& person);

 private:
  const EventLog& log_;
  Mutex mu_;  // Held while the log is read.
  PolicyFold fold_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_OVERSIGHT_PERSON_LISTS_H_
