#include "services/police/domain/police.h"

#include "gtest/gtest.h"
#include "tests/support/history.h"
#include "tests/support/status_matchers.h"

namespace concordat::police {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::History;
using ::concordat::testing::IsOk;

TEST(Police, ManagementStartsOnce) {
  v1::ManagementStarted started;
  started.set_category("SONR");
  EXPECT_THAT(DecideStart({}, started), IsOk());
  History history;
  // A visit to a record does not start it.
  history.Add(v1::VisitRecorded());
  EXPECT_THAT(DecideStart(history.views(), started), IsOk());
  history.Add(started);
  EXPECT_THAT(DecideStart(history.views(), started),
              HasCode(absl::StatusCode::kAlreadyExists));
}

TEST(Police, AVisitIsJointWithOtherKnownAgenciesOnceEach) {
  const auto decide = [](std::vector<std::string> joint) {
    v1::VisitRecorded visit;
    for (const std::string& agency : joint) visit.add_joint_with(agency);
    return DecideVisit(visit, "police", [](absl::string_view agency) {
      return agency == "police" || agency == "council";
    });
  };
  EXPECT_THAT(decide({}), IsOk());
  EXPECT_THAT(decide({"council"}), IsOk());
  EXPECT_THAT(decide({"council", "council"}),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(decide({"police"}), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(decide({"nobody"}), HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace concordat::police
