// The role directory as its agencies keep it.
//
// | bug | test |
// |---|---|
// | a holder told to who shares no case | AHolderIsToldToThoseWhoShareACase |
// | a version before its day, or after a later one | TheVersionOfTheDayHolds |
// | a version of holders changed quietly | TheVersionOfTheDayHolds |
// | a name of staff plain on disk or in an event | ANameOfStaffIsInNoEvent… |
// | the lead is any party; who is on duty left out | TheLeadAgencyComesFirst… |
// | involved told to who is no party | TheLeadAgencyComesFirst… |
// | roles are published again at each start | AdoptsAFileOnceAndPublishesIt |
// | a version is changed quietly | AVersionThatReadsOtherwiseIsRefused |
// | one agency sets another's roles | AnAgencySpeaksForItsOwnRolesOnly |
// | an absence is forgotten at a restart | AnAbsenceHoldsOverARestart |
// | an address is in an event or in the files | AnAddressIsInNoEventAndNotPlainOnDisk |
// | anybody may ask for an address | OnlyTheNotifierAsksForAContact |
// | a mail address that is two, or a header | WhatIsNoAddressIsRefused |
#include "services/identity/rpc/role_desk.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/config/start_up.h"
#include "tests/unit/services/identity/rpc/identity_fixture.h"

namespace concordat::identity {
namespace {

using ::absl::StatusCode;
using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class RoleDeskTest : public testing::IdentityFixture {
 protected:
  void SetUp() override {
    IdentityFixture::SetUp();
    london_ = LondonTime().value();
    calendars_ = std::make_shared<const Calendars>(
        Calendars::Build(*concordat::testing::DemoCalendars(), london_)
            .value());
    files_ = concordat::testing::DemoRoles().value();
    SetClock(At(12, 3, 11));
    self_.set_default_purpose("MAPPA_RISK_MANAGEMENT");
    self_.set_default_gateway("G1");
    self_.set_default_regime(bus::v1::REGIME_GDPR);
  }
  absl::Time At(int month, int day, int hour) const {
    return absl::FromCivil(absl::CivilHour(2025, month, day, hour), london_);
  }
  void SetClock(absl::Time to) { clock_.Advance(to - clock_.Now()); }
  static uint64_t Us(absl::Time at) {
    return static_cast<uint64_t>(absl::ToUnixMicros(at));
  }
  absl::StatusOr<std::unique_ptr<RoleDesk>> Open() {
    return RoleDesk::Open(*store_, *outbox_, *parties_, files_, holders_,
                          calendars_, london_, self_, clock_, clock_);
  }
  std::vector<View> Events(const std::string& type) {
    std::vector<View> found;
    for (const View& view : bus_.events()) {
      if (view.header.type == "concordat.identity.v1." + type) {
        found.push_back(view);
      }
    }
    return found;
  }
  static v1::RoleHolders Council(uint32_t version, const std::string& effective,
                                 const std::string& lead) {
    v1::RoleHolders holders;
    holders.set_agency("dundee-city-council");
    holders.set_version(version);
    holders.set_effective(effective);
    holders.set_unit("Dundee Justice social work");
    holders.set_lead_role("lead-officer");
    holders.set_party_role("supervising-officer");
    v1::RoleHolder& officer = *holders.add_holders();
    officer.set_role("lead-officer");
    officer.set_name(lead);
    officer.set_telephone("01382 000000");
    v1::RoleHolder& senior = *holders.add_holders();
    senior.set_role("duty-senior");
    senior.set_name("D. Ogil");
    senior.set_telephone("01382 000009");
    return holders;
  }
  static std::string LeadIn(RoleDesk& desk, const Call& call) {
    v1::ListRolesRequest request;
    request.set_agency("dundee-city-council");
    const auto roles = desk.ListRoles(call, request);
    EXPECT_THAT(roles, IsOk());
    for (const v1::RoleStanding& standing : roles->roles()) {
      if (standing.role() == "lead-officer") return standing.holder().name();
    }
    return "no such role";
  }
  static v1::SetAbsenceRequest Absence(const std::string& request,
                                       const std::string& role, absl::Time from,
                                       absl::Time until,
                                       const std::string& stand_in) {
    v1::SetAbsenceRequest absence;
    absence.mutable_command()->set_request_id(request);
    absence.set_role(role);
    absence.mutable_absence()->set_absence_ref("leave-1");
    absence.mutable_absence()->set_from(Us(from));
    absence.mutable_absence()->set_until(Us(until));
    absence.mutable_absence()->set_stand_in(stand_in);
    return absence;
  }
  static v1::SetContactRequest NewContact(const std::string& request,
                                          const std::string& role,
                                          const std::string& channel,
                                          const std::string& address) {
    v1::SetContactRequest contact;
    contact.mutable_command()->set_request_id(request);
    contact.set_role(role);
    contact.set_channel(channel);
    contact.set_address(address);
    return contact;
  }
  static v1::ContactRequest Of(const std::string& agency,
                               const std::string& role) {
    v1::ContactRequest request;
    request.set_agency(agency);
    request.set_role(role);
    return request;
  }
  std::string OnDuty(RoleDesk& desk, const std::string& role) {
    v1::ListRolesRequest request;
    request.set_agency("dundee-city-council");
    const auto response = desk.ListRoles(As("police"), request);
    EXPECT_THAT(response, IsOk());
    for (const v1::RoleStanding& standing : response->roles()) {
      if (standing.role() == role) return standing.on_duty();
    }
    return "";
  }

  absl::TimeZone london_;
  std::shared_ptr<const Calendars> calendars_;
  std::vector<v1::RolesDefined> files_;
  std::vector<v1::RoleHolders> holders_;
  bus::v1::Principal self_;
};

TEST_F(RoleDeskTest, AdoptsAFileOnceAndPublishesIt) {
  auto desk = Open();
  ASSERT_THAT(desk, IsOk());
  ASSERT_TRUE(bus_.WaitForEvents(files_.size(), testing::kPatience));
  const auto events = Events("RolesDefined");
  ASSERT_THAT(events, SizeIs(files_.size()));
  EXPECT_EQ(events[0].header.controller, files_[0].agency());
  EXPECT_TRUE(events[0].header.subject.empty());
  v1::RolesDefined published;
  ASSERT_TRUE(published.ParseFromString(events[0].Data()));
  EXPECT_EQ(published.SerializeAsString(), files_[0].SerializeAsString());
  desk->reset();
  ASSERT_THAT(Open(), IsOk());
  // Whatever it might publish again stands before this.
  RegisterTorquil();
  EXPECT_THAT(Events("RolesDefined"), SizeIs(files_.size()));
}

TEST_F(RoleDeskTest, AVersionThatReadsOtherwiseIsRefused) {
  ASSERT_THAT(Open(), IsOk());
  files_[0].set_source("quietly changed");
  const auto again = Open();
  EXPECT_THAT(again, HasCode(StatusCode::kFailedPrecondition));
  EXPECT_THAT(again.status().message(), HasSubstr(files_[0].agency()));
  files_[0].set_version(2);
  files_[0].set_effective("2025-12-01");
  EXPECT_THAT(Open(), IsOk());
  files_[0].clear_roles();
  files_[0].add_roles()->set_name("nobody");
  EXPECT_THAT(Open(), HasCode(StatusCode::kInvalidArgument));
}

TEST_F(RoleDeskTest, ListsWhoIsOnDuty) {
  auto desk = Open();
  ASSERT_THAT(desk, IsOk());
  EXPECT_EQ(OnDuty(**desk, "upw-manager"), "upw-manager");
  SetClock(At(12, 3, 22));
  EXPECT_EQ(OnDuty(**desk, "upw-manager"), "duty-senior");
  v1::ListRolesRequest request;
  request.set_at(Us(At(12, 3, 11)));
  const auto all = (*desk)->ListRoles(As("nhs"), request);
  ASSERT_THAT(all, IsOk());
  EXPECT_GT(all->roles_size(), 10);
  EXPECT_THAT((*desk)->ListRoles(As("admin"), request),
              HasCode(StatusCode::kPermissionDenied));
}

TEST_F(RoleDeskTest, AnAbsenceHoldsOverARestart) {
  auto desk = Open();
  ASSERT_THAT(desk, IsOk());
  const auto request =
      Absence("a-1", "upw-manager", At(12, 3, 0), At(12, 5, 0), "senior");
  const auto set = (*desk)->SetAbsence(As("socialwork"), request);
  ASSERT_THAT(set, IsOk());
  const auto events = Events("RoleAbsenceSet");
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(set->position(), events[0].sequence.value);
  EXPECT_EQ(OnDuty(**desk, "upw-manager"), "senior");
  desk = Open();
  ASSERT_THAT(desk, IsOk());
  EXPECT_EQ(OnDuty(**desk, "upw-manager"), "senior");
  // A repeat is answered, and is no second event.
  const auto again = (*desk)->SetAbsence(As("socialwork"), request);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->position(), set->position());
  EXPECT_THAT(Events("RoleAbsenceSet"), SizeIs(1));
}

TEST_F(RoleDeskTest, AnAgencySpeaksForItsOwnRolesOnly) {
  auto desk = Open();
  ASSERT_THAT(desk, IsOk());
  const auto absent = [&](const char* who, const std::string& role,
                          const std::string& stand_in) {
    return (*desk)
        ->SetAbsence(As(who), Absence("a-" + role + stand_in, role,
                                      At(12, 3, 0), At(12, 5, 0), stand_in))
        .status();
  };
  EXPECT_THAT(absent("police", "upw-manager", ""),
              HasCode(StatusCode::kNotFound));
  EXPECT_THAT(absent("admin", "upw-manager", ""),
              HasCode(StatusCode::kPermissionDenied));
  EXPECT_THAT(absent("socialwork", "upw-manager", "police-cover"),
              HasCode(StatusCode::kNotFound));
  EXPECT_THAT(absent("socialwork", "upw-manager", "upw-manager"),
              HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(absent("socialwork", "duty-senior", ""),
              HasCode(StatusCode::kFailedPrecondition));
  EXPECT_THAT((*desk)->SetAbsence(
                  As("socialwork"),
                  Absence("a", "upw-manager", At(12, 5, 0), At(12, 3, 0), "")),
              HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT((*desk)->SetContact(
                  As("police"), NewContact("c", "upw-manager", "MAIL", "a@b")),
              HasCode(StatusCode::kNotFound));
  EXPECT_THAT(Events("RoleAbsenceSet"), SizeIs(0));
  EXPECT_THAT(Events("RoleContactSet"), SizeIs(0));
}

TEST_F(RoleDeskTest, AnAddressIsInNoEventAndNotPlainOnDisk) {
  constexpr char kAddress[] = "duty.phone@dundee.invalid";
  auto desk = Open();
  ASSERT_THAT(desk, IsOk());
  ASSERT_THAT(
      (*desk)->SetContact(As("socialwork"),
                          NewContact("c-1", "duty-senior", "MAIL", kAddress)),
      IsOk());
  ASSERT_THAT(Events("RoleContactSet"), SizeIs(1));
  for (const View& view : bus_.events()) {
    EXPECT_EQ(view.Data().find("invalid"), std::string::npos);
  }
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    EXPECT_EQ(bytes.find("duty.phone"), std::string::npos) << entry.path();
  }
}

TEST_F(RoleDeskTest, OnlyTheNotifierAsksForAContact) {
  auto desk = Open();
  ASSERT_THAT(desk, IsOk());
  const auto request = Of("dundee-city-council", "duty-senior");
  EXPECT_THAT((*desk)->Contact(As("service-alerts"), request),
              HasCode(StatusCode::kNotFound));
  ASSERT_THAT((*desk)->SetContact(
                  As("socialwork"),
                  NewContact("c-1", "duty-senior", "MAIL", "duty@d.invalid")),
              IsOk());
  for (const char* other : {"socialwork", "police", "coordinator", "admin"}) {
    EXPECT_THAT((*desk)->Contact(As(other), request),
                HasCode(StatusCode::kPermissionDenied));
  }
  const auto contact = (*desk)->Contact(As("service-alerts"), request);
  ASSERT_THAT(contact, IsOk());
  EXPECT_EQ(contact->channel(), "MAIL");
  EXPECT_EQ(contact->address(), "duty@d.invalid");
  ASSERT_THAT((*desk)->SetContact(As("socialwork"),
                                  NewContact("c-2", "duty-senior", "NONE", "")),
              IsOk());
  EXPECT_THAT((*desk)->Contact(As("service-alerts"), request),
              HasCode(StatusCode::kNotFound));
}

TEST_F(RoleDeskTest, WhatIsNoAddressIsRefused) {
  auto desk = Open();
  ASSERT_THAT(desk, IsOk());
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"MAIL", ""},           {"MAIL", "duty"},
      {"MAIL", "a@b,c@d"},    {"MAIL", "a@b c"},
      {"MAIL", "<a@b>"},      {"MAIL", "a@b\r\nBcc: c@d"},
      {"MAIL", "@b"},         {"MAIL", "a@"},
      {"WEBHOOK", "ftp://a"}, {"WEBHOOK", "http://example.invalid/"},
      {"NONE", "a@b"},        {"PIGEON", "a@b"}};
  for (const auto& [channel, address] : wrong) {
    EXPECT_THAT(
        (*desk)->SetContact(As("socialwork"),
                            NewContact("c", "senior", channel, address)),
        HasCode(StatusCode::kInvalidArgument))
        << channel << " " << address;
  }
  EXPECT_THAT((*desk)->SetContact(As("socialwork"),
                                  NewContact("w", "senior", "WEBHOOK",
                                             "https://example.invalid/x")),
              IsOk());
}

TEST_F(RoleDeskTest, AHolderIsToldToThoseWhoShareACase) {
  holders_ = {Council(1, "2025-10-01", "A. Carse")};
  const auto desk = Open();
  ASSERT_THAT(desk, IsOk());
  const std::string torquil = RegisterTorquil();
  CatchUp();
  EXPECT_EQ(LeadIn(**desk, As("socialwork")), "A. Carse");
  for (const char* who : {"police", "nhs", "coordinator"}) {
    EXPECT_EQ(LeadIn(**desk, As(who)), "") << who;
  }
  OpenCase(torquil, {"dundee-city-council", "police-scotland"});
  EXPECT_EQ(LeadIn(**desk, As("police")), "A. Carse");
  EXPECT_EQ(LeadIn(**desk, As("coordinator")), "A. Carse");
  EXPECT_EQ(LeadIn(**desk, As("nhs")), "");
  EXPECT_THAT((*desk)->ListRoles(As("admin"), {}),
              HasCode(StatusCode::kPermissionDenied));
}

TEST_F(RoleDeskTest, TheVersionOfTheDayHolds) {
  holders_ = {Council(1, "2025-10-01", "A. Carse"),
              Council(2, "2025-12-04", "B. Ogil"),
              Council(3, "2026-12-01", "C. Tealing")};
  auto desk = Open();
  ASSERT_THAT(desk, IsOk());
  EXPECT_EQ(LeadIn(**desk, As("socialwork")), "A. Carse");
  SetClock(At(12, 4, 0));
  EXPECT_EQ(LeadIn(**desk, As("socialwork")), "B. Ogil");
  // What was adopted stays when its file goes, and is not changed quietly.
  desk->reset();
  holders_ = {};
  desk = Open();
  EXPECT_EQ(LeadIn(**desk, As("socialwork")), "B. Ogil");
  desk->reset();
  holders_ = {Council(2, "2025-12-04", "Somebody else")};
  EXPECT_THAT(Open(), HasCode(StatusCode::kFailedPrecondition));
  holders_ = {Council(4, "soon", "A. Carse")};
  EXPECT_THAT(Open(), HasCode(StatusCode::kInvalidArgument));
  holders_ = {Council(4, "2026-12-02", "A. Carse")};
  holders_[0].mutable_holders(0)->set_role("no-such-role");
  EXPECT_THAT(Open(), HasCode(StatusCode::kInvalidArgument));
}

TEST_F(RoleDeskTest, ANameOfStaffIsInNoEventAndNotPlainOnDisk) {
  holders_ = {Council(1, "2025-10-01", "Ninewells Tealing")};
  ASSERT_THAT(Open(), IsOk());
  store_->Holders().value();
  for (const View& view : bus_.events()) {
    EXPECT_THAT(view.Data(), ::testing::Not(HasSubstr("Tealing")));
  }
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
    std::ifstream file(entry.path());
    const std::string text((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
    EXPECT_THAT(text, ::testing::Not(HasSubstr("Tealing")));
  }
}

TEST_F(RoleDeskTest, TheLeadAgencyComesFirstWithWhoIsReached) {
  holders_ = {Council(1, "2025-10-01", "A. Carse")};
  const auto desk = Open();
  ASSERT_THAT(desk, IsOk());
  const std::string torquil = RegisterTorquil();
  OpenCase(torquil, {"dundee-city-council", "police-scotland"});
  v1::ListInvolvedRequest request;
  request.add_subjects(torquil);
  request.set_at(Us(At(12, 3, 11)));
  for (const char* who : {"police", "socialwork", "coordinator"}) {
    const auto listed = (*desk)->ListInvolved(As(who), request);
    ASSERT_THAT(listed, IsOk());
    ASSERT_THAT(listed->people(), SizeIs(1)) << who;
    EXPECT_EQ(listed->position(), bus_.end().value);
    const v1::PersonInvolved& person = listed->people(0);
    ASSERT_THAT(person.agencies(), SizeIs(2));
    EXPECT_TRUE(person.agencies(0).lead());
    EXPECT_EQ(person.agencies(0).unit(), "Dundee Justice social work");
    EXPECT_EQ(person.agencies(0).contact().role(), "lead-officer");
    EXPECT_EQ(person.agencies(0).contact().name(), "A. Carse");
    EXPECT_EQ(person.agencies(0).contact().telephone(), "01382 000000");
    EXPECT_FALSE(person.agencies(0).has_on_duty());
    EXPECT_FALSE(person.agencies(1).lead());
    EXPECT_EQ(person.agencies(1).unit(), "Police Scotland");
    EXPECT_FALSE(person.agencies(1).has_contact());
  }
  // At night somebody else is reached.
  request.set_at(Us(At(12, 3, 23)));
  const auto night = (*desk)->ListInvolved(As("police"), request);
  EXPECT_EQ(night->people(0).agencies(0).on_duty().role(), "duty-senior");
  EXPECT_EQ(night->people(0).agencies(0).on_duty().telephone(), "01382 000009");
  // Who is no party is told nothing, and whose case is closed neither.
  EXPECT_THAT((*desk)->ListInvolved(As("nhs"), request)->people(), SizeIs(0));
  EXPECT_THAT((*desk)->ListInvolved(As("admin"), request),
              HasCode(StatusCode::kPermissionDenied));
  mappa::v1::CaseClosed closed;
  closed.set_case_ref("C-1");
  closed.set_reason("ORDER_ENDED");
  PublishCase(closed, torquil);
  EXPECT_THAT((*desk)->ListInvolved(As("socialwork"), request)->people(),
              SizeIs(0));
}

}  // namespace
}  // namespace concordat::identity
