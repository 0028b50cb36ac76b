// Whose turn it is, in which order and how much at once.
//
// Mutant                                            Caught by
// turns in the order of sessions                    WhatIsUrgentComesFirst
// anybody may call itself urgent                    OnlyAHubServiceIsUrgent
// who catches up has as many turns as others        WhoIsNearTheEndDoesNotWaitForWhoCatchesUp
// frames of the past as large as live ones          …the same
// one of those that catch up is always first        ThoseThatCatchUpHaveTurnsInRotation
// who has no credit keeps the others' turn          WithoutCreditThereIsNoTurnToKeep
// the log is read where others wait                 NobodyWaitsForTheLogToBeRead
// what was read for another place is sent           …the same
// a block is asked for when the one before is out   TheNextBlockIsReadAhead
// live ones without bound; or the first ones only   ManyAtTheEndHaveTurnsInRotation
// lag of what was sent, not acknowledged            LagIsOfWhatIsNotAcknowledged
// lag counted from the newest event                 …the same
// a person's events looked up all at once           ABackfillIsDoneInParts
#include <deque>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/services/bus/delivery/delivery_fixture.h"

namespace concordat::bus {
namespace {

class DeliveryTurnsTest : public DeliveryCoreTest {
 protected:
  // `count` events of a kilobyte that are of the past.
  void Past(int count) {
    for (int i = 0; i < count; ++i) {
      Append("a.v1.Fact", 0, std::string(1024, 'x'));
    }
    Restart({});
  }
  v1::Principal Service() {
    v1::Principal service = Named("hub", "service");
    service.mutable_process()->add_types("*");
    return service;
  }
  v1::Subscribe Urgent() {
    v1::Subscribe request = Ask("");
    request.set_from_latest(true);
    request.set_urgent(true);
    return request;
  }
  v1::Subscribe Latest() {
    v1::Subscribe request = Ask("");
    request.set_from_latest(true);
    return request;
  }
  // Once. Whose frames with views came out, in order.
  std::vector<uint64_t> WorkOnce() {
    now_ += absl::Milliseconds(1);
    more_ = core_->Work(now_);
    std::vector<uint64_t> frames;
    bytes_ = 0;
    for (const DeliveryOutput& output : core_->TakeOutputs()) {
      if (output.kind != FrameKind::kDeliver) continue;
      const auto frame = DecodeDeliver(output.body());
      if (!frame.ok() || frame->views.empty()) continue;
      frames.push_back(output.session.value);
      bytes_ = std::max(bytes_, output.body().size());
      last_[output.session.value] =
          frame->rest.first_delivery() + frame->views.size() - 1;
    }
    core_->TakeDisclosures();
    return frames;
  }

  bool more_ = false;
  size_t bytes_ = 0;  // Of the largest frame.
  std::map<uint64_t, uint64_t> last_;
};

TEST_F(DeliveryTurnsTest, WhatIsUrgentComesFirst) {
  Subscribe(1, Named("red"), Latest());
  Subscribe(2, Named("red"), Latest());
  Subscribe(9, Service(), Urgent());
  Event("a.v1.Fact", 0);
  EXPECT_THAT(WorkOnce(), ElementsAre(9, 1, 2));
}

TEST_F(DeliveryTurnsTest, OnlyAHubServiceIsUrgent) {
  Subscribe(1, Named("red"), Latest());
  Subscribe(9, Named("red"), Urgent());
  Event("a.v1.Fact", 0);
  EXPECT_THAT(WorkOnce(), ElementsAre(1, 9));
  now_ += absl::Seconds(5);
  EXPECT_FALSE(core_->Work(now_));
  EXPECT_EQ(core_->UrgentLag(), absl::ZeroDuration());
  // Nor who settles singly: it may be nacked as long as it likes.
  v1::Subscribe singly = Urgent();
  singly.set_name("singly");
  singly.set_settlement(v1::SETTLEMENT_SINGLY);
  Subscribe(10, Service(), singly);
  Event("a.v1.Fact", 0);
  WorkOnce();
  now_ += absl::Seconds(5);
  WorkOnce();
  EXPECT_EQ(core_->UrgentLag(), absl::ZeroDuration());
}

TEST_F(DeliveryTurnsTest, WhoIsNearTheEndDoesNotWaitForWhoCatchesUp) {
  Past(2000);
  for (uint64_t session = 1; session <= 5; ++session) {
    Subscribe(session, Named("red"), Ask(""));
  }
  Subscribe(9, Named("red"), Latest());
  WorkOnce();
  for (int i = 0; i < 20; ++i) {
    Event("a.v1.Fact", 0);
    const std::vector<uint64_t> frames = WorkOnce();
    ASSERT_EQ(frames.size(), 2u);  // Before one of the five.
    EXPECT_EQ(frames[0], 9u);
    EXPECT_LT(bytes_, DeliveryCore::kPastViewBytes + 2048);
    EXPECT_TRUE(more_);
  }
}

TEST_F(DeliveryTurnsTest, ThoseThatCatchUpHaveTurnsInRotation) {
  Past(1000);
  for (uint64_t session = 1; session <= 3; ++session) {
    Subscribe(session, Named("red"), Ask(""));
  }
  std::vector<uint64_t> turns;
  for (int i = 0; i < 6; ++i) {
    for (const uint64_t session : WorkOnce()) turns.push_back(session);
  }
  EXPECT_THAT(turns, ElementsAre(1, 2, 3, 1, 2, 3));
  while (core_->Work(now_ += absl::Milliseconds(1))) Take();
  Take();
  for (uint64_t session = 1; session <= 3; ++session) {
    EXPECT_EQ(scanned_[session], 1000u);
  }
}

TEST_F(DeliveryTurnsTest, WithoutCreditThereIsNoTurnToKeep) {
  Past(1000);
  v1::Subscribe little = Ask("");
  little.set_credit_events(1);
  Subscribe(1, Named("red"), little);
  Subscribe(2, Named("red"), Ask(""));
  EXPECT_THAT(WorkOnce(), ElementsAre(1));
  for (int i = 0; i < 3; ++i) EXPECT_THAT(WorkOnce(), ElementsAre(2));
  Work();
  EXPECT_EQ(scanned_[2], 1000u);
  EXPECT_FALSE(core_->Work(now_));
}

TEST_F(DeliveryTurnsTest, NobodyWaitsForTheLogToBeRead) {
  Past(100);
  std::deque<std::function<void()>> reads;
  core_->ReadElsewhere(
      [&](std::function<void()> read) { reads.push_back(std::move(read)); });
  Subscribe(1, Named("red"), Ask(""));
  Subscribe(9, Named("red"), Latest());
  EXPECT_THAT(WorkOnce(), IsEmpty());
  EXPECT_FALSE(more_);
  Event("a.v1.Fact", 0);
  EXPECT_THAT(WorkOnce(), ElementsAre(9));
  ASSERT_EQ(reads.size(), 1u);
  while (!reads.empty()) {
    reads.front()();
    reads.pop_front();
    WorkOnce();
  }
  EXPECT_EQ(last_[1], 101u);
  // Whoever has gone is not waited for.
  Subscribe(2, Named("red"), Ask(""));
  WorkOnce();
  core_->Closed({2});
  ASSERT_EQ(reads.size(), 1u);
  reads.front()();
  EXPECT_THAT(WorkOnce(), IsEmpty());
}

TEST_F(DeliveryTurnsTest, TheNextBlockIsReadAhead) {
  Past(100);
  std::deque<std::function<void()>> reads;
  core_->ReadElsewhere(
      [&](std::function<void()> read) { reads.push_back(std::move(read)); });
  Subscribe(1, Named("red"), Ask(""));
  WorkOnce();
  ASSERT_EQ(reads.size(), 1u);
  reads.front()();
  reads.pop_front();
  EXPECT_THAT(WorkOnce(), ElementsAre(1));
  EXPECT_EQ(reads.size(), 1u);
}

TEST_F(DeliveryTurnsTest, ManyAtTheEndHaveTurnsInRotation) {
  constexpr uint64_t kMany = 40;
  for (uint64_t session = 1; session <= kMany; ++session) {
    Subscribe(session, Named("red"), Latest());
  }
  for (int i = 0; i < 256; ++i) Event("a.v1.Fact", 0);
  std::map<uint64_t, int> turns;
  for (const uint64_t session : WorkOnce()) ++turns[session];
  EXPECT_GE(turns.size(), DeliveryCore::kWorkViews / 512);
  EXPECT_LE(turns.size(), DeliveryCore::kWorkViews / 256);
  EXPECT_TRUE(more_);
  // What is urgent meanwhile comes before those that have not had theirs.
  Subscribe(kMany + 1, Service(), Urgent());
  Event("a.v1.Fact", 0);
  const std::vector<uint64_t> next = WorkOnce();
  ASSERT_FALSE(next.empty());
  EXPECT_EQ(next[0], kMany + 1);
  for (const uint64_t session : next) EXPECT_EQ(++turns[session], 1);
  for (int i = 0; i < 10 && more_; ++i) {
    for (const uint64_t session : WorkOnce()) ++turns[session];
  }
  EXPECT_EQ(turns.size(), kMany + 1);
  EXPECT_FALSE(more_);
}

TEST_F(DeliveryTurnsTest, LagIsOfWhatIsNotAcknowledged) {
  Subscribe(1, Service(), Urgent());
  WorkOnce();
  EXPECT_EQ(core_->UrgentLag(), absl::ZeroDuration());
  Event("a.v1.Fact", 0);
  WorkOnce();
  now_ += absl::Milliseconds(100);
  Event("a.v1.Fact", 0);
  WorkOnce();
  EXPECT_EQ(core_->UrgentLag(), absl::Milliseconds(101));
  now_ += absl::Milliseconds(10);
  core_->Ack({1}, 1);
  WorkOnce();
  EXPECT_EQ(core_->UrgentLag(), absl::Milliseconds(11));
  core_->Ack({1}, 2);
  WorkOnce();
  EXPECT_EQ(core_->UrgentLag(), absl::ZeroDuration());
  // Nobody waits for one that has gone.
  Event("a.v1.Fact", 0);
  now_ += absl::Seconds(1);
  WorkOnce();
  core_->Closed({1});
  WorkOnce();
  EXPECT_EQ(core_->UrgentLag(), absl::ZeroDuration());
}

TEST_F(DeliveryTurnsTest, ABackfillIsDoneInParts) {
  for (int i = 0; i < 100; ++i) Event("a.v1.Fact", 1);
  Subscribe(1, Named("red"), Latest());
  Subscribe(2, Named("red"), Latest());
  Work();
  Event("m.v1.Opened", 1, "red;red;0");
  Event("a.v1.Fact", 0);
  EXPECT_THAT(WorkOnce(), ElementsAre(1));
  EXPECT_LT(last_[1], 32u);
  EXPECT_THAT(WorkOnce(), ElementsAre(2));
  Work();
  EXPECT_EQ(scanned_[1], 102u);
}

}  // namespace
}  // namespace concordat::bus
