// Mutants, and the test that catches each (all tried):
//
//   answers before the cases are read      KnowsNothingBeforeTheCasesAreRead
//   cohort by registration, not by case    FollowsTheOpenCases
//   registered by others told too          TellsACouncilItsOwnPeopleWithoutACase
//   cohort with unconfirmed numbers        TellsANumberOnceItsLinkIsConfirmed
//   PNC told to a health edge              FollowsTheOpenCases
//   complete before the list               SendsTheListBeforeComplete
//   disclosure not noted                   FollowsTheOpenCases
//   no heartbeat / one while stale         BeatsWhileCurrentAndOnlyThen
#include <array>
#include <functional>
#include <string>

#include "concordat/identity/v1/events.pb.h"
#include "concordat/mappa/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/services/identity/rpc/identity_fixture.h"

namespace concordat::identity {
namespace {

using ::absl::StatusCode;
using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using testing::Edge;
using testing::IdentityFixture;
using ::testing::IsEmpty;
using testing::kChi;
using testing::kNewRuleChi;
using ::testing::SizeIs;

using CohortFeedTest = IdentityFixture;

TEST_F(CohortFeedTest, KnowsNothingBeforeTheCasesAreRead) {
  const std::string torquil = RegisterTorquil();
  OpenCase(torquil, {"dundee-city-council", "police-scotland", "nhs-tayside"});
  Stop();
  bus_.GoAway();
  Start();
  EXPECT_THAT(Describe("police", torquil), HasCode(StatusCode::kUnavailable));
  // Who registered them too: whom a list keeps out is not known yet.
  EXPECT_THAT(Describe("socialwork", torquil),
              HasCode(StatusCode::kUnavailable));
  Edge edge;
  ASSERT_THAT(
      service_->Cohort(As("edge-health"), v1::CohortRequest(), edge.sink()),
      IsOk());
  EXPECT_THAT(edge.changes(), IsEmpty());
  bus_.ComeBack();
  CatchUp();
  EXPECT_THAT(Describe("police", torquil), IsOk());
  EXPECT_TRUE(edge.WaitForPosition(bus_.end()));
  EXPECT_THAT(edge.members(), SizeIs(1));
}

TEST_F(CohortFeedTest, FollowsTheOpenCases) {
  const std::string torquil = RegisterTorquil();
  CatchUp();
  Edge edge;
  ASSERT_THAT(
      service_->Cohort(As("edge-health"), v1::CohortRequest(), edge.sink()),
      IsOk());
  ASSERT_TRUE(edge.WaitForPosition(bus_.end()));
  EXPECT_THAT(edge.members(), IsEmpty());

  OpenCase(torquil, {"dundee-city-council", "police-scotland", "nhs-tayside"});
  ASSERT_TRUE(edge.WaitForPosition(bus_.end()));
  ASSERT_THAT(edge.members(), SizeIs(1));
  const v1::CohortMember member = edge.members().at(torquil);
  ASSERT_THAT(member.identifiers(), SizeIs(1));  // No PNC, no council number.
  EXPECT_EQ(member.identifiers(0).scheme(), "chi");
  EXPECT_EQ(member.identifiers(0).value(), kChi);
  const System pas{"nhs-tayside", "pas"};
  EXPECT_EQ(store_->DisclosedTo(pas)->joined, 1u);

  // Whom the lists keep out is told, of the edge's own agency alone.
  EXPECT_FALSE(member.restricted());
  mappa::v1::AccessRestricted access;
  access.set_case_ref("C-2001");
  access.add_restricted_to("police-scotland");
  access.add_excluded("nhs-tayside/*/nhs");
  access.add_excluded("dundee-city-council/*/socialwork");
  access.set_reason("KNOWN_TO_STAFF");
  PublishCase(access, torquil);
  ASSERT_TRUE(edge.WaitForPosition(bus_.end()));
  const v1::CohortMember listed = edge.members().at(torquil);
  EXPECT_TRUE(listed.restricted());
  EXPECT_EQ(listed.restricted_to_size(), 0);
  ASSERT_THAT(listed.excluded(), SizeIs(1));
  EXPECT_EQ(listed.excluded(0), "nhs-tayside/*/nhs");

  Leave(torquil, "nhs-tayside");
  ASSERT_TRUE(edge.WaitForPosition(bus_.end()));
  EXPECT_THAT(edge.members(), IsEmpty());
  EXPECT_EQ(store_->DisclosedTo(pas)->left, 1u);
  edge.Close();
}

TEST_F(CohortFeedTest, TellsACouncilItsOwnPeopleWithoutACase) {
  const std::string torquil = RegisterTorquil();  // By social work.
  RegisterFearchar();                             // By the health board.
  CatchUp();
  v1::CohortRequest request;
  request.set_registered_too(true);
  Edge council;
  ASSERT_THAT(service_->Cohort(As("edge-council"), request, council.sink()),
              IsOk());
  Edge health;
  ASSERT_THAT(
      service_->Cohort(As("edge-health"), v1::CohortRequest(), health.sink()),
      IsOk());
  ASSERT_TRUE(council.WaitForPosition(bus_.end()));
  ASSERT_THAT(council.members(), SizeIs(1));
  EXPECT_EQ(council.members().count(torquil), 1u);
  EXPECT_EQ(council.members().at(torquil).identifiers_size(), 2);
  ASSERT_TRUE(health.WaitForPosition(bus_.end()));
  EXPECT_THAT(health.members(), IsEmpty());
}

TEST_F(CohortFeedTest, TellsANumberOnceItsLinkIsConfirmed) {
  const std::string fearchar = RegisterFearchar();
  OpenCase(fearchar, {"nhs-tayside", "police-scotland"});
  Edge edge;
  ASSERT_THAT(
      service_->Cohort(As("edge-health"), v1::CohortRequest(), edge.sink()),
      IsOk());
  ASSERT_TRUE(edge.WaitForPosition(bus_.end()));
  EXPECT_THAT(edge.members().at(fearchar).identifiers(), IsEmpty());

  ASSERT_THAT(Confirm("nhs", fearchar), IsOk());
  ASSERT_TRUE(edge.WaitForPosition(bus_.end()));
  const auto member = edge.members().at(fearchar);
  ASSERT_THAT(member.identifiers(), SizeIs(1));
  EXPECT_EQ(member.identifiers(0).value(), kNewRuleChi);
}

TEST_F(CohortFeedTest, SendsTheListBeforeComplete) {
  const std::string torquil = RegisterTorquil();
  OpenCase(torquil, {"dundee-city-council", "nhs-tayside"});
  Edge edge;
  ASSERT_THAT(
      service_->Cohort(As("edge-health"), v1::CohortRequest(), edge.sink()),
      IsOk());
  ASSERT_TRUE(edge.WaitForPosition(bus_.end()));
  const auto changes = edge.changes();
  ASSERT_GE(changes.size(), 2u);
  EXPECT_TRUE(changes[0].has_joined());
  EXPECT_FALSE(changes[0].complete());
  EXPECT_TRUE(changes[1].complete());
}

TEST_F(CohortFeedTest, BeatsWhileCurrentAndOnlyThen) {
  CatchUp();
  Edge edge;
  ASSERT_THAT(
      service_->Cohort(As("edge-health"), v1::CohortRequest(), edge.sink()),
      IsOk());
  const auto wait_for_more = [&](size_t than) {
    return edge.WaitFor(
        [&](const auto& changes) { return changes.size() > than; });
  };
  ASSERT_TRUE(wait_for_more(0));
  steady_.Advance(CohortFeed::kHeartbeat);
  ASSERT_TRUE(wait_for_more(1));
  EXPECT_TRUE(edge.changes().back().complete());

  bus_.GoAway();
  steady_.Advance(CaseParties::kStaleAfter);
  const size_t before = edge.changes().size();
  // A second edge would be served at once if anybody were.
  Edge second;
  ASSERT_THAT(
      service_->Cohort(As("edge-health"), v1::CohortRequest(), second.sink()),
      IsOk());
  EXPECT_FALSE(parties_->current());
  bus_.ComeBack();
  CatchUp();
  ASSERT_TRUE(wait_for_more(before));
  EXPECT_TRUE(second.WaitForPosition(bus_.end()));
}

}  // namespace
}  // namespace concordat::identity
