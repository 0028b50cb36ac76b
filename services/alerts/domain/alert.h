// An alert as the log's events make it, and what a caller may do to it. PURE.
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
  std::string agency;
  std::string role;
  bool copy = false;
  friend bool operator==(const AlertAddressee&,
                         const AlertAddressee&) = default;
};

struct AlertAcceptance {
  std::string agency;
  std::string by;
  uint64_t at_us = 0;
  std::string action;
  std::string act_by;
};

enum class AlertStage { kRaised, kShown, kAccepted, kClosed };
absl::string_view StageName(AlertStage stage);

struct Alert {
  std::string ref;
  std::string rule;
  std::string limb;
  std::string severity;
  std::string headline;
  PersonKey subject;
  Sequence trigger;        // The event that raised it.
  uint64_t raised_us = 0;  // Log time of the trigger.
  uint64_t accept_by_us = 0;
  std::vector<AlertAddressee> to;  // The owner first.
  std::vector<Sequence> evidence;  // Ascending.
  AlertStage stage = AlertStage::kRaised;
  std::vector<AlertAcceptance> acceptances;
  uint64_t closed_us = 0;
  std::string outcome;
  Sequence version;  // Of its stream; 0: AlertRaised has not come back yet.
  std::vector<std::string> steps;  // Ids of the events of its life.

  bool open() const { return stage != AlertStage::kClosed; }
  bool AddressedTo(absl::string_view agency) const;
  bool AcceptedBy(absl::string_view agency) const;
};

// Who asks. `roles` are those the principal answers for.
struct AlertCaller {
  std::string name;
  std::string agency;
  std::vector<std::string> roles;
};

bool MaySee(const Alert& alert, const AlertCaller& caller);
bool Owns(const Alert& alert, const AlertCaller& caller);

//   INVALID_ARGUMENT     no action is given, or act_by is no date.
//   FAILED_PRECONDITION  the caller's agency accepted it before, or it is
//                        closed.
absl::StatusOr<v1::AlertAccepted> DecideAccept(const Alert& alert,
                                               const AlertCaller& caller,
                                               absl::string_view action,
                                               absl::string_view act_by);
//   INVALID_ARGUMENT     no outcome is given.
//   PERMISSION_DENIED    the caller neither owns it nor accepted it.
//   FAILED_PRECONDITION  it is closed, or nobody has accepted it.
absl::StatusOr<v1::AlertClosed> DecideClose(const Alert& alert,
                                            const AlertCaller& caller,
                                            absl::string_view outcome);

// Steps of an alert's life, in log order. Total: what does not fit is ignored.
void Evolve(const v1::AlertShown& event, Alert& alert);
void Evolve(const v1::AlertAccepted& event, uint64_t at_us, Alert& alert);
void Evolve(const v1::AlertClosed& event, uint64_t at_us, Alert& alert);

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_DOMAIN_ALERT_H_
