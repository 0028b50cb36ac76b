#include "services/socialwork/domain/social_work.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/status/status.h"

namespace concordat::socialwork {
namespace {

// By type, not by content: a reference stays taken after an erasure.
template <typename Message>
bool Has(const std::vector<View>& history) {
  return std::any_of(history.begin(), history.end(), [](const View& event) {
    return event.header.type == Message::descriptor()->full_name();
  });
}

}  // namespace

Decision DecideAssessment(const std::vector<View>& history,
                          const v1::AssessmentCompleted& command,
                          const ToolBook& tools, absl::CivilDay day) {
  if (Has<v1::AssessmentCompleted>(history)) {
    return absl::AlreadyExistsError(
        "assessment.assessment_ref: is taken; an assessment never changes, "
        "complete a new one");
  }
  const v1::AssessmentTool* const tool = tools.Find(command.tool(), day);
  if (tool == nullptr) {
    return absl::InvalidArgumentError(
        "assessment.tool: no scale of it was in force that day");
  }
  auto level = JudgeLevel(*tool, command);
  if (!level.ok()) return level.status();
  v1::AssessmentCompleted completed = command;
  completed.set_level(*std::move(level));
  return std::vector<ProposedEvent>{Propose(completed)};
}

Decision DecideReview(const std::vector<View>& history,
                      const v1::ReviewHeld& command) {
  if (Has<v1::ReviewHeld>(history)) {
    return absl::AlreadyExistsError("review_ref: is taken");
  }
  return std::vector<ProposedEvent>{Propose(command)};
}

Decision DecideObservation(const std::vector<View>& history,
                           const v1::UnpaidWorkObservationRaised& command) {
  if (Has<v1::UnpaidWorkObservationRaised>(history)) {
    return absl::AlreadyExistsError(
        "observation.incident_ref: has been raised");
  }
  return std::vector<ProposedEvent>{Propose(command)};
}

Decision DecideBreach(const std::vector<View>& history,
                      const v1::BreachSubmitted& command) {
  if (Has<v1::BreachSubmitted>(history)) {
    return absl::AlreadyExistsError("breach.breach_ref: is taken");
  }
  const std::set<std::string> reasons(command.reasons().begin(),
                                      command.reasons().end());
  if (reasons.size() != static_cast<size_t>(command.reasons_size())) {
    return absl::InvalidArgumentError("breach.reasons: names one twice");
  }
  return std::vector<ProposedEvent>{Propose(command)};
}

}  // namespace concordat::socialwork
