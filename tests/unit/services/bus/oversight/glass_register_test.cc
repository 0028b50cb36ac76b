// What is open to whom, and which reviews are owed.
//
// Mutant                                           Caught by
// open to others, of another person, or for ever   IsOpenToOneForATime
// what the log has is forgotten at the start       IsReadFromTheLog
// a review is owed although it was made            SaysWhichReviewsAreLate
// one agency sees another's                        SaysWhichReviewsAreLate
#include "services/bus/oversight/glass_register.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_event_log.h"
#include "tests/support/status_matchers.h"

namespace concordat::bus {
namespace {

using ::concordat::testing::FakeEventLog;
using ::concordat::testing::IsOk;
using ::testing::SizeIs;

const PersonKey kOne({1});

access::v1::GlassEntry Entry(std::string ref, std::string staff,
                             std::string agency) {
  access::v1::GlassEntry entry;
  access::v1::GlassBroken& opening = *entry.mutable_opening();
  opening.set_opening_ref(std::move(ref));
  opening.set_by("duty-senior");
  opening.set_staff(std::move(staff));
  opening.set_until(1000);
  opening.set_review_by(5000);
  entry.set_subject(kOne.ToString());
  entry.set_agency(std::move(agency));
  return entry;
}

TEST(GlassRegisterTest, IsOpenToOneForATime) {
  GlassRegister glass;
  glass.Add(Entry("G-1", "k.birnam", "dundee-city-council"));
  const auto is_open = [&](absl::string_view by, absl::string_view staff,
                           const PersonKey& person, uint64_t now) {
    return glass.OpenTo(by, staff, person.ToString(), now).has_value();
  };
  EXPECT_TRUE(is_open("duty-senior", "k.birnam", kOne, 999));
  EXPECT_FALSE(is_open("duty-senior", "k.birnam", kOne, 1000));
  EXPECT_FALSE(is_open("duty-senior", "another", kOne, 999));
  EXPECT_FALSE(is_open("duty-senior", "", kOne, 999));
  EXPECT_FALSE(is_open("police", "k.birnam", kOne, 999));
  EXPECT_FALSE(is_open("duty-senior", "k.birnam", PersonKey({2}), 999));
}

TEST(GlassRegisterTest, SaysWhichReviewsAreLate) {
  GlassRegister glass;
  glass.Add(Entry("G-1", "a", "dundee-city-council"));
  glass.Add(Entry("G-2", "b", "police-scotland"));
  EXPECT_FALSE(glass.List("", 4999)[0].review_overdue());
  EXPECT_TRUE(glass.List("", 5000)[0].review_overdue());
  access::v1::GlassReviewed review;
  review.set_opening_ref("G-1");
  review.set_by("guardian-council");
  glass.Add(review);
  EXPECT_FALSE(glass.List("", 5000)[0].review_overdue());
  EXPECT_TRUE(glass.List("", 5000)[1].review_overdue());
  ASSERT_THAT(glass.List("police-scotland", 5000), SizeIs(1));
  EXPECT_EQ(glass.List("police-scotland", 5000)[0].opening().opening_ref(),
            "G-2");
  EXPECT_FALSE(glass.Find("G-2", "dundee-city-council").has_value());
  EXPECT_TRUE(glass.Find("G-2", "").has_value());
}

TEST(GlassRegisterTest, IsReadFromTheLog) {
  FakeEventLog log;
  HeaderView header;
  header.source = "urn:concordat:dundee-city-council:access";
  header.controller = "dundee-city-council";
  header.id = "id";
  header.subject = kOne;
  header.type = kGlassBroken;
  log.Append(header, Entry("G-1", "a", "").opening().SerializeAsString(), 7);
  access::v1::GlassReviewed review;
  review.set_opening_ref("G-1");
  review.set_outcome("JUSTIFIED");
  header.type = kGlassReviewed;
  log.Append(header, review.SerializeAsString(), 8);
  header.type = "concordat.hub.v1.LoadSample";
  log.Append(header, "x", 9);
  GlassRegister glass;
  ASSERT_THAT(glass.Load(log), IsOk());
  const auto list = glass.List("dundee-city-council", 1);
  ASSERT_THAT(list, SizeIs(1));
  EXPECT_EQ(list[0].subject(), kOne.ToString());
  EXPECT_EQ(list[0].time(), 7u);
  EXPECT_EQ(list[0].review().outcome(), "JUSTIFIED");
}

}  // namespace
}  // namespace concordat::bus
