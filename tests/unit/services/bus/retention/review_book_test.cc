// Mutant                                             Caught by
// removed though nobody has decided                  WhatIsToBeReviewedIsKept…
// decided by one agency for another                  EachAgencyDecidesOfItsOwn
// a decision of before counts for what came since    SomethingNewIsDecidedAnew
// looking at it begins the period anew               WhatIsToBeReviewedIsKept…
// listed too early, or with an open case             IsListedWhenThePeriodIsOver
// kept for ever by one KEEP                          AKeepIsLookedAtAgain
// a wrong review in the policy passed over           AReviewSaysWhoAndWhy
// an agreement's period is the policy's, or one of   AReviewHasThePeriodsOf…
//   its two counts alone; none is no review at all
#include "services/bus/retention/review_book.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "concordat/hub/v1/erasure.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/bus/retention/retention_judge.h"
#include "services/bus/retention/retention_terms.h"
#include "tests/support/fake_event_log.h"
#include "tests/support/fake_types.h"
#include "tests/support/status_matchers.h"

namespace concordat::bus {
namespace {

using testing::FakeEventLog;
using testing::FakeTypes;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using ::testing::SizeIs;
using testing::WithEffect;

std::shared_ptr<const TypeRegistry> Types() {
  policy::v1::TypePolicy internal;
  internal.set_internal(true);
  auto types = std::make_shared<FakeTypes>();
  types->Add("a.v1.Fact")
      .Add("m.v1.Opened", WithEffect(policy::v1::EFFECT_CASE_OPENED))
      .Add("m.v1.Closed", WithEffect(policy::v1::EFFECT_CASE_CLOSED))
      .Add(kRetentionReviewedType, internal);
  return types;
}

uint64_t Noon(int year, int month, int day) {
  return static_cast<uint64_t>(absl::ToUnixMicros(absl::FromCivil(
      absl::CivilSecond(year, month, day, 12, 0, 0), absl::UTCTimeZone())));
}

class ReviewBookTest : public ::testing::Test {
 protected:
  ReviewBookTest() {
    policy_.set_version(1);
    policy_.set_effective("2026-01-01");
    policy_.set_months_after_case(24);
    policy_.set_months_after_event(13);
    AddReview("red");
    EXPECT_TRUE(absl::LoadTimeZone("Europe/London", &london_));
  }
  v1::RetentionReview& AddReview(const std::string& agency) {
    v1::RetentionReview& review = *policy_.add_reviews();
    review.set_agency(agency);
    review.set_agreement("tayside-mappa");
    review.set_months_after_end(24);
    review.set_reason("case reviews draw on it");
    return review;
  }
  Sequence Add(absl::string_view type, absl::string_view controller,
               uint64_t at_us, const std::string& data = ";;0") {
    HeaderView header;
    header.type = type;
    header.source = "urn:concordat:red:x";
    header.controller = controller;
    header.subject = PersonKey({1});
    return log_.Append(header, data, at_us);
  }
  void Decide(const std::string& controller, const std::string& decision,
              uint64_t at_us, const std::string& review_on = "") {
    hub::v1::RetentionReviewed reviewed;
    reviewed.set_review_ref("V-1");
    reviewed.set_controller(controller);
    reviewed.set_decision(decision);
    reviewed.set_reason("CASE_REVIEW");
    reviewed.set_review_on(review_on);
    Add(kRetentionReviewedType, "hub", at_us, reviewed.SerializeAsString());
  }
  KeptBecause Judge(Sequence sequence) {
    const auto terms = TermsOf(policy_, agreements_, now_us_, london_);
    EXPECT_THAT(terms, IsOk());
    EXPECT_THAT(judge_.CatchUp(), IsOk());
    const auto event = log_.ReadOne(sequence);
    const auto judged = judge_.Judge(
        {event->sequence, event->accepted_us, event->header}, *terms);
    EXPECT_THAT(judged, IsOk());
    return judged.ok() ? judged->because : KeptBecause::kUnknownType;
  }
  std::vector<ReviewItem> List(const std::string& agency,
                               const std::string& today) {
    const auto terms = ReviewTermsOf(policy_, agreements_, now_us_, london_);
    EXPECT_THAT(terms, IsOk());
    ReviewBook book;
    for (uint64_t i = 1; i <= log_.end().value; ++i) {
      const auto event = log_.ReadOne({i});
      book.Fold(*event, types_->Find(event->header.type));
    }
    return book.ListOf(agency, terms->at(agency), today);
  }

  FakeEventLog log_;
  absl::TimeZone london_;
  v1::RetentionPolicy policy_;
  std::vector<AdoptedAgreement> agreements_;
  uint64_t now_us_ = Noon(2026, 11, 27);
  const std::shared_ptr<const TypeRegistry> types_ = Types();
  RetentionJudge judge_{log_, types_};
};

TEST_F(ReviewBookTest, WhatIsToBeReviewedIsKeptUntilItIsDecided) {
  const Sequence fact = Add("a.v1.Fact", "red", Noon(2020, 1, 1));
  EXPECT_EQ(Judge(fact), KeptBecause::kReview);
  Decide("red", "KEEP", Noon(2026, 11, 1), "2027-11-01");
  EXPECT_EQ(Judge(fact), KeptBecause::kReview);
  Decide("red", "ERASE", Noon(2026, 11, 2));
  EXPECT_EQ(Judge(fact), KeptBecause::kNothing);
}

TEST_F(ReviewBookTest, EachAgencyDecidesOfItsOwn) {
  const Sequence fact = Add("a.v1.Fact", "red", Noon(2020, 1, 1));
  Add("a.v1.Fact", "blue", Noon(2020, 1, 2));
  // Of no review: its word opens nothing.
  Decide("blue", "ERASE", Noon(2026, 11, 1));
  EXPECT_EQ(Judge(fact), KeptBecause::kReview);
  Decide("red", "ERASE", Noon(2026, 11, 2));
  EXPECT_EQ(Judge(fact), KeptBecause::kNothing);
  AddReview("blue");
  EXPECT_EQ(Judge(fact), KeptBecause::kNothing);
}

TEST_F(ReviewBookTest, SomethingNewIsDecidedAnew) {
  Add("a.v1.Fact", "red", Noon(2020, 1, 1));
  Decide("red", "ERASE", Noon(2023, 1, 1));
  const Sequence later = Add("a.v1.Fact", "red", Noon(2023, 1, 2));
  EXPECT_EQ(Judge(later), KeptBecause::kReview);
}

TEST_F(ReviewBookTest, IsListedWhenThePeriodIsOver) {
  Add("m.v1.Opened", "hub", Noon(2020, 1, 1));
  Add("a.v1.Fact", "red", Noon(2020, 1, 2));
  EXPECT_THAT(List("red", "2026-11-27"), IsEmpty());
  Add("m.v1.Closed", "hub", Noon(2024, 11, 28));
  EXPECT_THAT(List("red", "2026-11-27"), IsEmpty());
  now_us_ = Noon(2026, 11, 29);
  const auto list = List("red", "2026-11-29");
  ASSERT_THAT(list, SizeIs(1));
  EXPECT_TRUE(list[0].due);
  EXPECT_TRUE(list[0].case_closed);
  EXPECT_EQ(list[0].events, 1u);
  EXPECT_EQ(list[0].ended_us, Noon(2024, 11, 28));
}

TEST_F(ReviewBookTest, AReviewHasThePeriodsOfItsAgreementWhenItLeavesItsOut) {
  policy_.mutable_reviews(0)->clear_months_after_end();
  const auto said = [&] {
    return std::string(ReviewTermsOf(policy_, agreements_, now_us_, london_)
                           .status()
                           .message());
  };
  EXPECT_THAT(said(), HasSubstr("reviews: red: months_after_end is left out, "
                                "and the agreement tayside-mappa is not "
                                "adopted"));
  AdoptedAgreement& adopted = agreements_.emplace_back();
  adopted.in_force = true;
  policy::v1::Agreement& agreement = adopted.agreement;
  agreement.set_name("tayside-mappa");
  EXPECT_THAT(said(), HasSubstr("has no retention"));
  agreement.mutable_retention()->set_months_after_case(36);
  agreement.mutable_retention()->set_months_after_event(12);
  EXPECT_THAT(said(), HasSubstr("is not the agency's"));
  agreement.add_parties("red");
  // Past the policy's periods, and not past these.
  Add("m.v1.Opened", "hub", Noon(2020, 1, 1));
  Add("a.v1.Fact", "red", Noon(2020, 1, 2));
  Add("m.v1.Closed", "hub", Noon(2024, 1, 1));
  EXPECT_THAT(List("red", "2026-11-27"), IsEmpty());
  now_us_ = Noon(2027, 1, 2);
  EXPECT_THAT(List("red", "2027-01-02"), SizeIs(1));
  Add("a.v1.Fact", "red", Noon(2026, 1, 3));
  EXPECT_THAT(List("red", "2027-01-02"), IsEmpty());
  now_us_ = Noon(2027, 1, 4);
  EXPECT_THAT(List("red", "2027-01-04"), SizeIs(1));
}

TEST_F(ReviewBookTest, AKeepIsLookedAtAgain) {
  Add("a.v1.Fact", "red", Noon(2020, 1, 1));
  Decide("red", "KEEP", Noon(2026, 11, 1), "2027-01-15");
  EXPECT_FALSE(List("red", "2027-01-14").at(0).due);
  EXPECT_TRUE(List("red", "2027-01-15").at(0).due);
  Decide("red", "ERASE", Noon(2026, 11, 2));
  EXPECT_FALSE(List("red", "2030-01-01").at(0).due);
}

TEST_F(ReviewBookTest, AReviewSaysWhoAndWhy) {
  const auto said = [&] {
    return std::string(
        TermsOf(policy_, agreements_, now_us_, london_).status().message());
  };
  policy_.mutable_reviews(0)->clear_reason();
  EXPECT_THAT(said(), HasSubstr("reviews: red"));
  policy_.mutable_reviews(0)->set_reason("case reviews draw on it");
  policy_.mutable_reviews(0)->set_months_after_end(1201);
  EXPECT_THAT(said(), HasSubstr("reviews: red: months_after_end is 1201"));
  policy_.mutable_reviews(0)->set_months_after_end(24);
  AddReview("red");
  EXPECT_THAT(said(), HasSubstr("red is there twice"));
}

}  // namespace
}  // namespace concordat::bus
