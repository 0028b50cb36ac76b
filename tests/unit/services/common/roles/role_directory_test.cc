// Who is told of an alert at a moment, over the demo's roles and calendars.
//
// | bug | test |
// |---|---|
// | at night the office is told | OutOfHoursTheCoverIsTold |
// | a holiday is an ordinary Monday | OutOfHoursTheCoverIsTold |
// | an absence is taken for one of another time, or lasts a moment longer | AStandInIsToldWhileTheRoleIsAbsent |
// | an absence that is over, or taken back, is listed | AStandInIsToldWhileTheRoleIsAbsent |
// | why somebody else is told is said of the stand-in | AStandInIsToldWhileTheRoleIsAbsent |
// | two that stand in for each other: nobody is told, or it hangs | TwoThatStandInForEachOtherEndAtTheirCover |
// | a year without holidays: nobody is told | WithoutACalendarTheCoverIsTold |
// | a chain without an end is adopted | AChainThatEndsNowhereIsRefusedByTheNameOfItsRole |
// | the next of a chain is who has been told already | TheNextIsNotWhoIsToldNow |
// | a version holds before its date | AVersionHoldsFromItsDate |
// | an older version of the same date takes its place | AVersionHoldsFromItsDate |
// | a chain stops at who goes home | AChainGoesOnToWhoIsThereAtAllHours |
#include "services/common/roles/role_directory.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/civil_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/demo_types.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using identity::v1::RoleAbsenceSet;
using identity::v1::RolesDefined;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Why = OnDuty::Why;

constexpr char kDundee[] = "dundee-city-council";

class RoleDirectoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(absl::LoadTimeZone("Europe/London", &london_));
    auto calendars = Calendars::Build(*testing::DemoCalendars(), london_);
    ASSERT_THAT(calendars, IsOk());
    calendars_ = std::make_shared<const Calendars>(*std::move(calendars));
    files_ = *testing::DemoRoles();
    Build();
  }
  void Build() {
    auto built = RoleDirectory::Build(files_, calendars_, london_);
    ASSERT_THAT(built, IsOk());
    roles_ = std::make_unique<RoleDirectory>(*std::move(built));
  }
  absl::Time At(int month, int day, int hour, int minute) const {
    return absl::FromCivil(absl::CivilMinute(2025, month, day, hour, minute),
                           london_);
  }
  OnDuty Route(const std::string& role, absl::Time at) const {
    return roles_->Route({kDundee, role}, at);
  }
  void SetAbsent(const std::string& role, absl::Time from, absl::Time until,
                 const std::string& stand_in) {
    RoleAbsenceSet absence;
    absence.set_agency(kDundee);
    absence.set_role(role);
    absence.set_absence_ref("leave");
    absence.set_from(static_cast<uint64_t>(absl::ToUnixMicros(from)));
    absence.set_until(static_cast<uint64_t>(absl::ToUnixMicros(until)));
    absence.set_stand_in(stand_in);
    EXPECT_THAT(roles_->Apply("concordat.identity.v1.RoleAbsenceSet",
                              absence.SerializeAsString()),
                IsOk());
  }
  RolesDefined& FileOf(const std::string& agency) {
    for (RolesDefined& file : files_) {
      if (file.agency() == agency) return file;
    }
    return files_.emplace_back();
  }
  identity::v1::Role& RoleOf(const std::string& role) {
    for (auto& found : *FileOf(kDundee).mutable_roles()) {
      if (found.name() == role) return found;
    }
    return *FileOf(kDundee).add_roles();
  }
  void Refused(const std::string& why) {
    const auto built = RoleDirectory::Build(files_, calendars_, london_);
    EXPECT_THAT(built, HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(built.status().message(), HasSubstr(why));
  }

  absl::TimeZone london_;
  std::shared_ptr<const Calendars> calendars_;
  std::vector<RolesDefined> files_;
  std::unique_ptr<RoleDirectory> roles_;
};

TEST_F(RoleDirectoryTest, InHoursTheAddresseeIsTold) {
  const OnDuty duty = Route("upw-manager", At(12, 3, 9, 0));
  EXPECT_EQ(duty.role.ToString(), "dundee-city-council/upw-manager");
  EXPECT_EQ(duty.why, Why::kStaffed);
  EXPECT_EQ(duty.next, (RoleName{kDundee, "service-manager"}));
  EXPECT_TRUE(duty.hours_known);
}

TEST_F(RoleDirectoryTest, OutOfHoursTheCoverIsTold) {
  for (const absl::Time at :
       {At(11, 21, 23, 35), At(11, 22, 11, 0), At(11, 21, 16, 30),
        At(12, 1, 11, 0)}) {  // Night, Saturday, Friday's end, a holiday.
    const OnDuty duty = Route("lead-officer", at);
    EXPECT_EQ(duty.role, (RoleName{kDundee, "duty-senior"})) << at;
    EXPECT_EQ(duty.why, Why::kOutOfHours);
  }
  EXPECT_EQ(
      roles_->Route({"police-scotland", "lead-officer"}, At(11, 20, 21, 15))
          .role,
      (RoleName{"police-scotland", "police-cover"}));
}

TEST_F(RoleDirectoryTest, WhoIsAlwaysStaffedIsToldAtAllHours) {
  for (const absl::Time at : {At(11, 22, 2, 5), At(11, 24, 11, 0)}) {
    EXPECT_EQ(Route("duty-senior", at).why, Why::kStaffed);
  }
}

TEST_F(RoleDirectoryTest, AStandInIsToldWhileTheRoleIsAbsent) {
  SetAbsent("upw-manager", At(12, 3, 0, 0), At(12, 5, 0, 0), "senior");
  EXPECT_EQ(Route("upw-manager", At(12, 2, 16, 59)).why, Why::kStaffed);
  OnDuty duty = Route("upw-manager", At(12, 3, 9, 0));
  EXPECT_EQ(duty.role, (RoleName{kDundee, "senior"}));
  EXPECT_EQ(duty.why, Why::kAbsent);
  // Out of the stand-in's hours its cover is told.
  duty = Route("upw-manager", At(12, 3, 20, 0));
  EXPECT_EQ(duty.role, (RoleName{kDundee, "duty-senior"}));
  EXPECT_EQ(duty.why, Why::kAbsent);
  EXPECT_EQ(Route("upw-manager", At(12, 5, 0, 0)).why, Why::kOutOfHours);
  EXPECT_EQ(Route("upw-manager", At(12, 5, 9, 0)).why, Why::kStaffed);
  const RoleName manager{kDundee, "upw-manager"};
  EXPECT_EQ(roles_->AbsencesOf(manager, At(12, 4, 23, 59)).size(), 1u);
  EXPECT_TRUE(roles_->AbsencesOf(manager, At(12, 5, 0, 0)).empty());
  // It does not take place after all.
  SetAbsent("upw-manager", At(12, 3, 0, 0), At(12, 3, 0, 0), "");
  EXPECT_EQ(Route("upw-manager", At(12, 3, 9, 0)).why, Why::kStaffed);
  EXPECT_TRUE(roles_->AbsencesOf(manager, At(12, 1, 0, 0)).empty());
}

TEST_F(RoleDirectoryTest, TwoThatStandInForEachOtherEndAtTheirCover) {
  SetAbsent("upw-manager", At(12, 3, 0, 0), At(12, 5, 0, 0), "senior");
  SetAbsent("senior", At(12, 3, 0, 0), At(12, 5, 0, 0), "upw-manager");
  EXPECT_EQ(Route("upw-manager", At(12, 3, 9, 0)).role,
            (RoleName{kDundee, "duty-senior"}));
  // Without a stand-in, or with one that is no role any more: the cover.
  SetAbsent("upw-manager", At(12, 3, 0, 0), At(12, 5, 0, 0), "");
  EXPECT_EQ(Route("upw-manager", At(12, 3, 9, 0)).role,
            (RoleName{kDundee, "duty-senior"}));
  SetAbsent("upw-manager", At(12, 3, 0, 0), At(12, 5, 0, 0), "gone");
  EXPECT_EQ(Route("upw-manager", At(12, 3, 9, 0)).role,
            (RoleName{kDundee, "duty-senior"}));
}

TEST_F(RoleDirectoryTest, WithoutACalendarTheCoverIsTold) {
  const absl::Time later =
      absl::FromCivil(absl::CivilMinute(2031, 12, 3, 11, 0), london_);
  const OnDuty duty = Route("upw-manager", later);
  EXPECT_EQ(duty.role, (RoleName{kDundee, "duty-senior"}));
  EXPECT_FALSE(duty.hours_known);
}

TEST_F(RoleDirectoryTest, ARoleThatNoDirectoryHasIsToldItself) {
  const OnDuty duty = Route("governor", At(12, 3, 9, 0));
  EXPECT_EQ(duty.role, (RoleName{kDundee, "governor"}));
  EXPECT_EQ(duty.why, Why::kUndefined);
  EXPECT_FALSE(duty.next.has_value());
}

TEST_F(RoleDirectoryTest, TheNextIsNotWhoIsToldNow) {
  // At night the duty senior is told for the service manager, and is the end:
  // its own next would be the service manager again, whom it covers.
  OnDuty duty = Route("upw-manager", At(11, 22, 2, 5));
  EXPECT_EQ(duty.role.role, "duty-senior");
  EXPECT_EQ(duty.next, (RoleName{kDundee, "service-manager"}));
  RoleOf("duty-senior").clear_escalates_to();
  RoleOf("upw-manager").set_escalates_to("duty-senior");
  Build();
  duty = Route("upw-manager", At(11, 22, 2, 5));
  EXPECT_EQ(duty.role.role, "duty-senior");
  EXPECT_FALSE(duty.next.has_value());
}

TEST_F(RoleDirectoryTest, AChainThatEndsNowhereIsRefusedByTheNameOfItsRole) {
  const std::vector<RolesDefined> good = files_;
  RoleOf("senior").clear_cover();
  Refused("role dundee-city-council/senior: its chain ends nowhere");
  files_ = good;
  RoleOf("senior").set_cover("duty-seniors");
  Refused("there is no role \"duty-seniors\" to stand in");
  files_ = good;
  RoleOf("duty-senior").set_always(false);
  RoleOf("duty-senior").set_calendar("scotland");
  RoleOf("duty-senior").set_cover("senior");
  Refused("its chain ends nowhere: cover goes in a circle");
  files_ = good;
  RoleOf("service-manager").set_escalates_to("senior");
  Refused("its chain ends nowhere: it escalates in a circle");
  files_ = good;
  RoleOf("senior").set_escalates_to("director");
  Refused("it escalates to \"director\", which is no role");
}

TEST_F(RoleDirectoryTest, AFileIsRefusedByRoleAndField) {
  const std::vector<RolesDefined> good = files_;
  RoleOf("senior").set_calendar("perth");
  Refused("role dundee-city-council/senior: there is no calendar perth");
  files_ = good;
  RoleOf("senior").set_always(true);
  Refused("dundee-city-council/senior: either always, or a calendar");
  files_ = good;
  *FileOf(kDundee).add_roles() = RoleOf("senior");
  Refused("dundee-city-council/senior: there twice");
  files_ = good;
  FileOf(kDundee).set_effective("soon");
  Refused("effective: \"soon\"");
  files_ = good;
  FileOf(kDundee).clear_source();
  Refused("source");
}

TEST_F(RoleDirectoryTest, AVersionHoldsFromItsDate) {
  RolesDefined next = FileOf(kDundee);
  next.set_version(2);
  next.set_effective("2025-12-03");
  for (int i = 0; i < next.roles_size(); ++i) {
    if (next.roles(i).name() == "upw-manager") {
      next.mutable_roles(i)->set_always(true);
      next.mutable_roles(i)->clear_calendar();
    }
  }
  EXPECT_THAT(roles_->Apply("concordat.identity.v1.RolesDefined",
                            next.SerializeAsString()),
              IsOk());
  EXPECT_EQ(Route("upw-manager", At(12, 2, 20, 0)).role.role, "duty-senior");
  RolesDefined older = FileOf(kDundee);
  older.set_effective(next.effective());
  EXPECT_THAT(roles_->Apply("concordat.identity.v1.RolesDefined",
                            older.SerializeAsString()),
              IsOk());
  EXPECT_EQ(Route("upw-manager", At(12, 3, 20, 0)).role.role, "upw-manager");
  EXPECT_EQ(roles_->NewestVersion(kDundee), 2u);
  files_.push_back(next);
  files_.back().set_effective("2025-09-01");
  Refused("do not take effect in that order");
}

TEST_F(RoleDirectoryTest, ListsTheRolesOfAnAgency) {
  const auto names = roles_->Names("mappa-tayside", At(12, 3, 9, 0));
  EXPECT_THAT(names,
              ElementsAre(RoleName{"mappa-tayside", "co-ordinator"},
                          RoleName{"mappa-tayside", "on-call-co-ordinator"}));
  EXPECT_GT(roles_->Names("", At(12, 3, 9, 0)).size(), 10u);
  EXPECT_TRUE(roles_->Names("", At(9, 30, 9, 0)).empty());
}

TEST_F(RoleDirectoryTest, WhatCannotBeReadChangesNothing) {
  EXPECT_THAT(roles_->Apply("concordat.identity.v1.RolesDefined", "\xff"),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(roles_->Apply("concordat.identity.v1.RoleAbsenceSet", "\xff"),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(roles_->Apply("concordat.police.v1.AddressChanged", "\xff"),
              IsOk());
  EXPECT_EQ(Route("upw-manager", At(12, 3, 9, 0)).why, Why::kStaffed);
}

TEST_F(RoleDirectoryTest, AChainGoesOnToWhoIsThereAtAllHours) {
  const auto chain = [&](const std::string& agency, const std::string& role) {
    std::vector<std::string> names;
    for (const RoleName& name :
         roles_->Chain({agency, role}, At(11, 24, 9, 0))) {
      names.push_back(name.role);
    }
    return names;
  };
  EXPECT_THAT(chain(kDundee, "supervising-officer"),
              ElementsAre("senior", "service-manager", "duty-senior"));
  // It escalates to somebody for whom it stands in itself.
  EXPECT_THAT(chain(kDundee, "duty-senior"), ElementsAre("service-manager"));
  EXPECT_THAT(chain("mappa-tayside", "co-ordinator"),
              ElementsAre("on-call-co-ordinator"));
  EXPECT_THAT(chain("mappa-tayside", "on-call-co-ordinator"), ElementsAre());
  EXPECT_THAT(chain(kDundee, "nobody"), ElementsAre());
}

}  // namespace
}  // namespace concordat
