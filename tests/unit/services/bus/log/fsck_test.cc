#include "services/bus/log/fsck.h"

#include <string>

#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/bus/log/segment_scan.h"
#include "services/bus/log/segment_store.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_log.h"

namespace concordat::testing {
namespace {

using Kind = bus::Staged::Kind;

class FsckTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(log_.Open(), IsOk());
    AppendMany(1, 100);
    ASSERT_GT(log_.log().Status().segments, 2u);
    log_.Close();
  }
  void AppendMany(uint64_t from, uint64_t to) {
    for (uint64_t i = from; i <= to; ++i) {
      TestEvent::Fields fields;
      fields.id = absl::StrFormat("id-%06u", i);
      fields.stream = "order/1";
      fields.person = static_cast<uint8_t>(i % 3);
      const TestEvent event(fields);
      ASSERT_THAT(log_.Append({&event}).written, IsOk());
    }
  }
  bus::FsckReport Check() {
    SeededRandom random;
    const auto report = bus::CheckLog(log_.disk(), &log_.wrapping(), random);
    EXPECT_THAT(report, IsOk());
    return *report;
  }

  absl::Status Cut(const bus::LogCut& cut) {
    return bus::CutLog(log_.disk(), cut, absl::UnixEpoch());
  }
  // Where the second segment begins.
  bus::LogCut SecondSegment() {
    bus::LogCut cut{2, 0, 0};
    const auto file = log_.disk().Open(bus::SegmentName(1));
    EXPECT_THAT(bus::ScanSegment(**file, {},
                                 [&](const bus::ScannedBlock& block) {
                                   cut.last_kept += block.header.event_count;
                                   return absl::OkStatus();
                                 }),
                IsOk());
    return cut;
  }

  static TestLog::Options SmallOptions() {
    TestLog::Options options;
    options.segment_bytes = 16 * 1024;
    return options;
  }
  TestLog log_ = TestLog(SmallOptions());
};

TEST_F(FsckTest, AWholeLogIsGoodAndOpensEveryEvent) {
  const bus::FsckReport report = Check();
  EXPECT_THAT(report.fault, IsOk());
  EXPECT_EQ(report.events, 100u);
  EXPECT_EQ(report.opened, 100u);
  EXPECT_EQ(report.keys, 3u);
  EXPECT_EQ(report.epoch, 1u);
}

TEST_F(FsckTest, NamesWhereDamageBegins) {
  log_.disk().FlipBit(bus::SegmentName(2), 8 * 500);
  const bus::FsckReport report = Check();
  EXPECT_THAT(report.fault, HasCode(absl::StatusCode::kDataLoss));
  EXPECT_EQ(report.fault_segment, 2u);
  EXPECT_EQ(report.fault_offset, 0u);
  EXPECT_FALSE(report.torn_tail);
}

TEST_F(FsckTest, AWrongKeyFileIsNotDamage) {
  log_.set_wrapping(
      "concordat wrapping keys 1\n"
      "1 ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n");
  EXPECT_THAT(Check().fault, HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(FsckTest, ACutAtTheDamageOpensAgainInANewEpoch) {
  log_.disk().FlipBit(bus::SegmentName(2), 8 * 500);
  const bus::FsckReport damaged = Check();
  // The opening trusts the segment's index; who reads meets the damage.
  ASSERT_THAT(log_.Open(), IsOk());
  EXPECT_THAT(log_.ReadAll(), HasCode(absl::StatusCode::kDataLoss));
  log_.Close();
  EXPECT_THAT(Cut({damaged.fault_segment, damaged.fault_offset, 100}),
              HasCode(absl::StatusCode::kInvalidArgument));
  ASSERT_THAT(
      Cut({damaged.fault_segment, damaged.fault_offset, damaged.events}),
      IsOk());
  const bus::FsckReport cut = Check();
  EXPECT_THAT(cut.fault, IsOk());
  EXPECT_EQ(cut.epoch, 2u);
  // The index still holds what was cut off; the log must see through it.
  ASSERT_THAT(log_.Open(), IsOk());
  const uint64_t left = log_.log().Status().end.value;
  EXPECT_GT(left, 0u);
  EXPECT_LT(left, 100u);
  EXPECT_EQ(log_.log().Status().epoch, 2u);
  EXPECT_EQ(*log_.log().StreamVersion(kTestSource, "order/1"), Sequence{left});
  AppendMany(left + 1, 110);
  ASSERT_THAT(log_.Open(), IsOk());
  EXPECT_EQ(log_.ReadAll()->size(), 110u);
  log_.Close();
  EXPECT_THAT(Check().fault, IsOk());
}

TEST_F(FsckTest, ACutKeepsWhatItTakes) {
  const std::string before = log_.disk().Contents(bus::SegmentName(2));
  const bus::LogCut second = SecondSegment();
  ASSERT_THAT(Cut(second), IsOk());
  std::string kept = log_.disk().Contents("cut-2-segment-00000002-0");
  kept.resize(before.size());
  EXPECT_EQ(kept, before);
}

TEST_F(FsckTest, ACutIsBetweenBlocks) {
  EXPECT_THAT(Cut({2, 17, 0}), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Cut({99, 0, 0}), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Cut({1, 0, 0}), HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(FsckTest, ACutThatLosesPowerAtAnyStepCanBeRunAgain) {
  const std::unique_ptr<FakeDisk> whole = log_.disk().Copy();
  const bus::LogCut second = SecondSegment();
  for (uint64_t step = 1;; ++step) {
    SCOPED_TRACE(step);
    log_.set_disk(whole->Copy());
    log_.disk().LosePowerAt(step);
    const bool done = Cut(second).ok();
    log_.disk().PowerCut(FakeDisk::Survives::kSomeSectors, step);
    const absl::Status opened = log_.Open();
    log_.Close();
    if (!opened.ok()) {
      EXPECT_THAT(opened, HasCode(absl::StatusCode::kDataLoss));
      ASSERT_THAT(Cut(second), IsOk());
      ASSERT_THAT(log_.Open(), IsOk());
      log_.Close();
    }
    EXPECT_THAT(Check().fault, IsOk());
    if (done) break;
    ASSERT_LT(step, 200u);
  }
}

TEST_F(FsckTest, ATornTailIsToldApart) {
  log_.disk().Drop("durable");
  const std::string name = bus::SegmentName(1);
  FakeDisk& disk = log_.disk();
  for (uint32_t i = 2; i < 20; ++i) {
    if (disk.Open(bus::SegmentName(i)).ok()) disk.Drop(bus::SegmentName(i));
  }
  std::string bytes = disk.Contents(name);
  size_t last = bytes.find_last_not_of('\0');
  disk.FlipBit(name, 8 * (last - 3));
  const bus::FsckReport report = Check();
  EXPECT_TRUE(report.torn_tail);
  EXPECT_THAT(report.fault, HasCode(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace concordat::testing
