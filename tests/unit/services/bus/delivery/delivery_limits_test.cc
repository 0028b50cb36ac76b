// What ends a session or hides a person from it while it is live.
//
// Mutant                                            Caught by
// a retirement waits for the next event             RetirementStopsAtOnceAndSaysWhy
// it ends who has another agreement, or nobody      RetirementStopsAtOnceAndSaysWhy
// the last day's end is not noticed                 TheEndOfTheLastDayEndsTheSession
// who comes after the end is told nothing           WhoComesAfterTheEndIsToldSo
// a role's masks are one for all its principals     AnExcludedPrincipalIsSentNothing
// a lifted list is not back-filled, or out of order ALiftedListIsBackfilledInOrder
// what is set aside is judged once                  WhatIsSetAsideIsJudgedAgain
// a shared name shows what one of its people may not ASharedNameSeesWhatAllOfItsRoleMay
#include "concordat/hub/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/services/bus/delivery/delivery_fixture.h"

namespace concordat::bus {
namespace {

using ::testing::HasSubstr;

v1::Principal Person(const std::string& name) {
  v1::Principal principal = Named("red");
  principal.set_name(name);
  return principal;
}

std::string Retired(const std::string& agreement, uint64_t from_us) {
  hub::v1::AgreementRetired retired;
  retired.set_name(agreement);
  retired.set_version(1);
  retired.set_from(from_us);
  retired.set_party("red");
  retired.set_reason("a test");
  return retired.SerializeAsString();
}

TEST_F(DeliveryCoreTest, RetirementStopsAtOnceAndSaysWhy) {
  v1::Subscribe slow = Ask("");
  slow.set_credit_events(1);
  Event("m.v1.Opened", 1, "red,blue;red;0");
  Event("a.v1.Fact", 1);
  Event("a.v1.Fact", 1);
  Subscribe(1, Named("red"), slow);
  v1::Principal hub = Named("hub", "service");
  hub.mutable_process()->add_types("*");
  Subscribe(2, hub, Ask(""));
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(2));
  Event("h.v1.Retired", 0, Retired("another", kNowUs));
  Work();
  EXPECT_EQ(closed_.count(1), 0u);
  Event("h.v1.Retired", 0, Retired("x", kNowUs));
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(2));
  EXPECT_EQ(closed_[1], v1::REFUSAL_NO_GRANT);
  EXPECT_THAT(details_[1], HasSubstr("Nothing is shared with you since 24 "
                                     "November 2025: the agreement ended early "
                                     "(a test)."));
  EXPECT_EQ(closed_.count(2), 0u);
}

TEST_F(DeliveryCoreTest, TheEndOfTheLastDayEndsTheSession) {
  Event("m.v1.Opened", 1, "red;red;0");
  Subscribe(1, Named("red"), Ask("mine"));
  Work();
  HeaderView header;
  header.type = "a.v1.Other";
  header.source = "urn:concordat:elsewhere:x";
  header.id = "late";
  constexpr uint64_t kYearUs = 365ull * 86'400'000'000;
  const Sequence late = log_.Append(header, "x", kNowUs + kYearUs);
  Durable(late, late);
  Work();
  EXPECT_EQ(closed_[1], v1::REFUSAL_NO_GRANT);
  EXPECT_THAT(details_[1], HasSubstr("since 1 October 2026"));
}

TEST_F(DeliveryCoreTest, WhoComesAfterTheEndIsToldSo) {
  Event("h.v1.Retired", 0, Retired("x", kNowUs));
  Subscribe(1, Named("red"), Ask(""));
  Work();
  EXPECT_EQ(closed_[1], v1::REFUSAL_NO_GRANT);
  EXPECT_THAT(details_[1], HasSubstr("Nothing is shared with you since"));
  Subscribe(2, Named("red", "cleaner"), Ask(""));
  Work();
  EXPECT_THAT(details_[2], HasSubstr("no agreement gives cleaner of red"));
}

TEST_F(DeliveryCoreTest, AnExcludedPrincipalIsSentNothing) {
  Event("m.v1.Opened", 1, "red;red;0");
  Subscribe(1, Person("rose"), Ask(""));
  Subscribe(2, Person("ruth"), Ask(""));
  Event("m.v1.Access", 1, ";;0;;red/officer/rose");
  const Sequence fact = Event("a.v1.Fact", 1);
  const Sequence other = Event("a.v1.Fact", 0);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(other.value));
  EXPECT_THAT(Sequences(2), ElementsAre(fact.value, other.value));
}

TEST_F(DeliveryCoreTest, ALiftedListIsBackfilledInOrder) {
  Event("m.v1.Opened", 1, "red;red;0");
  Subscribe(1, Person("rose"), Ask(""));
  Event("m.v1.Access", 1, ";;0;red/officer/ruth;");
  const Sequence first = Event("a.v1.Fact", 1);
  const Sequence second = Event("a.v1.Other", 1);
  Work();
  EXPECT_THAT(Sequences(1), IsEmpty());
  const Sequence lifted = Append("m.v1.Access", 1, ";;0;;");
  const Sequence live = Append("a.v1.Fact", 1);
  Durable(lifted, live);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(first.value, second.value, live.value));
  EXPECT_EQ(got_[1][0].cause, lifted.value);
}

TEST_F(DeliveryCoreTest, WhatIsSetAsideIsJudgedAgain) {
  options_.redelivery.attempts = 1;
  Restart({});
  v1::Subscribe request = Ask("mine");
  request.set_settlement(v1::SETTLEMENT_SINGLY);
  Event("m.v1.Opened", 1, "red;red;0");
  Subscribe(1, Person("rose"), request);
  const Sequence fact = Event("a.v1.Fact", 1);
  Work();
  ASSERT_THAT(Sequences(1), ElementsAre(fact.value));
  v1::Settle settle;
  settle.add_nacks()->set_delivery(1);
  core_->Settle({1}, settle);
  Store();
  Work();
  ASSERT_EQ(core_->List().front().set_aside, 1u);
  Event("m.v1.Access", 1, ";;0;;red/*/rose");
  const auto rows = core_->RowsOf("red/officer/mine");
  ASSERT_THAT(rows, IsOk());
  const auto redriven =
      core_->Redrive("red/officer/mine", {rows->front().order});
  ASSERT_THAT(redriven, IsOk());
  EXPECT_EQ(*redriven, 1u);
  Store();
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(fact.value));
}

TEST_F(DeliveryCoreTest, ASharedNameSeesWhatAllOfItsRoleMay) {
  v1::Subscribe request = Ask("ours");
  request.set_settlement(v1::SETTLEMENT_SHARED);
  Event("m.v1.Opened", 1, "red;red;0");
  Event("m.v1.Opened", 2, "red;red;0");
  Event("m.v1.Access", 1, ";;0;;red/officer/rose");
  Event("m.v1.Access", 2, ";;0;red/officer/ruth;");
  Subscribe(1, Person("ruth"), request);
  Subscribe(2, Person("rita"), request);
  Event("a.v1.Fact", 1);
  Event("a.v1.Fact", 2);
  const Sequence seen = Event("a.v1.Fact", 0);
  Work();
  EXPECT_EQ(closed_.size(), 0u);
  std::vector<uint64_t> both = Sequences(1);
  for (const uint64_t each : Sequences(2)) both.push_back(each);
  EXPECT_THAT(both, ElementsAre(seen.value));
}

}  // namespace
}  // namespace concordat::bus
