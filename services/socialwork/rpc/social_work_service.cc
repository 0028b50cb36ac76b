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
    const v1::CompleteAssessmentRequest& request, const ToolBook& tools,
    absl::TimeZone zone) {
  const std::string& ref = request.assessment().assessment_ref();
  const absl::Status checked = CheckReference("assessment.assessment_ref", ref);
  if (!checked.ok()) return checked;
  const absl::Time at =
      absl::FromUnixMicros(static_cast<int64_t>(request.command().time()));
  return CommandPlan{
      .stream = absl::StrCat("assessment/", ref),
      .decide = [&request, &tools, day = absl::ToCivilDay(at, zone)](
                    const std::vector<View>& history) {
        return DecideAssessment(history, request.assessment(), tools, day);
      }};
}

absl::StatusOr<CommandPlan> PlanReview(const v1::RecordReviewRequest& request,
                                       absl::TimeZone zone) {
  const absl::Status checked =
      CheckReference("review_ref", request.review_ref());
  if (!checked.ok()) return checked;
  return CommandPlan{.stream = absl::StrCat("review/", request.review_ref()),
                     .decide =
                         [&request](const std::vector<View>& history) {
                           return DecideReview(history, request.review());
                         },
                     .admit =
                         [&request, zone](absl::Time now) {
                           return CheckHappened(request.command().time(), now,
                                                zone);
                         }};
}

absl::StatusOr<CommandPlan> PlanObservation(
    const Call&, const v1::RaiseObservationRequest& request) {
  const std::string& ref = request.observation().incident_ref();
  const absl::Status checked = CheckReference("observation.incident_ref", ref);
  if (!checked.ok()) return checked;
  return CommandPlan{.stream = absl::StrCat("observation/", ref),
                     .decide = [&request](const std::vector<View>& history) {
                       return DecideObservation(history, request.observation());
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

void RegisterSocialWorkService(ServerHost& host, CommandRunner& runner,
                               const ToolBook& tools, absl::TimeZone zone) {
  const MethodOptions officers{.roles = {"supervising-officer", "duty-senior"}};
  const MethodOptions unpaid_work{
      .roles = {"supervising-officer", "duty-senior", "upw-manager"}};
  const std::string service = "concordat.socialwork.v1.SocialWorkService/";
  HandleCommand<v1::CompleteAssessmentRequest>(
      host, runner, service + "CompleteAssessment", officers,
      [&tools, zone](const Call&,
                     const v1::CompleteAssessmentRequest& request) {
        return PlanAssessment(request, tools, zone);
      });
  HandleCommand<v1::SubmitBreachRequest>(host, runner, service + "SubmitBreach",
                                         officers, PlanBreach);
  HandleCommand<v1::RecordReviewRequest>(
      host, runner, service + "RecordReview", officers,
      [zone](const Call&, const v1::RecordReviewRequest& request) {
        return PlanReview(request, zone);
      });
  HandleCommand<v1::RaiseObservationRequest>(
      host, runner, service + "RaiseObservation", unpaid_work, PlanObservation);
}

}  // namespace concordat::socialwork
