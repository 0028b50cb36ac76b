// Who is told of an alert, in which words, and when no longer.
//
// | bug | test |
// |---|---|
// | the text says whom or what it is about | TheTextSaysThatThereIsAnAlertAndNoMore |
// | at night the office is told, or the addressee is forgotten | WhoeverIsOnDutyIsTold |
// | told again after a restart | WhatTheLogSaysWasToldIsNotToldAgain |
// | told of what has been accepted or closed | AnAcceptedOrClosedAlertIsNotTold |
// | one agency's acceptance silences another's | AnAcceptedOrClosedAlertIsNotTold |
// | who is next in the chain is not told, or once for two steps | AnEscalationIsToldToWhomItGoes |
// | to whom it is passed on is not told | WhoItIsPassedOnToIsTold |
// | told twice, once for each addressee that it covers, or recorded for one | WhoCoversTwoIsToldOnce |
// | all severities are told | OnlyTheSeveritiesOfTheSettingsAreTold |
// | a withdrawn alert is told | AWithdrawnAlertIsNotTold |
// | a month of old alerts is sent after a new start | WhatIsStaleIsNotTold |
#include "services/alerts/notify/notices.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/civil_time.h"
#include "concordat/alerts/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/demo_types.h"
#include "tests/support/status_matchers.h"

namespace concordat::alerts {
namespace {

using ::concordat::testing::IsOk;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class NoticesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(absl::LoadTimeZone("Europe/London", &london_));
    calendars_ = std::make_shared<const Calendars>(
        Calendars::Build(*concordat::testing::DemoCalendars(), london_)
            .value());
    Make({});
  }
  void Make(std::vector<std::string> severities) {
    notices_ =
        std::make_unique<Notices>(RoleDirectory(calendars_, london_),
                                  std::move(severities), absl::Hours(24));
    const auto roles = concordat::testing::DemoRoles();
    ASSERT_THAT(roles, IsOk());
    for (const auto& file : *roles) Fold(file, At(3, 2, 0));
  }
  absl::Time At(int day, int hour, int minute) const {
    return absl::FromCivil(absl::CivilMinute(2025, 11, day, hour, minute),
                           london_);
  }
  void Fold(const google::protobuf::Message& event, absl::Time at) {
    View view;
    view.sequence = Sequence{++events_};
    view.header.type = event.GetDescriptor()->full_name();
    view.accepted_us = static_cast<uint64_t>(absl::ToUnixMicros(at));
    view.groups.push_back({0, event.SerializeAsString(), {}});
    ASSERT_THAT(notices_->Apply(view), IsOk());
  }
  void Raise(const std::string& ref, const std::string& severity,
             const std::vector<std::string>& addressees, absl::Time at) {
    v1::AlertRaised event;
    event.set_alert_ref(ref);
    event.set_severity(severity);
    for (const std::string& to : addressees) event.add_addressees(to);
    Fold(event, at);
  }

  absl::TimeZone london_;
  std::shared_ptr<const Calendars> calendars_;
  std::unique_ptr<Notices> notices_;
  uint64_t events_ = 0;
};

TEST_F(NoticesTest, TheTextSaysThatThereIsAnAlertAndNoMore) {
  Raise("A-417", "CRITICAL", {"dundee-city-council/duty-senior"}, At(22, 2, 5));
  const auto pending = notices_->Pending();
  ASSERT_THAT(pending, SizeIs(1));
  EXPECT_EQ(NoticeText(pending[0]),
            "You have a CRITICAL Concordat alert, reference A-417. Sign in.");
}

TEST_F(NoticesTest, WhoeverIsOnDutyIsTold) {
  Raise("A-1", "HIGH",
        {"police-scotland/lead-officer", "mappa-tayside/co-ordinator"},
        At(20, 21, 15));
  auto pending = notices_->Pending();
  ASSERT_THAT(pending, SizeIs(2));
  EXPECT_EQ(pending[0].told.ToString(), "mappa-tayside/on-call-co-ordinator");
  EXPECT_EQ(pending[0].addressees[0].role, "co-ordinator");
  EXPECT_EQ(pending[1].told.ToString(), "police-scotland/police-cover");
  EXPECT_EQ(pending[1].key, "A-1/police-scotland/police-cover/0");
  Raise("A-2", "HIGH", {"police-scotland/lead-officer"}, At(21, 11, 0));
  EXPECT_EQ(notices_->Pending().back().told.role, "lead-officer");
}

TEST_F(NoticesTest, WhatTheLogSaysWasToldIsNotToldAgain) {
  Raise("A-1", "HIGH",
        {"police-scotland/lead-officer", "mappa-tayside/co-ordinator"},
        At(20, 21, 15));
  v1::AlertNotified told;
  told.set_alert_ref("A-1");
  told.set_agency("police-scotland");
  told.set_role("police-cover");
  told.set_addressee("lead-officer");
  Fold(told, At(20, 21, 16));
  ASSERT_THAT(notices_->Pending(), SizeIs(1));
  EXPECT_EQ(notices_->Pending()[0].addressees[0].agency, "mappa-tayside");
  EXPECT_FALSE(notices_->IsPending("A-1/police-scotland/police-cover/0"));
}

TEST_F(NoticesTest, WhoItIsPassedOnToIsTold) {
  Raise("A-1", "HIGH", {"police-scotland/police"}, At(20, 11, 0));
  v1::AlertPassedOn passed;
  passed.set_alert_ref("A-1");
  passed.set_agency("police-scotland");
  passed.set_to("police-scotland/lead-officer");
  Fold(passed, At(20, 21, 15));
  ASSERT_THAT(notices_->Pending(), SizeIs(2));
  EXPECT_EQ(notices_->Pending()[1].addressees[0].role, "lead-officer");
  EXPECT_EQ(notices_->Pending()[1].told.role, "police-cover");
}

TEST_F(NoticesTest, AnAcceptedOrClosedAlertIsNotTold) {
  for (const char* ref : {"A-1", "A-2"}) {
    Raise(ref, "HIGH",
          {"police-scotland/lead-officer", "mappa-tayside/co-ordinator"},
          At(20, 21, 15));
  }
  v1::AlertAccepted accepted;
  accepted.set_alert_ref("A-1");
  accepted.set_agency("police-scotland");
  Fold(accepted, At(20, 21, 40));
  EXPECT_THAT(notices_->Pending(), SizeIs(3));
  EXPECT_TRUE(notices_->IsPending("A-1/mappa-tayside/on-call-co-ordinator/0"));
  v1::AlertClosed closed;
  closed.set_alert_ref("A-2");
  Fold(closed, At(20, 21, 41));
  EXPECT_THAT(notices_->Pending(), SizeIs(1));
}

TEST_F(NoticesTest, AnEscalationIsToldToWhomItGoes) {
  Raise("A-6", "MEDIUM", {"dundee-city-council/upw-manager"}, At(20, 11, 0));
  v1::AlertNotified told;
  told.set_alert_ref("A-6");
  told.set_agency("dundee-city-council");
  told.set_role("upw-manager");
  told.set_addressee("upw-manager");
  Fold(told, At(20, 11, 1));
  v1::AlertEscalated escalated;
  escalated.set_alert_ref("A-6");
  escalated.set_step(1);
  escalated.add_addressees("dundee-city-council/service-manager");
  escalated.add_addressees("dundee-city-council/upw-manager");
  Fold(escalated, At(21, 0, 0));
  const auto pending = notices_->Pending();
  ASSERT_THAT(pending, SizeIs(1));
  EXPECT_EQ(pending[0].key, "A-6/dundee-city-council/duty-senior/1");
  EXPECT_EQ(pending[0].severity, "MEDIUM");
  EXPECT_EQ(pending[0].told.role, "duty-senior");  // It is midnight.
  // The second time for one of them.
  ASSERT_THAT(pending[0].addressees, SizeIs(2));
  EXPECT_EQ(pending[0].addressees[0].role, "service-manager");
  EXPECT_EQ(pending[0].addressees[1].role, "upw-manager");
}

TEST_F(NoticesTest, WhoCoversTwoIsToldOnce) {
  const std::vector<std::string> both = {"dundee-city-council/duty-senior",
                                         "dundee-city-council/senior"};
  Raise("A-3", "CRITICAL", both, At(22, 2, 5));
  ASSERT_THAT(notices_->Pending(), SizeIs(1));
  EXPECT_EQ(notices_->Pending()[0].told.role, "duty-senior");
  EXPECT_THAT(notices_->Pending()[0].addressees, SizeIs(2));
  // Until the log says so of both.
  v1::AlertNotified told;
  told.set_alert_ref("A-3");
  told.set_agency("dundee-city-council");
  told.set_role("duty-senior");
  told.set_addressee("senior");
  Fold(told, At(22, 2, 6));
  ASSERT_THAT(notices_->Pending(), SizeIs(1));
  ASSERT_THAT(notices_->Pending()[0].addressees, SizeIs(1));
  EXPECT_EQ(notices_->Pending()[0].addressees[0].role, "duty-senior");
  told.set_addressee("duty-senior");
  Fold(told, At(22, 2, 6));
  EXPECT_THAT(notices_->Pending(), IsEmpty());
  // By day each answers for itself.
  Raise("A-4", "CRITICAL", both, At(24, 11, 0));
  EXPECT_THAT(notices_->Pending(), SizeIs(2));
}

TEST_F(NoticesTest, AWithdrawnAlertIsNotTold) {
  Raise("A-1", "HIGH",
        {"police-scotland/lead-officer", "mappa-tayside/co-ordinator"},
        At(20, 21, 15));
  v1::AlertWithdrawn withdrawn;
  withdrawn.set_alert_ref("A-1");
  withdrawn.add_addressees("police-scotland/lead-officer");
  Fold(withdrawn, At(20, 21, 16));
  ASSERT_THAT(notices_->Pending(), SizeIs(1));
  EXPECT_EQ(notices_->Pending()[0].addressees[0].agency, "mappa-tayside");
}

TEST_F(NoticesTest, WhatIsStaleIsNotTold) {
  Raise("A-1", "HIGH", {"police-scotland/lead-officer"}, At(20, 21, 15));
  Raise("A-2", "HIGH", {"police-scotland/lead-officer"}, At(21, 21, 15));
  EXPECT_THAT(notices_->Pending(), SizeIs(2));
  Raise("A-3", "HIGH", {"police-scotland/lead-officer"}, At(21, 21, 16));
  ASSERT_THAT(notices_->Pending(), SizeIs(2));
  EXPECT_EQ(notices_->Pending()[0].alert_ref, "A-2");
}

TEST_F(NoticesTest, OnlyTheSeveritiesOfTheSettingsAreTold) {
  Make({"CRITICAL"});
  Raise("A-1", "MEDIUM", {"police-scotland/lead-officer"}, At(20, 21, 15));
  EXPECT_THAT(notices_->Pending(), IsEmpty());
  Raise("A-2", "CRITICAL", {"police-scotland/lead-officer"}, At(20, 21, 15));
  EXPECT_THAT(notices_->Pending(), SizeIs(1));
}

TEST_F(NoticesTest, MoreThanCanWaitIsCountedAndNotKept) {
  std::vector<std::string> many(1000);
  for (size_t ref = 0; ref <= Notices::kPendingMax / 1000; ++ref) {
    for (size_t i = 0; i < many.size(); ++i) {
      many[i] = "police-scotland/role-" + std::to_string(i);
    }
    Raise("A-" + std::to_string(ref), "HIGH", many, At(20, 21, 15));
  }
  EXPECT_THAT(notices_->Pending(), SizeIs(Notices::kPendingMax));
  EXPECT_EQ(notices_->dropped(), 1000u);
}

}  // namespace
}  // namespace concordat::alerts
