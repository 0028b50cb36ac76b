// Deliberate bugs that were tried, and the test that catches each:
//
//   delivered again after a restart        NothingIsHandedOutTwice
//   acknowledged again not acknowledged    WhatComesAgainIsAcknowledgedAgain
//   gap skipped by an acknowledgement      AcknowledgesOnlyWithoutGaps
//   back-fill moves the place              BackfillDoesNotMoveThePlace
//   back-fill mistaken for the live event  BackfillIsAnotherDelivery
#include "services/common/bus_client/delivery_window.h"

#include "gtest/gtest.h"

namespace concordat {
namespace {

TEST(DeliveryWindowTest, AcknowledgesOnlyWithoutGaps) {
  DeliveryWindow window({{0}, {0}});
  EXPECT_EQ(window.Take(1, {10}, {}, {10}), 1u);
  EXPECT_EQ(window.Take(2, {12}, {}, {12}), 2u);
  EXPECT_EQ(window.Take(3, {15}, {}, {15}), 3u);
  EXPECT_EQ(window.ackable(), 0u);
  window.Ack(2);
  EXPECT_EQ(window.ackable(), 2u);
  EXPECT_EQ(window.place().after.value, 12u);
  window.Ack(1);
  EXPECT_EQ(window.ackable(), 2u);
  window.Ack(99);  // More than was handed out counts as all of it.
  EXPECT_EQ(window.ackable(), 3u);
  EXPECT_EQ(window.Take(4, {16}, {}, {16}), 4u);
  EXPECT_EQ(window.ackable(), 3u);
}

TEST(DeliveryWindowTest, NothingIsHandedOutTwice) {
  DeliveryWindow window({{0}, {0}});
  for (uint64_t i = 1; i <= 5; ++i) window.Take(i, {i}, {}, {i});
  window.Ack(2);
  window.Stored(1);
  window.Restart();
  // The bus stored 1 and goes on from there, under new numbers.
  for (uint64_t i = 2; i <= 5; ++i) {
    EXPECT_EQ(window.Take(i - 1, {i}, {}, {i}), std::nullopt) << i;
  }
  EXPECT_EQ(window.Take(5, {6}, {}, {6}), 6u);
}

TEST(DeliveryWindowTest, WhatComesAgainIsAcknowledgedAgain) {
  DeliveryWindow window({{0}, {0}});
  for (uint64_t i = 1; i <= 5; ++i) window.Take(i, {i}, {}, {i});
  window.Ack(3);
  window.Restart();
  EXPECT_EQ(window.ackable(), 0u);
  for (uint64_t i = 1; i <= 5; ++i) window.Take(i, {i}, {}, {i});
  EXPECT_EQ(window.ackable(), 3u);
  window.Ack(4);  // Numbers of before still count.
  EXPECT_EQ(window.ackable(), 4u);
}

TEST(DeliveryWindowTest, BackfillDoesNotMoveThePlace) {
  DeliveryWindow window({{3}, {3}});
  window.Take(1, {20}, {}, {20});
  window.Take(2, {90}, {100}, {99});
  window.Take(3, {91}, {100}, {100});
  window.Ack(2);
  EXPECT_EQ(window.place().after.value, 20u);
  EXPECT_EQ(window.place().backfilled_through.value, 99u);
  window.Ack(3);
  EXPECT_EQ(window.place().after.value, 20u);
  EXPECT_EQ(window.place().backfilled_through.value, 100u);
}

TEST(DeliveryWindowTest, BackfillIsAnotherDelivery) {
  DeliveryWindow window({{0}, {0}});
  window.Take(1, {5}, {}, {5});
  EXPECT_EQ(window.Take(2, {5}, {9}, {9}), 2u);
  window.Restart();
  EXPECT_EQ(window.Take(1, {5}, {10}, {10}), 3u);
  EXPECT_EQ(window.Take(2, {5}, {9}, {9}), std::nullopt);
}

}  // namespace
}  // namespace concordat
