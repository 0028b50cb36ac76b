// Records that are only appended, on a disk that loses power, tears and rots.
//
// Mutant                                           Caught by
// the sync is left out                             WhatWasAnsweredSurvivesAPowerCut
// a torn end is served, or refused                 WhatWasAnsweredSurvivesAPowerCut
// what comes after a torn end lies behind it       WhatWasAnsweredSurvivesAPowerCut
// a flipped bit passes                             AFlippedBitIsFound
// the hash of the block before is not looked at    AChangedBlockBreaksTheChain
// a file that is missing passes                    AMissingFileIsFound
// appends go on after a failed sync                AFailedSyncEndsIt
// who reads mends, or takes what is half there     WhoReadsChangesNothing
// numbers begin anew in the next file              FilesFollowOneAnother
// a place is read from the file's beginning        ReadsFromNearWhereItIsAskedTo
// a copy misses what came since, or another's      ACopyGoesOnWithItsOwnAlone
#include "services/common/storage/record_chain.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_disk.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::concordat::testing::FakeDisk;
using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kFirst[] = "records-00000001";

std::vector<std::string> ReadAll(const RecordChain& chain, uint64_t first = 0) {
  std::vector<std::string> records;
  uint64_t next = first;
  EXPECT_THAT(chain.Read(first,
                         [&](uint64_t number, absl::string_view bytes) {
                           EXPECT_EQ(number, next++);
                           records.emplace_back(bytes);
                           return absl::OkStatus();
                         }),
              IsOk());
  return records;
}

std::unique_ptr<RecordChain> OpenChain(FakeDisk& disk,
                                       uint64_t file_bytes = 1 << 20) {
  auto chain = RecordChain::Open(disk, file_bytes);
  EXPECT_THAT(chain, IsOk());
  return *std::move(chain);
}

TEST(RecordChainTest, ReadsWhatWasAppended) {
  FakeDisk disk;
  auto chain = OpenChain(disk);
  EXPECT_THAT(ReadAll(*chain), IsEmpty());
  ASSERT_THAT(chain->Append({"a", ""}), IsOk());
  ASSERT_THAT(chain->Append({"b"}), IsOk());
  EXPECT_THAT(ReadAll(*chain), ElementsAre("a", "", "b"));
  EXPECT_THAT(ReadAll(*chain, 2), ElementsAre("b"));
  EXPECT_THAT(ReadAll(*chain, 3), IsEmpty());
  EXPECT_EQ(chain->size(), 3u);
  const Sha256Hash head = chain->head();
  chain = OpenChain(disk);
  EXPECT_EQ(chain->head(), head);
  EXPECT_THAT(ReadAll(*chain), ElementsAre("a", "", "b"));
  EXPECT_THAT(
      chain->Append({std::string(RecordChain::kRecordBytesMax + 1, 'x')}),
      HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(RecordChainTest, WhatWasAnsweredSurvivesAPowerCut) {
  // The power goes at each call in turn, and leaves what it likes.
  for (uint64_t call = 1; call < 12; ++call) {
    for (const auto survives :
         {FakeDisk::Survives::kNothing, FakeDisk::Survives::kEverything,
          FakeDisk::Survives::kSomeSectors}) {
      FakeDisk disk;
      std::vector<std::string> answered;
      std::vector<std::string> tried;
      disk.LosePowerAt(call);
      auto opened = RecordChain::Open(disk, 4096);
      for (int i = 0; opened.ok() && i < 4; ++i) {
        const std::string record(900, static_cast<char>('a' + i));
        tried.push_back(record);
        if ((*opened)->Append({record}).ok()) answered.push_back(record);
      }
      disk.PowerCut(survives, call);
      auto chain = OpenChain(disk, 4096);
      std::vector<std::string> there = ReadAll(*chain);
      ASSERT_GE(there.size(), answered.size());
      ASSERT_LE(there.size(), tried.size());
      for (size_t i = 0; i < there.size(); ++i) EXPECT_EQ(there[i], tried[i]);
      ASSERT_THAT(chain->Append({"after"}), IsOk());
      chain = OpenChain(disk, 4096);
      there.push_back("after");
      EXPECT_EQ(ReadAll(*chain), there);
    }
  }
}

TEST(RecordChainTest, AFlippedBitIsFound) {
  FakeDisk disk;
  {
    auto chain = OpenChain(disk);
    ASSERT_THAT(chain->Append({"one"}), IsOk());
    ASSERT_THAT(chain->Append({"two"}), IsOk());
  }
  const uint64_t first_block = 56 + 4 + 3;
  for (uint64_t bit = 0; bit < first_block * 8; ++bit) {
    const auto copy = disk.Copy();
    copy->FlipBit(kFirst, bit);
    EXPECT_THAT(RecordChain::Open(*copy), HasCode(absl::StatusCode::kDataLoss))
        << bit;
  }
}

TEST(RecordChainTest, AChangedBlockBreaksTheChain) {
  FakeDisk disk;
  FakeDisk other;
  auto chain = OpenChain(disk);
  auto forged = OpenChain(other);
  ASSERT_THAT(chain->Append({"one"}), IsOk());
  ASSERT_THAT(forged->Append({"uno"}), IsOk());
  ASSERT_THAT(chain->Append({"two"}), IsOk());
  // A block with a good checksum of its own, in the place of the first.
  std::string bytes = disk.Contents(kFirst);
  const std::string block = other.Contents(kFirst).substr(0, 56 + 4 + 3);
  bytes.replace(0, block.size(), block);
  disk.Overwrite(kFirst, bytes);
  EXPECT_THAT(RecordChain::Open(disk), HasCode(absl::StatusCode::kDataLoss));
}

TEST(RecordChainTest, FilesFollowOneAnother) {
  FakeDisk disk;
  std::vector<std::string> all;
  for (int i = 0; i < 6; ++i) {
    auto chain = OpenChain(disk, 100);
    all.push_back(std::string(60, static_cast<char>('a' + i)));
    ASSERT_THAT(chain->Append({all.back()}), IsOk());
    EXPECT_EQ(ReadAll(*chain), all);
    EXPECT_THAT(ReadAll(*chain, static_cast<uint64_t>(i)),
                ElementsAre(all.back()));
  }
  EXPECT_EQ(disk.List()->size(), 6u);
}

TEST(RecordChainTest, ReadsFromNearWhereItIsAskedTo) {
  FakeDisk disk;
  std::vector<std::string> all;
  auto chain = OpenChain(disk, 4 << 20);
  for (int i = 0; i < 20; ++i) {
    all.push_back(std::string(100 << 10, static_cast<char>('a' + i)));
    ASSERT_THAT(chain->Append({all.back(), "short"}), IsOk());
    all.emplace_back("short");
  }
  for (const bool again : {false, true}) {
    if (again) chain = OpenChain(disk, 4 << 20);
    for (uint64_t first = 0; first <= all.size(); ++first) {
      EXPECT_EQ(ReadAll(*chain, first),
                std::vector<std::string>(
                    all.begin() + static_cast<ptrdiff_t>(first), all.end()));
    }
  }
  // The first block rots: who reads from the last records on does not see it.
  disk.FlipBit(kFirst, 800);
  EXPECT_EQ(ReadAll(*chain, 38).size(), 2u);
  EXPECT_THAT(
      chain->Read(0,
                  [](uint64_t, absl::string_view) { return absl::OkStatus(); }),
      HasCode(absl::StatusCode::kDataLoss));
}

TEST(RecordChainTest, AMissingFileIsFound) {
  FakeDisk disk;
  auto chain = OpenChain(disk, 10);
  for (int i = 0; i < 3; ++i) ASSERT_THAT(chain->Append({"record"}), IsOk());
  disk.Drop("records-00000002");
  EXPECT_THAT(RecordChain::Open(disk), HasCode(absl::StatusCode::kDataLoss));
}

TEST(RecordChainTest, WhoReadsChangesNothing) {
  FakeDisk disk;
  auto chain = OpenChain(disk);
  ASSERT_THAT(chain->Append({"one"}), IsOk());
  std::string bytes = disk.Contents(kFirst);
  bytes += "half of a block";
  disk.Overwrite(kFirst, bytes);
  const uint64_t calls = disk.calls();
  auto reader = RecordChain::OpenToRead(disk);
  ASSERT_THAT(reader, IsOk());
  EXPECT_THAT(ReadAll(**reader), ElementsAre("one"));
  EXPECT_THAT((*reader)->Append({"two"}),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(disk.calls(), calls);
  EXPECT_EQ(disk.Contents(kFirst), bytes);
}

TEST(RecordChainTest, AFailedSyncEndsIt) {
  FakeDisk disk;
  auto chain = OpenChain(disk);
  ASSERT_THAT(chain->Append({"one"}), IsOk());
  disk.FailCall(disk.calls() + 2, absl::StatusCode::kUnavailable);
  EXPECT_THAT(chain->Append({"two"}), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(chain->Append({"three"}),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(ReadAll(*chain), ElementsAre("one"));
}

TEST(RecordChainTest, ACopyGoesOnWithItsOwnAlone) {
  FakeDisk disk, copy, other;
  auto chain = OpenChain(disk, 256);
  EXPECT_EQ(*CopyRecords(disk, copy), 0u);
  for (int i = 0; i < 30; ++i) {
    ASSERT_THAT(chain->Append({std::string(60, static_cast<char>('a' + i))}),
                IsOk());
    if (i % 7 == 0) {
      EXPECT_EQ(*CopyRecords(disk, copy), chain->size());
    }
  }
  EXPECT_EQ(*CopyRecords(disk, copy), 30u);
  EXPECT_EQ(*CopyRecords(disk, copy), 30u);
  auto copied = RecordChain::OpenToRead(copy);
  ASSERT_THAT(copied, IsOk());
  EXPECT_EQ(ReadAll(**copied), ReadAll(*chain));
  // One that was begun anew does not take its place.
  auto anew = OpenChain(other, 256);
  EXPECT_THAT(CopyRecords(other, copy), HasCode(absl::StatusCode::kDataLoss));
  for (int i = 0; i < 40; ++i) ASSERT_THAT(anew->Append({"x"}), IsOk());
  EXPECT_THAT(CopyRecords(other, copy), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_EQ(ReadAll(**RecordChain::OpenToRead(copy)), ReadAll(*chain));
}

}  // namespace
}  // namespace concordat
