// An alert as the log's events make it, and what a caller may do to it. PURE.
//
// An alert is shared by those addressees who see the same facts behind it; who
// rests on other facts has an alert of their own. So nobody learns from an alert
// that there is something that they do not see.
#ifndef CONCORDAT_SERVICES_ALERTS_DOMAIN_ALERT_H_
#define CONCORDAT_SERVICES_ALERTS_DOMAIN_ALERT_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/alerts/v1/events.pb.h"
#include "services/common/base/ids.h"

namespace concordat::alerts {

struct AlertAddressee {
  static constexpr uint32_t kNever = 0xffff;

  std::string agency;
  std::string role;
  bool copy = false;  // For information: that it accepts stops no clock.
  // Told when the alert has reached this step of its chain.
  uint32_t step = 0;
  bool cover = false;  // Told at once of what is raised out of hours.

  bool SameAs(const AlertAddressee& other) const {
    return agency == other.agency && role == other.role;
  }
  // "agency/role".
  std::string Name() const { return agency + "/" + role; }
  friend bool operator==(const AlertAddressee&,
                         const AlertAddressee&) = default;
};

// Why an alert is withdrawn, for who does not see what was taken back.
inline constexpr char kTakenBack[] = "what it rested on was taken back";

struct AlertMember {
  AlertAddressee who;
  std::vector<Sequence> evidence;  // That this one sees; ascending.
  uint64_t told_us = 0;            // 0: not yet.
  bool shown = false;
  bool accepted = false;
  bool disputed = false;
  bool passed_on = false;     // Somebody passed it on to this one.
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

// Who did something to an alert, and when.
struct AlertDoer {
  std::string agency;
  std::string by;     // Principal.
  std::string staff;  // Reference; empty: not said.
  uint64_t at_us = 0;
  friend bool operator==(const AlertDoer&, const AlertDoer&) = default;
};

struct AlertAcceptance {
  AlertDoer doer;
  std::vector<std::string> roles;
  std::string action;
  std::string act_by;      // A date, as they said it.
  uint64_t act_by_us = 0;  // 0: no limit.
  friend bool operator==(const AlertAcceptance&,
                         const AlertAcceptance&) = default;
};

struct AlertPassing {
  AlertDoer doer;
  AlertAddressee to;
  std::string words;
  friend bool operator==(const AlertPassing&, const AlertPassing&) = default;
};

struct AlertDispute {
  AlertDoer doer;
  std::string reason;
  friend bool operator==(const AlertDispute&, const AlertDispute&) = default;
};

enum class AlertStage { kRaised, kShown, kAccepted, kClosed };
absl::string_view StageName(AlertStage stage);

struct Alert {
  std::string ref;
  std::string rule;
  std::string limb;
  size_t limb_index = 0;  // Of the limb that raised it (RuleHistory).
  std::string family;
  std::string severity;
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
  std::vector<AlertPassing> passings;
  std::vector<AlertDispute> disputes;
  bool overdue = false;
  AlertDoer closed_by;
  std::string outcome;
  Sequence version;  // Of its stream; 0: AlertRaised has not come back yet.
  std::vector<std::string> steps;  // Ids of the events of its life.
  std::string traceparent;         // Of the last of them; empty: not traced.

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
  std::string staff = {};    // On whose behalf, a reference.
  bool is_operator = false;  // Of the hub: feeds, and no alert.
  std::string role = {};     // What it speaks as, beside what it answers for.
  // What it asks for: what no agreement shows for that is not in the answer. Not
  // there: nobody asks yet, what its roles are shown is judged.
  std::optional<std::string> purpose = std::nullopt;

  bool Is(const AlertAddressee& who) const;
  friend auto operator<=>(const AlertCaller&, const AlertCaller&) = default;
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
// `may` are those whom the caller may pass it on to; `to` is one of them, or a role
// of the caller's agency.
//   INVALID_ARGUMENT     nobody is named, or no reason.
//   FAILED_PRECONDITION  it is closed, withdrawn for the caller, or not for `to`.
absl::StatusOr<v1::AlertPassedOn> DecidePass(
    const Alert& alert, const AlertCaller& caller, absl::string_view to,
    absl::string_view words, const std::vector<AlertAddressee>& may);
//   INVALID_ARGUMENT     no reason is given.
//   FAILED_PRECONDITION  it is closed, withdrawn for the caller, or the caller
//                        said so before.
absl::StatusOr<v1::AlertDisputed> DecideDispute(const Alert& alert,
                                                const AlertCaller& caller,
                                                absl::string_view reason);
//   FAILED_PRECONDITION  it is not withdrawn for the caller, or the caller
//                        accepted that before.
absl::StatusOr<v1::AlertWithdrawalAccepted> DecideAcceptWithdrawal(
    const Alert& alert, const AlertCaller& caller);

// "agency/role"; nobody: it is not of that form.
AlertAddressee ReadAddressee(absl::string_view name);

// When and on whose behalf an event says it was done.
struct AlertActed {
  uint64_t at_us = 0;
  std::string staff = {};
};
// Steps of an alert's life, in log order. Total: what does not fit is ignored.
void Evolve(const v1::AlertShown& event, Alert& alert);
void Evolve(const v1::AlertAccepted& event, const AlertActed& acted,
            uint64_t act_by_us, Alert& alert);
void Evolve(const v1::AlertPassedOn& event, const AlertActed& acted,
            Alert& alert);
void Evolve(const v1::AlertDisputed& event, const AlertActed& acted,
            Alert& alert);
void Evolve(const v1::AlertClosed& event, const AlertActed& acted,
            Alert& alert);
void Evolve(const v1::AlertWithdrawalAccepted& event, Alert& alert);

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_DOMAIN_ALERT_H_
