#include "services/nhs/domain/sharing.h"

#include "gtest/gtest.h"
#include "tests/support/history.h"
#include "tests/support/status_matchers.h"

namespace concordat::nhs {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::History;
using ::concordat::testing::IsOk;

class SharingTest : public ::testing::Test {
 protected:
  SharingTest() {
    EXPECT_TRUE(absl::LoadTimeZone("Europe/London", &zone_));
    person_ = *PersonKey::Parse("p-aaaaaaaaaaaaaaaaaaaaaaaaae");
    sharing_ = {
        true,        false, person_, "ENGAGEMENT_ONLY", "ALCOHOL_TREATMENT",
        "2026-06-30"};
  }
  View Missed(absl::string_view at) {
    v1::AppointmentMissed missed;
    missed.set_decision_ref("SD-2");
    missed.set_service_code("ALCOHOL_TREATMENT");
    History history;
    View& view = history.Add(missed);
    absl::Time time;
    EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, at, &time, nullptr));
    view.header.time_us = static_cast<uint64_t>(absl::ToUnixMicros(time));
    view.header.subject = person_;
    return view;
  }
  absl::TimeZone zone_;
  PersonKey person_;
  Sharing sharing_;
};

TEST_F(SharingTest, TellsEngagementAndNeverTheService) {
  const auto report =
      ReportFor(Missed("2025-11-27T11:20:00Z"), sharing_, zone_);
  ASSERT_TRUE(report.has_value());
  v1::EngagementReported told;
  ASSERT_TRUE(told.ParseFromString(report->data));
  EXPECT_EQ(told.engagement(), "DISENGAGED");
  EXPECT_EQ(report->data.find("ALCOHOL"), std::string::npos);

  v1::AppointmentAttended attended;
  attended.set_service_code("ALCOHOL_TREATMENT");
  History history;
  View& view = history.Add(attended);
  view.header.subject = person_;
  ASSERT_TRUE(told.ParseFromString(ReportFor(view, sharing_, zone_)->data));
  EXPECT_EQ(told.engagement(), "ENGAGED");
}

TEST_F(SharingTest, TheLastDayIsTheLocalOne) {
  // 30 June ends in Dundee at 23:00 UTC.
  EXPECT_TRUE(ReportFor(Missed("2026-06-30T22:59:59Z"), sharing_, zone_));
  EXPECT_FALSE(ReportFor(Missed("2026-06-30T23:00:00Z"), sharing_, zone_));
}

TEST_F(SharingTest, TellsNothingWithoutADecisionInForceForJustThis) {
  const View missed = Missed("2025-11-27T11:20:00Z");
  Sharing wrong = sharing_;
  wrong.decided = false;
  EXPECT_FALSE(ReportFor(missed, wrong, zone_));
  wrong = sharing_;
  wrong.ended = true;
  EXPECT_FALSE(ReportFor(missed, wrong, zone_));
  wrong = sharing_;
  wrong.what = "NOTHING";
  EXPECT_FALSE(ReportFor(missed, wrong, zone_));
  wrong = sharing_;
  wrong.service_code = "PSYCHOLOGY";
  EXPECT_FALSE(ReportFor(missed, wrong, zone_));
  wrong = sharing_;
  wrong.subject = PersonKey();
  EXPECT_FALSE(ReportFor(missed, wrong, zone_));
}

TEST_F(SharingTest, ARetractionIsNotOneMoreAppointment) {
  View missed = Missed("2025-11-27T11:20:00Z");
  missed.header.retracts = "id-1";
  EXPECT_EQ(DecisionOf(missed), "");
  EXPECT_FALSE(ReportFor(missed, sharing_, zone_));
}

TEST_F(SharingTest, IsDecidedOnceAndEndsOnce) {
  v1::SharingDecided decided;
  decided.set_until("2026-11-06");
  v1::SharingEnded ended;
  EXPECT_THAT(DecideEnd({}, ended),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(DecideSharing({}, decided), IsOk());
  History history;
  history.Add(decided);
  EXPECT_THAT(DecideSharing(history.views(), decided),
              HasCode(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(DecideEnd(history.views(), ended), IsOk());
  history.Add(ended);
  EXPECT_THAT(DecideEnd(history.views(), ended),
              HasCode(absl::StatusCode::kFailedPrecondition));
  decided.set_until("2026-02-30");
  EXPECT_THAT(DecideSharing({}, decided),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace concordat::nhs
