// Mutants that a test here catches:
//   anybody may close                        → OnlyOwnerOrAcceptorCloses
//   accepted twice by one agency             → AnAgencyAcceptsOnce
//   a copy stops those who are to act        → ACopyThatIsAcceptedIs…
//   accepted without saying what for         → WhoAcceptsSaysWhatTheyWillDo
//   closed without anybody's acceptance      → NobodyClosesWhatNobodyAccepted
//   seen by agency without asking the role   → SeenByTheRolesItIsAddressedTo
//   passed on to anybody                     → PassedOnOnlyToThoseWhoMayHaveIt
//   passing on counts as acceptance          → WhoItIsPassedOnToIsAddressed
//   disputed twice, or it ends by that       → ADisputeEndsNothing
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
    member.evidence = {Sequence{3}};
  }
  return alert;
}
const AlertCaller kPolice = {"police", "police-scotland", {"police"}};
const AlertCaller kCoordinator = {
    "coordinator", "mappa-tayside", {"co-ordinator"}};

void Accept(const AlertCaller& caller, Alert& alert) {
  const auto event = DecideAccept(alert, caller, "looking", "");
  ASSERT_THAT(event, IsOk());
  Evolve(*event, {7}, 0, alert);
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

TEST(AlertTest, ACopyThatIsAcceptedIsAcceptedForNobodyElse) {
  Alert alert = Raised();
  alert.Find({"mappa-tayside", "co-ordinator"})->who.copy = true;
  Accept(kCoordinator, alert);
  EXPECT_NE(alert.stage, AlertStage::kAccepted);
  EXPECT_FALSE(alert.accepted());
  EXPECT_EQ(alert.acceptances.size(), 1u);
  Accept(kPolice, alert);
  EXPECT_EQ(alert.stage, AlertStage::kAccepted);
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
  Evolve(*closed, {9}, alert);
  EXPECT_TRUE(alert.closed());
  EXPECT_EQ(alert.outcome, "returned");
  EXPECT_THAT(DecideAccept(alert, kCoordinator, "late", ""),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST(AlertTest, NobodyClosesWhatNobodyAccepted) {
  EXPECT_THAT(DecideClose(Raised(), kPolice, "returned"),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST(AlertTest, PassedOnOnlyToThoseWhoMayHaveIt) {
  Alert alert = Raised();
  const std::vector<AlertAddressee> may = {{"police-scotland", "cover"},
                                           {"nhs-tayside", "nhs-liaison"}};
  EXPECT_THAT(DecidePass(alert, kPolice, "", "off at six", may),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(DecidePass(alert, kPolice, "cover", "", may),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(DecidePass(alert, kPolice, "nhs-liaison", "yours", may),
              HasCode(absl::StatusCode::kFailedPrecondition));
  const auto passed = DecidePass(alert, kPolice, "cover", "off at six", may);
  ASSERT_THAT(passed, IsOk());
  EXPECT_EQ(passed->to(), "police-scotland/cover");
  EXPECT_THAT(
      DecidePass(alert, kPolice, "nhs-tayside/nhs-liaison", "yours", may),
      IsOk());
  v1::AlertClosed closed;
  Evolve(closed, {9}, alert);
  EXPECT_THAT(DecidePass(alert, kPolice, "cover", "off at six", may),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST(AlertTest, WhoItIsPassedOnToIsAddressed) {
  Alert alert = Raised();
  const AlertCaller cover = {"night", "police-scotland", {"cover"}};
  EXPECT_FALSE(MaySee(alert, cover));
  const auto passed = DecidePass(alert, kPolice, "cover", "off at six",
                                 {{"police-scotland", "cover"}});
  ASSERT_THAT(passed, IsOk());
  Evolve(*passed, {5, "officer-7"}, alert);
  EXPECT_TRUE(MaySee(alert, cover));
  EXPECT_EQ(alert.members.back().evidence, alert.members.front().evidence);
  EXPECT_EQ(alert.passings.at(0).doer.staff, "officer-7");
  EXPECT_EQ(alert.stage, AlertStage::kRaised);
  EXPECT_FALSE(alert.accepted());
  // Again changes nothing.
  Evolve(*passed, {6}, alert);
  EXPECT_EQ(alert.passings.size(), 1u);
  Accept(cover, alert);
  EXPECT_TRUE(alert.accepted());
}

TEST(AlertTest, ADisputeEndsNothing) {
  Alert alert = Raised();
  EXPECT_THAT(DecideDispute(alert, kPolice, ""),
              HasCode(absl::StatusCode::kInvalidArgument));
  const auto disputed = DecideDispute(alert, kPolice, "another man");
  ASSERT_THAT(disputed, IsOk());
  Evolve(*disputed, {5}, alert);
  EXPECT_EQ(alert.disputes.at(0).reason, "another man");
  EXPECT_EQ(alert.stage, AlertStage::kRaised);
  EXPECT_THAT(DecideDispute(alert, kPolice, "still another man"),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(DecideDispute(alert, kCoordinator, "so it is"), IsOk());
  Accept(kPolice, alert);  // Who changes their mind may take it on.
}

TEST(AlertTest, ShowingDoesNotUndoAcceptance) {
  Alert alert = Raised();
  Accept(kPolice, alert);
  Evolve(v1::AlertShown(), alert);
  EXPECT_EQ(alert.stage, AlertStage::kAccepted);
}

}  // namespace
}  // namespace concordat::alerts
