// A case: its parties, its level, its meetings. PURE and total.
#ifndef CONCORDAT_SERVICES_MAPPA_DOMAIN_CASE_H_
#define CONCORDAT_SERVICES_MAPPA_DOMAIN_CASE_H_

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "concordat/mappa/v1/events.pb.h"
#include "services/common/projection/decide.h"
#include "services/mappa/domain/referral.h"

namespace concordat::mappa {

struct Case {
  bool opened = false;
  bool closed = false;
  std::set<std::string> parties;
  std::string lead;
  uint32_t level = 0;           // 0: none yet.
  v1::AccessRestricted access;  // The newest.
};

void Evolve(Case& record, const View& event);
Case FoldCase(const std::vector<View>& history);

// Every one but Open answers NOT_FOUND for a case that was never opened and
// FAILED_PRECONDITION for one that is closed.

//   ALREADY_EXISTS    the reference is taken.
//   INVALID_ARGUMENT  a party is unknown or named twice; the lead is no party.
Decision DecideOpen(const std::vector<View>& history,
                    const v1::CaseOpened& command, const IsAgency& is_agency);
// A person has one open case at a time; `open_case` is its reference, if any.
//   FAILED_PRECONDITION  it is another: names it.
absl::Status CheckNoOtherCase(const v1::CaseOpened& command,
                              const std::string& open_case);
//   INVALID_ARGUMENT     nobody joins or leaves; unknown; named twice; the
//                        lead leaves.
//   FAILED_PRECONDITION  joins and is a party, leaves and is none.
Decision DecideParties(const std::vector<View>& history,
                       const std::string& case_ref,
                       const std::vector<std::string>& join,
                       const std::vector<std::string>& leave,
                       const IsAgency& is_agency);
Decision DecideClose(const std::vector<View>& history,
                     const v1::CaseClosed& command);
//   PERMISSION_DENIED  `by`, the caller's agency, does not lead, and is no
//                      co-ordinator.
//   INVALID_ARGUMENT   the new lead is no party, or leads already.
Decision DecideLead(const std::vector<View>& history,
                    const v1::LeadChanged& command, absl::string_view by,
                    bool is_coordinator);
//   PERMISSION_DENIED  `by`, the caller's agency, does not lead.
//   INVALID_ARGUMENT   an entry names nobody, or is there twice; or the lead
//                      agency as a whole would see nothing itself.
using IsSomebody = std::function<bool(absl::string_view entry)>;
Decision DecideAccess(const std::vector<View>& history,
                      const v1::AccessRestricted& command, absl::string_view by,
                      const IsSomebody& is_somebody);
//   FAILED_PRECONDITION  from_level is not the case's level; says which is.
//   INVALID_ARGUMENT     to the same level, or to none.
Decision DecideLevel(const std::vector<View>& history,
                     const v1::LevelChanged& command);
//   INVALID_ARGUMENT  an agency is unknown, or is there twice; no such date.
Decision DecideMeeting(const std::vector<View>& history,
                       const v1::MeetingHeld& command,
                       const IsAgency& is_agency);

}  // namespace concordat::mappa

#endif  // CONCORDAT_SERVICES_MAPPA_DOMAIN_CASE_H_
