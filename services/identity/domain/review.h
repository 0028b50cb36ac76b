// Which decisions a review of who somebody is may end with, and what each does.
//
//   kind               CONFIRMED            MERGED        KEPT_APART  LINK_CUT
//   MERGED_AT_SOURCE   the numbers are      two people    nothing     -
//                      this person's        are one
//   ADDRESS_CANDIDATE  it is the agency's   -             nothing     -
//                      address of them
//   DIFFERENT_PEOPLE   -                    two are one   nothing     -
//   LINK_DOUBTED       the link is right    -             -           the number is
//                                                                     nobody's
//   NUMBER_CLAIMED     -                    two are one   nothing     -
//
// A link is cut when two different principals want it, with the same word on whose
// facts came by it; all else takes one.
//
// PURE.
#ifndef CONCORDAT_SERVICES_IDENTITY_DOMAIN_REVIEW_H_
#define CONCORDAT_SERVICES_IDENTITY_DOMAIN_REVIEW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/base/ids.h"
#include "services/identity/domain/identifiers.h"

namespace concordat::identity {

// Of the code lists identity-review-kind and identity-review-decision.
inline constexpr absl::string_view kMergedAtSource = "MERGED_AT_SOURCE";
inline constexpr absl::string_view kAddressCandidate = "ADDRESS_CANDIDATE";
inline constexpr absl::string_view kDifferentPeople = "DIFFERENT_PEOPLE";
inline constexpr absl::string_view kLinkDoubted = "LINK_DOUBTED";
inline constexpr absl::string_view kNumberClaimed = "NUMBER_CLAIMED";
inline constexpr absl::string_view kMergedDecision = "MERGED";
inline constexpr absl::string_view kKeptApart = "KEPT_APART";
inline constexpr absl::string_view kConfirmedDecision = "CONFIRMED";
inline constexpr absl::string_view kLinkCut = "LINK_CUT";

struct Review {
  int64_t number = 0;
  std::string kind;
  PersonKey subject;
  // NUMBER_CLAIMED: who was registered with the subject's number as well.
  PersonKey other;
  std::string agency;     // Of who opened it.
  std::string opened_by;  // urn:concordat:<agency>:<system>
  uint64_t opened_us = 0;
  uint64_t happened_us = 0;
  std::vector<CanonicalIdentifier> identifiers;
  std::string address;
  std::string note;
  // LINK_DOUBTED: who wants it cut and waits for a second.
  std::string proposed_by;
  // LINK_DOUBTED: the sources whose facts came by the number, in the words of who
  // proposed, in order.
  std::vector<std::string> sources;
  // Once it is decided.
  std::string decision;
  std::string decided_by;
  uint64_t decided_us = 0;
  std::string reason;
  std::string decision_note;

  bool decided() const { return !decision.empty(); }
  std::string Ref() const;
};

enum class ReviewStep {
  kDecide,
  kPropose,  // Of a cut: a second one has to agree.
};

// What a decision of `by` comes to; `sources` as in Review, for a cut. Other sources
// than were proposed are a proposal of their own.
//   INVALID_ARGUMENT     there is no such decision.
//   FAILED_PRECONDITION  a review of this kind has no such decision; or the
//                        same principal would agree with itself.
//   ABORTED              it is decided: by whom, when and what.
absl::StatusOr<ReviewStep> CheckDecision(
    const Review& review, absl::string_view decision,
    const std::vector<std::string>& sources, absl::string_view by);

// Numbers that only a change of rule would let one person have twice: those of
// an agency's own system, which gives numbers up when it joins records.
bool MayHaveSeveral(const CanonicalIdentifier& identifier);

}  // namespace concordat::identity

#endif  // CONCORDAT_SERVICES_IDENTITY_DOMAIN_REVIEW_H_
