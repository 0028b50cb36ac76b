// Deliberate bugs that were tried, and the test that catches each:
//
//   handed out again while it is worked on     WhatIsWorkedOnIsNotHandedOutTwice
//   settled on a lost session, forgotten       WhatWasSettledIsSettledAgain
//   nack taken for done, or lost for ever      WhatWasNackedComesAgain
//   frame over the bus's limit                 AFrameSettlesSoManyAndNoMore
//   remembered after the bus has stored it     ForgetsWhatIsStored
//   back-fill mistaken for the live event      BackfillIsAnotherDelivery
#include "services/common/bus_client/settle_window.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace concordat {
namespace {

using ::testing::ElementsAre;

TEST(SettleWindowTest, TellsWhatBecameOfEach) {
  SettleWindow window;
  for (uint64_t i = 1; i <= 4; ++i) EXPECT_EQ(window.Take(i, {i}, {}), i);
  EXPECT_FALSE(window.Next().has_value());
  window.Done(2);
  window.Nack(3, absl::Seconds(2), "no answer");
  window.Done(2);  // Once is enough.
  const auto settle = window.Next();
  ASSERT_TRUE(settle.has_value());
  EXPECT_THAT(settle->done(), ElementsAre(2));
  ASSERT_EQ(settle->nacks_size(), 1);
  EXPECT_EQ(settle->nacks(0).delivery(), 3u);
  EXPECT_EQ(settle->nacks(0).delay_ms(), 2000u);
  EXPECT_EQ(settle->nacks(0).reason(), "no answer");
  EXPECT_FALSE(window.Next().has_value());
  window.DoneUpTo(4);
  EXPECT_THAT(window.Next()->done(), ElementsAre(1, 4));
}

TEST(SettleWindowTest, WhatIsWorkedOnIsNotHandedOutTwice) {
  SettleWindow window;
  EXPECT_EQ(window.Take(1, {10}, {}), 1u);
  window.Restart();
  EXPECT_EQ(window.Take(1, {10}, {}), std::nullopt);
  EXPECT_EQ(window.Take(2, {11}, {}), 2u);
  window.Done(1);
  EXPECT_THAT(window.Next()->done(), ElementsAre(1));
}

TEST(SettleWindowTest, WhatWasSettledIsSettledAgain) {
  SettleWindow window;
  for (uint64_t i = 1; i <= 3; ++i) window.Take(i, {10 + i}, {});
  window.Done(1);
  ASSERT_TRUE(window.Next().has_value());  // Sent, and lost on the way.
  window.Done(2);
  window.Restart();
  window.Done(3);
  EXPECT_FALSE(window.Next().has_value());
  EXPECT_EQ(window.Take(1, {12}, {}), std::nullopt);
  EXPECT_EQ(window.Take(2, {13}, {}), std::nullopt);
  EXPECT_EQ(window.Take(3, {11}, {}), std::nullopt);
  EXPECT_THAT(window.Next()->done(), ElementsAre(1, 2, 3));
}

TEST(SettleWindowTest, WhatWasNackedComesAgain) {
  SettleWindow window;
  window.Take(1, {10}, {});
  window.Nack(1, absl::ZeroDuration(), "");
  window.Restart();
  EXPECT_EQ(window.Take(1, {10}, {}), 2u);
  window.Restart();
  window.Nack(2, absl::ZeroDuration(), "");  // On a session that is over.
  EXPECT_FALSE(window.Next().has_value());
  EXPECT_EQ(window.Take(1, {10}, {}), 3u);
}

TEST(SettleWindowTest, AFrameSettlesSoManyAndNoMore) {
  SettleWindow window;
  for (uint64_t i = 1; i <= 5000; ++i) window.Take(i, {i}, {});
  window.DoneUpTo(4900);
  for (uint64_t i = 4901; i <= 5000; ++i) {
    window.Nack(i, absl::ZeroDuration(), "");
  }
  EXPECT_EQ(window.Next()->done_size(), SettleWindow::kSettleMax);
  const auto rest = window.Next();
  EXPECT_EQ(rest->done_size(), 4900 - SettleWindow::kSettleMax);
  EXPECT_EQ(rest->nacks_size(), 100);
}

TEST(SettleWindowTest, ForgetsWhatIsStored) {
  SettleWindow window;
  window.Take(1, {10}, {});
  window.Done(1);
  ASSERT_TRUE(window.Next().has_value());
  window.Stored(1);
  window.Restart();
  // An operator has it delivered again.
  EXPECT_EQ(window.Take(1, {10}, {}), 2u);
}

TEST(SettleWindowTest, BackfillIsAnotherDelivery) {
  SettleWindow window;
  window.Take(1, {10}, {});
  window.Restart();
  EXPECT_EQ(window.Take(1, {10}, {30}), 2u);
}

}  // namespace
}  // namespace concordat
