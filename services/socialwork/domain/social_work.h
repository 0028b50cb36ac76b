// Justice social work: assessments, reviews, observations at unpaid work and
// breach reports. PURE and total.
#ifndef CONCORDAT_SERVICES_SOCIALWORK_DOMAIN_SOCIAL_WORK_H_
#define CONCORDAT_SERVICES_SOCIALWORK_DOMAIN_SOCIAL_WORK_H_

#include <vector>

#include "concordat/socialwork/v1/events.pb.h"
#include "services/common/projection/decide.h"
#include "services/socialwork/domain/tool_book.h"

namespace concordat::socialwork {

// An assessment never changes: a new one, under a new reference, supersedes it.
// One with a total and no level gets the level of its total.
//   ALREADY_EXISTS    the reference is taken.
//   INVALID_ARGUMENT  `tools` has no version of the tool on `day`; and as
//                     JudgeLevel().
Decision DecideAssessment(const std::vector<View>& history,
                          const v1::AssessmentCompleted& command,
                          const ToolBook& tools, absl::CivilDay day);

//   ALREADY_EXISTS  a review is recorded under the reference.
Decision DecideReview(const std::vector<View>& history,
                      const v1::ReviewHeld& command);

//   ALREADY_EXISTS  the incident has been raised.
Decision DecideObservation(const std::vector<View>& history,
                           const v1::UnpaidWorkObservationRaised& command);

//   ALREADY_EXISTS    the reference is taken.
//   INVALID_ARGUMENT  a reason is named twice.
Decision DecideBreach(const std::vector<View>& history,
                      const v1::BreachSubmitted& command);

}  // namespace concordat::socialwork

#endif  // CONCORDAT_SERVICES_SOCIALWORK_DOMAIN_SOCIAL_WORK_H_
