// What is open to whom, and which reviews are owed.
//
// Mutant                                           Caught by
// open to others, of another person, or for ever   IsOpenToOneForATime
// a review is owed although it was made            SaysWhichReviewsAreLate
// one agency sees another's                        SaysWhichReviewsAreLate
// what came after the first question is not there  IsReadOnAtEachQuestion
// who is erased, or removed, is there till a start OfWhoIsErasedNothingIsLeft
// what opens no more is an entry of no name        OfWhoIsErasedNothingIsLeft
#include "services/bus/oversight/glass_register.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_event_log.h"
#include "tests/support/status_matchers.h"

namespace concordat::bus {
namespace {

using ::concordat::testing::FakeEventLog;
using ::concordat::testing::IsOk;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const PersonKey kOne({1});
const PersonKey kTwo({2});

class GlassRegisterTest : public ::testing::Test {
 protected:
  Sequence Append(absl::string_view type, const std::string& agency,
                  PersonKey person, const std::string& message) {
    const std::string id = absl::StrCat("e-", log_.end().value + 1);
    HeaderView header;
    header.source = "urn:concordat:dundee-city-council:access";
    header.controller = agency;
    header.id = id;
    header.subject = person;
    header.type = type;
    return log_.Append(header, message, log_.end().value + 1);
  }
  Sequence Open(std::string ref, std::string staff, const std::string& agency,
                PersonKey person = kOne) {
    access::v1::GlassBroken opening;
    opening.set_opening_ref(std::move(ref));
    opening.set_by("duty-senior");
    opening.set_staff(std::move(staff));
    opening.set_until(1000);
    opening.set_review_by(5000);
    return Append(kGlassBroken, agency, person, opening.SerializeAsString());
  }
  Sequence Review(std::string ref, PersonKey person = kOne) {
    access::v1::GlassReviewed review;
    review.set_opening_ref(std::move(ref));
    review.set_by("guardian-council");
    review.set_outcome("JUSTIFIED");
    return Append(kGlassReviewed, "dundee-city-council", person,
                  review.SerializeAsString());
  }
  std::vector<access::v1::GlassEntry> List(absl::string_view agency,
                                           uint64_t now_us) {
    const auto list = glass_.List(agency, now_us);
    EXPECT_THAT(list, IsOk());
    return list.ok() ? *list : std::vector<access::v1::GlassEntry>();
  }

  FakeEventLog log_;
  GlassRegister glass_{log_};
};

TEST_F(GlassRegisterTest, IsOpenToOneForATime) {
  Open("G-1", "k.birnam", "dundee-city-council");
  const auto is_open = [&](absl::string_view by, absl::string_view staff,
                           const PersonKey& person, uint64_t now) {
    const auto open = glass_.OpenTo(by, staff, person.ToString(), now);
    EXPECT_THAT(open, IsOk());
    return open.ok() && open->has_value();
  };
  EXPECT_TRUE(is_open("duty-senior", "k.birnam", kOne, 999));
  EXPECT_FALSE(is_open("duty-senior", "k.birnam", kOne, 1000));
  EXPECT_FALSE(is_open("duty-senior", "another", kOne, 999));
  EXPECT_FALSE(is_open("duty-senior", "", kOne, 999));
  EXPECT_FALSE(is_open("police", "k.birnam", kOne, 999));
  EXPECT_FALSE(is_open("duty-senior", "k.birnam", kTwo, 999));
}

TEST_F(GlassRegisterTest, SaysWhichReviewsAreLate) {
  Open("G-1", "a", "dundee-city-council");
  Open("G-2", "b", "police-scotland");
  EXPECT_FALSE(List("", 4999)[0].review_overdue());
  EXPECT_TRUE(List("", 5000)[0].review_overdue());
  Review("G-1");
  EXPECT_FALSE(List("", 5000)[0].review_overdue());
  EXPECT_TRUE(List("", 5000)[1].review_overdue());
  ASSERT_THAT(List("police-scotland", 5000), SizeIs(1));
  EXPECT_EQ(List("police-scotland", 5000)[0].opening().opening_ref(), "G-2");
  EXPECT_FALSE(glass_.Find("G-2", "dundee-city-council")->has_value());
  EXPECT_TRUE(glass_.Find("G-2", "")->has_value());
}

TEST_F(GlassRegisterTest, IsReadOnAtEachQuestion) {
  EXPECT_THAT(List("", 1), IsEmpty());
  Append("concordat.hub.v1.LoadSample", "dundee-city-council", kOne, "x");
  const Sequence opened = Open("G-1", "a", "dundee-city-council");
  // As another process of the same log wrote it.
  auto list = List("dundee-city-council", 1);
  ASSERT_THAT(list, SizeIs(1));
  EXPECT_EQ(list[0].subject(), kOne.ToString());
  EXPECT_EQ(list[0].time(), opened.value);
  EXPECT_FALSE(list[0].has_review());
  Review("G-1");
  list = List("dundee-city-council", 1);
  ASSERT_THAT(list, SizeIs(1));
  EXPECT_EQ(list[0].review().outcome(), "JUSTIFIED");
}

TEST_F(GlassRegisterTest, OfWhoIsErasedNothingIsLeft) {
  const Sequence erased = Open("G-1", "a", "dundee-city-council");
  const Sequence reviewed = Review("G-1");
  Open("G-2", "b", "dundee-city-council", kTwo);
  ASSERT_THAT(List("", 9000), SizeIs(2));
  log_.Erase(erased, 8);
  log_.Erase(reviewed, 8);
  Append("concordat.hub.v1.PersonErased", "concordat-operator", kOne, "");
  const auto is_second = [](const std::vector<access::v1::GlassEntry>& list) {
    return list.size() == 1 && list[0].opening().opening_ref() == "G-2";
  };
  EXPECT_TRUE(is_second(List("", 9000)));
  EXPECT_FALSE(glass_.Find("G-1", "")->has_value());
  EXPECT_FALSE(
      glass_.OpenTo("duty-senior", "a", kOne.ToString(), 1)->has_value());
  // After a start, too.
  GlassRegister again(log_);
  EXPECT_TRUE(is_second(*again.List("", 9000)));
  // And of what retention removed.
  log_.Remove({3}, 9);
  EXPECT_THAT(List("", 9000), IsEmpty());
  EXPECT_THAT(*again.List("", 9000), IsEmpty());
}

}  // namespace
}  // namespace concordat::bus
