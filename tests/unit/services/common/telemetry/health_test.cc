// What is wrong, and how often that is said.
//
// Mutant                                        Caught by
// said each second, or once for ever            SaidWhenItComesAgainWhileItLastsAndWhenItGoes
// another of the same code is taken for it      EachOfOneCodeIsSaidByItself
// a number that changes is a new trouble        SaidWhenItComesAgainWhileItLastsAndWhenItGoes
// what gets worse waits for its next turn       WhatGetsWorseIsSaidAtOnce
// what can wait hides what cannot               WhatCannotWaitComesFirst
#include "services/common/telemetry/health.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace concordat {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TroubleLogTest : public ::testing::Test {
 protected:
  std::vector<std::string> Say(const Troubles& troubles, int second) {
    std::vector<std::string> said;
    for (const auto& line : log_.Say(troubles, absl::Seconds(second))) {
      static constexpr const char* kKinds[] = {"began", "lasts", "over"};
      said.push_back(absl::StrCat(kKinds[static_cast<int>(line.kind)], " ",
                                  line.trouble.what));
    }
    return said;
  }
  TroubleLog log_{absl::Seconds(10)};
};

TEST_F(TroubleLogTest, SaidWhenItComesAgainWhileItLastsAndWhenItGoes) {
  EXPECT_THAT(Say({{"disk", "", "9 MiB"}}, 1), ElementsAre("began 9 MiB"));
  EXPECT_THAT(Say({{"disk", "", "8 MiB"}}, 10), IsEmpty());
  EXPECT_THAT(Say({{"disk", "", "7 MiB"}}, 11), ElementsAre("lasts 7 MiB"));
  EXPECT_THAT(Say({{"disk", "", "6 MiB"}}, 20), IsEmpty());
  EXPECT_THAT(Say({{"disk", "", "5 MiB"}}, 21), ElementsAre("lasts 5 MiB"));
  EXPECT_THAT(Say({}, 22), ElementsAre("over 5 MiB"));
  EXPECT_THAT(Say({}, 40), IsEmpty());
  EXPECT_THAT(Say({{"disk", "", "4 MiB"}}, 41), ElementsAre("began 4 MiB"));
}

TEST_F(TroubleLogTest, EachOfOneCodeIsSaidByItself) {
  EXPECT_THAT(Say({{"place", "a", "a"}}, 1), ElementsAre("began a"));
  EXPECT_THAT(Say({{"place", "a", "a"}, {"place", "b", "b"}}, 5),
              ElementsAre("began b"));
  EXPECT_THAT(Say({{"place", "a", "a"}, {"place", "b", "b"}}, 11),
              ElementsAre("lasts a"));
  EXPECT_THAT(Say({{"place", "b", "b"}}, 12), ElementsAre("over a"));
}

TEST_F(TroubleLogTest, WhatGetsWorseIsSaidAtOnce) {
  EXPECT_THAT(Say({{"disk", "", "low"}}, 1), ElementsAre("began low"));
  EXPECT_THAT(Say({{"disk", "", "full", true}}, 2), ElementsAre("began full"));
  EXPECT_THAT(Say({{"disk", "", "full", true}}, 3), IsEmpty());
  EXPECT_THAT(Say({{"disk", "", "low"}}, 4), IsEmpty());
}

TEST(Health, WhatCannotWaitComesFirst) {
  Health health;
  health.Add([](Troubles& troubles) {
    troubles.push_back({"certificate", "", "it ends on 2026-12-01"});
  });
  health.Add([](Troubles& troubles) {
    troubles.push_back({"read-only", "", "the disk is full", true});
  });
  EXPECT_EQ(Describe(health.Now()),
            "CRITICAL: the disk is full; it ends on 2026-12-01");
  EXPECT_EQ(Describe({}), "");
}

}  // namespace
}  // namespace concordat
