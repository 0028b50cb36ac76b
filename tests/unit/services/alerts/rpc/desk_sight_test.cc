// Who of those that an alert is for is answered.
//
// Mutants that a test here catches:
//   those of the same roles are told alike   → AFollowerWhomAListNamesIsTold…
//   the purpose of who asks is not asked     → NothingIsShownForAPurposeThat…
#include "concordat/mappa/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/services/alerts/rpc/desk_fixture.h"

namespace concordat::alerts {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(DeskTest, AFollowerWhomAListNamesIsToldNothing) {
  mappa::v1::AccessRestricted access;
  access.set_case_ref("C-4");
  access.set_reason("RELATED_TO_STAFF");
  access.add_excluded("police-scotland/*/kin");
  Happens(access, "mappa-tayside", "mappa", person_);
  // Of the same agency and the same role.
  const AlertCaller kin = {"kin", "police-scotland", {"police"}};
  Written to_police, to_kin;
  desk_->Follow(kPolice, Sequence(), to_police.Writer());
  desk_->Follow(kin, Sequence(), to_kin.Writer());
  GoesAbsent();
  ASSERT_TRUE(to_police.Await(1));
  // Answered after everybody was told.
  EXPECT_THAT(ListAt(bus_.end().value, kin).alerts(), IsEmpty());
  EXPECT_THAT(to_police.States(), ElementsAre("raised"));
  EXPECT_THAT(to_kin.States(), IsEmpty());
}

TEST_F(DeskTest, NothingIsShownForAPurposeThatNoAgreementHas) {
  AlertCaller caller = kPolice;
  caller.purpose = "MAPPA_RISK_MANAGEMENT";
  Written for_it, for_another;
  desk_->Follow(caller, Sequence(), for_it.Writer());
  caller.purpose = "RESEARCH";
  desk_->Follow(caller, Sequence(), for_another.Writer());
  GoesAbsent();
  ASSERT_TRUE(for_it.Await(1));
  EXPECT_THAT(ListAt(bus_.end().value, caller).alerts(), IsEmpty());
  EXPECT_THAT(for_another.States(), IsEmpty());
  caller.purpose = "MAPPA_RISK_MANAGEMENT";
  EXPECT_THAT(ListAt(bus_.end().value, caller).alerts(), SizeIs(1));
}

}  // namespace
}  // namespace concordat::alerts
