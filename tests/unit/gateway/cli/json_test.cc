#include "gateway/cli/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "concordat/alerts/v1/service.pb.h"
#include "concordat/mappa/v1/service.pb.h"
#include "tests/support/status_matchers.h"

namespace concordat::cli {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::HasSubstr;

// Mon 24 Nov 2025 17:25 UTC.
constexpr uint64_t kMicros = 1'764'005'100'000'000;

TEST(JsonTest, WritesTimesAsPeopleDo) {
  alerts::v1::Alert alert;
  alert.set_raised_at(kMicros);
  alert.add_evidence()->set_time(kMicros + 500'000);
  const std::string json = ToJson(alert);
  EXPECT_THAT(json, HasSubstr(R"("raisedAt":"2025-11-24T17:25:00Z")"));
  EXPECT_THAT(json, HasSubstr(R"("time":"2025-11-24T17:25:00.5Z")"));
  EXPECT_THAT(json, HasSubstr(R"("closedAt":"")"));
}

TEST(JsonTest, LeavesOtherNumbersAlone) {
  alerts::v1::Alert alert;
  alert.add_evidence()->set_sequence(kMicros);
  EXPECT_THAT(ToJson(alert), HasSubstr("\"sequence\":\"1764005100000000\""));
}

TEST(JsonTest, ReadsTimesAsPeopleWriteThemAndAsMicroseconds) {
  for (const char* time :
       {"\"2025-11-24T17:25:00Z\"", "\"2025-11-24T18:25:00+01:00\"",
        "\"1764005100000000\"", "1764005100000000"}) {
    mappa::v1::OpenCaseRequest request;
    ASSERT_THAT(
        FromJson(std::string(R"({"command":{"time":)") + time + "}}", &request),
        IsOk());
    EXPECT_EQ(request.command().time(), kMicros) << time;
  }
}

TEST(JsonTest, SaysWhatIsWrong) {
  mappa::v1::OpenCaseRequest request;
  EXPECT_THAT(FromJson("{", &request),
              HasCode(absl::StatusCode::kInvalidArgument));
  const auto unknown = FromJson(R"({"subjct":"p"})", &request);
  EXPECT_THAT(unknown, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(unknown.message()), HasSubstr("subjct"));
  const auto time = FromJson(R"({"command":{"time":"24-11-2025"}})", &request);
  EXPECT_THAT(std::string(time.message()), HasSubstr("24-11-2025"));
}

TEST(JsonTest, ReadsBackWhatItWrites) {
  mappa::v1::OpenCaseRequest request;
  request.mutable_command()->set_time(kMicros);
  request.mutable_command()->set_request_id("r\"1");
  request.mutable_case_opened()->add_parties("nhs-tayside");
  const std::string json = ToJson(request);
  mappa::v1::OpenCaseRequest back;
  ASSERT_THAT(FromJson(json, &back), IsOk());
  EXPECT_EQ(back.SerializeAsString(), request.SerializeAsString());
  // With a time of 0, too.
  ASSERT_THAT(FromJson(ToJson(mappa::v1::OpenCaseRequest()), &back), IsOk());
  EXPECT_EQ(back.command().time(), 0u);
}

TEST(JsonTest, TellsPeopleTheTimeInScotland) {
  EXPECT_EQ(LocalTime(kMicros), "Mon 24 Nov 17:25");
  // Summer time: Mon 9 Jun 2025 12:00 BST.
  EXPECT_EQ(LocalTime(1'749'466'800'000'000), "Mon  9 Jun 12:00");
  EXPECT_EQ(LocalTime(0), "-");
  EXPECT_EQ(LocalMoment(kMicros), "Mon 24 Nov 2025 17:25");
  EXPECT_EQ(LocalMoment(1'749'466'800'000'000), "Mon  9 Jun 2025 12:00");
  EXPECT_EQ(LocalMoment(0), "-");
}

}  // namespace
}  // namespace concordat::cli
