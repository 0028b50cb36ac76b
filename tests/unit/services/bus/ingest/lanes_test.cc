// Mutant                                            Caught by
// frames taken as they came                         BulkComesAfterWhatIsNot
// all of bulk before it is asked again              …the same
// a session's frames overtake one another           FramesOfASessionKeepTheirOrder
// bulk by the batch, or for ever                    BulkIsARateAndPasses
// held bulk is let through; or nothing goes on      HeldBulkWaitsAndOthersDoNot
// held for ever                                     NoFrameIsHeldForLongerThanItMay
// holds as much as comes                            SoManyBytesAreHeldAndNoMore
// the alerts service is held by its own lag         AHubServiceIsNeverBulk
// a correction is held with an import               ACorrectionIsNotHeldNorWhatItFollows
// it overtakes what its session said before         …the same
// an import of corrections is not held at all       SoManyAmendAndNoMore
#include "services/bus/ingest/lanes.h"

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/event/codec.h"

namespace concordat::bus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kStart = absl::Seconds(100);

class LanesTest : public ::testing::Test {
 protected:
  LanesTest() {
    options_.bulk_events_per_s = 100;
    options_.held_bytes_max = 1000;
    lanes_.emplace(options_);
  }
  void Publish(uint64_t session, uint64_t events) {
    SessionEvent event;
    event.session = {session};
    event.kind = FrameKind::kPublish;
    event.number = ++number_;
    event.events = events;
    event.body.view = body_;
    lanes_->Push(std::move(event), now_);
  }
  // Of one event, which takes another back.
  void Retract(uint64_t session, uint64_t events = 1) {
    EventView event;
    event.header.source = "urn:concordat:agency:system";
    event.header.type = "a.v1.Fact";
    event.header.controller = "agency";
    event.header.id = "id-2";
    event.header.time_us = 1;
    event.header.retracts = "id-1";
    BatchEncoder batch;
    batch.Add(event);
    bodies_.push_back(batch.Take());
    SessionEvent frame;
    frame.session = {session};
    frame.kind = FrameKind::kPublish;
    frame.number = ++number_;
    frame.events = events;
    frame.body.view = bodies_.back();
    lanes_->Push(std::move(frame), now_);
  }
  void Say(uint64_t session, SessionEvent::What what,
           const v1::Principal* principal = nullptr) {
    SessionEvent event;
    event.session = {session};
    event.what = what;
    event.principal = principal;
    lanes_->Push(std::move(event), now_);
  }
  // Those that may be taken now, by number; 0: opened or closed.
  std::vector<uint64_t> All(bool held = false) {
    std::vector<uint64_t> numbers;
    while (auto next = lanes_->Next(now_, held)) {
      numbers.push_back(next->event.number);
    }
    return numbers;
  }

  LaneOptions options_;
  std::optional<Lanes> lanes_;
  absl::Duration now_ = kStart;
  uint64_t number_ = 0;
  std::string body_ = std::string(100, 'x');
  std::deque<std::string> bodies_;  // Of those that can be read.
};

TEST_F(LanesTest, BulkComesAfterWhatIsNot) {
  Publish(1, 256);
  Publish(1, 256);
  Publish(2, 1);
  EXPECT_EQ(lanes_->Next(now_, false)->event.number, 3u);
  const auto bulk = lanes_->Next(now_, false);
  EXPECT_EQ(bulk->event.number, 1u);
  EXPECT_TRUE(bulk->is_bulk);
  Publish(2, 1);
  EXPECT_THAT(All(), ElementsAre(4, 2));
  EXPECT_TRUE(lanes_->empty());
}

TEST_F(LanesTest, FramesOfASessionKeepTheirOrder) {
  Publish(1, 256);
  now_ += absl::Seconds(10);  // It is not bulk any more, but for what waits.
  Publish(1, 1);
  Say(1, SessionEvent::What::kClosed);
  Publish(2, 1);
  EXPECT_THAT(All(), ElementsAre(3, 1, 2, 0));
}

TEST_F(LanesTest, BulkIsARateAndPasses) {
  for (int i = 0; i < 10; ++i) Publish(1, 10);
  EXPECT_FALSE(lanes_->Next(now_, false)->is_bulk);
  All();
  Publish(1, 1);
  EXPECT_TRUE(lanes_->Next(now_, false)->is_bulk);
  now_ += absl::Milliseconds(1500);
  Publish(1, 1);
  EXPECT_TRUE(lanes_->Next(now_, false)->is_bulk);
  now_ += absl::Seconds(1);
  Publish(1, 1);
  EXPECT_FALSE(lanes_->Next(now_, false)->is_bulk);
}

TEST_F(LanesTest, HeldBulkWaitsAndOthersDoNot) {
  Publish(1, 256);
  Publish(2, 1);
  EXPECT_THAT(All(/*held=*/true), ElementsAre(2));
  Publish(2, 1);
  EXPECT_THAT(All(/*held=*/true), ElementsAre(3));
  EXPECT_FALSE(lanes_->empty());
  EXPECT_TRUE(lanes_->Has({1}));
  EXPECT_FALSE(lanes_->Has({2}));
  EXPECT_THAT(All(/*held=*/false), ElementsAre(1));
}

TEST_F(LanesTest, NoFrameIsHeldForLongerThanItMay) {
  Publish(1, 256);
  now_ += options_.wait_max / 2;
  Publish(1, 256);
  EXPECT_THAT(All(/*held=*/true), IsEmpty());
  now_ += options_.wait_max / 2;
  EXPECT_THAT(All(/*held=*/true), ElementsAre(1));
  now_ += options_.wait_max / 2;
  EXPECT_THAT(All(/*held=*/true), ElementsAre(2));
}

TEST_F(LanesTest, SoManyBytesAreHeldAndNoMore) {
  for (int i = 0; i < 12; ++i) Publish(1, 256);
  EXPECT_THAT(All(/*held=*/true), ElementsAre(1, 2));
}

TEST_F(LanesTest, ACorrectionIsNotHeldNorWhatItFollows) {
  Publish(1, 256);
  Publish(2, 256);
  All(/*held=*/false);
  Publish(1, 10);  // 3
  Publish(2, 10);
  Publish(2, 10);
  Retract(2);  // 6
  Publish(2, 10);
  EXPECT_THAT(All(/*held=*/true), ElementsAre(4, 5, 6));
  Retract(1);  // 8
  EXPECT_THAT(All(/*held=*/true), ElementsAre(3, 8));
  EXPECT_THAT(All(/*held=*/false), ElementsAre(7));
}

TEST_F(LanesTest, SoManyAmendAndNoMore) {
  options_.wait_max = absl::Seconds(10);
  lanes_.emplace(options_);
  Publish(1, 256);
  All(/*held=*/false);
  for (int i = 0; i < 3; ++i) Retract(1, 60);  // 2, 3, 4
  EXPECT_THAT(All(/*held=*/true), ElementsAre(2, 3));
  now_ += absl::Milliseconds(999);
  EXPECT_THAT(All(/*held=*/true), IsEmpty());
  now_ += absl::Milliseconds(1);
  EXPECT_THAT(All(/*held=*/true), ElementsAre(4));
}

TEST_F(LanesTest, AHubServiceIsNeverBulk) {
  v1::Principal service;
  service.mutable_process()->add_types("*");
  Say(1, SessionEvent::What::kOpened, &service);
  Publish(1, 256);
  EXPECT_THAT(All(/*held=*/true), ElementsAre(0, 1));
}

}  // namespace
}  // namespace concordat::bus
