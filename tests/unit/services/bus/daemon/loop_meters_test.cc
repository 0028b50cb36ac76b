// What the bus's loops measure.
//
// Mutant                                          Caught by
// an answer takes the newest frame's time         AnAnswerIsOfTheOldestFrame
// the block before or after the view's            AViewIsAsOldAsItsBlock
// one that catches up spoils the histogram        WhoCatchesUpSaysNothing
// blocks are kept for ever                        WhoCatchesUpSaysNothing
#include "services/bus/daemon/loop_meters.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace concordat::bus {
namespace {

using ::testing::HasSubstr;

class SetClock : public SteadyClock {
 public:
  absl::Duration Elapsed() const override { return now; }
  absl::Duration now = absl::Seconds(100);
};

class LoopMetersTest : public ::testing::Test {
 protected:
  Metrics metrics_;
  SetClock clock_;
  LoopMeters meters_{metrics_, clock_, Sequence{10}};
};

TEST_F(LoopMetersTest, AnAnswerIsOfTheOldestFrame) {
  meters_.Taken(clock_.now);
  clock_.now += absl::Seconds(1);
  meters_.Taken(clock_.now);
  clock_.now += absl::Seconds(1);
  meters_.Answered();
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("concordat_bus_publish_seconds_sum 2"));
  meters_.Answered();
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("concordat_bus_publish_seconds_sum 3"));
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("concordat_bus_publish_seconds_count 2"));
}

TEST_F(LoopMetersTest, AWriteIsTimed) {
  const absl::Duration began = meters_.Now();
  clock_.now += absl::Milliseconds(4);
  meters_.Wrote(began);
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("concordat_bus_disk_seconds_sum 0.004"));
}

TEST_F(LoopMetersTest, AViewIsAsOldAsItsBlock) {
  meters_.Durable({20});
  clock_.now += absl::Seconds(4);
  meters_.Durable({30});
  clock_.now += absl::Seconds(1);
  meters_.Delivered({20});
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("concordat_bus_delivery_seconds_sum 5"));
  meters_.Delivered({21});
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("concordat_bus_delivery_seconds_sum 6"));
}

TEST_F(LoopMetersTest, WhoCatchesUpSaysNothing) {
  meters_.Durable({20});
  meters_.Delivered({10});
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("concordat_bus_delivery_seconds_count 0"));
  for (uint64_t i = 0; i < 1024; ++i) meters_.Durable({21 + i});
  meters_.Delivered({20});
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("concordat_bus_delivery_seconds_count 0"));
  meters_.Delivered({21});
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("concordat_bus_delivery_seconds_count 1"));
}

}  // namespace
}  // namespace concordat::bus
