// An alert as the log's events make it, and what a caller may do to it. PURE.
//
// An alert is shared by those addressees who see the same facts behind it; who
// rests on other facts has an alert of their own. So nobody learns from an alert
// that there is something that they do not see.
#ifndef CONCORDAT_SERVICES_ALERTS_DOMAIN_ALERT_H_
#define CONCORDAT_SERVICES_ALERTS_DOMAIN_ALERT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/alerts/v1/events.pb.h"
#include "services/common/base/ids.h"

namespace concordat::alerts {

struct AlertAddressee {
  // Covers out of hours; of an alert that was raised in hours.
  static constexpr uint32_t kCover = 0xffff;

  std::string agency;
  std::string role;
  bool copy = false;  // For information: that it accepts stops no clock.
  // Told when the alert has reached this step of its chain.
  uint32_t step = 0;

  bool SameAs(const AlertAddressee& other) const {
    return agency == other.agency && role == other.role;
  }
  // "agency/role".
  std::string Name() const { return agency + "/" + role; }
  friend bool operator==(const AlertAddressee&,
                         const AlertAddressee&) = default;
};

struct AlertMember {
  AlertAddressee who;
  std::vector<Sequence> evidence;  // That this one sees; ascending.
  uint64_t told_us = 0;            // 0: not yet.
  bool shown = false;
  bool accepted = false;
  uint64_t withdrawn_us = 0;  // 0: it stands.
  std::string withdrawn_because;
  bool withdrawal_accepted = false;
  // Of the alert when it was withdrawn for this one, who hears no more of it.
  uint32_t last_step = 0;
  uint64_t last_escalated_us = 0;

  bool told() const { return told_us != 0; }
  bool withdrawn() const { return withdrawn_us != 0; }
  // Was shown it, and has not said that they know it is withdrawn.
  bool owes_withdrawal() const {
    return withdrawn() && shown && !withdrawal_accepted;
  }
};

struct AlertAcceptance {
  std::string agency;
  std::vector<std::string> roles;
  std::string by;
  uint64_t at_us = 0;
  std::string action;
  std::string act_by;      // A date, as they said it.
  uint64_t act_by_us = 0;  // 0: no limit.
  friend bool operator==(const AlertAcceptance&,
                         const AlertAcceptance&) = default;
};

enum class AlertStage { kRaised, kShown, kAccepted, kClosed };
absl::string_view StageName(AlertStage stage);

struct Alert {
  std::string ref;
  std::string rule;
  std::string limb;
  std::string family;
  std::string severity;
  std::string headline;
  PersonKey subject;       // Nobody: about a feed.
  std::string feed;        // That it is about, or whose coming it waits for.
  Sequence trigger;        // The event that raised it; 0: a moment did.
  uint64_t raised_us = 0;  // Log time of the trigger, or the moment.
  uint64_t accept_by_us = 0;
  uint32_t step = 0;  // Of the chain.
  uint64_t escalated_us = 0;
  // Everyone who sees all that it was raised on, in the rule's order. What each
  // member is told of who else is told.
  std::vector<AlertAddressee> known_to;
  std::vector<AlertMember> members;
  std::string not_known;  // Not empty: an absence that is not known, and why.
  AlertStage stage = AlertStage::kRaised;
  std::vector<AlertAcceptance> acceptances;
  bool overdue = false;
  uint64_t closed_us = 0;
  std::string outcome;
  Sequence version;  // Of its stream; 0: AlertRaised has not come back yet.
  std::vector<std::string> steps;  // Ids of the events of its life.

  bool closed() const { return stage == AlertStage::kClosed; }
  // Null: not a member.
  AlertMember* Find(const AlertAddressee& who);
  const AlertMember* Find(const AlertAddressee& who) const;
  bool AddressedTo(absl::string_view agency) const;
  // By somebody for whom it is not only a copy.
  bool accepted() const;
};

// Who asks. `roles` are those the principal answers for.
struct AlertCaller {
  std::string name;
  std::string agency;
  std::vector<std::string> roles;

  bool Is(const AlertAddressee& who) const;
};

// The members that the caller answers for and that have been told.
std::vector<const AlertMember*> MembersOf(const Alert& alert,
                                          const AlertCaller& caller);
bool MaySee(const Alert& alert, const AlertCaller& caller);
bool Owns(const Alert& alert, const AlertCaller& caller);

// No event, when the caller's roles were all shown it before.
v1::AlertShown DecideShow(const Alert& alert, const AlertCaller& caller);
//   INVALID_ARGUMENT     no action is given, or act_by is no date.
//   FAILED_PRECONDITION  the caller accepted it before, it is closed, or
//                        withdrawn for the caller.
absl::StatusOr<v1::AlertAccepted> DecideAccept(const Alert& alert,
                                               const AlertCaller& caller,
                                               absl::string_view action,
                                               absl::string_view act_by);
//   INVALID_ARGUMENT     no outcome is given.
//   PERMISSION_DENIED    the caller neither owns it nor accepted it.
//   FAILED_PRECONDITION  it is closed, withdrawn for the caller, or nobody has
//                        accepted it.
absl::StatusOr<v1::AlertClosed> DecideClose(const Alert& alert,
                                            const AlertCaller& caller,
                                            absl::string_view outcome);
//   FAILED_PRECONDITION  it is not withdrawn for the caller, or the caller
//                        accepted that before.
absl::StatusOr<v1::AlertWithdrawalAccepted> DecideAcceptWithdrawal(
    const Alert& alert, const AlertCaller& caller);

// Steps of an alert's life, in log order. Total: what does not fit is ignored.
void Evolve(const v1::AlertShown& event, Alert& alert);
void Evolve(const v1::AlertAccepted& event, uint64_t at_us, uint64_t act_by_us,
            Alert& alert);
void Evolve(const v1::AlertClosed& event, uint64_t at_us, Alert& alert);
void Evolve(const v1::AlertWithdrawalAccepted& event, Alert& alert);

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_DOMAIN_ALERT_H_
