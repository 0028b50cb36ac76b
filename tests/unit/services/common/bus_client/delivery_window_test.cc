// Deliberate bugs that were tried, and the test that catches each:
//
//   delivered again after a restart        NothingIsHandedOutTwice
//   acknowledged again not acknowledged    WhatComesAgainIsAcknowledgedAgain
//   gap skipped by an acknowledgement      AcknowledgesOnlyWithoutGaps
//   back-fill moves the place              BackfillDoesNotMoveThePlace
//   back-fill mistaken for the live event  BackfillIsAnotherDelivery
//   what is stored of a back-fill forgotten before it is complete
//                                          ABackfillThatBeginsAgainIsHandedOut…
//   completeness of an earlier session believed
//                                          CompleteIsWhatThisSessionSays
//   an own place's deliveries kept         AnOwnPlaceKeepsNothingThatItHasPassed
//   what shows more dropped                WhatComesAgainAndShowsMoreIsHandedOut
#include "services/common/bus_client/delivery_window.h"

#include "gtest/gtest.h"

namespace concordat {
namespace {

constexpr uint32_t kGroups = 0b001;

TEST(DeliveryWindowTest, AcknowledgesOnlyWithoutGaps) {
  DeliveryWindow window({{0}, {0}}, false);
  EXPECT_EQ(window.Take(1, {10}, {}, {10}, kGroups), 1u);
  EXPECT_EQ(window.Take(2, {12}, {}, {12}, kGroups), 2u);
  EXPECT_EQ(window.Take(3, {15}, {}, {15}, kGroups), 3u);
  EXPECT_EQ(window.ackable(), 0u);
  window.Ack(2);
  EXPECT_EQ(window.ackable(), 2u);
  EXPECT_EQ(window.place().after.value, 12u);
  window.Ack(1);
  EXPECT_EQ(window.ackable(), 2u);
  window.Ack(99);  // More than was handed out counts as all of it.
  EXPECT_EQ(window.ackable(), 3u);
  EXPECT_EQ(window.Take(4, {16}, {}, {16}, kGroups), 4u);
  EXPECT_EQ(window.ackable(), 3u);
}

TEST(DeliveryWindowTest, NothingIsHandedOutTwice) {
  DeliveryWindow window({{0}, {0}}, false);
  for (uint64_t i = 1; i <= 5; ++i) window.Take(i, {i}, {}, {i}, kGroups);
  window.Ack(2);
  window.Stored(1);
  window.Restart();
  // The bus stored 1 and goes on from there, under new numbers.
  for (uint64_t i = 2; i <= 5; ++i) {
    EXPECT_EQ(window.Take(i - 1, {i}, {}, {i}, kGroups), std::nullopt) << i;
  }
  EXPECT_EQ(window.Take(5, {6}, {}, {6}, kGroups), 6u);
}

TEST(DeliveryWindowTest, WhatComesAgainIsAcknowledgedAgain) {
  DeliveryWindow window({{0}, {0}}, false);
  for (uint64_t i = 1; i <= 5; ++i) window.Take(i, {i}, {}, {i}, kGroups);
  window.Ack(3);
  window.Restart();
  EXPECT_EQ(window.ackable(), 0u);
  for (uint64_t i = 1; i <= 5; ++i) window.Take(i, {i}, {}, {i}, kGroups);
  EXPECT_EQ(window.ackable(), 3u);
  window.Ack(4);  // Numbers of before still count.
  EXPECT_EQ(window.ackable(), 4u);
}

TEST(DeliveryWindowTest, BackfillDoesNotMoveThePlace) {
  DeliveryWindow window({{3}, {3}}, false);
  window.Take(1, {20}, {}, {20}, kGroups);
  window.Take(2, {90}, {100}, {99}, kGroups);
  window.Take(3, {91}, {100}, {100}, kGroups);
  window.Ack(2);
  EXPECT_EQ(window.place().after.value, 20u);
  EXPECT_EQ(window.place().backfilled_through.value, 99u);
  window.Ack(3);
  EXPECT_EQ(window.place().after.value, 20u);
  EXPECT_EQ(window.place().backfilled_through.value, 100u);
}

TEST(DeliveryWindowTest, BackfillIsAnotherDelivery) {
  DeliveryWindow window({{0}, {0}}, false);
  window.Take(1, {5}, {}, {5}, kGroups);
  EXPECT_EQ(window.Take(2, {5}, {9}, {9}, kGroups), 2u);
  window.Restart();
  EXPECT_EQ(window.Take(1, {5}, {10}, {10}, kGroups), 3u);
  EXPECT_EQ(window.Take(2, {5}, {9}, {9}, kGroups), std::nullopt);
}

TEST(DeliveryWindowTest, ABackfillThatBeginsAgainIsHandedOutOnce) {
  DeliveryWindow window({{0}, {0}}, false);
  window.Take(1, {40}, {}, {40}, kGroups);
  window.Take(2, {5}, {50}, {49}, kGroups);
  window.Take(3, {6}, {50}, {49}, kGroups);
  window.Ack(2);
  window.Stored(2);  // The stored place is before 50 still.
  window.Restart();
  EXPECT_EQ(window.Take(1, {5}, {50}, {49}, kGroups), std::nullopt);
  EXPECT_EQ(window.Take(2, {6}, {50}, {49}, kGroups), std::nullopt);
  EXPECT_EQ(window.Take(3, {7}, {50}, {60}, kGroups), 4u);
  window.Ack(4);
  window.Stored(3);
  window.Restart();  // The place has passed it, and what it held is forgotten.
  EXPECT_EQ(window.Take(1, {5}, {50}, {60}, kGroups), 5u);
}

TEST(DeliveryWindowTest, CompleteIsWhatThisSessionSays) {
  DeliveryWindow window({{0}, {0}}, false);
  window.Take(1, {5}, {50}, {49}, kGroups);
  window.Take(2, {6}, {50}, {60}, kGroups);  // Complete, and not stored.
  window.Restart();
  window.Take(1, {5}, {50}, {49}, kGroups);
  window.Ack(2);
  window.Stored(1);
  window.Restart();
  EXPECT_EQ(window.Take(1, {5}, {50}, {49}, kGroups), std::nullopt);
}

TEST(DeliveryWindowTest, AnOwnPlaceKeepsNothingThatItHasPassed) {
  DeliveryWindow window({{0}, {0}}, true);
  window.Take(1, {5}, {}, {5}, kGroups);
  window.Take(2, {3}, {8}, {7}, kGroups);
  window.Ack(2);
  window.Restart();
  // The place is 5, and before 8: the bus would not say 5 again, but 3.
  EXPECT_EQ(window.Take(1, {5}, {}, {5}, kGroups), 3u);
  EXPECT_EQ(window.Take(2, {3}, {8}, {8}, kGroups), std::nullopt);
}

TEST(DeliveryWindowTest, WhatComesAgainAndShowsMoreIsHandedOut) {
  DeliveryWindow window({{0}, {0}}, false);
  EXPECT_EQ(window.Take(1, {5}, {}, {5}, 0b011), 1u);
  window.Restart();
  EXPECT_EQ(window.Take(1, {5}, {}, {5}, 0b111), 2u);
  window.Restart();
  EXPECT_EQ(window.Take(1, {5}, {}, {5}, 0b001), std::nullopt);
  window.Restart();  // What it once showed is no news.
  EXPECT_EQ(window.Take(1, {5}, {}, {5}, 0b111), std::nullopt);
}

}  // namespace
}  // namespace concordat
