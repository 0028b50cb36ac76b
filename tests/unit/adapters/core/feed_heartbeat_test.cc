// Mutants, each with the test that catches it:
//
//   said with every message              SaysOnceInEachStretchHowFarItIs
//   said before anything was heard       SaysOnceInEachStretchHowFarItIs
//   not behind while the bus is away     IsBehindUntilTheLogHasIt
#include "adapters/core/feed_heartbeat.h"

#include <atomic>
#include <thread>

#include "concordat/hub/v1/events.pb.h"
#include "gtest/gtest.h"
#include "tests/support/demo_types.h"
#include "tests/support/fake_bus.h"
#include "tests/support/fake_clock.h"

namespace concordat::edge {
namespace {

constexpr uint64_t kHour = 3'600'000'000;

class FeedHeartbeatTest : public ::testing::Test {
 protected:
  FeedHeartbeatTest() {
    bus::v1::Principal self;
    self.set_name("edge-health");
    self.set_agency("nhs-tayside");
    self.set_system("pas");
    self.set_default_purpose("MAPPA_RISK_MANAGEMENT");
    self.set_default_gateway("G9");
    self.set_default_regime(bus::v1::REGIME_GDPR);
    events_ = std::make_unique<EdgeEvents>(
        self, *concordat::testing::DemoTypes(), std::string(32, 's'));
    Start();
  }
  void Start() {
    heartbeat_.reset();
    heartbeat_ = std::make_unique<FeedHeartbeat>(
        *client_, *events_,
        FeedHeartbeat::Options{"nhs-tayside-hl7", 60,
                               [this] { return newest_us_.load(); }});
  }
  // True: in time.
  bool AwaitTold() const {
    for (int i = 0; i < 2'000'000 && heartbeat_->behind(); ++i) {
      std::this_thread::yield();
    }
    return !heartbeat_->behind();
  }
  std::vector<uint64_t> CompleteTo() const {
    std::vector<uint64_t> moments;
    for (const View& view : bus_.events()) {
      hub::v1::FeedReceived received;
      EXPECT_TRUE(received.ParseFromString(view.Data()));
      EXPECT_EQ(received.feed(), "nhs-tayside-hl7");
      moments.push_back(received.complete_to());
    }
    return moments;
  }

  concordat::testing::FakeClock clock_;
  concordat::testing::FakeBus bus_{clock_};
  std::unique_ptr<BusClient> client_ = bus_.Connect("edge-health");
  std::unique_ptr<EdgeEvents> events_;
  std::atomic<uint64_t> newest_us_{0};
  std::unique_ptr<FeedHeartbeat> heartbeat_;
};

TEST_F(FeedHeartbeatTest, SaysOnceInEachStretchHowFarItIs) {
  EXPECT_FALSE(heartbeat_->behind());
  newest_us_ = 10 * kHour + 5;
  ASSERT_TRUE(AwaitTold());
  newest_us_ = 11 * kHour - 1;
  EXPECT_FALSE(heartbeat_->behind());
  newest_us_ = 13 * kHour;
  ASSERT_TRUE(AwaitTold());
  Start();  // It has forgotten, and the bus has not.
  ASSERT_TRUE(AwaitTold());
  EXPECT_EQ(CompleteTo(), (std::vector<uint64_t>{10 * kHour, 13 * kHour}));
}

TEST_F(FeedHeartbeatTest, IsBehindUntilTheLogHasIt) {
  bus_.GoAway();
  newest_us_ = 10 * kHour;
  EXPECT_TRUE(heartbeat_->behind());
  EXPECT_TRUE(CompleteTo().empty());
  bus_.ComeBack();
  EXPECT_TRUE(AwaitTold());
  EXPECT_EQ(CompleteTo(), std::vector<uint64_t>{10 * kHour});
}

}  // namespace
}  // namespace concordat::edge
