// What each catches: another controller's facts in a pack (HasWhatTheController…);
// an answer that differs for who is known and who is not (WhoToldNothing…); content
// in a schedule (AScheduleDescribes…); text that is markup (APageShowsText…); a pack of
// what a role sees that passes for what its agency told (OnlyWhoIsShownAll…,
// APackSaysWhatIsNotShown).
#include "gateway/cli/person_pack.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "concordat/police/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/event/make_event.h"
#include "tests/support/demo_types.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace concordat::cli {
namespace {

using concordat::testing::HasCode;
using concordat::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PersonPackTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto types = concordat::testing::DemoTypes();
    ASSERT_THAT(types, IsOk());
    types_ = *std::move(types);
  }
  View Concern(uint64_t sequence, const std::string& controller,
               bus::v1::Basis basis = bus::v1::BASIS_OBSERVED) {
    police::v1::ConcernShared concern;
    concern.set_concern_type("CHILDREN_AT_ADDRESS");
    concern.set_incident_ref("INC-1");
    Header header;
    header.source = "urn:concordat:" + controller + ":rms";
    header.controller = controller;
    header.id = "c-" + std::to_string(sequence);
    header.basis = basis;
    header.time_us = 1'762'135'200'000'000;
    auto event = MakeEvent(*types_, std::move(header), concern, random_);
    EXPECT_THAT(event, IsOk());
    View view;
    view.sequence = {sequence};
    view.header = event->header;
    for (const auto& group : event->groups) {
      view.groups.push_back({group.number, group.data, {}});
    }
    return view;
  }
  PackRequest Request() {
    PackRequest request;
    request.controller = "police-scotland";
    request.made_by = "police";
    request.now = absl::FromUnixSeconds(1'800'000'000);
    request.position = 77;
    request.gone = 2;
    return request;
  }

  concordat::testing::SeededRandom random_;
  std::shared_ptr<const TypeRegistry> types_;
};

TEST_F(PersonPackTest, HasWhatTheControllerToldAndNothingElse) {
  const auto pack = SubjectAccessPack(
      {Concern(3, "police-scotland"), Concern(4, "nhs-tayside"),
       Concern(9, "police-scotland", bus::v1::BASIS_SUSPICION)},
      *types_, Request());
  ASSERT_THAT(pack, IsOk());
  ASSERT_EQ(pack->items_size(), 2);
  EXPECT_EQ(pack->items(0).number(), 1u);
  EXPECT_EQ(pack->items(0).title(), "Concern shared");
  EXPECT_EQ(pack->items(0).happened(), "2025-11-03T02:00:00Z");
  EXPECT_THAT(pack->items(0).data(), HasSubstr("INC-1"));
  EXPECT_EQ(pack->items(0).marks_size(), 0);
  EXPECT_EQ(pack->items(1).sequence(), 9u);
  EXPECT_THAT(pack->items(1).marks(), ElementsAre(HasSubstr("suspicion")));
  EXPECT_EQ(pack->gone(), 2u);
  EXPECT_EQ(pack->position(), 77u);
  EXPECT_EQ(pack->answer(), "");
}

TEST_F(PersonPackTest, WhoToldNothingAnswersTheSameWhoeverIsKnown) {
  const auto known =
      SubjectAccessPack({Concern(4, "nhs-tayside")}, *types_, Request());
  PackRequest nobody = Request();
  nobody.position = 0;
  nobody.gone = 0;
  const auto unknown = SubjectAccessPack({}, *types_, nobody);
  ASSERT_THAT(known, IsOk());
  ASSERT_THAT(unknown, IsOk());
  EXPECT_EQ(known->SerializeAsString(), unknown->SerializeAsString());
  EXPECT_EQ(known->answer(), kNeitherConfirmNorDeny);
  EXPECT_EQ(PrintablePack(*known), PrintablePack(*unknown));
}

TEST_F(PersonPackTest, AScheduleDescribesWithoutContent) {
  View shown = Concern(4, "nhs-tayside");
  shown.withheld = {"health details"};
  const auto schedule = DisclosureSchedule(
      {Concern(3, "police-scotland"), shown}, *types_, Request());
  ASSERT_THAT(schedule, IsOk());
  ASSERT_EQ(schedule->items_size(), 2);
  EXPECT_EQ(schedule->items(1).controller(), "nhs-tayside");
  EXPECT_THAT(schedule->items(1).withheld(), ElementsAre("health details"));
  EXPECT_FALSE(absl::StrContains(schedule->SerializeAsString(), "INC-1"));
  const std::string page = PrintablePack(*schedule);
  EXPECT_THAT(page, HasSubstr("health details"));
  EXPECT_FALSE(absl::StrContains(page, "INC-1"));
}

TEST_F(PersonPackTest, OnlyWhoIsShownAllOfItMakesOne) {
  const auto demo = concordat::testing::DemoAgreements();
  ASSERT_THAT(demo, IsOk());
  for (const char* role : {"police", "supervising-officer"}) {
    EXPECT_THAT(MayMakePack(*demo, "police-scotland", role), IsOk()) << role;
  }
  // Of its own, and of some types alone.
  for (const char* role : {"guardian", "upw-manager"}) {
    const absl::Status may = MayMakePack(*demo, "dundee-city-council", role);
    EXPECT_THAT(may, HasCode(absl::StatusCode::kPermissionDenied)) << role;
    EXPECT_THAT(std::string(may.message()), HasSubstr("service-manager"));
  }
  EXPECT_THAT(MayMakePack(*demo, "strangers", "police"),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(MayMakePack({}, "police-scotland", "police"),
              HasCode(absl::StatusCode::kPermissionDenied));
  std::vector<policy::v1::Agreement> less = *demo;
  for (auto& agreement : less) {
    for (auto& see : *agreement.mutable_see()) {
      see.set_up_to(policy::v1::TIER_S1);
    }
  }
  EXPECT_THAT(MayMakePack(less, "police-scotland", "police"),
              HasCode(absl::StatusCode::kPermissionDenied));
}

TEST_F(PersonPackTest, APackSaysWhatIsNotShown) {
  View view = Concern(3, "police-scotland");
  view.withheld = {"gender history"};
  const auto pack = SubjectAccessPack({view}, *types_, Request());
  ASSERT_THAT(pack, IsOk());
  EXPECT_THAT(pack->items(0).withheld(), ElementsAre("gender history"));
  const std::string page = PrintablePack(*pack);
  EXPECT_THAT(page, HasSubstr("INC-1"));
  EXPECT_THAT(page, HasSubstr("gender history"));
}

TEST_F(PersonPackTest, APageShowsTextAndNoMarkup) {
  bus::v1::PersonPack pack;
  pack.set_kind("subject-access");
  pack.set_controller("<script>alert(1)</script>");
  bus::v1::PackItem& item = *pack.add_items();
  item.set_data("{\"note\":\"<b>&</b>\"}");
  const std::string page = PrintablePack(pack);
  EXPECT_FALSE(absl::StrContains(page, "<script>"));
  EXPECT_FALSE(absl::StrContains(page, "<b>"));
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;&amp;"));
}

}  // namespace
}  // namespace concordat::cli
