// Mutant                                            Caught by
// a failure, or a restore, goes when it is long     WhatIsLongLosesBackupsAlone
// what failed reads as done                         EachActIsALine
// a reason breaks out of its text                   EachActIsALine
// what is noted takes the place of what was         WhatIsNotedStays
#include "services/bus/log/backup_record.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_disk.h"
#include "tests/support/status_matchers.h"

namespace concordat::bus {
namespace {

using concordat::testing::IsOk;
using ::testing::HasSubstr;

BackupActed Done(absl::string_view act, uint64_t sequence) {
  BackupActed acted;
  acted.act = act;
  acted.at = absl::UnixEpoch();
  acted.took = absl::Milliseconds(1500);
  acted.sequence = sequence;
  acted.accepted_us = 1'000'000;
  return acted;
}

TEST(BackupRecordTest, EachActIsALine) {
  EXPECT_EQ(EncodeBackupActed(Done("backup", 7)),
            "{\"act\":\"backup\",\"done\":true,\"at\":\"1970-01-01T00:00:00Z\","
            "\"seconds\":1.5,\"sequence\":7,\"accepted_time\":"
            "\"1970-01-01T00:00:01Z\"}\n");
  BackupActed restored = Done("restore", 7);
  restored.opened = true;
  EXPECT_THAT(EncodeBackupActed(restored), HasSubstr(",\"opened\":true}"));
  BackupActed failed = Done("restore", 7);
  failed.status = absl::DataLossError("\"segment-1\\\n\":40");
  const std::string line = EncodeBackupActed(failed);
  EXPECT_THAT(line, HasSubstr("\"done\":false"));
  EXPECT_THAT(line, HasSubstr("\"failed\":\"\\\"segment-1\\\\ \\\":40\"}\n"));
  EXPECT_FALSE(absl::StrContains(line, "sequence"));
}

TEST(BackupRecordTest, WhatIsLongLosesBackupsAlone) {
  std::string record;
  BackupActed failed = Done("backup", 0);
  failed.status = absl::UnavailableError("the disk is full");
  constexpr size_t kMax = 2000;
  record = AddBackupActed(record, failed, kMax);
  record = AddBackupActed(record, Done("restore", 1), kMax);
  for (uint64_t i = 2; i < 100; ++i) {
    record = AddBackupActed(record, Done("backup", i), kMax);
    ASSERT_LE(record.size(), kMax);
  }
  EXPECT_THAT(record, HasSubstr("the disk is full"));
  EXPECT_THAT(record, HasSubstr("\"act\":\"restore\""));
  EXPECT_THAT(record, HasSubstr("\"sequence\":99,"));
  EXPECT_FALSE(absl::StrContains(record, "\"sequence\":2,"));
}

TEST(BackupRecordTest, WhatIsNotedStays) {
  concordat::testing::FakeDisk disk;
  ASSERT_THAT(NoteBackupActed(disk, Done("backup", 7)), IsOk());
  ASSERT_THAT(NoteBackupActed(disk, Done("restore", 8)), IsOk());
  const auto record = ReadWhole(disk, kBackupRecordName);
  ASSERT_THAT(record, IsOk());
  EXPECT_EQ(std::count(record->begin(), record->end(), '\n'), 2);
}

}  // namespace
}  // namespace concordat::bus
