// What could not be known from the hub at a moment. The bug each test catches:
//
//   a feed's silence is not told, or of which time       TellsOfASilentFeed
//   what came too late for the moment counts for it      TellsOfASilentFeed
//   a feed is silent for ever, or heard too early        ItEndsWhenAllThatWasDueIsHere
//   a cut of the log is not told, or told before it was  TellsOfWhatWasLost
//   a moment before all is answered with nothing         BeforeTheFirstThereIsNone
#include "services/bus/oversight/moment.h"

#include "concordat/hub/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/demo_types.h"
#include "tests/support/fake_event_log.h"
#include "tests/support/status_matchers.h"

namespace concordat::bus {
namespace {

using access::v1::CouldNotKnow;
using concordat::testing::FakeEventLog;
using concordat::testing::HasCode;
using concordat::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class MomentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto types = concordat::testing::DemoTypes();
    ASSERT_THAT(types, IsOk());
    types_ = *std::move(types);
  }
  template <typename Message>
  void Append(const Message& message, uint64_t accepted_us) {
    const std::string type = message.GetTypeName();
    HeaderView header;
    header.type = type;
    log_.Append(header, message.SerializeAsString(), accepted_us);
  }
  void Silent(const char* feed, uint64_t due, uint64_t at_us) {
    hub::v1::FeedSilent silent;
    silent.set_feed(feed);
    silent.set_title("Files of the night");
    silent.set_contact_agency("dundee-city-council");
    silent.set_due(due);
    silent.set_complete_to(5);
    Append(silent, at_us);
  }
  void Received(const char* feed, uint64_t complete_to, uint64_t at_us) {
    hub::v1::FeedReceived received;
    received.set_feed(feed);
    received.set_complete_to(complete_to);
    Append(received, at_us);
  }
  std::vector<CouldNotKnow> GapsAt(uint64_t at_us) {
    const auto moment = ReadMoment(log_, types_, at_us);
    EXPECT_THAT(moment, IsOk());
    return moment.ok() ? moment->could_not_know : std::vector<CouldNotKnow>();
  }

  std::shared_ptr<const TypeRegistry> types_;
  FakeEventLog log_;
};

TEST_F(MomentTest, TellsOfASilentFeed) {
  Received("files", 5, 10);
  Silent("files", 20, 30);
  EXPECT_THAT(GapsAt(29), IsEmpty());
  for (const uint64_t at_us : {uint64_t{30}, uint64_t{0}}) {
    const auto gaps = GapsAt(at_us);
    ASSERT_THAT(gaps, SizeIs(1));
    EXPECT_EQ(gaps[0].what(), "feed silent");
    EXPECT_EQ(gaps[0].from(), 5u);
    EXPECT_EQ(gaps[0].to(), 0u);
    EXPECT_THAT(gaps[0].words(),
                HasSubstr("Files of the night (dundee-city-council)"));
  }
}

TEST_F(MomentTest, ItEndsWhenAllThatWasDueIsHere) {
  Silent("files", 20, 30);
  Silent("messages", 20, 30);
  Received("files", 19, 40);
  Received("files", 20, 50);
  EXPECT_THAT(GapsAt(49), SizeIs(2));
  EXPECT_THAT(GapsAt(50), SizeIs(1));
  EXPECT_THAT(GapsAt(0), SizeIs(1));
}

TEST_F(MomentTest, TellsOfWhatWasLost) {
  Received("files", 5, 10);
  hub::v1::EventsLost lost;
  lost.set_epoch(2);
  lost.set_last_kept(1);
  lost.set_lost_from(10);
  Append(lost, 60);
  EXPECT_THAT(GapsAt(59), IsEmpty());
  const auto gaps = GapsAt(60);
  ASSERT_THAT(gaps, SizeIs(1));
  EXPECT_EQ(gaps[0].what(), "events lost");
  EXPECT_EQ(gaps[0].from(), 10u);
  EXPECT_EQ(gaps[0].to(), 60u);
}

TEST_F(MomentTest, BeforeTheFirstThereIsNone) {
  Received("files", 5, 10);
  EXPECT_THAT(ReadMoment(log_, types_, 9),
              HasCode(absl::StatusCode::kNotFound));
  const auto now = ReadMoment(log_, types_, 0);
  ASSERT_THAT(now, IsOk());
  EXPECT_EQ(now->at_us, 10u);
  EXPECT_EQ(now->position, Sequence{1});
}

}  // namespace
}  // namespace concordat::bus
