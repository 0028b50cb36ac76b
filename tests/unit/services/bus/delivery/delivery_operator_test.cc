// What an operator does with subscriptions, over a log in memory.
//
// Mutant                                            Caught by
// redrive at once, however many                     RedrivesAtABoundedRate
// act on a name without a session is lost           ActsOnANameThatNobodyIsConnectedUnder
// pause lets deliveries out, or forgets the place   APausedOneGetsNothingAndKeepsItsPlace
// a restart forgets that it is paused               …the same
// removed while used, or with events set aside      RemovesOnlyWhatNobodyUsesOrWaitsFor
// removed name is stored again after all            ANameThatIsUsedAgainIsKept
// name expires while it is connected, or too soon   ANameExpiresWhenNobodyUsedItForSoLong
// hub service's name expires                        …the same
// no alarm, or it ends by itself                    SaysSinceWhenALaggingOneHasNotMoved
// replay or redrive moves the live place            ReplayAndRedriveNeverMoveTheLivePlace
// a place past the log is not told                  APlaceThatIsNotOfThisLogIsTold
// act not waited for                                …all: is_waited_for
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/bus/delivery/delivery_core.h"
#include "services/bus/delivery/delivery_settings.h"
#include "services/common/config/settings.h"
#include "tests/unit/services/bus/delivery/delivery_fixture.h"

namespace concordat::bus {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;

constexpr char kOurs[] = "red/officer/ours";

class DeliveryOperatorTest : public DeliveryCoreTest {
 protected:
  DeliveryOperatorTest() {
    options_.redelivery = {1, absl::Seconds(1), absl::Seconds(8), 100, 100};
    options_.redrive_per_s = 2;
    options_.started = absl::FromUnixSeconds(1'764'000'000);
    Restart({});
  }
  void Shared(uint64_t session) {
    v1::Subscribe request = Ask("ours");
    request.set_settlement(v1::SETTLEMENT_SHARED);
    Subscribe(session, Named("red"), request);
  }
  // Of streams of their own, each set aside.
  void SetAside(uint64_t session, int count) {
    v1::Settle settle;
    for (int i = 0; i < count; ++i) {
      HeaderView header;
      header.type = "a.v1.Fact";
      header.source = "urn:concordat:elsewhere:x";
      header.controller = "elsewhere";
      header.id = "id";
      const Sequence sequence = log_.Append(header, "x", kNowUs);
      Durable(sequence, sequence);
    }
    Work();
    for (const Got& got : got_[session]) {
      settle.add_nacks()->set_delivery(got.number);
    }
    core_->Settle({session}, settle);
    Store();
  }
  std::vector<uint64_t> Rows() {
    std::vector<uint64_t> orders;
    const auto rows = core_->RowsOf(kOurs);
    EXPECT_THAT(rows, IsOk());
    for (const Row& row : *rows) orders.push_back(row.order);
    return orders;
  }
  void After(absl::Duration time) {
    now_ += time;
    Work();
  }
  SubscriptionInfo Info() { return core_->List().at(0); }
};

TEST_F(DeliveryOperatorTest, RedrivesAtABoundedRate) {
  Shared(1);
  SetAside(1, 5);
  EXPECT_EQ(Info().set_aside, 5u);
  got_.clear();
  const auto done = core_->Redrive(kOurs, Rows());
  ASSERT_THAT(done, IsOk());
  EXPECT_EQ(*done, 5u);
  EXPECT_TRUE(core_->is_waited_for());
  Work();
  EXPECT_EQ(got_[1].size(), 1u);
  After(absl::Seconds(1));
  EXPECT_EQ(got_[1].size(), 3u);
  After(absl::Seconds(1));
  EXPECT_EQ(got_[1].size(), 5u);
  // They are under way: nothing is left to redrive.
  EXPECT_EQ(*core_->Redrive(kOurs, Rows()), 0u);
}

TEST_F(DeliveryOperatorTest, ReplayAndRedriveNeverMoveTheLivePlace) {
  Shared(1);
  SetAside(1, 2);
  Event("a.v1.Fact", 0);
  Work();
  core_->Ack({1}, 3);
  Store();
  EXPECT_EQ(stored_[kOurs].acknowledged.value, 3u);
  ASSERT_EQ(*core_->Redrive(kOurs, {Rows()[0]}), 1u);
  Work();
  ASSERT_EQ(Sequences(1).back(), 1u);
  core_->Ack({1}, 4);
  Store();
  EXPECT_EQ(stored_[kOurs].acknowledged.value, 3u);
  // A replay is a tail: it has no place at all.
  Subscribe(2, Named("red"), Ask(""));
  Work();
  EXPECT_THAT(Sequences(2), ElementsAre(1, 2, 3));
  core_->Ack({2}, 2);
  const DirtyPlaces dirty = core_->TakeDirty();
  EXPECT_THAT(dirty.places, IsEmpty());
}

TEST_F(DeliveryOperatorTest, ActsOnANameThatNobodyIsConnectedUnder) {
  Shared(1);
  SetAside(1, 3);
  core_->Closed({1});
  const std::vector<uint64_t> rows = Rows();
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(*core_->Park(kOurs, {rows[0]}), 1u);
  EXPECT_EQ(*core_->Park(kOurs, {rows[0]}), 0u);
  EXPECT_EQ(*core_->Redrive(kOurs, {rows[1], 99}), 1u);
  EXPECT_TRUE(core_->is_waited_for());
  Store();
  Restart(stored_);
  EXPECT_EQ(Info().parked, 1u);
  EXPECT_EQ(Info().set_aside, 1u);
  EXPECT_EQ(Info().waiting, 1u);
  Shared(2);
  Work();
  EXPECT_THAT(Sequences(2), ElementsAre(2));
  EXPECT_THAT(core_->RowsOf("red/officer/none"),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_F(DeliveryOperatorTest, APausedOneGetsNothingAndKeepsItsPlace) {
  Subscribe(1, Named("red"), Ask("mine"));
  Shared(2);
  Event("a.v1.Fact", 0);
  Work();
  for (const char* key : {"red/officer/mine", kOurs}) {
    EXPECT_THAT(core_->SetPaused(key, true), IsOk());
  }
  EXPECT_TRUE(core_->is_waited_for());
  core_->Ack({1}, 1);
  core_->Ack({2}, 1);
  Event("a.v1.Fact", 0);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(1));
  EXPECT_THAT(Sequences(2), ElementsAre(1));
  Store();
  Restart(stored_);
  Subscribe(3, Named("red"), Ask("mine"));
  Shared(4);
  Work();
  EXPECT_THAT(Sequences(3), IsEmpty());
  EXPECT_THAT(Sequences(4), IsEmpty());
  for (const SubscriptionInfo& info : core_->List()) EXPECT_TRUE(info.paused);
  for (const char* key : {"red/officer/mine", kOurs}) {
    EXPECT_THAT(core_->SetPaused(key, false), IsOk());
  }
  Work();
  EXPECT_THAT(Sequences(3), ElementsAre(2));
  EXPECT_THAT(Sequences(4), ElementsAre(2));
}

TEST_F(DeliveryOperatorTest, RemovesOnlyWhatNobodyUsesOrWaitsFor) {
  EXPECT_THAT(core_->Remove(kOurs), HasCode(absl::StatusCode::kNotFound));
  Shared(1);
  SetAside(1, 1);
  EXPECT_THAT(core_->Remove(kOurs),
              HasCode(absl::StatusCode::kFailedPrecondition));
  core_->Closed({1});
  EXPECT_THAT(core_->Remove(kOurs),
              HasCode(absl::StatusCode::kFailedPrecondition));
  ASSERT_EQ(*core_->Redrive(kOurs, Rows()), 1u);
  Shared(2);
  Work();
  core_->Ack({2}, 1);
  core_->Closed({2});
  EXPECT_THAT(core_->Remove(kOurs), IsOk());
  const DirtyPlaces dirty = core_->TakeDirty();
  EXPECT_THAT(dirty.removed, ElementsAre(kOurs));
  EXPECT_THAT(dirty.places, IsEmpty());
  EXPECT_THAT(core_->List(), IsEmpty());
}

TEST_F(DeliveryOperatorTest, ANameThatIsUsedAgainIsKept) {
  Shared(1);
  core_->Closed({1});
  ASSERT_THAT(core_->Remove(kOurs), IsOk());
  core_->Subscribe({2}, Named("red"), "CARE", Ask("ours"));
  const DirtyPlaces dirty = core_->TakeDirty();
  EXPECT_THAT(dirty.removed, IsEmpty());
  EXPECT_EQ(dirty.places.count(kOurs), 1u);
}

TEST_F(DeliveryOperatorTest, ANameExpiresWhenNobodyUsedItForSoLong) {
  options_.expire_after = absl::Hours(24 * 10);
  options_.never_expires = [](const std::string& key) {
    return key == "red/officer/hub";
  };
  Restart({});
  for (uint64_t session : {1, 2, 3}) {
    const std::string names[] = {"left", "hub", "kept"};
    Subscribe(session, Named("red"), Ask(names[session - 1]));
  }
  core_->Closed({1});
  core_->Closed({2});
  After(absl::Hours(24 * 9));
  EXPECT_THAT(core_->TakeExpired(), IsEmpty());
  After(absl::Hours(24 * 2));
  EXPECT_THAT(core_->TakeExpired(), ElementsAre("red/officer/left"));
  // The one that is connected was used to the end, also after a crash now.
  Store();
  options_.started += now_;
  now_ = absl::ZeroDuration();
  Restart(stored_);
  After(absl::Hours(24 * 9));
  EXPECT_EQ(core_->TakeExpired().count("red/officer/kept"), 0u);
}

TEST_F(DeliveryOperatorTest, SaysSinceWhenALaggingOneHasNotMoved) {
  options_.stalled_after = absl::Seconds(30);
  Restart({});
  const auto stalled = [&] {
    return Info().stalled_since > -absl::InfiniteDuration();
  };
  Subscribe(1, Named("red"), Ask("mine"));
  Event("a.v1.Fact", 0);
  Work();
  After(absl::Seconds(20));
  EXPECT_FALSE(stalled());
  After(absl::Seconds(20));
  EXPECT_TRUE(stalled());
  After(absl::Hours(1));
  EXPECT_TRUE(stalled());
  core_->Ack({1}, 1);
  After(absl::Seconds(2));
  EXPECT_FALSE(stalled());
  // Nobody connected, nobody moves; but one that is paused is meant to stand.
  core_->Closed({1});
  Event("a.v1.Fact", 0);
  After(absl::Seconds(2));
  After(absl::Seconds(40));
  EXPECT_TRUE(stalled());
  EXPECT_THAT(core_->SetPaused("red/officer/mine", true), IsOk());
  After(absl::Seconds(40));
  EXPECT_FALSE(stalled());
}

TEST_F(DeliveryOperatorTest, APlaceThatIsNotOfThisLogIsTold) {
  Event("a.v1.Fact", 0);
  const LogStatus status = log_.Status();
  const Place good = {status.log_id, status.epoch, {1}, {1}};
  Place past = good;
  past.acknowledged = {2};
  Place forked = good;
  ++forked.epoch;
  Restart({{"red/officer/a", good},
           {"red/officer/b", past},
           {"red/officer/c", forked}});
  const std::vector<SubscriptionInfo> list = core_->List();
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].stopped_because, "");
  EXPECT_NE(list[1].stopped_because, "");
  EXPECT_NE(list[2].stopped_because, "");
}

TEST(DeliverySettingsTest, AreTheDefaultsUnlessTheyAreSet) {
  v1::DeliverySettings settings;
  ASSERT_THAT(CheckSettings(&settings), IsOk());
  auto options = OptionsOf(settings);
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->redelivery.attempts, 5u);
  EXPECT_EQ(options->redelivery.backoff_max, absl::Minutes(5));
  EXPECT_EQ(options->expire_after, absl::Hours(24 * 180));
  settings.set_attempts(2);
  options = OptionsOf(settings);
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->redelivery.attempts, 2u);
  settings.set_backoff_max_ms(100);
  EXPECT_THAT(OptionsOf(settings), HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace concordat::bus
