// Justice social work: assessments and breach reports. PURE and total.
#ifndef CONCORDAT_SERVICES_SOCIALWORK_DOMAIN_SOCIAL_WORK_H_
#define CONCORDAT_SERVICES_SOCIALWORK_DOMAIN_SOCIAL_WORK_H_

#include <vector>

#include "concordat/socialwork/v1/events.pb.h"
#include "services/common/projection/decide.h"

namespace concordat::socialwork {

// An assessment never changes: a new one, under a new reference, supersedes it.
//   ALREADY_EXISTS    the reference is taken.
//   INVALID_ARGUMENT  neither a level nor a total.
Decision DecideAssessment(const std::vector<View>& history,
                          const v1::AssessmentCompleted& command);

//   ALREADY_EXISTS    the reference is taken.
//   INVALID_ARGUMENT  a reason is named twice.
Decision DecideBreach(const std::vector<View>& history,
                      const v1::BreachSubmitted& command);

}  // namespace concordat::socialwork

#endif  // CONCORDAT_SERVICES_SOCIALWORK_DOMAIN_SOCIAL_WORK_H_
