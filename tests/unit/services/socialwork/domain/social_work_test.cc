// Bug                                          Caught by
// an assessment overwritten                    AnAssessmentNeverChanges…
// a scale used before its day                  AnAssessmentNeedsAScale…
// a review or observation recorded twice       AReviewAndAnObservation…
// a reason named twice counts twice            ABreachNamesEachReasonOnce
#include "services/socialwork/domain/social_work.h"

#include "gtest/gtest.h"
#include "tests/support/history.h"
#include "tests/support/status_matchers.h"

namespace concordat::socialwork {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::History;
using ::concordat::testing::IsOk;

const absl::CivilDay kDay(2025, 11, 5);

ToolBook Sara() {
  v1::AssessmentTool tool;
  tool.set_tool("SARA");
  tool.set_effective("2025-10-01");
  tool.add_levels("HIGH");
  return *ToolBook::Build({tool});
}

TEST(SocialWork, AnAssessmentNeverChangesEvenOnceErased) {
  v1::AssessmentCompleted assessment;
  assessment.set_tool("SARA");
  assessment.set_level("HIGH");
  EXPECT_THAT(DecideAssessment({}, assessment, Sara(), kDay), IsOk());
  History history;
  history.Add(assessment).groups.clear();
  EXPECT_THAT(DecideAssessment(history.views(), assessment, Sara(), kDay),
              HasCode(absl::StatusCode::kAlreadyExists));
}

TEST(SocialWork, AnAssessmentNeedsAScaleInForceThatDay) {
  v1::AssessmentCompleted assessment;
  assessment.set_tool("SARA");
  assessment.set_level("HIGH");
  EXPECT_THAT(
      DecideAssessment({}, assessment, Sara(), absl::CivilDay(2025, 9, 30)),
      HasCode(absl::StatusCode::kInvalidArgument));
  assessment.set_tool("RSVP");
  EXPECT_THAT(DecideAssessment({}, assessment, Sara(), kDay),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(SocialWork, AReviewAndAnObservationAreRecordedOnce) {
  v1::ReviewHeld review;
  v1::UnpaidWorkObservationRaised observation;
  EXPECT_THAT(DecideReview({}, review), IsOk());
  EXPECT_THAT(DecideObservation({}, observation), IsOk());
  History history;
  history.Add(review);
  EXPECT_THAT(DecideReview(history.views(), review),
              HasCode(absl::StatusCode::kAlreadyExists));
  history.Add(observation);
  EXPECT_THAT(DecideObservation(history.views(), observation),
              HasCode(absl::StatusCode::kAlreadyExists));
}

TEST(SocialWork, ABreachNamesEachReasonOnce) {
  v1::BreachSubmitted breach;
  breach.add_reasons("FAILED_TO_REPORT");
  EXPECT_THAT(DecideBreach({}, breach), IsOk());
  History history;
  history.Add(breach);
  EXPECT_THAT(DecideBreach(history.views(), breach),
              HasCode(absl::StatusCode::kAlreadyExists));
  breach.add_reasons("FAILED_TO_REPORT");
  EXPECT_THAT(DecideBreach({}, breach),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace concordat::socialwork
