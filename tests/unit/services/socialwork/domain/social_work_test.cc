#include "services/socialwork/domain/social_work.h"

#include "gtest/gtest.h"
#include "tests/support/history.h"
#include "tests/support/status_matchers.h"

namespace concordat::socialwork {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::History;
using ::concordat::testing::IsOk;

TEST(SocialWork, AnAssessmentNeverChangesEvenOnceErased) {
  v1::AssessmentCompleted assessment;
  EXPECT_THAT(DecideAssessment({}, assessment),
              HasCode(absl::StatusCode::kInvalidArgument));
  assessment.set_total(0);  // A total of nothing is a result.
  EXPECT_THAT(DecideAssessment({}, assessment), IsOk());
  History history;
  history.Add(assessment).groups.clear();
  EXPECT_THAT(DecideAssessment(history.views(), assessment),
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
