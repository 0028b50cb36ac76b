// Corrections and retractions, ahead of the backlog of who settles singly.
//
// Mutant                                            Caught by
// it waits for what is before it of other keys      ACorrectionPassesABacklog
// it overtakes what is before it of its own         …AndItsOwnKeyIsInOrder
// what it takes back, of another key, stays behind  WhatItTakesBackGoesWithIt
// it comes twice, or something is left out          EverythingComesOnceAlsoAfterARestart
// shown to who may not see it, or does not want it  OnlyWhatIsShownAndWanted
// sent to who is paused                             NotToWhoIsPaused
// a person's whole history goes first               MoreThanGoesWithOneComesInItsTurn
// it waits until others have caught up              ItsTurnIsNotThatOfTheOthersThatCatchUp
// one that becomes durable now is not seen          AlsoOneThatComesNow
// it overtakes what policy shows of its person      ABackfillOfThePersonComesFirst
#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/bus/delivery/delivery_core.h"
#include "tests/unit/services/bus/delivery/delivery_fixture.h"

namespace concordat::bus {
namespace {

class DeliveryAheadTest : public DeliveryCoreTest {
 protected:
  DeliveryAheadTest() { options_.redelivery.window = 8; }

  // Of a stream of its own, unless it is named; its id is "e-<sequence>".
  Sequence Add(std::string stream = "", uint64_t retracts = 0,
               std::string type = "a.v1.Fact") {
    const uint64_t next = log_.end().value + 1;
    if (stream.empty()) stream = absl::StrCat("own-", next);
    const std::string id = absl::StrCat("e-", next);
    const std::string original = absl::StrCat("e-", retracts);
    HeaderView header;
    header.type = type;
    header.source = "urn:concordat:elsewhere:x";
    header.controller = "elsewhere";
    header.id = id;
    header.stream = stream;
    if (retracts != 0) header.retracts = original;
    return log_.Append(header, "x", kNowUs);
  }
  // Up to and with that position.
  void AddUpTo(uint64_t last) {
    while (log_.end().value < last) Add();
  }
  // What was added is of the past, and one that shares is a member.
  void Begin(uint32_t credit) {
    Restart({});
    v1::Subscribe request = Ask("ours");
    request.set_settlement(v1::SETTLEMENT_SHARED);
    request.set_credit_events(credit);
    Subscribe(1, Named("red"), request);
  }
  // The deliveries that bring these are done with.
  void Settle(std::vector<uint64_t> sequences, uint64_t session = 1) {
    v1::Settle settle;
    for (const Got& got : got_[session]) {
      if (std::count(sequences.begin(), sequences.end(), got.sequence) > 0 &&
          done_.insert({session, got.number}).second) {
        settle.add_done(got.number);
      }
    }
    core_->Settle({session}, settle);
    Work();
  }

  std::set<std::pair<uint64_t, uint64_t>> done_;
};

TEST_F(DeliveryAheadTest, ACorrectionPassesABacklogAndItsOwnKeyIsInOrder) {
  AddUpTo(4);
  Add("case/1");  // 5
  AddUpTo(49);
  Add("case/1");  // 50
  AddUpTo(99);
  Add("case/1", 5);  // 100
  AddUpTo(200);
  Begin(3);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(5, 1, 2));
  Settle({5});
  EXPECT_THAT(Sequences(1), ElementsAre(5, 1, 2, 50));
  Settle({50});
  EXPECT_THAT(Sequences(1), ElementsAre(5, 1, 2, 50, 100));
  Settle({1});
  EXPECT_THAT(Sequences(1), ElementsAre(5, 1, 2, 50, 100, 3));
}

TEST_F(DeliveryAheadTest, WhatItTakesBackGoesWithIt) {
  AddUpTo(49);
  Add("case/1");  // 50
  AddUpTo(99);
  Add("case/2", 50);  // 100
  Begin(3);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(50, 100, 1));
}

TEST_F(DeliveryAheadTest, EverythingComesOnceAlsoAfterARestart) {
  AddUpTo(30);
  Add("case/1");  // 31
  AddUpTo(60);
  Add("case/1", 31);  // 61
  AddUpTo(70);
  Begin(4);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(31, 1, 2, 3));
  Settle({31, 2});
  EXPECT_EQ(Sequences(1).at(4), 61u);
  Store();
  std::multiset<uint64_t> all = {31, 2};
  done_.clear();
  Restart(stored_);
  v1::Subscribe request = Ask("ours");
  request.set_settlement(v1::SETTLEMENT_SHARED);
  Subscribe(2, Named("red"), request);
  Work();
  EXPECT_EQ(Sequences(2).front(), 61u);
  for (size_t before = 0; before < Sequences(2).size();) {
    before = Sequences(2).size();
    Settle(Sequences(2), 2);
  }
  for (const uint64_t sequence : Sequences(2)) all.insert(sequence);
  EXPECT_EQ(all.size(), 70u);
  EXPECT_EQ(std::set<uint64_t>(all.begin(), all.end()).size(), 70u);
  Store();
  EXPECT_EQ(stored_["red/officer/ours"].acknowledged.value, 70u);
  EXPECT_THAT(stored_["red/officer/ours"].rows, IsEmpty());
}

TEST_F(DeliveryAheadTest, OnlyWhatIsShownAndWanted) {
  AddUpTo(49);
  Add("case/1", 0, "s.v1.Sealed");   // 50
  Add("case/1", 50, "s.v1.Sealed");  // 51
  Add("case/2", 0, "a.v1.Other");
  Add("case/2", 52, "a.v1.Other");
  AddUpTo(60);
  Restart({});
  v1::Subscribe request = Ask("ours");
  request.set_settlement(v1::SETTLEMENT_SHARED);
  request.set_credit_events(3);
  request.mutable_filter()->add_types("a.v1.Fact");
  request.mutable_filter()->add_types("s.v1.*");
  Subscribe(1, Named("red"), request);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(1, 2, 3));
}

TEST_F(DeliveryAheadTest, NotToWhoIsPaused) {
  AddUpTo(49);
  Add("case/1");
  Add("case/1", 50);
  Begin(3);
  EXPECT_THAT(core_->SetPaused("red/officer/ours", true), IsOk());
  Work();
  EXPECT_THAT(Sequences(1), IsEmpty());
  EXPECT_THAT(core_->SetPaused("red/officer/ours", false), IsOk());
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(50, 1, 2));
}

TEST_F(DeliveryAheadTest, MoreThanGoesWithOneComesInItsTurn) {
  AddUpTo(20);
  for (int i = 0; i < 70; ++i) Add("case/1");
  Add("case/1", 21);
  AddUpTo(100);
  Add("case/2");       // 101
  Add("case/2", 101);  // 102
  Begin(3);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(101, 1, 2));
}

TEST_F(DeliveryAheadTest, ItsTurnIsNotThatOfTheOthersThatCatchUp) {
  AddUpTo(60);
  Add("case/1");  // 61
  Add("case/1", 61);
  Restart({});
  for (uint64_t session = 2; session < 10; ++session) {
    Subscribe(session, Named("red"), Ask(""));
  }
  v1::Subscribe request = Ask("ours");
  request.set_settlement(v1::SETTLEMENT_SHARED);
  Subscribe(1, Named("red"), request);
  now_ += absl::Milliseconds(1);
  core_->Work(now_);  // Of those that catch up one has its turn.
  Take();
  ASSERT_FALSE(Sequences(1).empty());
  EXPECT_EQ(Sequences(1).front(), 61u);
}

// What the case shows of the person is before it.
TEST_F(DeliveryAheadTest, ABackfillOfThePersonComesFirst) {
  AddUpTo(20);
  stream_ = "case/1";
  for (int i = 0; i < 12; ++i) Append("a.v1.Fact", 1);  // 21 to 32
  AddUpTo(35);
  Begin(30);
  Work();
  for (size_t before = 0; before < Sequences(1).size();) {
    before = Sequences(1).size();
    Settle(Sequences(1));
  }
  Store();
  Append("m.v1.Opened", 1, "red;red;0");
  AddUpTo(80);
  HeaderView header;
  header.type = "a.v1.Fact";
  header.source = "urn:concordat:elsewhere:x";
  header.controller = "elsewhere";
  header.id = "late";
  header.stream = "case/1";
  header.subject = PersonKey({1});
  header.retracts = "id";
  const Sequence correction = log_.Append(header, "x", kNowUs);
  Restart(stored_);
  v1::Subscribe request = Ask("ours");
  request.set_settlement(v1::SETTLEMENT_SHARED);
  request.set_credit_events(2);
  Subscribe(2, Named("red"), request);
  Work();
  for (size_t before = 0; before < Sequences(2).size();) {
    before = Sequences(2).size();
    Settle(Sequences(2), 2);
  }
  const std::vector<uint64_t> got = Sequences(2);
  const auto at = std::find(got.begin(), got.end(), correction.value);
  ASSERT_NE(at, got.end());
  EXPECT_EQ(std::count_if(got.begin(), at,
                          [](uint64_t each) { return each <= 32; }),
            12);
  // And still before the backlog.
  EXPECT_EQ(std::count_if(at, got.end(),
                          [](uint64_t each) { return each > 50; }),
            31);
}

TEST_F(DeliveryAheadTest, AlsoOneThatComesNow) {
  AddUpTo(30);
  Begin(3);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(1, 2, 3));
  const Sequence correction = Add("case/1", 9);
  Durable(correction, correction);
  Work();
  Settle({1});
  // What it takes back goes before it.
  EXPECT_THAT(Sequences(1), ElementsAre(1, 2, 3, 9));
  Settle({2});
  EXPECT_THAT(Sequences(1), ElementsAre(1, 2, 3, 9, correction.value));
}

}  // namespace
}  // namespace concordat::bus
