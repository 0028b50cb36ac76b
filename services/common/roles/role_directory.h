// Who answers for a role at a moment: a fold of identity.v1.RolesDefined and
// identity.v1.RoleAbsenceSet. PURE.
//
// The alerts engine has one of its own and folds the log into it like everything
// else, so that live, rebuild and backtest route alike:
//
//   RoleDirectory roles(calendars, london);          // as Calendars::Build
//   if (auto s = roles.Apply(header.type, data); !s.ok()) …  // each event
//   const OnDuty duty = roles.Route({"dundee-city-council", "lead-officer"}, at);
//   // duty.role is told now, whether or not it is the addressee. If nobody has
//   // accepted by the deadline: duty.next, when there is one, is routed again.
//
// Route always answers: an alert that cannot be routed for want of a calendar or
// of a directory must still reach somebody. Whoever is told is of the addressee's
// agency, and so sees what the addressee's agency sees.
//
// Threads  One at a time.
#ifndef CONCORDAT_SERVICES_COMMON_ROLES_ROLE_DIRECTORY_H_
#define CONCORDAT_SERVICES_COMMON_ROLES_ROLE_DIRECTORY_H_

#include <compare>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/identity/v1/events.pb.h"
#include "services/common/calendar/calendars.h"

namespace concordat {

struct RoleName {
  std::string agency;
  std::string role;

  std::string ToString() const { return agency + "/" + role; }
  friend auto operator<=>(const RoleName&, const RoleName&) = default;
};

struct OnDuty {
  enum class Why {
    kStaffed,     // The addressee itself.
    kOutOfHours,  // The addressee's cover, or the cover's.
    kAbsent,      // Somebody stands in for the addressee.
    kUndefined,   // No directory has the addressee; it is told itself.
  };
  RoleName role;
  Why why = Why::kStaffed;
  // Who is told when nobody accepts; none: this is the end of the chain.
  std::optional<RoleName> next;
  // False: a calendar on the way did not say whether it is open, so that its role
  // was taken for closed. Somebody should be told to mend the calendar.
  bool hours_known = true;
};

struct RoleAbsence {
  std::string ref;
  absl::Time from;
  absl::Time until;
  std::string stand_in;  // Of the same agency; none: the cover.
};

class RoleDirectory {
 public:
  // Effective dates are of `zone`.
  RoleDirectory(std::shared_ptr<const Calendars> calendars,
                absl::TimeZone zone);

  // Checks files of deploy/config/roles: each by itself, and at each effective
  // date that every chain ends.
  //   INVALID_ARGUMENT  a field is missing or wrong, a role is there twice, names
  //                     an unknown calendar or role, or its chain of cover or
  //                     escalation ends nowhere; names the role.
  static absl::StatusOr<RoleDirectory> Build(
      const std::vector<identity::v1::RolesDefined>& files,
      std::shared_ptr<const Calendars> calendars, absl::TimeZone zone);

  // Folds an event of the log; other types change nothing.
  //   INVALID_ARGUMENT  it cannot be read; nothing was changed.
  absl::Status Apply(absl::string_view type, absl::string_view message);

  OnDuty Route(const RoleName& addressee, absl::Time at) const;

  // Who is told after it, one by one, when nobody accepts: as it escalates, and
  // then who covers, until one is staffed at all hours. Without the role itself.
  std::vector<RoleName> Chain(const RoleName& role, absl::Time at) const;

  // Null: not defined at that moment.
  const identity::v1::Role* Find(const RoleName& name, absl::Time at) const;
  // Those of the agency, or of all with "", in order of agency and name.
  std::vector<RoleName> Names(absl::string_view agency, absl::Time at) const;
  // Under way at `at` or later; by reference.
  std::vector<RoleAbsence> AbsencesOf(const RoleName& name,
                                      absl::Time at) const;
  // 0: none is in the fold.
  uint32_t NewestVersion(absl::string_view agency) const;

 private:
  absl::Status Define(const identity::v1::RolesDefined& roles);
  absl::Status CheckFields(const identity::v1::RolesDefined& roles) const;
  // Every chain ends, at `at`.
  absl::Status CheckChains(absl::Time at) const;
  // Whether somebody answers for it now, absences apart.
  bool InHours(const identity::v1::Role& role, absl::Time at,
               OnDuty& duty) const;
  const RoleAbsence* AbsenceAt(const RoleName& name, absl::Time at) const;

  std::shared_ptr<const Calendars> calendars_;
  absl::TimeZone zone_;
  // By agency, then by when it holds from.
  std::map<std::string, std::map<absl::Time, identity::v1::RolesDefined>,
           std::less<>>
      defined_;
  std::map<RoleName, std::map<std::string, RoleAbsence>> absences_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_ROLES_ROLE_DIRECTORY_H_
