#include "services/socialwork/rpc/social_work_service.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "concordat/socialwork/v1/service.pb.h"
#include "services/common/event/make_event.h"
#include "services/common/projection/handle_command.h"
#include "services/socialwork/domain/social_work.h"

namespace concordat::socialwork {
namespace {

absl::StatusOr<CommandPlan> PlanAssessment(
    const Call&, const v1::CompleteAssessmentRequest& request) {
  const std::string& ref = request.assessment().assessment_ref();
  const absl::Status checked = CheckReference("assessment.assessment_ref", ref);
  if (!checked.ok()) return checked;
  return CommandPlan{.stream = absl::StrCat("assessment/", ref),
                     .decide = [&request](const std::vector<View>& history) {
                       return DecideAssessment(history, request.assessment());
                     }};
}

absl::StatusOr<CommandPlan> PlanBreach(const Call& call,
                                       const v1::SubmitBreachRequest& request) {
  // A report without a reference of its own is named after the request.
  std::string ref = request.breach().breach_ref();
  if (ref.empty()) {
    ref = DerivedId(absl::StrCat("breach/", call.principal->name()),
                    request.command().request_id(), 0);
  }
  const absl::Status checked = CheckReference("breach.breach_ref", ref);
  if (!checked.ok()) return checked;
  return CommandPlan{.stream = absl::StrCat("breach/", ref),
                     .decide = [&request](const std::vector<View>& history) {
                       return DecideBreach(history, request.breach());
                     }};
}

}  // namespace

void RegisterSocialWorkService(ServerHost& host, CommandRunner& runner) {
  const MethodOptions officers{.roles = {"supervising-officer", "duty-senior"}};
  HandleCommand<v1::CompleteAssessmentRequest>(
      host, runner,
      "concordat.socialwork.v1.SocialWorkService/CompleteAssessment", officers,
      PlanAssessment);
  HandleCommand<v1::SubmitBreachRequest>(
      host, runner, "concordat.socialwork.v1.SocialWorkService/SubmitBreach",
      officers, PlanBreach);
}

}  // namespace concordat::socialwork
