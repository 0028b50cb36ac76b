// Mutants that a test here catches:
//   anybody may close                        → OnlyOwnerOrAcceptorCloses
//   accepted twice by one agency             → AnAgencyAcceptsOnce
//   accepted without saying what for         → WhoAcceptsSaysWhatTheyWillDo
//   closed without anybody's acceptance      → NobodyClosesWhatNobodyAccepted
//   seen by agency without asking the role   → SeenByTheRolesItIsAddressedTo
#include "services/alerts/domain/alert.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat::alerts {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;

Alert Raised() {
  Alert alert;
  alert.ref = "A-TEST2345";
  alert.known_to = {{"police-scotland", "police"},
                    {"mappa-tayside", "co-ordinator"}};
  for (const AlertAddressee& who : alert.known_to) {
    AlertMember& member = alert.members.emplace_back();
    member.who = who;
    member.told_us = 1;
  }
  return alert;
}
const AlertCaller kPolice = {"police", "police-scotland", {"police"}};
const AlertCaller kCoordinator = {
    "coordinator", "mappa-tayside", {"co-ordinator"}};

void Accept(const AlertCaller& caller, Alert& alert) {
  const auto event = DecideAccept(alert, caller, "looking", "");
  ASSERT_THAT(event, IsOk());
  Evolve(*event, 7, 0, alert);
}

TEST(AlertTest, SeenByTheRolesItIsAddressedTo) {
  const Alert alert = Raised();
  EXPECT_TRUE(MaySee(alert, kPolice));
  EXPECT_FALSE(MaySee(alert, {"x", "police-scotland", {"clerk"}}));
  EXPECT_FALSE(MaySee(alert, {"x", "nhs-tayside", {"police"}}));
}

TEST(AlertTest, AnAgencyAcceptsOnce) {
  Alert alert = Raised();
  Accept(kPolice, alert);
  EXPECT_EQ(alert.stage, AlertStage::kAccepted);
  EXPECT_THAT(DecideAccept(alert, kPolice, "again", ""),
              HasCode(absl::StatusCode::kFailedPrecondition));
  Accept(kCoordinator, alert);
  EXPECT_EQ(alert.acceptances.size(), 2u);
}

TEST(AlertTest, WhoAcceptsSaysWhatTheyWillDo) {
  EXPECT_THAT(DecideAccept(Raised(), kPolice, "", ""),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(DecideAccept(Raised(), kPolice, "looking", "2025-13-08"),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(DecideAccept(Raised(), kPolice, "looking", "2025-12-08"), IsOk());
}

TEST(AlertTest, OnlyOwnerOrAcceptorCloses) {
  Alert alert = Raised();
  Accept(kPolice, alert);
  EXPECT_THAT(DecideClose(alert, kCoordinator, "done"),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(DecideClose(alert, kPolice, ""),
              HasCode(absl::StatusCode::kInvalidArgument));
  const auto closed = DecideClose(alert, kPolice, "returned");
  ASSERT_THAT(closed, IsOk());
  Evolve(*closed, 9, alert);
  EXPECT_TRUE(alert.closed());
  EXPECT_EQ(alert.outcome, "returned");
  EXPECT_THAT(DecideAccept(alert, kCoordinator, "late", ""),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST(AlertTest, NobodyClosesWhatNobodyAccepted) {
  EXPECT_THAT(DecideClose(Raised(), kPolice, "returned"),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST(AlertTest, ShowingDoesNotUndoAcceptance) {
  Alert alert = Raised();
  Accept(kPolice, alert);
  Evolve(v1::AlertShown(), alert);
  EXPECT_EQ(alert.stage, AlertStage::kAccepted);
}

}  // namespace
}  // namespace concordat::alerts
