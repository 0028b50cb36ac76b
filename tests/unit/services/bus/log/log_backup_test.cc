// What backup and restore promise, and the bug each test catches:
//
//   copies more than is durable, or less            ABackupHoldsWhatIsDurable
//   copies everything again each time               ASecondBackupCopiesWhatIsNew
//   trusts the bytes that it copies                 AFlippedBitIsFoundAndNamed…
//   trusts the bytes that were copied               ADamagedBackupIsNotRestored
//   a run that ends spoils the backup of before     ABackupThatLosesPower…
//   appends another log's blocks to a backup        ABackupIsOfOneLogsPast
//   keeps the epoch, or begins one twice            ARestoreBeginsAnEpoch…
//   restores one event too many, or tears a commit  RestoresToAPoint…
//   writes over a log                               ARestoreNeedsAnEmptyFolder
//   half a restore passes for a whole one           ARestoreThatLosesPower…
//   takes a lost position for one of the log        TellsALostPosition…
//   forgets an epoch that began in a closed segment TellsALostPosition…
//   keeps what retention removed from the log       WhatRetentionRemoved…
//   takes a compacted segment for damage            WhatRetentionRemoved…
//   half a copy of one spoils the backup of before  ACompactedSegment…
#include "services/bus/log/log_backup.h"

#include <string>

#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/bus/log/backup_manifest.h"
#include "services/bus/log/fsck.h"
#include "services/bus/log/segment_store.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_log.h"

namespace concordat::testing {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kSegmentBytes = 16 * 1024;

class LogBackupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(log_.Open(), IsOk());
    ASSERT_THAT(ReplaceWhole(places_, "cursors", "places"), IsOk());
  }
  // One commit each; event i is accepted at i seconds.
  void AppendMany(TestLog& log, uint64_t from, uint64_t to) {
    for (uint64_t i = from; i <= to; ++i) {
      TestEvent::Fields fields;
      fields.id = absl::StrFormat("id-%06u", i);
      fields.stream = "order/1";
      fields.person = static_cast<uint8_t>(i % 3);
      const TestEvent event(fields);
      ASSERT_THAT(log.Append({&event}, i * 1'000'000).written, IsOk());
    }
  }
  absl::StatusOr<bus::BackupReport> BackUp() {
    return bus::BackUpLog(log_.disk(), places_, backup_, [](uint64_t) {});
  }
  // Into an empty folder, which `restored_` then has.
  absl::StatusOr<bus::RestoreReport> Restore(
      const bus::RestorePoint& point = {}, int64_t second = 0) {
    auto disk = std::make_unique<FakeDisk>();
    const auto report =
        bus::RestoreLog(backup_, *disk, restored_places_, point, kSegmentBytes,
                        absl::FromUnixSeconds(second));
    restored_.set_disk(std::move(disk));
    restored_.DropIndex();
    return report;
  }
  void ExpectWhole(TestLog& log, uint64_t events) {
    SeededRandom random;
    const auto report = bus::CheckLog(log.disk(), &log.wrapping(), random);
    ASSERT_THAT(report, IsOk());
    EXPECT_THAT(report->fault, IsOk());
    EXPECT_EQ(report->events, events);
    EXPECT_EQ(report->opened, events);
    ASSERT_THAT(log.Open(), IsOk());
    const auto all = log.ReadAll();
    ASSERT_THAT(all, IsOk());
    ASSERT_EQ(all->size(), events);
    for (uint64_t i = 0; i < events; ++i) {
      EXPECT_EQ((*all)[i].header.id, absl::StrFormat("id-%06u", i + 1));
    }
  }

  // Every closed segment, down to each fifth event.
  void Compact(uint64_t now = 1'000'000'000) {
    for (const auto& segment : log_.log().ClosedBefore(UINT64_MAX)) {
      ASSERT_THAT(log_.log().Compact(
                      segment.number,
                      [](const bus::EventFacts& event) {
                        return event.sequence.value % 5 == 0;
                      },
                      now),
                  IsOk());
    }
  }
  // Restores, and how many of the events are removed in what comes of it.
  uint64_t RestoredAndRemoved(uint64_t events) {
    EXPECT_THAT(Restore(), IsOk());
    SeededRandom random;
    const auto report =
        bus::CheckLog(restored_.disk(), &restored_.wrapping(), random);
    EXPECT_THAT(report, IsOk());
    if (!report.ok()) return 0;
    EXPECT_THAT(report->fault, IsOk());
    EXPECT_EQ(report->events, events);
    EXPECT_EQ(report->opened + report->removed, events);
    EXPECT_THAT(restored_.Open(), IsOk());
    EXPECT_EQ(restored_.log().Status().removal.events, report->removed);
    return report->removed;
  }

  static TestLog::Options Small() {
    TestLog::Options options;
    options.segment_bytes = kSegmentBytes;
    return options;
  }
  TestLog log_ = TestLog(Small());
  TestLog restored_ = TestLog(Small());
  FakeDisk places_;
  FakeDisk restored_places_;
  FakeDisk backup_;
};

TEST_F(LogBackupTest, ABackupHoldsWhatIsDurable) {
  AppendMany(log_, 1, 60);
  ASSERT_GT(log_.log().Status().segments, 2u);
  const auto report = BackUp();
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->last_sequence, 60u);
  EXPECT_EQ(report->accepted_us, 60'000'000u);
  EXPECT_EQ(report->epoch, 1u);
  // The log goes on; the backup does not.
  AppendMany(log_, 61, 70);
  const auto restored = Restore();
  ASSERT_THAT(restored, IsOk());
  EXPECT_EQ(restored->last_sequence, 60u);
  EXPECT_EQ(restored->left_out, 0u);
  EXPECT_EQ(restored_places_.Contents("cursors"), "places");
  ExpectWhole(restored_, 60);
}

TEST_F(LogBackupTest, AnEmptyLogIsBackedUpToo) {
  ASSERT_THAT(BackUp(), IsOk());
  ASSERT_THAT(Restore(), IsOk());
  ExpectWhole(restored_, 0);
}

TEST_F(LogBackupTest, ASecondBackupCopiesWhatIsNew) {
  AppendMany(log_, 1, 100);
  const auto first = BackUp();
  ASSERT_THAT(first, IsOk());
  const auto again = BackUp();
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->copied_bytes, std::string("places").size());
  AppendMany(log_, 101, 130);
  ASSERT_THAT(ReplaceWhole(places_, "cursors", "further"), IsOk());
  const auto second = BackUp();
  ASSERT_THAT(second, IsOk());
  EXPECT_LT(second->copied_bytes, first->copied_bytes);
  EXPECT_EQ(second->last_sequence, 130u);
  ASSERT_THAT(Restore(), IsOk());
  EXPECT_EQ(restored_places_.Contents("cursors"), "further");
  ExpectWhole(restored_, 130);
}

TEST_F(LogBackupTest, WhatRetentionRemovedGoesFromTheNextBackup) {
  AppendMany(log_, 1, 60);
  ASSERT_THAT(BackUp(), IsOk());
  AppendMany(log_, 61, 130);  // The backup's last segment is closed, too.
  Compact();
  const uint64_t removed = log_.log().Status().removal.events;
  ASSERT_GT(removed, 60u);
  EXPECT_EQ(RestoredAndRemoved(60), 0u);  // Until then it has all.
  ASSERT_THAT(BackUp(), IsOk());
  EXPECT_EQ(RestoredAndRemoved(130), removed);
  // And again, when a case has closed.
  for (const auto& segment : log_.log().ClosedBefore(UINT64_MAX)) {
    ASSERT_THAT(
        log_.log().Compact(
            segment.number, [](const bus::EventFacts&) { return false; }, 1),
        IsOk());
  }
  AppendMany(log_, 131, 140);
  ASSERT_THAT(BackUp(), IsOk());
  EXPECT_EQ(RestoredAndRemoved(140), log_.log().Status().removal.events);
  const auto again = BackUp();
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->copied_bytes, std::string("places").size());
  // What was restored goes on, and is backed up.
  AppendMany(restored_, 141, 160);
  ASSERT_THAT(restored_.Open(), IsOk());
  EXPECT_EQ(restored_.ReadAll()->size(), 160u);
  FakeDisk fresh;
  EXPECT_THAT(bus::BackUpLog(restored_.disk(), places_, fresh, [](uint64_t) {}),
              IsOk());
}

TEST_F(LogBackupTest, ACompactedSegmentThatIsCopiedInPartSpoilsNothing) {
  AppendMany(log_, 1, 60);
  ASSERT_THAT(BackUp(), IsOk());
  AppendMany(log_, 61, 80);
  Compact();
  const uint64_t removed = log_.log().Status().removal.events;
  backup_.PowerCut(FakeDisk::Survives::kEverything, 1);
  for (uint64_t call = 1;; ++call) {
    SCOPED_TRACE(call);
    const std::unique_ptr<FakeDisk> copy = backup_.Copy();
    copy->LosePowerAt(copy->calls() + call);
    const bool done =
        bus::BackUpLog(log_.disk(), places_, *copy, [](uint64_t) {}).ok();
    copy->PowerCut(FakeDisk::Survives::kSomePages, call);
    auto disk = std::make_unique<FakeDisk>();
    const auto report = bus::RestoreLog(*copy, *disk, restored_places_, {},
                                        kSegmentBytes, absl::UnixEpoch());
    ASSERT_THAT(report, IsOk());
    // The last calls come when the new manifest is there.
    EXPECT_TRUE(report->last_sequence == 80u ||
                (!done && report->last_sequence == 60u))
        << report->last_sequence;
    SeededRandom random;
    const auto checked = bus::CheckLog(*disk, &log_.wrapping(), random);
    ASSERT_THAT(checked, IsOk());
    EXPECT_THAT(checked->fault, IsOk());
    EXPECT_EQ(checked->opened + checked->removed, report->last_sequence);
    // Run again, it does all.
    ASSERT_THAT(bus::BackUpLog(log_.disk(), places_, *copy, [](uint64_t) {}),
                IsOk());
    auto whole = std::make_unique<FakeDisk>();
    ASSERT_THAT(bus::RestoreLog(*copy, *whole, restored_places_, {},
                                kSegmentBytes, absl::UnixEpoch()),
                IsOk());
    const auto all = bus::CheckLog(*whole, &log_.wrapping(), random);
    ASSERT_THAT(all, IsOk());
    EXPECT_EQ(all->removed, removed);
    if (done || HasFailure()) break;
  }
}

TEST_F(LogBackupTest, AFlippedBitIsFoundAndNamedAndTheBackupOfBeforeIsKept) {
  AppendMany(log_, 1, 20);
  ASSERT_THAT(BackUp(), IsOk());
  AppendMany(log_, 21, 60);
  log_.disk().FlipBit(bus::SegmentName(2), 8 * 5000);
  const auto report = BackUp();
  EXPECT_THAT(report, HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(std::string(report.status().message()),
              HasSubstr("segment-00000002:"));
  ASSERT_THAT(Restore(), IsOk());
  ExpectWhole(restored_, 20);
}

TEST_F(LogBackupTest, ADamagedBackupIsNotRestored) {
  AppendMany(log_, 1, 60);
  ASSERT_THAT(BackUp(), IsOk());
  const auto whole = backup_.Copy();
  const auto names = whole->List();
  ASSERT_THAT(names, IsOk());
  for (const std::string& name : *names) {
    SCOPED_TRACE(name);
    const std::string bytes = whole->Contents(name);
    backup_.Overwrite(name, bytes);
    backup_.FlipBit(name, 8 * (bytes.size() / 2));
    const auto restored = Restore();
    if (restored.ok()) {
      // Made anew from the segment.
      EXPECT_THAT(name,
                  ::testing::AnyOf(HasSubstr(".index"), HasSubstr(".spines")));
      ExpectWhole(restored_, 60);
    } else {
      EXPECT_THAT(restored, HasCode(absl::StatusCode::kDataLoss));
      EXPECT_THAT(std::string(restored.status().message()), HasSubstr(name));
    }
    backup_.Overwrite(name, bytes);
    restored_places_.Remove("cursors").IgnoreError();
  }
  EXPECT_THAT(Restore(), IsOk());
}

TEST_F(LogBackupTest, ABackupThatLosesPowerAtAnyStepLeavesTheOneBefore) {
  AppendMany(log_, 1, 30);
  ASSERT_THAT(BackUp(), IsOk());
  ASSERT_THAT(ReplaceWhole(places_, "cursors", "further"), IsOk());
  AppendMany(log_, 31, 60);
  const auto before = backup_.Copy();
  for (uint64_t step = 1;; ++step) {
    SCOPED_TRACE(step);
    const auto disk = before->Copy();
    disk->LosePowerAt(step);
    const bool done =
        bus::BackUpLog(log_.disk(), places_, *disk, [](uint64_t) {}).ok();
    disk->PowerCut(FakeDisk::Survives::kSomeSectors, step);
    FakeDisk log;
    FakeDisk places;
    const auto restored = bus::RestoreLog(*disk, log, places, {}, kSegmentBytes,
                                          absl::UnixEpoch());
    ASSERT_THAT(restored, IsOk());
    EXPECT_EQ(places.Contents("cursors"),
              restored->last_sequence == 60 ? "further" : "places");
    EXPECT_TRUE(restored->last_sequence == 60 ||
                (!done && restored->last_sequence == 30));
    // And it can be run again.
    const auto again =
        bus::BackUpLog(log_.disk(), places_, *disk, [](uint64_t) {});
    ASSERT_THAT(again, IsOk());
    EXPECT_EQ(again->last_sequence, 60u);
    if (done) break;
    ASSERT_LT(step, 500u);
  }
}

TEST_F(LogBackupTest, ABackupIsOfOneLogsPast) {
  AppendMany(log_, 1, 60);
  ASSERT_THAT(BackUp(), IsOk());
  // The same log, restored to an earlier point and gone on: another past.
  ASSERT_THAT(Restore({.sequence = 40}), IsOk());
  ASSERT_THAT(restored_.Open(), IsOk());
  AppendMany(restored_, 41, 90);
  EXPECT_THAT(
      bus::BackUpLog(restored_.disk(), places_, backup_, [](uint64_t) {}),
      HasCode(absl::StatusCode::kFailedPrecondition));
  // Another log.
  TestLog::Options options = Small();
  options.seed = 2;
  TestLog other(options);
  ASSERT_THAT(other.Open(), IsOk());
  AppendMany(other, 1, 90);
  EXPECT_THAT(bus::BackUpLog(other.disk(), places_, backup_, [](uint64_t) {}),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(LogBackupTest, RestoresToAPointByNumberAndByTime) {
  AppendMany(log_, 1, 50);
  const TestEvent first({.id = "id-000051", .stream = "order/1", .person = 1});
  const TestEvent second({.id = "id-000052", .stream = "order/1", .person = 1});
  ASSERT_THAT(log_.Append({&first, &second}, 52'000'000).written, IsOk());
  AppendMany(log_, 53, 60);
  ASSERT_THAT(BackUp(), IsOk());
  for (const auto& [point, last] :
       std::vector<std::pair<bus::RestorePoint, uint64_t>>{
           {{.sequence = 60}, 60},
           {{.sequence = 1}, 1},
           {{.sequence = 0}, 0},
           {{.sequence = 52}, 52},
           // A commit is there whole or not at all.
           {{.sequence = 51}, 50},
           {{.accepted_us = 52'000'000}, 52},
           {{.accepted_us = 51'999'999}, 50},
           {{.accepted_us = 99'000'000}, 60}}) {
    SCOPED_TRACE(last);
    const auto restored = Restore(point);
    ASSERT_THAT(restored, IsOk());
    EXPECT_EQ(restored->last_sequence, last);
    EXPECT_EQ(restored->left_out, 60 - last);
    ExpectWhole(restored_, last);
  }
  EXPECT_THAT(Restore({.sequence = 61}),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(LogBackupTest, ARestoreBeginsAnEpochThatNoOtherRestoreBegins) {
  AppendMany(log_, 1, 20);
  ASSERT_THAT(BackUp(), IsOk());
  EXPECT_EQ(Restore({}, 1'700'000'000)->epoch, 1'700'000'000u);
  EXPECT_EQ(Restore({}, 1'700'000'060)->epoch, 1'700'000'060u);
  // A clock that is wrong does not take it back.
  EXPECT_EQ(Restore({}, 0)->epoch, 2u);
}

TEST_F(LogBackupTest, ARestoreNeedsAnEmptyFolder) {
  AppendMany(log_, 1, 20);
  ASSERT_THAT(BackUp(), IsOk());
  const std::string before = log_.disk().Contents(bus::SegmentName(1));
  EXPECT_THAT(bus::RestoreLog(backup_, log_.disk(), restored_places_, {},
                              kSegmentBytes, absl::UnixEpoch()),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(log_.disk().Contents(bus::SegmentName(1)), before);
  FakeDisk nothing;
  EXPECT_THAT(
      bus::RestoreLog(nothing, *std::make_unique<FakeDisk>(), restored_places_,
                      {}, kSegmentBytes, absl::UnixEpoch()),
      HasCode(absl::StatusCode::kNotFound));
}

TEST_F(LogBackupTest, PlacesThatAreThereAreKept) {
  AppendMany(log_, 1, 20);
  ASSERT_THAT(BackUp(), IsOk());
  ASSERT_THAT(ReplaceWhole(restored_places_, "cursors", "newer"), IsOk());
  ASSERT_THAT(Restore(), IsOk());
  EXPECT_EQ(restored_places_.Contents("cursors"), "newer");
}

TEST_F(LogBackupTest, ARestoreThatLosesPowerAtAnyStepIsNotTakenForWhole) {
  AppendMany(log_, 1, 40);
  ASSERT_THAT(BackUp(), IsOk());
  for (uint64_t step = 1;; ++step) {
    SCOPED_TRACE(step);
    auto disk = std::make_unique<FakeDisk>();
    disk->LosePowerAt(step);
    const auto restored = bus::RestoreLog(backup_, *disk, restored_places_, {},
                                          kSegmentBytes, absl::UnixEpoch());
    disk->PowerCut(FakeDisk::Survives::kSomeSectors, step);
    if (restored.ok()) {
      restored_.set_disk(std::move(disk));
      ExpectWhole(restored_, 40);
      break;
    }
    // Its caller gives the folder the log's name after an OK alone.
    ASSERT_LT(step, 500u);
  }
}

TEST_F(LogBackupTest, TellsALostPositionFromOneOfTheLog) {
  AppendMany(log_, 1, 60);
  const bus::LogStatus before = log_.log().Status();
  ASSERT_THAT(BackUp(), IsOk());
  // Once in a segment that is closed by what follows, once in the open one.
  ASSERT_THAT(Restore({.sequence = 20}, 100), IsOk());
  ASSERT_THAT(restored_.Open(), IsOk());
  AppendMany(restored_, 21, 80);
  for (const bool again : {false, true}) {
    SCOPED_TRACE(again);
    if (again) ASSERT_THAT(restored_.Open(), IsOk());
    const bus::LogStatus now = restored_.log().Status();
    EXPECT_EQ(now.epoch, 100u);
    const auto is_of_log = [&](uint32_t epoch, uint64_t sequence) {
      return bus::IsOfLog(now, before.log_id, epoch, {sequence});
    };
    EXPECT_TRUE(is_of_log(1, 0));
    EXPECT_TRUE(is_of_log(1, 20));
    EXPECT_FALSE(is_of_log(1, 21));
    EXPECT_FALSE(is_of_log(1, 60));
    EXPECT_TRUE(is_of_log(100, 20));
    EXPECT_TRUE(is_of_log(100, 80));
    EXPECT_FALSE(is_of_log(100, 81));
    EXPECT_FALSE(is_of_log(99, 10));
    EXPECT_FALSE(
        bus::IsOfLog(now, std::string(16, 'x'), now.epoch, Sequence{10}));
  }
}

TEST(BackupManifestTest, IsReadBackAndAnyOtherByteIsDamage) {
  bus::BackupManifest manifest;
  manifest.log_id = {1, 2, 3};
  manifest.accepted_us = 7;
  bus::BackupManifest::Segment segment;
  segment.bytes = 100;
  segment.last_block = 4;
  segment.end = {manifest.log_id, 3, 42, 40, {9, 8}};
  manifest.segments = {segment};
  manifest.taken = {{"segment-00000001.index", "", 5, {4}},
                    {"place-00", "cursors", 6, {5}}};
  const std::string text = bus::EncodeManifest(manifest);
  const auto read = bus::DecodeManifest(text);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(bus::EncodeManifest(*read), text);
  EXPECT_EQ(read->last_sequence(), 41u);
  EXPECT_EQ(read->taken[1].place, "cursors");
  for (size_t at = 0; at + 1 < text.size(); ++at) {
    std::string other = text;
    other[at] = static_cast<char>(other[at] ^ 1);
    EXPECT_THAT(bus::DecodeManifest(other),
                HasCode(absl::StatusCode::kDataLoss))
        << at;
  }
}

}  // namespace
}  // namespace concordat::testing
