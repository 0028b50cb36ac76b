// What becomes of events that retention removed, for those who read.
//
// Mutant                                        Caught by
// a removed event goes out, empty               OnlyWhatIsKeptComes, …AnOperatorNeither
// nobody is told that some are gone             OnlyWhatIsKeptComes
// back-fill shows it                            BackfillPassesOverIt
// a row of it comes again for ever              ARowOfItIsDoneWith
// policy folds to something else                PolicyFoldsToTheSame
// a row below the place is not counted          KnowsWhatEachNameStillNeeds
// who is shown nothing holds all back           WhoIsShownNothingNeedsNothing…
// a stream is read as if it were whole          AReaderOfAStreamIsToldHowMany…
// who may not see them learns of them           AReaderOfAStreamIsToldHowMany…
// what is in memory goes out                    NothingOfItStaysInMemory
#include "gmock/gmock.h"
#include "services/bus/delivery/person_reader.h"
#include "services/bus/delivery/stream_reader.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/services/bus/delivery/delivery_fixture.h"

namespace concordat::bus {
namespace {

constexpr uint64_t kRemovedUs = kNowUs + 5;

class DeliveryRemovedTest : public DeliveryCoreTest {
 protected:
  DeliveryRemovedTest() {
    for (int i = 0; i < 4; ++i) Event("a.v1.Fact", 0);
    for (const uint64_t sequence : {1, 3}) {
      log_.Remove({sequence}, kRemovedUs);
    }
    Restart({});  // It has them in memory.
  }
  v1::Subscribed SubscribedAs(uint64_t session, const v1::Principal& principal,
                              const v1::Subscribe& request) {
    Subscribe(session, principal, request);
    v1::Subscribed subscribed;
    for (const DeliveryOutput& output : core_->TakeOutputs()) {
      if (output.kind != FrameKind::kSubscribed) continue;
      EXPECT_TRUE(subscribed.ParseFromArray(
          output.body().data(), static_cast<int>(output.body().size())));
    }
    core_->TakeDisclosures();
    return subscribed;
  }
};

TEST_F(DeliveryRemovedTest, OnlyWhatIsKeptComesAndThatIsSaid) {
  const auto earliest = SubscribedAs(1, Named("red"), Ask("mine"));
  EXPECT_EQ(earliest.removed_through(), 3u);
  EXPECT_EQ(earliest.removed_time(), kRemovedUs);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(2, 4));
  EXPECT_EQ(scanned_[1], 4u);
  // Who begins after them is told nothing.
  v1::Subscribe later = Ask("later");
  later.set_after(3);
  EXPECT_EQ(SubscribedAs(2, Named("red"), later).removed_through(), 0u);
  Work();
  EXPECT_THAT(Sequences(2), ElementsAre(4));
}

TEST_F(DeliveryRemovedTest, AnOperatorGetsNoEnvelopeOfItEither) {
  Subscribe(1, Named("hub", "operator"), Ask(""));
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(2, 4));
}

TEST_F(DeliveryRemovedTest, BackfillPassesOverIt) {
  const Sequence gone = Event("a.v1.Fact", 1);
  const Sequence kept = Event("a.v1.Fact", 1);
  log_.Remove(gone, kRemovedUs);
  Restart({});
  v1::Subscribe latest = Ask("mine");
  latest.set_from_latest(true);
  Subscribe(1, Named("red"), latest);
  Work();
  Event("m.v1.Opened", 1, "red;red;0");
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(kept.value));
}

TEST_F(DeliveryRemovedTest, ARowOfItIsDoneWith) {
  v1::Subscribe singly = Ask("mine");
  singly.set_settlement(v1::SETTLEMENT_SINGLY);
  Subscribe(1, Named("red"), singly);
  Work();
  ASSERT_THAT(Sequences(1), ElementsAre(2));  // Its stream goes on after it.
  v1::Settle settle;
  settle.add_nacks()->set_delivery(1);
  core_->Settle({1}, settle);
  Store();
  ASSERT_EQ(stored_.begin()->second.rows.front().id.sequence, Sequence{2});
  log_.Remove({2}, kRemovedUs);
  Restart(stored_);
  Subscribe(2, Named("red"), singly);
  now_ += absl::Minutes(10);
  Work();
  Store();
  EXPECT_THAT(Sequences(2), ElementsAre(4));
  for (const Row& row : stored_.begin()->second.rows) {
    EXPECT_NE(row.id.sequence, Sequence{2});
  }
}

TEST_F(DeliveryRemovedTest, KnowsWhatEachNameStillNeeds) {
  EXPECT_TRUE(core_->FirstNeeded().empty());
  Subscribe(1, Named("red"), Ask("up-to"));
  v1::Subscribe singly = Ask("singly");
  singly.set_settlement(v1::SETTLEMENT_SINGLY);
  Subscribe(2, Named("red", "other"), singly);
  Work();
  core_->Ack({1}, 1);
  v1::Settle settle;
  settle.add_nacks()->set_delivery(1);  // Event 2 waits.
  core_->Settle({2}, settle);
  const std::map<std::string, Sequence> expected = {{"red/officer/up-to", {3}},
                                                    {"red/other/singly", {2}}};
  EXPECT_EQ(core_->FirstNeeded(), expected);
  // And when nobody is connected.
  Store();
  Restart(stored_);
  EXPECT_EQ(core_->FirstNeeded(), expected);
}

TEST_F(DeliveryRemovedTest, WhoIsShownNothingNeedsNothingOfThePast) {
  v1::Subscribe others = Ask("others");
  others.mutable_filter()->add_types("a.v1.Other");
  Subscribe(1, Named("red"), others);
  Work();
  EXPECT_EQ(core_->FirstNeeded().at("red/officer/others"), Sequence{5});
}

TEST_F(DeliveryRemovedTest, PolicyFoldsToTheSame) {
  Event("m.v1.Opened", 1, "red;red;2");
  const Sequence fact = Event("a.v1.Fact", 1);
  Event("m.v1.Joined", 1, "blue;;0");
  const auto fold = [&] {
    PolicyFold fold(types_);
    EXPECT_THAT(fold.Adopt(Demo()), IsOk());
    EXPECT_THAT(fold.CatchUp(log_), IsOk());
    return fold;
  };
  const PolicyFold before = fold();
  log_.Remove(fact, kRemovedUs);
  const PolicyFold after = fold();
  EXPECT_EQ(after.folded(), before.folded());
  EXPECT_EQ(after.now_us(), before.now_us());
  ASSERT_EQ(after.changes().size(), before.changes().size());
  for (size_t i = 0; i < before.changes().size(); ++i) {
    EXPECT_EQ(after.changes()[i].cause, before.changes()[i].cause);
    EXPECT_EQ(after.changes()[i].after, before.changes()[i].after);
  }
  EXPECT_EQ(after.policy().Of(PersonKey({1})),
            before.policy().Of(PersonKey({1})));
}

TEST_F(DeliveryRemovedTest, NothingOfItStaysInMemory) {
  const Sequence fact = Event("a.v1.Fact", 0);
  log_.Remove(fact, kRemovedUs);
  core_->Forget();
  Subscribe(1, Named("red"), Ask(""));
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(2, 4));
}

TEST_F(DeliveryRemovedTest, AReaderOfAStreamIsToldHowManyItWouldHaveSeen) {
  PolicyFold fold(types_);
  EXPECT_THAT(fold.Adopt(Demo()), IsOk());
  EXPECT_THAT(fold.CatchUp(log_), IsOk());
  StreamReader reader(log_, fold, types_);
  v1::ReadStream request;
  request.set_source("urn:concordat:elsewhere:x");
  request.set_stream(stream_);
  const auto read = [&](const v1::Principal& principal) {
    const auto answer =
        DecodeStreamEvents(reader.Read(principal, "CARE", request));
    EXPECT_THAT(answer, IsOk());
    return *answer;
  };
  const auto red = read(Named("red"));
  EXPECT_EQ(red.views.size(), 2u);
  EXPECT_EQ(red.rest.removed(), 2u);
  EXPECT_EQ(red.rest.removed_time(), kRemovedUs);
  EXPECT_EQ(red.rest.stream_version(), 4u);
  // Blue's agreement gives it nothing about nobody.
  const auto blue = read(Named("blue"));
  EXPECT_EQ(blue.views.size(), 0u);
  EXPECT_EQ(blue.rest.removed(), 0u);
  // What comes after them is whole.
  request.set_after(3);
  EXPECT_EQ(read(Named("red")).rest.removed(), 0u);
}

TEST_F(DeliveryRemovedTest, AReaderOfAPersonIsToldToo) {
  Event("m.v1.Opened", 1, "red;red;0");
  const Sequence gone = Event("a.v1.Fact", 1);
  Event("a.v1.Other", 1);
  log_.Remove(gone, kRemovedUs);
  PolicyFold fold(types_);
  EXPECT_THAT(fold.Adopt(Demo()), IsOk());
  fold.ForgetChanges();
  testing::FakeClock clock;
  PersonReader reader(log_, fold, types_, clock);
  const auto red = reader.Read(Named("red"), "CARE", {PersonKey({1})});
  ASSERT_THAT(red, IsOk());
  EXPECT_EQ(red->removed, 1u);
  EXPECT_EQ(red->removed_us, kRemovedUs);
  const auto blue = reader.Read(Named("blue"), "CARE", {PersonKey({1})});
  ASSERT_THAT(blue, IsOk());
  EXPECT_EQ(blue->removed, 0u);
}

}  // namespace
}  // namespace concordat::bus
