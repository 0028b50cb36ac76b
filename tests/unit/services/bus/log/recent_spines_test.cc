// Who follows the log has its spines from memory, and the bug each test catches:
//
//   another's spine, or one that is left out     SpinesAreThoseOfTheDisk
//   what cannot be found any more is an end      WhatIsGoneIsReadFromTheDisk
//   what is not visible yet is shown             (the first)
//   memory grows with the log                    IsBounded
//   a block without events hides its neighbour   ABlockWithoutEventsIsNotKept
#include "services/bus/log/recent_spines.h"

#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "services/bus/log/spine_log.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_log.h"

namespace concordat::testing {
namespace {

using bus::RecentSpines;
using bus::SpinesOfBlock;

std::vector<std::string> Spines(TestLog& log, bool follow, size_t bytes_max) {
  const auto* spines = dynamic_cast<const bus::SpineLog*>(&log.log());
  std::vector<std::string> all;
  const auto visit = [&all](absl::string_view spine) {
    all.emplace_back(spine);
    return absl::OkStatus();
  };
  Sequence at;
  while (true) {
    const auto last = follow ? spines->FollowSpines(at, bytes_max, visit)
                             : spines->ForEachSpine(at, bytes_max, visit);
    EXPECT_THAT(last, IsOk());
    if (!last.ok() || *last == at) return all;
    at = *last;
    EXPECT_EQ(at.value, all.size());
  }
}

void AppendTo(TestLog& log, uint64_t last) {
  for (uint64_t i = log.log().Status().end.value + 1; i <= last;) {
    TestEvent::Fields fields;
    fields.stream = "order/1";
    fields.id = absl::StrFormat("id-%06u", i++);
    const TestEvent one(fields);
    fields.id = absl::StrFormat("id-%06u", i++);
    const TestEvent other(fields);
    ASSERT_THAT(log.Append({&one, &other}, i).written, IsOk());
  }
}

TEST(RecentSpinesTest, SpinesAreThoseOfTheDisk) {
  TestLog log;
  ASSERT_THAT(log.Open(), IsOk());
  AppendTo(log, 40);
  const std::vector<std::string> on_disk = Spines(log, false, 1);
  EXPECT_EQ(on_disk.size(), 40u);
  EXPECT_EQ(Spines(log, true, 1), on_disk);
}

TEST(RecentSpinesTest, WhatIsGoneIsReadFromTheDisk) {
  TestLog log;
  ASSERT_THAT(log.Open(), IsOk());
  AppendTo(log, 20);
  ASSERT_THAT(log.Open(), IsOk());
  AppendTo(log, 40);
  const std::vector<std::string> on_disk = Spines(log, false, 1 << 20);
  EXPECT_EQ(on_disk.size(), 40u);
  EXPECT_EQ(Spines(log, true, 1 << 20), on_disk);
}

SpinesOfBlock Block(uint64_t first, uint64_t events, size_t bytes) {
  return {first, events, std::string(bytes, 'x')};
}

TEST(RecentSpinesTest, GivesTheBlockThatHoldsTheEvent) {
  RecentSpines spines;
  spines.Add(Block(5, 2, 10));
  spines.Add(Block(7, 3, 10));
  EXPECT_EQ(spines.Of(4), nullptr);
  EXPECT_EQ(spines.Of(6)->first_sequence, 5u);
  EXPECT_EQ(spines.Of(7)->first_sequence, 7u);
  EXPECT_EQ(spines.Of(9)->first_sequence, 7u);
  EXPECT_EQ(spines.Of(10), nullptr);
}

TEST(RecentSpinesTest, ABlockWithoutEventsIsNotKept) {
  RecentSpines spines;
  spines.Add(Block(5, 2, 10));
  spines.Add(Block(0, 0, 0));
  spines.Add(Block(7, 1, 10));
  EXPECT_NE(spines.Of(6), nullptr);
  EXPECT_NE(spines.Of(7), nullptr);
}

TEST(RecentSpinesTest, IsBounded) {
  constexpr size_t kBlock = size_t{1} << 20;
  constexpr uint64_t kBlocks = 3 * RecentSpines::kBytes / kBlock;
  RecentSpines spines;
  for (uint64_t i = 1; i <= kBlocks; ++i) spines.Add(Block(i, 1, kBlock));
  uint64_t kept = 0;
  for (uint64_t i = 1; i <= kBlocks; ++i) kept += spines.Of(i) != nullptr;
  EXPECT_EQ(kept, RecentSpines::kBytes / kBlock);
  EXPECT_NE(spines.Of(kBlocks), nullptr);
}

}  // namespace
}  // namespace concordat::testing
