// Who follows the log has its spines from memory, and the bug each test catches:
//
//   another's spine, or one that is left out     SpinesAreThoseOfTheDisk
//   what cannot be found any more is an end      WhatIsGoneIsReadFromTheDisk
//   what is not visible yet is shown             (the first)
//   memory grows with the log                    IsBounded
//   a block without events hides its neighbour   ABlockWithoutEventsIsNotKept
#include "services/bus/log/recent_blocks.h"

#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "services/bus/log/spine_log.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_log.h"

namespace concordat::testing {
namespace {

using bus::RecentBlocks;

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

TEST(RecentBlocksTest, GivesTheBlockThatHoldsTheEvent) {
  RecentBlocks blocks;
  blocks.Add(5, 2, "five");
  blocks.Add(7, 3, "seven");
  std::string bytes;
  EXPECT_EQ(blocks.Copy(4, bytes), std::nullopt);
  EXPECT_EQ(blocks.Copy(6, bytes), 5u);
  EXPECT_EQ(bytes, "five");
  EXPECT_EQ(blocks.Copy(7, bytes), 7u);
  EXPECT_EQ(blocks.Copy(9, bytes), 7u);
  EXPECT_EQ(bytes, "seven");
  EXPECT_EQ(blocks.Copy(10, bytes), std::nullopt);
}

TEST(RecentBlocksTest, ABlockWithoutEventsIsNotKept) {
  RecentBlocks blocks;
  blocks.Add(5, 2, "five");
  blocks.Add(0, 0, "a signature");
  blocks.Add(7, 1, "seven");
  std::string bytes;
  EXPECT_EQ(blocks.Copy(6, bytes), 5u);
  EXPECT_EQ(blocks.Copy(7, bytes), 7u);
}

TEST(RecentBlocksTest, IsBounded) {
  constexpr size_t kBlock = size_t{1} << 20;
  constexpr uint64_t kBlocks = 3 * RecentBlocks::kBytes / kBlock;
  RecentBlocks blocks;
  for (uint64_t i = 1; i <= kBlocks; ++i) {
    std::string buffer = blocks.TakeBuffer();
    EXPECT_TRUE(buffer.empty());
    buffer.resize(kBlock);
    blocks.Add(i, 1, std::move(buffer));
  }
  uint64_t kept = 0;
  std::string bytes;
  for (uint64_t i = 1; i <= kBlocks; ++i) {
    if (blocks.Copy(i, bytes).has_value()) ++kept;
  }
  EXPECT_GT(kept, 0u);
  EXPECT_LE(kept * kBlock, RecentBlocks::kBytes);
  EXPECT_TRUE(blocks.Copy(kBlocks, bytes).has_value());
  EXPECT_GE(blocks.TakeBuffer().capacity(), kBlock);
}

}  // namespace
}  // namespace concordat::testing
