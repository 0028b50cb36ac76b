// Who is still to be told of which alert: a fold of the alerts' life, the role
// directory and what has been told. PURE.
//
// Whoever is on duty for an addressee when the alert is raised, escalated or passed
// on is told: one notice, for how many addressees it may be. It ends for an addressee
// when the log says that it was told, when its agency has accepted the alert, or when
// the alert is closed, or withdrawn for it; and as a whole once it is for nobody.
//
// Threads  One at a time.
#ifndef CONCORDAT_SERVICES_ALERTS_NOTIFY_NOTICES_H_
#define CONCORDAT_SERVICES_ALERTS_NOTIFY_NOTICES_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/alerts/v1/notifier.pb.h"
#include "services/common/base/ids.h"
#include "services/common/event/event.h"
#include "services/common/roles/role_directory.h"

namespace concordat::alerts {

struct Notice {
  std::string key;  // "A-417/agency/told/step": the same after every restart.
  std::string alert_ref;
  std::string severity;
  uint32_t step = 0;                 // Of the chain.
  PersonKey subject;                 // Of the alert's events; never in a text.
  std::vector<RoleName> addressees;  // Whom the alert is addressed to
  RoleName told;                     // and who answers for them: who is told.
  uint64_t raised_us = 0;            // Log time.
};

// "You have a CRITICAL Concordat alert, reference A-417. Sign in."
std::string NoticeText(const Notice& notice);

class Notices {
 public:
  // More than these at a time are not taken; `dropped()` counts them.
  static constexpr size_t kPendingMax = 10'000;

  Notices(RoleDirectory roles, std::vector<std::string> severities,
          absl::Duration stale_after);

  // Folds the next event of the log.
  //   INVALID_ARGUMENT  it cannot be read; nothing was changed.
  absl::Status Apply(const View& view);

  // Those to be told, that are not stale by the log's time, oldest first.
  std::vector<Notice> Pending() const;
  bool IsPending(absl::string_view key) const;
  uint64_t log_time_us() const { return log_time_us_; }
  uint64_t dropped() const { return dropped_; }

 private:
  void Add(const View& view, const std::string& alert_ref, uint32_t step,
           absl::string_view addressee);
  // Of the alert; of this agency and role alone, unless empty.
  void End(const std::string& alert_ref, absl::string_view agency,
           absl::string_view role);

  RoleDirectory roles_;
  const std::set<std::string> severities_;
  const absl::Duration stale_after_;
  uint64_t log_time_us_ = 0;
  uint64_t dropped_ = 0;
  std::map<std::string, std::string> severity_;         // Of open alerts.
  std::map<std::string, Notice, std::less<>> pending_;  // By key.
};

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_NOTIFY_NOTICES_H_
