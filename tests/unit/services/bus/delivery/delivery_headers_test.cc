// Services that are sent the header alone of some types.
//
// Mutant                                            Caught by
// a group sent or disclosed with the header alone   HeadersAloneAndWholeEventsCome…
// rights to headers not of a recipient's key, or    NobodyIsSentAViewThatWasMade…
//   lost while it is connected
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/bus/delivery/delivery_core.h"
#include "tests/unit/services/bus/delivery/delivery_fixture.h"

namespace concordat::bus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(DeliveryCoreTest, HeadersAloneAndWholeEventsComeInTheLogsOrder) {
  v1::Principal service = Named("hub", "service");
  service.mutable_process()->add_types("m.v1.*");
  service.mutable_process()->add_headers("a.v1.*");
  Subscribe(1, service, Ask(""));
  Event("a.v1.Fact", 1, "told");
  Work();
  // Nothing of what was told; and that it is so.
  EXPECT_EQ(views_[1].header.type, "a.v1.Fact");
  EXPECT_EQ(views_[1].header.subject, PersonKey({1}));
  EXPECT_THAT(views_[1].groups, IsEmpty());
  EXPECT_FALSE(views_[1].header_salt.has_value());
  EXPECT_THAT(views_[1].withheld, SizeIs(3));
  EXPECT_EQ(groups_[1], kHeaderAlone);
  Event("m.v1.Opened", 1, "red;red;0");
  Work();
  EXPECT_THAT(views_[1].groups, SizeIs(3));
  EXPECT_EQ(groups_[1], 0b111);
  Event("a.v1.Other", 1, "told");
  Work();
  EXPECT_THAT(views_[1].groups, IsEmpty());
  EXPECT_THAT(Sequences(1), ElementsAre(1, 2, 3));
}

// Two who share subscriptions of one role, so that nothing but their rights tells
// them apart.
TEST_F(DeliveryCoreTest, NobodyIsSentAViewThatWasMadeForOthersRights) {
  v1::Principal whole = Named("hub", "service");
  whole.mutable_process()->add_types("m.v1.*");
  v1::Principal headers = whole;
  headers.mutable_process()->add_headers("a.v1.*");
  v1::Principal other = whole;
  other.mutable_process()->add_headers("l.v1.*");
  uint64_t session = 0;
  for (const v1::Principal& each : {whole, headers, other}) {
    v1::Subscribe request = Ask(std::to_string(++session));
    request.set_settlement(v1::SETTLEMENT_SHARED);
    Subscribe(session, each, request);
  }
  Event("a.v1.Fact", 1, "told");
  Event("l.v1.Plan", 1, "told");
  Work();
  EXPECT_THAT(Sequences(1), IsEmpty());
  EXPECT_THAT(Sequences(2), ElementsAre(1));
  EXPECT_THAT(Sequences(3), ElementsAre(2));
  // Nor goes on with rights that it has no more.
  core_->RightsOf({2}, whole);
  EXPECT_EQ(closed_.count(1), 0u);
  Work();
  EXPECT_EQ(closed_[2], v1::REFUSAL_REVOKED);
}

}  // namespace
}  // namespace concordat::bus
