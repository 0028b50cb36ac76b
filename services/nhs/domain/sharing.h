// Sharing decisions of a board's MAPPA health liaison officer, and what they
// let partners know of appointments. PURE and total.
#ifndef CONCORDAT_SERVICES_NHS_DOMAIN_SHARING_H_
#define CONCORDAT_SERVICES_NHS_DOMAIN_SHARING_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "concordat/nhs/v1/events.pb.h"
#include "services/common/projection/decide.h"

namespace concordat::nhs {

struct Sharing {
  bool decided = false;
  bool ended = false;
  PersonKey subject;
  std::string what;          // ENGAGEMENT_ONLY, …
  std::string service_code;  // Of the service it is about.
  std::string until;         // ISO date, the last day, Europe/London.
};

void Evolve(Sharing& sharing, const View& event);

//   ALREADY_EXISTS    the reference is taken.
//   INVALID_ARGUMENT  `until` is not a date.
Decision DecideSharing(const std::vector<View>& history,
                       const v1::SharingDecided& command);
// Whether it still means something on that day, Europe/London.
//   INVALID_ARGUMENT  its last day is over.
absl::Status CheckNotOver(const v1::SharingDecided& command,
                          absl::CivilDay today);
//   FAILED_PRECONDITION  there is no such decision, or it has ended.
Decision DecideEnd(const std::vector<View>& history,
                   const v1::SharingEnded& command);

// The sharing decision that an appointment's event names; empty: it is not an
// appointment, or takes an earlier one back.
std::string DecisionOf(const View& event);

// What partners are told of an appointment: engaged or not, never of which
// service. Nothing unless `sharing` is about this person and service, lets
// engagement be told, has not ended, and holds on the day of the appointment.
std::optional<ProposedEvent> ReportFor(const View& event,
                                       const Sharing& sharing,
                                       absl::TimeZone zone);

}  // namespace concordat::nhs

#endif  // CONCORDAT_SERVICES_NHS_DOMAIN_SHARING_H_
