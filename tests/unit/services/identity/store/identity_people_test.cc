// Claims to a number, and people by name.
//
//   claim reviewed twice, or after KEPT_APART   AClaimIsReviewedOnceAndMerges…
//   the holder merged into the claimant         AClaimIsReviewedOnceAndMerges…
//   an other name in plain, or not found        FindsPeopleByAnyFamilyName…
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/unit/services/identity/store/store_fixture.h"

namespace concordat::identity {
namespace {

using ::concordat::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

TEST_F(IdentityStoreTest, AClaimIsReviewedOnceAndMergesIntoTheHolder) {
  const PersonKey torquil = RegisterTorquil();
  const PersonKey claimant =
      store_->Register(From(kPolice, "r-2"), {}, {Id("chi", kChi)})
          .value()
          .person;
  ASSERT_NE(claimant, torquil);
  ASSERT_THAT(store_->Register(From(kPolice, "r-3"), {}, {Id("chi", kChi)}),
              IsOk());
  Reopen();
  ASSERT_THAT(*store_->Reviews(true), SizeIs(1));
  // Kept apart is kept apart.
  ASSERT_THAT(
      store_->DecideReview(From(kPolice, "d-1"), {.review = 1,
                                                  .decision = "KEPT_APART",
                                                  .reason = "RECORDS_COMPARED",
                                                  .note = ""}),
      IsOk());
  ASSERT_THAT(store_->Register(From(kPolice, "r-4"), {}, {Id("chi", kChi)}),
              IsOk());
  ASSERT_THAT(*store_->Reviews(true), SizeIs(1));
  // By another number they turn out to be one.
  ASSERT_THAT(store_->Register(From(kPolice, "r-5"), {},
                               {Id("chi", kChi), Id("pnc", kPnc)}),
              IsOk());
  ASSERT_THAT(*store_->Reviews(true), SizeIs(2));
  const auto merged = store_->DecideReview(
      From(kPolice, "d-2"),
      {.review = 2, .decision = "MERGED", .reason = "SAME_PERSON", .note = ""});
  ASSERT_THAT(merged, IsOk());
  EXPECT_EQ(store_->PeopleNamed("Balnamoon").value(),
            std::vector<PersonKey>{torquil});
  EXPECT_TRUE(store_->IsRegisteredBy(torquil, kPolice.agency).value());
  EXPECT_EQ(
      store_->Register(From(kPolice, "r-6"), {}, {Id("chi", kChi)})->person,
      torquil);
}

TEST_F(IdentityStoreTest, FindsPeopleByAnyFamilyNameAndLeavesNoneInTheFiles) {
  PersonDetails details = Torquil();
  details.other_names = {{"Inverquharity", "Tam"}, {"Balnamoon", "Tam"}};
  const PersonKey person =
      store_->Register(From(kCouncil, "r-1"), details, {Id("chi", kChi)})
          ->person;
  for (const char* name : {"balna-moon", "BALNAMOON", "Inverquharity"}) {
    EXPECT_EQ(store_->PeopleNamed(name).value(), std::vector<PersonKey>{person})
        << name;
  }
  for (const char* name : {"Balnamoo", "Tam", ""}) {
    EXPECT_THAT(store_->PeopleNamed(name).value(), IsEmpty()) << name;
  }
  const auto overview = store_->Overview(person, kCouncil);
  ASSERT_THAT(overview, IsOk());
  EXPECT_EQ((*overview)->details.other_names, details.other_names);
  EXPECT_FALSE((*overview)->in_doubt);
  // Given anew they take the place of the old; not said, they stay.
  details.other_names = {{"Inverquharity", "Tom"}};
  ASSERT_THAT(
      store_->Register(From(kCouncil, "r-2"), details, {Id("chi", kChi)}),
      IsOk());
  ASSERT_THAT(
      store_->Register(From(kCouncil, "r-3"), Torquil(), {Id("chi", kChi)}),
      IsOk());
  EXPECT_EQ((*store_->Overview(person, kCouncil))->details.other_names,
            details.other_names);
  store_.reset();
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
    std::ifstream file(entry.path());
    std::stringstream text;
    text << file.rdbuf();
    EXPECT_THAT(text.str(), Not(HasSubstr("Inverquharity")));
  }
}

}  // namespace
}  // namespace concordat::identity
