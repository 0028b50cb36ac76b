#include "services/identity/domain/review.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace concordat::identity {
namespace {

struct Row {
  absl::string_view kind;
  absl::string_view decision;
};

constexpr std::array<Row, 11> kAllowed = {{
    {kMergedAtSource, kConfirmedDecision},
    {kMergedAtSource, kMergedDecision},
    {kMergedAtSource, kKeptApart},
    {kAddressCandidate, kConfirmedDecision},
    {kAddressCandidate, kKeptApart},
    {kDifferentPeople, kMergedDecision},
    {kDifferentPeople, kKeptApart},
    {kLinkDoubted, kConfirmedDecision},
    {kLinkDoubted, kLinkCut},
    {kNumberClaimed, kMergedDecision},
    {kNumberClaimed, kKeptApart},
}};

}  // namespace

std::string Review::Ref() const { return absl::StrCat("IR-", number); }

absl::StatusOr<ReviewStep> CheckDecision(
    const Review& review, absl::string_view decision,
    const std::vector<std::string>& sources, absl::string_view by) {
  const bool known =
      std::any_of(kAllowed.begin(), kAllowed.end(),
                  [&](const Row& row) { return row.decision == decision; });
  if (!known) {
    return absl::InvalidArgumentError(
        "decision: not of the code list identity-review-decision");
  }
  if (review.decided()) {
    return absl::AbortedError(absl::StrCat(
        "the review has changed: ", review.decided_by, " decided ",
        review.decision, " at ",
        absl::FormatTime(
            "%Y-%m-%dT%H:%M:%SZ",
            absl::FromUnixMicros(static_cast<int64_t>(review.decided_us)),
            absl::UTCTimeZone())));
  }
  const bool allowed =
      std::any_of(kAllowed.begin(), kAllowed.end(), [&](const Row& row) {
        return row.kind == review.kind && row.decision == decision;
      });
  if (!allowed) {
    return absl::FailedPreconditionError(absl::StrCat(
        "decision: a review of kind ", review.kind, " has no ", decision));
  }
  if (decision != kLinkCut) return ReviewStep::kDecide;
  if (review.proposed_by.empty() || review.sources != sources) {
    return ReviewStep::kPropose;
  }
  if (review.proposed_by == by) {
    return absl::FailedPreconditionError(
        "decision: a link is cut when a second person agrees");
  }
  return ReviewStep::kDecide;
}

bool MayHaveSeveral(const CanonicalIdentifier& identifier) {
  return identifier.scheme == Scheme::kLocal ||
         identifier.scheme == Scheme::kCouncil;
}

}  // namespace concordat::identity
