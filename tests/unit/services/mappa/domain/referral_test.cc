// Bug                                          Caught by
// decided twice                                IsDecidedOnceAndSaysHow
// accepted at another level                    DecisionAndLevelGoTogether
// a cited assessment not looked for            CitesOnlyAssessmentsOfItsPerson
// only the first of several looked for         CitesOnlyAssessmentsOfItsPerson
// category 3 at Level 1                        OfAnotherRiskOfSeriousHarmIs…
#include "services/mappa/domain/referral.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/history.h"
#include "tests/support/status_matchers.h"

namespace concordat::mappa {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::History;
using ::concordat::testing::IsOk;
using ::testing::HasSubstr;

uint64_t At(absl::string_view text) {
  absl::Time time;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, nullptr));
  return static_cast<uint64_t>(absl::ToUnixMicros(time));
}

std::string How(const Referral&) { return "HOW"; }

History Submitted(uint32_t level) {
  v1::ReferralSubmitted submitted;
  submitted.set_level_sought(level);
  History history;
  history.Add(submitted);
  return history;
}

v1::ReferralDecided Decided(const std::string& decision, uint32_t level,
                            const std::string& reason = "") {
  v1::ReferralDecided decided;
  decided.set_decision(decision);
  decided.set_level(level);
  decided.set_reason(reason);
  return decided;
}

TEST(Referral, IsDecidedOnceAndSaysHow) {
  History history = Submitted(2);
  EXPECT_THAT(DecideOnReferral({}, Decided("ACCEPTED", 2), How),
              HasCode(absl::StatusCode::kNotFound));
  const Decision decision =
      DecideOnReferral(history.views(), Decided("ACCEPTED", 2), How);
  ASSERT_THAT(decision, IsOk());
  history.Add(decision->front());
  const Decision again = DecideOnReferral(
      history.views(), Decided("DECLINED", 0, "COMMUNITY_ACCESS"), How);
  EXPECT_THAT(again, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(again.status().message(), HasSubstr("HOW"));
}

TEST(Referral, DecisionAndLevelGoTogether) {
  const History history = Submitted(2);
  const auto code = [&](const v1::ReferralDecided& decided) {
    return DecideOnReferral(history.views(), decided, How).status().code();
  };
  EXPECT_EQ(code(Decided("ACCEPTED", 2)), absl::StatusCode::kOk);
  EXPECT_EQ(code(Decided("ACCEPTED", 3)), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(Decided("CHANGED", 3)), absl::StatusCode::kOk);
  EXPECT_EQ(code(Decided("CHANGED", 2)), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(Decided("CHANGED", 0)), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(Decided("DECLINED", 0, "X")), absl::StatusCode::kOk);
  EXPECT_EQ(code(Decided("DECLINED", 0)), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(Decided("RETURNED", 1, "X")),
            absl::StatusCode::kInvalidArgument);
}

TEST(Referral, TheDecisionIsToldInWordsAndLocalTime) {
  absl::TimeZone london;
  ASSERT_TRUE(absl::LoadTimeZone("Europe/London", &london));
  const NameOf name = [](absl::string_view who) {
    return who == "coordinator/MC" ? "M. Carnbee" : "?";
  };
  Referral referral;
  EXPECT_EQ(DescribeDecision(referral, name, london, 0), "");
  referral.decided = true;
  referral.decision = "CHANGED";
  referral.level = 3;
  referral.decided_by = "coordinator/MC";
  referral.decided_us = At("2025-07-04T08:30:00Z");  // Summer time.
  EXPECT_EQ(
      DescribeDecision(referral, name, london, At("2025-07-04T22:59:59Z")),
      "it was changed to Level 3 by M. Carnbee at 09:30");
  // Midnight in Dundee is 23:00 UTC.
  EXPECT_EQ(
      DescribeDecision(referral, name, london, At("2025-07-04T23:00:00Z")),
      "it was changed to Level 3 by M. Carnbee at 09:30 on 4 July 2025");
  referral.decision = "DECLINED";
  referral.level = 0;
  EXPECT_EQ(DescribeDecision(referral, name, london, referral.decided_us),
            "it was declined by M. Carnbee at 09:30");
}

TEST(Referral, IsSubmittedOnceWithEachAssessmentOnce) {
  const auto any = [](absl::string_view) { return true; };
  v1::ReferralSubmitted submitted;
  submitted.add_assessment_refs("A-1");
  EXPECT_THAT(DecideReferralSubmission({}, submitted, any), IsOk());
  EXPECT_THAT(DecideReferralSubmission(Submitted(2).views(), submitted, any),
              HasCode(absl::StatusCode::kAlreadyExists));
  submitted.add_assessment_refs("A-1");
  EXPECT_THAT(DecideReferralSubmission({}, submitted, any),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(Referral, CitesOnlyAssessmentsOfItsPerson) {
  v1::ReferralSubmitted submitted;
  submitted.add_assessment_refs("A-1");
  submitted.add_assessment_refs("A-2");
  const Decision decision = DecideReferralSubmission(
      {}, submitted, [](absl::string_view ref) { return ref == "A-1"; });
  EXPECT_THAT(decision, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(decision.status().message(),
            "referral.assessment_refs: this person has no assessment A-2");
}

TEST(Notification, OfAnotherRiskOfSeriousHarmIsForLevelTwoOrThree) {
  const auto known = [](absl::string_view) { return true; };
  v1::NotificationReceived received;
  received.set_category("ORSH");
  received.set_proposed_level(1);
  EXPECT_THAT(DecideNotification({}, received, known),
              HasCode(absl::StatusCode::kInvalidArgument));
  received.set_proposed_level(2);
  EXPECT_THAT(DecideNotification({}, received, known), IsOk());
}

TEST(Notification, NamesAKnownLeadOnce) {
  v1::NotificationReceived received;
  received.set_lead("police");
  const auto known = [](absl::string_view agency) {
    return agency == "police";
  };
  EXPECT_THAT(DecideNotification({}, received, known), IsOk());
  History history;
  history.Add(received);
  EXPECT_THAT(DecideNotification(history.views(), received, known),
              HasCode(absl::StatusCode::kAlreadyExists));
  received.set_lead("stranger");
  EXPECT_THAT(DecideNotification({}, received, known),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace concordat::mappa
