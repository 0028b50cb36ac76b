// Back-fill over a log in memory, with types of our own.
//
// Mutant                                            Caught by
// no back-fill, or after live                       JoiningBackfillsBeforeLiveGoesOn
// a new lead is shown nothing old, or out of order  AnotherLeadGetsThePastAndTheOldNothingMore
// who led is sent what it may not see any more      AnotherLeadGetsThePastAndTheOldNothingMore
// back-fill forgotten at a restart                  ARestartRunsTheBackfillThatWasNotAcknowledged
// judged at the event's time, not when sent         LeavingStopsAtOnceAlsoWhatIsNotSentYet
// scan passes over an event, or a restart does      LiveAndTailTest.EndWithTheSameSet
// back-fill said complete too early                 DoesNotSayBackfilledToWhoIsPastTheCause
// an agreement that starts shows nothing old        AnAgreementThatStartsShowsThePast
#include <map>
#include <random>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/bus/delivery/delivery_core.h"
#include "tests/unit/services/bus/delivery/delivery_fixture.h"

namespace concordat::bus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(DeliveryCoreTest, JoiningBackfillsBeforeLiveGoesOn) {
  Event("a.v1.Fact", 1);
  Event("a.v1.Fact", 2);
  Event("a.v1.Fact", 1);
  Subscribe(1, Named("red"), Ask(""));
  Work();
  EXPECT_THAT(Sequences(1), IsEmpty());
  const Sequence opened = Append("m.v1.Opened", 1, "red;red;0");
  const Sequence live = Append("a.v1.Fact", 1);
  Durable(opened, live);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(1, 3, 5));
  EXPECT_EQ(got_[1][0].cause, opened.value);
  EXPECT_EQ(got_[1][1].cause, opened.value);
  EXPECT_EQ(got_[1][2].cause, 0u);
}

TEST_F(DeliveryCoreTest, LeavingStopsAtOnceAlsoWhatIsNotSentYet) {
  v1::Subscribe request = Ask("");
  request.set_credit_events(1);
  Event("m.v1.Opened", 1, "red;red;0");
  Event("a.v1.Fact", 1);
  Event("a.v1.Fact", 1);
  Subscribe(1, Named("red"), request);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(2));
  Event("m.v1.Left", 1, "red;;0");
  core_->Ack({1}, 1);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(2));
}

TEST_F(DeliveryCoreTest, AnotherLeadGetsThePastAndTheOldNothingMore) {
  Event("l.v1.Plan", 1);
  Event("l.v1.Plan", 2);
  Event("l.v1.Plan", 1);
  Event("m.v1.Opened", 1, "red,blue;red;0");
  v1::Subscribe one_at_a_time = Ask("");
  one_at_a_time.set_credit_events(1);
  Subscribe(1, Named("red"), one_at_a_time);
  Subscribe(2, Named("blue"), Ask(""));
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(1));
  EXPECT_THAT(Sequences(2), IsEmpty());
  const Sequence changed = Append("m.v1.Lead", 1, ";blue;0");
  const Sequence live = Append("l.v1.Plan", 1);
  Durable(changed, live);
  core_->Ack({1}, 1);
  Work();
  // Both are party to the case still.
  EXPECT_THAT(Sequences(1), ElementsAre(1));
  EXPECT_THAT(got_[2],
              ElementsAre(Got{1, 1, changed.value}, Got{2, 3, changed.value},
                          Got{3, live.value, 0}));
}

TEST_F(DeliveryCoreTest, ARestartRunsTheBackfillThatWasNotAcknowledged) {
  Event("a.v1.Fact", 1);
  Event("a.v1.Fact", 0);
  Event("a.v1.Fact", 1);
  Subscribe(1, Named("red"), Ask("mine"));
  Work();
  core_->Ack({1}, 1);  // The one about nobody.
  Store();
  Event("m.v1.Opened", 1, "red;red;0");
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(2, 1, 3));
  core_->Ack({1}, 2);  // Half of it.
  Store();
  Restart(stored_);
  Event("a.v1.Fact", 0);
  Subscribe(2, Named("red"), Ask("mine"));
  Work();
  EXPECT_THAT(Sequences(2), ElementsAre(1, 3, 5));
  core_->Ack({2}, 3);
  Store();
  Restart(stored_);
  Subscribe(3, Named("red"), Ask("mine"));
  Work();
  EXPECT_THAT(Sequences(3), IsEmpty());
}

TEST_F(DeliveryCoreTest, AProjectionGetsTheBackfillItHasNotHad) {
  Event("a.v1.Fact", 1);
  Event("m.v1.Opened", 1, "red;red;0");
  v1::Subscribe request = Ask("");
  request.set_own_place(true);
  request.set_after(1);
  request.set_backfilled_through(1);
  Subscribe(1, Named("red"), request);
  request.set_backfilled_through(2);
  Subscribe(2, Named("red"), request);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(1));
  EXPECT_THAT(Sequences(2), IsEmpty());
}

TEST_F(DeliveryCoreTest, DoesNotSayBackfilledToWhoIsPastTheCause) {
  for (int i = 0; i < 3; ++i) Event("a.v1.Fact", 1);
  const Sequence opened = Event("m.v1.Opened", 1, "red;red;0");
  const Sequence end = Event("a.v1.Fact", 0);
  v1::Subscribe request = Ask("");
  request.set_own_place(true);
  request.set_after(end.value);
  request.set_backfilled_through(opened.value - 1);
  request.set_credit_events(2);
  Subscribe(1, Named("red"), request);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(1, 2));
  EXPECT_LT(scanned_[1], opened.value);
  core_->Ack({1}, 2);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(1, 2, 3));
  EXPECT_EQ(scanned_[1], end.value);
}

TEST_F(DeliveryCoreTest, DoesNotSayBackfilledBeforeItIs) {
  for (int i = 0; i < 5; ++i) Event("a.v1.Fact", 1);
  v1::Subscribe request = Ask("");
  request.set_credit_events(2);
  Subscribe(1, Named("red"), request);
  Work();
  const Sequence opened = Event("m.v1.Opened", 1, "red;red;0");
  Work();
  EXPECT_LT(scanned_[1], opened.value);
  core_->Ack({1}, 2);
  Work();
  EXPECT_LT(scanned_[1], opened.value);
  core_->Ack({1}, 4);
  Work();
  core_->Ack({1}, 5);
  Work();
  EXPECT_EQ(scanned_[1], opened.value);
}

TEST_F(DeliveryCoreTest, AnAgreementThatStartsShowsThePast) {
  PolicyFold fold(types_);
  policy::v1::Agreement later = Demo();
  later.set_valid_from("2025-11-25");
  ASSERT_THAT(fold.Adopt(later), IsOk());
  DeliveryCore core(log_, types_, std::move(fold), {});
  Append("a.v1.Fact", 0);
  ASSERT_THAT(core.Durable(log_.BlockOf({1}, {1})), IsOk());
  core.Subscribe({1}, Named("red"), "CARE", Ask(""));
  core.Work(absl::Seconds(1));
  core.TakeOutputs();
  HeaderView next;
  next.type = "a.v1.Other";
  next.source = "urn:concordat:elsewhere:x";
  next.id = "next";
  log_.Append(next, "x", kNowUs + 86'400'000'000 * 2);
  ASSERT_THAT(core.Durable(log_.BlockOf({2}, {2})), IsOk());
  while (core.Work(absl::Seconds(2))) {
  }
  std::vector<uint64_t> sequences;
  for (const DeliveryOutput& output : core.TakeOutputs()) {
    const auto frame = DecodeDeliver(output.body());
    ASSERT_THAT(frame, IsOk());
    for (const View& view : frame->views) {
      sequences.push_back(view.sequence.value);
    }
  }
  EXPECT_THAT(sequences, ElementsAre(1, 2));
}

TEST_F(DeliveryCoreTest, AnEventThatBeginsADayAndOpensACaseShowsThePastOnce) {
  PolicyFold fold(types_);
  policy::v1::Agreement later = Demo();
  later.set_valid_from("2025-11-25");
  ASSERT_THAT(fold.Adopt(later), IsOk());
  DeliveryCore core(log_, types_, std::move(fold), {});
  Append("a.v1.Fact", 1);
  ASSERT_THAT(core.Durable(log_.BlockOf({1}, {1})), IsOk());
  core.Subscribe({1}, Named("red"), "CARE", Ask(""));
  core.Work(absl::Seconds(1));
  core.TakeOutputs();
  HeaderView opened;
  opened.type = "m.v1.Opened";
  opened.source = "urn:concordat:elsewhere:x";
  opened.id = "next";
  opened.subject = PersonKey({1});
  log_.Append(opened, "red;red;2", kNowUs + 86'400'000'000 * 2);
  ASSERT_THAT(core.Durable(log_.BlockOf({2}, {2})), IsOk());
  while (core.Work(absl::Seconds(2))) {
  }
  std::vector<uint64_t> sequences;
  for (const DeliveryOutput& output : core.TakeOutputs()) {
    const auto frame = DecodeDeliver(output.body());
    ASSERT_THAT(frame, IsOk());
    for (const View& view : frame->views) {
      sequences.push_back(view.sequence.value);
    }
  }
  EXPECT_THAT(sequences, ElementsAre(1));
}

// Whatever happens, when: a durable subscription that is cut off and restarted

// How it acknowledges: up to a number, or each by itself with failures.
class LiveAndTailTest : public DeliveryCoreTest,
                        public ::testing::WithParamInterface<bool> {};

TEST_P(LiveAndTailTest, EndWithTheSameSet) {
  const bool singly = GetParam();
  options_.redelivery.attempts = 1000;
  options_.redelivery.backoff_min = options_.redelivery.backoff_max =
      absl::Milliseconds(30);
  if (singly) stream_.clear();  // Ordered by person.
  const char* const types[] = {"a.v1.Fact",   "a.v1.Fact",   "a.v1.Other",
                               "m.v1.Opened", "m.v1.Joined", "m.v1.Left",
                               "m.v1.Level"};
  const char* const facts[] = {"red;red;2", "blue;blue;0", "red,blue;blue;3"};
  for (unsigned seed = 1; seed <= (singly ? 30 : 60); ++seed) {
    std::mt19937 random(seed);
    log_ = FakeEventLog();
    stored_.clear();
    Restart({});
    std::map<std::string, std::set<uint64_t>> live;
    uint64_t session = 1;
    std::map<uint64_t, std::string> of;
    const auto connect = [&] {
      for (const char* agency : {"red", "blue"}) {
        v1::Subscribe request = Ask("durable");
        if (singly) request.set_settlement(v1::SETTLEMENT_SHARED);
        request.set_credit_events(static_cast<uint32_t>(1 + random() % 20));
        of[++session] = agency;
        Subscribe(session, Named(agency), request);
      }
    };
    const auto acknowledge = [&](uint64_t which, bool all) {
      auto& got = got_[which];
      if (singly) {
        v1::Settle settle;
        std::vector<Got> kept;
        for (const Got& each : got) {
          const unsigned choice = all ? 0 : random() % 4;
          if (choice < 2) {
            live[of[which]].insert(each.sequence);
            settle.add_done(each.number);
          } else if (choice == 2) {
            settle.add_nacks()->set_delivery(each.number);
          } else {
            kept.push_back(each);
          }
        }
        got = std::move(kept);
        core_->Settle({which}, settle);
        if (all || random() % 2 == 0) Store();
        return;
      }
      const size_t count = all ? got.size() : random() % (got.size() + 1);
      for (size_t i = 0; i < count; ++i) {
        live[of[which]].insert(got[i].sequence);
      }
      if (count > 0) core_->Ack({which}, got[count - 1].number);
      got.erase(got.begin(), got.begin() + static_cast<long>(count));
      if (all || random() % 2 == 0) Store();
    };
    connect();
    for (int step = 0; step < 60; ++step) {
      const size_t block = 1 + random() % 4;
      Sequence first, last;
      for (size_t i = 0; i < block; ++i) {
        const std::string type = types[random() % 7];
        // Policy is about somebody; other events may be about nobody.
        const int person =
            static_cast<int>(type[0] == 'm' ? 1 + random() % 2 : random() % 3);
        last = Append(type, person, facts[random() % 3]);
        if (i == 0) first = last;
      }
      Durable(first, last);
      if (random() % 3 != 0) Work();
      if (random() % 2 == 0) {
        acknowledge(session - 1, false);
        acknowledge(session, false);
      }
      if (random() % 10 == 0) {
        Restart(stored_);
        connect();
      }
    }
    for (int i = 0; i < 400; ++i) {
      Work();
      acknowledge(session - 1, true);
      acknowledge(session, true);
    }
    for (const SubscriptionInfo& info : core_->List()) {
      EXPECT_EQ(info.acknowledged, core_->folded())
          << info.agency << " has " << info.waiting << " waiting, "
          << info.outstanding << " out, at " << info.sent.value;
    }
    EXPECT_THAT(closed_, IsEmpty());
    Restart({});
    for (const char* agency : {"red", "blue"}) {
      Subscribe(++session, Named(agency), Ask(""));
      Work();
      for (const uint64_t sequence : Sequences(session)) {
        EXPECT_EQ(live[agency].count(sequence), 1u)
            << "seed " << seed << " " << agency << " event " << sequence;
      }
    }
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(UpToAndSingly, LiveAndTailTest, ::testing::Bool());

}  // namespace
}  // namespace concordat::bus
