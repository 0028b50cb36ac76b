// When it was in doubt who a person was. The bug each test catches:
//
//   a doubt is forgotten, or lasts when it is decided   IsThereWhileAReviewIsOpen
//   another review's decision ends it                   IsThereWhileAReviewIsOpen
//   every review is a doubt of the person               OtherReviewsAreNone
#include "services/bus/oversight/doubts.h"

#include "concordat/identity/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/demo_types.h"
#include "tests/support/status_matchers.h"

namespace concordat::bus {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class DoubtsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto types = testing::DemoTypes();
    ASSERT_THAT(types, testing::IsOk());
    types_ = *std::move(types);
  }
  void Look(const google::protobuf::Message& message, uint64_t at_us) {
    const std::string name = message.GetTypeName();
    const auto groups = types_->Find(name)->Split(message.SerializeAsString());
    ASSERT_THAT(groups, testing::IsOk());
    StoredEvent event;
    event.header.type = name;
    event.accepted_us = at_us;
    for (const auto& group : *groups) {
      event.opened.push_back({group.number, {}, group.data});
    }
    doubts_.Look(event, *types_);
  }
  void Open(const char* ref, const char* kind, uint64_t at_us) {
    identity::v1::IdentityReviewOpened opened;
    opened.set_review_ref(ref);
    opened.set_by("urn:concordat:police-scotland:rms");
    opened.set_kind(kind);
    Look(opened, at_us);
  }
  void Decide(const char* ref) {
    identity::v1::IdentityReviewDecided decided;
    decided.set_review_ref(ref);
    decided.set_by("urn:concordat:police-scotland:rms");
    decided.set_decision("LINK_KEPT");
    decided.set_reason("SAME_PERSON");
    Look(decided, 99);
  }

  std::shared_ptr<const TypeRegistry> types_;
  Doubts doubts_;
};

TEST_F(DoubtsTest, IsThereWhileAReviewIsOpen) {
  Open("IR-1", "LINK_DOUBTED", 10);
  Open("IR-2", "LINK_DOUBTED", 20);
  Decide("IR-1");
  Decide("IR-3");
  const auto rows = doubts_.Take();
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_EQ(rows[0].what(), "identity in doubt");
  EXPECT_EQ(rows[0].from(), 20u);
}

TEST_F(DoubtsTest, OtherReviewsAreNone) {
  Open("IR-1", "NUMBER_CLAIMED", 10);
  EXPECT_THAT(doubts_.Take(), IsEmpty());
}

}  // namespace
}  // namespace concordat::bus
