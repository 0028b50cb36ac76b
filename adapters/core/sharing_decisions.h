// What the board's liaison officer decided may leave it, folded from the log.
// Without a decision in force nothing of anybody's care does.
//
// Threads  Any method, any thread.
#ifndef CONCORDAT_ADAPTERS_CORE_SHARING_DECISIONS_H_
#define CONCORDAT_ADAPTERS_CORE_SHARING_DECISIONS_H_

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "services/common/base/ids.h"
#include "services/common/base/mutex.h"
#include "services/common/event/event.h"

namespace concordat::edge {

struct SharingDecision {
  std::string decision_ref;
  std::string event_id;
  PersonKey subject;
  std::string what;          // Code list sharing-scope.
  std::string service_code;  // Code list service-code.
  Sequence sequence;
  absl::Time decided;
  absl::CivilDay until;  // The last day.
};

class SharingDecisions {
 public:
  // `zone` is that of `until`.
  explicit SharingDecisions(absl::TimeZone zone) : zone_(zone) {}

  // Takes events of the log in order; other types mean nothing here.
  //   INVALID_ARGUMENT  not the message that its type says. The decision is
  //                     not taken, so less leaves, not more.
  absl::Status Fold(const View& view);

  // As it was before the first event, and not current.
  void Forget();

  // Whether everything in the log up to now is folded, and up to where.
  void SetCurrent(bool current, Sequence position);
  bool current() const;
  Sequence position() const;

  // Waits until everything up to there is folded. False: not in time.
  bool AwaitPosition(Sequence position, absl::Duration timeout) const;

  // The decision of this reference, unless it was ended or taken back.
  std::optional<SharingDecision> Find(absl::string_view decision_ref) const;
  // The decision that was in force for this person and service at that moment
  // and has not been ended since; the newest when there are several.
  std::optional<SharingDecision> InForce(const PersonKey& subject,
                                         absl::string_view service_code,
                                         absl::Time at) const;

 private:
  const absl::TimeZone zone_;
  mutable Mutex mu_;
  mutable CondVar changed_;
  std::map<std::string, SharingDecision, std::less<>> by_ref_ ABSL_GUARDED_BY(mu_);
  bool current_ ABSL_GUARDED_BY(mu_) = false;
  Sequence position_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::edge

#endif  // CONCORDAT_ADAPTERS_CORE_SHARING_DECISIONS_H_
