// Two versions of an agreement in plain words.
//
// Mutant                                            Caught by
// more told as less, or a group left out            SaysWhoSeesMoreAndWhoLess
// what stays is told                                SaysWhoSeesMoreAndWhoLess
// a level or a regime is not told apart             NamesTheLevelsAndTheRegimeThatChange
// a role is lost in its agency                      SaysWhoSeesMoreAndWhoLess
// a term that changes is left out                   SaysWhatElseIsOther
#include "services/common/policy/diff.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/support/fake_types.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::testing::ElementsAre;
using testing::FakeTypes;
using ::testing::IsEmpty;
using testing::IsOk;

class DiffTest : public ::testing::Test {
 protected:
  DiffTest() {
    auto types = std::make_shared<FakeTypes>();
    types->Add("a.v1.Fact", {}, {policy::v1::CATEGORY_CLINICAL})
        .Add("a.v1.Other");
    types_ = std::move(types);
  }
  policy::v1::Agreement Read(const std::string& text) {
    policy::v1::Agreement agreement;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        absl::StrCat(R"(name: "x" version: 1 parties: "red" parties: "blue"
                        valid_from: "2025-10-01" valid_to: "2026-03-31" )",
                     text),
        &agreement));
    return agreement;
  }
  std::vector<GrantChange> Diff(const std::string& before,
                                const std::string& after) {
    const auto none = Agreements::None(types_);
    const auto old = none->With(Read(before));
    const auto now = none->With(Read(after));
    EXPECT_THAT(old, IsOk());
    EXPECT_THAT(now, IsOk());
    return DiffGrants(*types_, (*old)->CellsOf("x"), (*now)->CellsOf("x"));
  }

  std::shared_ptr<const TypeRegistry> types_;
};

TEST_F(DiffTest, SaysWhoSeesMoreAndWhoLess) {
  const char kOld[] =
      R"(see { to: "red" roles: "officer" roles: "clerk" types: "a.v1.*"
               part3: true law: "An Act" audience: AUDIENCE_LEAD })";
  const char kNew[] =
      R"(see { to: "red" roles: "officer" types: "a.v1.Fact"
               categories: CATEGORY_CLINICAL part3: true law: "An Act"
               audience: AUDIENCE_LEAD }
         see { to: "red" roles: "officer" types: "a.v1.Other"
               part3: true law: "An Act" audience: AUDIENCE_LEAD }
         see { to: "red" roles: "clerk" types: "a.v1.Fact" up_to: TIER_S1
               part3: true law: "An Act" audience: AUDIENCE_LEAD })";
  const std::string lead =
      "of persons whose case, notification or referral it leads";
  EXPECT_THAT(
      Diff(kOld, kNew),
      ElementsAre(
          GrantChange{"red",
                      "clerk",
                      "a.v1.Fact",
                      lead,
                      {},
                      {"personal details", "offence and MAPPA details"}},
          GrantChange{"red",
                      "clerk",
                      "a.v1.Other",
                      lead,
                      {},
                      {"administrative details", "personal details",
                       "offence and MAPPA details"}},
          GrantChange{
              "red", "officer", "a.v1.Fact", lead, {"health details"}, {}}));
  EXPECT_THAT(Diff(kNew, kNew), IsEmpty());
}

TEST_F(DiffTest, NamesTheLevelsAndTheRegimeThatChange) {
  const auto party = [](const std::string& more) {
    return absl::StrCat(R"(see { to: "red" roles: "officer" types: "a.v1.Other"
                                 up_to: TIER_S1 audience: AUDIENCE_PARTY )",
                        more, "}");
  };
  const auto changes =
      Diff(party(""), party("part3: true law: \"An Act\" level_min: 1 "
                            "level_max: 2"));
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].audience,
            "of persons whose open case it is a party to, at no level, Level "
            "3, processed under the UK GDPR");
  EXPECT_THAT(changes[0].less, ElementsAre("administrative details"));
  EXPECT_EQ(changes[1].audience,
            "of persons whose open case it is a party to, at Level 1, Level 2, "
            "processed under Part 3");
  EXPECT_THAT(changes[1].more, ElementsAre("administrative details"));
}

TEST_F(DiffTest, SaysWhatElseIsOther) {
  policy::v1::Agreement before = Read(R"(purposes: "CARE" gateways: "G1")");
  policy::v1::Agreement after = before;
  EXPECT_THAT(DiffTerms(before, after), IsEmpty());
  after.set_valid_to("2027-03-31");
  after.add_parties("green");
  after.clear_gateways();
  after.set_contact("the office");
  after.add_part3_parties("red");
  before.mutable_retention()->set_months_after_event(13);
  after.mutable_retention()->set_months_after_case(24);
  after.mutable_retention()->set_months_after_event(12);
  EXPECT_THAT(
      DiffTerms(before, after),
      ElementsAre("party: green is new",
                  "last day: 2026-03-31 becomes 2027-03-31",
                  "gateway: G1 is gone", "competent authority: red is new",
                  "whom to ring: none becomes the office",
                  "kept after a case: none becomes 24 months",
                  "kept after the last event: 13 months becomes 12 months"));
}

}  // namespace
}  // namespace concordat
