//   | bug                                   | test                            |
//   | a kind ends in another's decision     | EachKindHasItsOwnDecisions      |
//   | one principal is two                  | ACutTakesTwoPrincipals          |
//   | agreed to other sources               | OtherSourcesAreAProposal...     |
#include "services/identity/domain/review.h"

#include <string>

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat::identity {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;

TEST(ReviewTest, EachKindHasItsOwnDecisions) {
  int allowed = 0;
  for (const absl::string_view kind :
       {kMergedAtSource, kAddressCandidate, kDifferentPeople, kLinkDoubted,
        kNumberClaimed}) {
    Review review;
    review.kind = std::string(kind);
    for (const absl::string_view decision :
         {kMergedDecision, kKeptApart, kConfirmedDecision, kLinkCut}) {
      const auto step = CheckDecision(review, decision, {}, "me");
      allowed += step.ok() ? 1 : 0;
      if (!step.ok()) {
        EXPECT_THAT(step, HasCode(absl::StatusCode::kFailedPrecondition));
      }
    }
    EXPECT_THAT(CheckDecision(review, "SOMETHING", {}, "me"),
                HasCode(absl::StatusCode::kInvalidArgument));
  }
  EXPECT_EQ(allowed, 11);
  Review address;
  address.kind = std::string(kAddressCandidate);
  EXPECT_THAT(CheckDecision(address, kMergedDecision, {}, "me"),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST(ReviewTest, ACutTakesTwoPrincipals) {
  Review review;
  review.kind = std::string(kLinkDoubted);
  EXPECT_EQ(*CheckDecision(review, kLinkCut, {}, "me"), ReviewStep::kPropose);
  review.proposed_by = "me";
  EXPECT_THAT(CheckDecision(review, kLinkCut, {}, "me"),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(*CheckDecision(review, kLinkCut, {}, "you"), ReviewStep::kDecide);
  // The other may also hold that it is right.
  EXPECT_EQ(*CheckDecision(review, kConfirmedDecision, {}, "you"),
            ReviewStep::kDecide);
  review.decision = std::string(kLinkCut);
  EXPECT_THAT(CheckDecision(review, kConfirmedDecision, {}, "you"),
              HasCode(absl::StatusCode::kAborted));
}

TEST(ReviewTest, OtherSourcesAreAProposalOfTheirOwn) {
  Review review;
  review.kind = std::string(kLinkDoubted);
  review.proposed_by = "me";
  review.sources = {"urn:concordat:a:x"};
  for (const char* who : {"me", "you"}) {
    EXPECT_EQ(*CheckDecision(review, kLinkCut, {}, who), ReviewStep::kPropose);
  }
  EXPECT_EQ(*CheckDecision(review, kLinkCut, review.sources, "you"),
            ReviewStep::kDecide);
  EXPECT_THAT(CheckDecision(review, kLinkCut, review.sources, "me"),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace concordat::identity
