// Notifications and referrals: an agency asks, the co-ordinator decides, once.
// PURE and total.
#ifndef CONCORDAT_SERVICES_MAPPA_DOMAIN_REFERRAL_H_
#define CONCORDAT_SERVICES_MAPPA_DOMAIN_REFERRAL_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "concordat/mappa/v1/events.pb.h"
#include "services/common/projection/decide.h"

namespace concordat::mappa {

// Whether an agency can be party to a case.
using IsAgency = std::function<bool(absl::string_view agency)>;
// Whether there is an assessment of the referral's person under a reference.
using IsAssessment = std::function<bool(absl::string_view ref)>;
// The name to show for a header's on_behalf_of.
using NameOf = std::function<std::string(absl::string_view on_behalf_of)>;

struct Referral {
  bool submitted = false;
  std::string submitted_by;  // Agency.
  PersonKey subject;
  uint32_t level_sought = 0;
  bool decided = false;
  std::string decision;
  uint32_t level = 0;
  std::string decided_by;  // As in the header: on_behalf_of.
  uint64_t decided_us = 0;
};

void Evolve(Referral& referral, const View& event);
Referral FoldReferral(const std::vector<View>& history);

// "submitted", "accepted", "changed", "returned" or "declined".
std::string StateOf(const Referral& referral);

// "it was accepted at Level 2 by M. Carnbee at 09:30", with the day when that
// is not the day of `now_us`. Empty: nobody decided it.
std::string DescribeDecision(const Referral& referral, const NameOf& name_of,
                             absl::TimeZone zone, uint64_t now_us);

//   ALREADY_EXISTS    the reference is taken.
//   INVALID_ARGUMENT  `lead` is no agency; Level 1 for one of another risk of
//                     serious harm, who is managed at Level 2 or 3 or not here.
Decision DecideNotification(const std::vector<View>& history,
                            const v1::NotificationReceived& command,
                            const IsAgency& is_agency);
//   ALREADY_EXISTS    the reference is taken.
//   INVALID_ARGUMENT  an assessment is named twice, or none of this person has
//                     the reference.
Decision DecideReferralSubmission(const std::vector<View>& history,
                                  const v1::ReferralSubmitted& command,
                                  const IsAssessment& is_assessment);
// ACCEPTED is at the level sought, CHANGED at another; RETURNED and DECLINED
// have none, and a reason.
//   NOT_FOUND            no such referral.
//   INVALID_ARGUMENT     decision and level do not go together.
//   FAILED_PRECONDITION  it was decided: `how`, as DescribeDecision() says it.
Decision DecideOnReferral(
    const std::vector<View>& history, const v1::ReferralDecided& command,
    const std::function<std::string(const Referral&)>& how);

}  // namespace concordat::mappa

#endif  // CONCORDAT_SERVICES_MAPPA_DOMAIN_REFERRAL_H_
