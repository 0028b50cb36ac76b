// Deliberate bugs that were tried, and the test that catches each:
//
//   set split over two batches          SetsAreNotSplit
//   neighbours share an atomic number   SetsAreNotSplit
//   limit of 256 events off by one      FillsABatchToItsLimits
//   limit of 480 KiB ignored            FillsABatchToItsLimits
//   credit ignored                      KeepsToTheCredit
//   credit not given back               KeepsToTheCredit
//   order lost when sent again          LostSessionsSendTheSameBytesAgainInOrder
//   encoded anew when sent again        LostSessionsSendTheSameBytesAgainInOrder
//   answer to a number of the old       AnswersOfAnotherSessionAreRefused
//   session taken
//   answer with too few outcomes taken  AnswersOfAnotherSessionAreRefused
//   small batches without end           WaitsForAFullerBatchWhenEnoughIsOut
//   events out not counted              WaitsForAFullBatchWhenManyEventsAreOut
//   an event answered twice or never    RunsAndOutcomesAnswerEachEventOnce
//   a run's digest is another event's   RunsAndOutcomesAnswerEachEventOnce
//   head written into a frame on its    AFrameThatWasSentIsNotWrittenAgain
//   way
//   poison batch for ever               BatchThatEndsEverySessionIsAnswered
//   sent sets refused, outcome unknown  RefusesOnlyWhatWasNeverSent
//   later sets sent to the bus after    NothingOvertakesWhatWasToldReadOnly
//   one that was read-only
#include "services/common/bus_client/publish_queue.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/common/bus_client/frame.h"

namespace concordat {
namespace {

Event Made(int n, size_t bytes = 20) {
  Event event;
  event.header.source = "urn:concordat:police-scotland:rms";
  event.header.type = "concordat.police.v1.AddressChanged";
  event.header.controller = "police-scotland";
  event.header.id = absl::StrCat("e-", n);
  event.header.stream = "record/1";
  event.groups.push_back({1, std::string(bytes, 'x')});
  event.digest[0] = static_cast<uint8_t>(n);
  return event;
}

class PublishQueueTest : public ::testing::Test {
 protected:
  PublishQueueTest() { queue_.SetCredit(4096, 8 << 20); }

  void Add(int events, size_t bytes = 20) {
    std::vector<Event> set;
    std::vector<EventView> views;
    for (int i = 0; i < events; ++i) set.push_back(Made(next_++, bytes));
    for (const Event& event : set) views.push_back(AsView(event));
    queue_.Add(std::move(set), views, [](const auto&) {});
  }
  // What Next() has behind the room for the head.
  std::string Next() {
    const std::shared_ptr<std::string> frame = queue_.Next();
    return frame == nullptr ? "" : frame->substr(kFrameHeadBytes);
  }
  // Ids of the next batch, which counts as sent with this number.
  std::vector<std::string> Send(uint64_t number) {
    const std::string bytes = Next();
    std::vector<std::string> ids;
    if (bytes.empty()) return ids;
    queue_.Sent(number);
    const auto events = DecodeBatch(bytes);
    EXPECT_TRUE(events.ok()) << events.status();
    if (!events.ok()) return ids;
    for (const EventView& event : *events) {
      ids.emplace_back(event.header.id);
      sets_.push_back(event.atomic_set);
    }
    return ids;
  }
  bool Answer(uint64_t number, int events,
              bus::v1::Refusal refusal = bus::v1::REFUSAL_UNSPECIFIED) {
    bus::v1::Receipts receipts;
    receipts.set_publish_number(number);
    for (int i = 0; i < events; ++i) {
      bus::v1::Outcome* outcome = receipts.add_outcomes();
      outcome->set_index(static_cast<uint32_t>(i));
      outcome->set_sequence(static_cast<uint64_t>(100 + i));
      outcome->set_refusal(refusal);
    }
    return queue_.Answer(receipts, answered_);
  }

  int next_ = 0;
  PublishQueue queue_;
  std::vector<uint32_t> sets_;
  std::vector<PublishQueue::Answered> answered_;
};

using Ids = std::vector<std::string>;

TEST_F(PublishQueueTest, WhatWaitsTravelsTogetherAndIsAnsweredBySet) {
  Add(1);
  Add(2);
  EXPECT_EQ(Send(2), (Ids{"e-0", "e-1", "e-2"}));
  EXPECT_TRUE(Send(3).empty());
  ASSERT_TRUE(Answer(2, 3));
  ASSERT_EQ(answered_.size(), 2u);
  EXPECT_EQ(answered_[0].outcomes.size(), 1u);
  ASSERT_EQ(answered_[1].outcomes.size(), 2u);
  EXPECT_EQ(answered_[1].outcomes[1].sequence.value, 102u);
  EXPECT_TRUE(answered_[1].outcomes[1].accepted);
  EXPECT_TRUE(queue_.empty());
}

TEST_F(PublishQueueTest, SetsAreNotSplit) {
  Add(200);
  Add(100);
  Add(2);
  Add(3);
  Add(1);
  EXPECT_EQ(Send(2).size(), 200u);
  ASSERT_TRUE(Answer(2, 200));
  EXPECT_EQ(Send(3).size(), 106u);
  EXPECT_NE(sets_[200], 0u);
  EXPECT_EQ(sets_[200], sets_[299]);
  EXPECT_NE(sets_[300], sets_[299]);
  EXPECT_NE(sets_[302], sets_[301]);
  EXPECT_EQ(sets_[305], 0u);
}

TEST_F(PublishQueueTest, FillsABatchToItsLimits) {
  for (int i = 0; i < 300; ++i) Add(1);
  EXPECT_EQ(Send(2).size(), 256u);
  ASSERT_TRUE(Answer(2, 256));
  EXPECT_EQ(Send(3).size(), 44u);
  for (int i = 0; i < 5; ++i) Add(1, 200 * 1024);
  EXPECT_EQ(Send(4).size(), 2u);
  EXPECT_EQ(Send(5).size(), 2u);
}

TEST_F(PublishQueueTest, KeepsToTheCredit) {
  queue_.SetCredit(10, 1 << 20);
  for (int i = 0; i < 25; ++i) Add(1);
  EXPECT_EQ(Send(2).size(), 10u);
  EXPECT_TRUE(Next().empty());
  ASSERT_TRUE(Answer(2, 10));
  EXPECT_EQ(Send(3).size(), 10u);
  ASSERT_TRUE(Answer(3, 10));
  EXPECT_EQ(Send(4).size(), 5u);
  Add(5);
  EXPECT_EQ(Send(5).size(), 5u);
  Add(5);
  EXPECT_TRUE(Next().empty());
  ASSERT_TRUE(Answer(4, 5));  // The other five are out still.
  EXPECT_EQ(Send(6).size(), 5u);
  queue_.Lost(false, "", answered_);
  EXPECT_TRUE(Next().empty());  // Nothing is allowed before Welcome.
  queue_.SetCredit(4096, 3000);
  EXPECT_EQ(Send(2).size(), 5u);
  EXPECT_EQ(Send(3).size(), 5u);
  Add(1, 2000);
  EXPECT_TRUE(Next().empty());
}

TEST_F(PublishQueueTest, WaitsForAFullerBatchWhenEnoughIsOut) {
  for (uint64_t number = 2; number < 6; ++number) {
    Add(1);
    EXPECT_EQ(Send(number).size(), 1u);
  }
  EXPECT_FALSE(queue_.WantsMore());
  for (int i = 0; i < 255; ++i) Add(1);
  EXPECT_TRUE(Next().empty());
  Add(1);
  EXPECT_EQ(Send(6).size(), 256u);
  Add(1);
  EXPECT_TRUE(Next().empty());
  ASSERT_TRUE(Answer(6, 256));
  EXPECT_TRUE(Next().empty());
  ASSERT_TRUE(Answer(2, 1));
  EXPECT_EQ(Send(7).size(), 1u);
}

TEST_F(PublishQueueTest, WaitsForAFullBatchWhenManyEventsAreOut) {
  Add(255);
  EXPECT_EQ(Send(2).size(), 255u);
  Add(1);
  EXPECT_EQ(Send(3).size(), 1u);
  Add(1);
  EXPECT_FALSE(queue_.WantsMore());
  EXPECT_TRUE(Next().empty());
  ASSERT_TRUE(Answer(3, 1));
  EXPECT_EQ(Send(4).size(), 1u);
}

TEST_F(PublishQueueTest, RunsAndOutcomesAnswerEachEventOnce) {
  Add(1);
  Add(4);
  Send(2);
  bus::v1::Receipts receipts;
  receipts.set_publish_number(2);
  const auto run = [&](uint32_t index, uint32_t count) {
    bus::v1::Accepted& accepted = *receipts.add_accepted();
    accepted.set_index(index);
    accepted.set_count(count);
    accepted.set_first_sequence(70 + index);
  };
  run(0, 2);
  run(3, 2);
  EXPECT_FALSE(queue_.Answer(receipts, answered_));  // Event 2 is left out.
  receipts.add_outcomes()->set_index(2);
  receipts.mutable_outcomes(0)->set_refusal(bus::v1::REFUSAL_DIGEST);
  receipts.mutable_accepted(1)->set_count(3);
  EXPECT_FALSE(queue_.Answer(receipts, answered_));  // There is no event 5.
  receipts.mutable_accepted(1)->set_count(2);
  run(3, 1);
  EXPECT_FALSE(queue_.Answer(receipts, answered_));  // Event 3 twice.
  receipts.mutable_accepted()->RemoveLast();
  ASSERT_TRUE(queue_.Answer(receipts, answered_));
  ASSERT_EQ(answered_.size(), 2u);
  EXPECT_EQ(answered_[0].outcomes[0].sequence.value, 70u);
  EXPECT_EQ(answered_[0].outcomes[0].digest[0], 0);
  ASSERT_EQ(answered_[1].outcomes.size(), 4u);
  EXPECT_EQ(answered_[1].outcomes[0].sequence.value, 71u);
  EXPECT_EQ(answered_[1].outcomes[0].digest[0], 1);  // Its own.
  EXPECT_EQ(answered_[1].outcomes[1].refusal, bus::v1::REFUSAL_DIGEST);
  EXPECT_EQ(answered_[1].outcomes[3].sequence.value, 74u);
}

TEST_F(PublishQueueTest, WhatComesBeforeWelcomeGoesAfterIt) {
  PublishQueue fresh;
  std::swap(fresh, queue_);
  Add(1);
  Add(2);
  EXPECT_TRUE(Next().empty());
  queue_.SetCredit(4096, 8 << 20);
  EXPECT_EQ(Send(2), (Ids{"e-0", "e-1", "e-2"}));
}

TEST_F(PublishQueueTest, AFrameThatWasSentIsNotWrittenAgain) {
  Add(1);
  const std::shared_ptr<std::string> frame = queue_.Next();
  queue_.Sent(2);
  queue_.Lost(false, "", answered_);
  queue_.SetCredit(100, 1 << 20);
  EXPECT_NE(queue_.Next(), frame);  // The carrier may still have it.
}

TEST_F(PublishQueueTest, LostSessionsSendTheSameBytesAgainInOrder) {
  Add(2);
  const std::string first = Next();
  queue_.Sent(2);
  Add(1);
  Send(3);
  Add(3);
  Send(4);
  ASSERT_TRUE(Answer(3, 1));  // Answers may overtake each other.
  queue_.Lost(false, "", answered_);
  queue_.SetCredit(100, 1 << 20);
  EXPECT_EQ(Next(), first);
  EXPECT_EQ(Send(2), (Ids{"e-0", "e-1"}));
  EXPECT_EQ(Send(3), (Ids{"e-3", "e-4", "e-5"}));
  EXPECT_EQ(answered_.size(), 1u);
}

TEST_F(PublishQueueTest, AnswersOfAnotherSessionAreRefused) {
  Add(2);
  Send(2);
  EXPECT_FALSE(Answer(3, 2));
  EXPECT_FALSE(Answer(2, 1));
  EXPECT_FALSE(Answer(2, 3));
  queue_.Lost(false, "", answered_);
  EXPECT_FALSE(Answer(2, 2));
  EXPECT_FALSE(Answer(0, 2));
  EXPECT_TRUE(answered_.empty());
}

TEST_F(PublishQueueTest, BatchThatEndsEverySessionIsAnswered) {
  Add(1);
  Send(2);
  Add(1);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(answered_.empty());
    queue_.Lost(true, "not a batch", answered_);
    queue_.SetCredit(100, 1 << 20);
    if (i < 2) Send(2);
  }
  ASSERT_EQ(answered_.size(), 1u);
  EXPECT_EQ(answered_[0].outcomes[0].refusal, bus::v1::REFUSAL_MALFORMED);
  EXPECT_EQ(Send(2), (Ids{"e-1"}));
}

TEST_F(PublishQueueTest, NothingOvertakesWhatWasToldReadOnly) {
  Add(1);
  Send(2);
  Add(1);
  Send(3);
  Add(1);
  ASSERT_TRUE(Answer(2, 1, bus::v1::REFUSAL_READ_ONLY));
  ASSERT_EQ(answered_.size(), 1u);
  // Whoever publishes repeats the first now; the next bus would take the others
  // before it.
  queue_.Lost(true, "", answered_);
  ASSERT_EQ(answered_.size(), 3u);
  EXPECT_EQ(answered_[1].outcomes[0].refusal, bus::v1::REFUSAL_READ_ONLY);
  EXPECT_EQ(answered_[2].outcomes[0].refusal, bus::v1::REFUSAL_READ_ONLY);
  queue_.SetCredit(100, 1 << 20);
  EXPECT_TRUE(queue_.empty());
  // The next session begins as any.
  Add(1);
  Send(2);
  queue_.Lost(false, "", answered_);
  queue_.SetCredit(100, 1 << 20);
  EXPECT_EQ(Send(2), (Ids{"e-3"}));
}

TEST_F(PublishQueueTest, NothingOvertakesWhatWasToldDraining) {
  Add(1);
  Send(2);
  Add(1);
  Send(3);
  ASSERT_TRUE(Answer(2, 1, bus::v1::REFUSAL_DRAINING));
  queue_.Lost(false, "", answered_);
  ASSERT_EQ(answered_.size(), 2u);
  EXPECT_EQ(answered_[1].outcomes[0].refusal, bus::v1::REFUSAL_DRAINING);
  EXPECT_TRUE(queue_.empty());
}

TEST_F(PublishQueueTest, RefusesOnlyWhatWasNeverSent) {
  Add(1);
  Send(2);
  Add(2);
  queue_.Lost(false, "", answered_);
  queue_.Refuse(bus::v1::REFUSAL_REVOKED, "revoked", false, answered_);
  ASSERT_EQ(answered_.size(), 1u);
  ASSERT_EQ(answered_[0].outcomes.size(), 2u);
  EXPECT_EQ(answered_[0].outcomes[1].refusal, bus::v1::REFUSAL_REVOKED);
  EXPECT_FALSE(queue_.empty());
  queue_.Refuse(bus::v1::REFUSAL_SHUTTING_DOWN, "", true, answered_);
  EXPECT_EQ(answered_.size(), 2u);
  EXPECT_TRUE(queue_.empty());
}

}  // namespace
}  // namespace concordat
