// Mutants, each with the test that catches it:
//   OK before the sync                     LosesNothingWhenPowerGoes
//   goes on after a failed write           TakesNothingMoreAfterAFailedWrite
//   a file goes with sets not done with    LosesNothingWhenPowerGoes
//   files come back out of order           LosesNothingWhenPowerGoes
//   only the newest file is read           GivesEverythingInOrderOverManyFiles
//   a set given twice, or left out         GivesEverythingInOrderOverManyFiles
//   files are never removed                WhatIsDoneWithLeavesTheDisk
//   a lost file or set is stepped over     AMissingSetIsNoSecret
//   the bound counts nothing               RefusesWhatIsOverItsBound
//   one bad set blocks all after it        RefusesWhatNobodyCouldReadAgain
//   refused sets forgotten, or unbounded   KeepsWhatWasRefused
//   what is dropped stays in the file      WhatIsDroppedLeavesTheDisk
//   sealed with nothing                    NothingOnDiskCanBeRead
#include "services/common/publish_spool/publish_spool.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_disk.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using concordat::testing::FakeDisk;
using concordat::testing::HasCode;
using concordat::testing::IsOk;
using concordat::testing::SeededRandom;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kKey(32, 'k');

Event Made(uint64_t n, size_t bytes = 20) {
  Event event;
  event.header.source = "urn:concordat:police-scotland:rms";
  event.header.type = "concordat.police.v1.AddressChanged";
  event.header.controller = "police-scotland";
  event.header.id = absl::StrCat("e-", n);
  event.header.stream = "record/1";
  event.groups.push_back({1, std::string(bytes, 'x')});
  event.digest[0] = static_cast<uint8_t>(n);
  event.seed[1] = static_cast<uint8_t>(n);
  return event;
}

class PublishSpoolTest : public ::testing::Test {
 protected:
  absl::Status Open() {
    spool_.reset();
    auto opened = PublishSpool::Open(disk_, kKey, random_, limits_);
    if (opened.ok()) spool_ = *std::move(opened);
    return opened.status();
  }
  absl::Status Add(size_t bytes = 20) {
    const auto added = spool_->Add({Made(next_, bytes)}, 1000 + next_);
    if (added.ok()) ++next_;
    return added.status();
  }
  std::vector<std::string> Names() const { return *disk_.List(); }
  // Ids of all that Next() gives.
  std::vector<std::string> Rest() {
    std::vector<std::string> ids;
    while (true) {
      const auto set = spool_->Next();
      EXPECT_THAT(set, IsOk());
      if (!set.ok() || !set->has_value()) return ids;
      for (const Event& event : (*set)->events) ids.push_back(event.header.id);
    }
  }

  FakeDisk disk_;
  SeededRandom random_;
  SpoolLimits limits_;
  std::unique_ptr<PublishSpool> spool_;
  uint64_t next_ = 1;
};

TEST_F(PublishSpoolTest, GivesASetAsItCame) {
  ASSERT_THAT(Open(), IsOk());
  Event first = Made(1);
  first.header.on_behalf_of = "s-12";
  first.header.expected_version = Sequence{7};
  first.groups.push_back({3, "three"});
  ASSERT_THAT(spool_->Add({first, Made(2)}, 55), IsOk());
  ASSERT_THAT(Open(), IsOk());
  const auto set = spool_->Next();
  ASSERT_THAT(set, IsOk());
  ASSERT_TRUE(set->has_value());
  EXPECT_EQ((*set)->number, 1);
  EXPECT_EQ((*set)->taken_us, 55);
  ASSERT_EQ((*set)->events.size(), 2);
  const Event& read = (*set)->events[0];
  EXPECT_EQ(read.header.id, "e-1");
  EXPECT_EQ(read.header.on_behalf_of, "s-12");
  EXPECT_EQ(read.header.expected_version, Sequence{7});
  EXPECT_EQ(read.seed, first.seed);
  EXPECT_EQ(read.digest, first.digest);
  ASSERT_EQ(read.groups.size(), 2);
  EXPECT_EQ(read.groups[1].number, 3);
  EXPECT_EQ(read.groups[1].data, "three");
}

TEST_F(PublishSpoolTest, GivesEverythingInOrderOverManyFiles) {
  limits_.file_bytes = 2000;
  ASSERT_THAT(Open(), IsOk());
  std::vector<std::string> ids;
  for (int i = 1; i <= 100; ++i) {
    ASSERT_THAT(Add(), IsOk());
    ids.push_back(absl::StrCat("e-", i));
  }
  EXPECT_GT(Names().size(), 5);
  EXPECT_EQ(Rest(), ids);
  spool_->Rewind();
  EXPECT_EQ(Rest(), ids);
  ASSERT_THAT(Open(), IsOk());
  EXPECT_EQ(spool_->waiting(), 100);
  EXPECT_EQ(spool_->oldest_taken_us(), 1001);
  // Read while more comes: from the files, then from what was just added.
  std::vector<std::string> seen;
  while (seen.size() < 100) {
    const auto set = spool_->Next();
    ASSERT_TRUE(set.ok() && set->has_value());
    seen.push_back((*set)->events[0].header.id);
    ASSERT_THAT(spool_->Done(), IsOk());
    if (seen.size() % 3 == 0) {
      ASSERT_THAT(Add(), IsOk());
      ids.push_back(absl::StrCat("e-", next_ - 1));
    }
  }
  for (const std::string& id : Rest()) seen.push_back(id);
  EXPECT_EQ(seen, ids);
}

TEST_F(PublishSpoolTest, WhatIsDoneWithLeavesTheDisk) {
  limits_.file_bytes = 1000;
  ASSERT_THAT(Open(), IsOk());
  for (int i = 0; i < 50; ++i) ASSERT_THAT(Add(), IsOk());
  const uint64_t full = spool_->bytes();
  Rest();
  for (int i = 0; i < 40; ++i) ASSERT_THAT(spool_->Done(), IsOk());
  EXPECT_LT(spool_->bytes(), full / 3);
  for (int i = 0; i < 10; ++i) ASSERT_THAT(spool_->Done(), IsOk());
  ASSERT_THAT(spool_->Tidy(), IsOk());
  EXPECT_EQ(spool_->bytes(), 0);
  EXPECT_THAT(Names(), ElementsAre("refused"));
  // And goes on.
  ASSERT_THAT(Add(), IsOk());
  EXPECT_THAT(Rest(), ElementsAre("e-51"));
}

// At each call that changes the disk, in turn, the power goes: whatever was
// answered OK and is not done with is there afterwards, in order.
TEST_F(PublishSpoolTest, LosesNothingWhenPowerGoes) {
  limits_.file_bytes = 600;
  for (uint64_t call = 1; call < 120; ++call) {
    for (const auto survives :
         {FakeDisk::Survives::kNothing, FakeDisk::Survives::kSomeSectors,
          FakeDisk::Survives::kEverything}) {
      SCOPED_TRACE(absl::StrCat("call ", call));
      disk_.PowerCut(FakeDisk::Survives::kNothing, 1);
      for (const std::string& name : Names()) disk_.Drop(name);
      next_ = 1;
      ASSERT_THAT(Open(), IsOk());
      disk_.LosePowerAt(disk_.calls() + call);
      uint64_t taken = 0;
      uint64_t done = 0;
      for (int i = 0; i < 30; ++i) {
        if (!Add().ok()) break;
        ++taken;
        if (i % 2 == 0) continue;
        const auto set = spool_->Next();
        if (!set.ok() || !set->has_value()) break;
        ++done;  // Whether or not its file could be removed.
        if (!spool_->Done().ok()) break;
      }
      disk_.PowerCut(survives, call);
      ASSERT_THAT(Open(), IsOk());
      const std::vector<std::string> ids = Rest();
      uint64_t first = 0;
      if (!ids.empty()) {
        ASSERT_TRUE(absl::SimpleAtoi(ids.front().substr(2), &first));
      }
      // Sets that are done with may come again; none that is not may be gone.
      EXPECT_LE(taken == done ? 0 : first, done + 1);
      for (size_t i = 0; i < ids.size(); ++i) {
        EXPECT_EQ(ids[i], absl::StrCat("e-", first + i));
      }
      EXPECT_GE(first + ids.size(), taken == done ? 0 : taken + 1);
    }
  }
}

TEST_F(PublishSpoolTest, TakesNothingMoreAfterAFailedWrite) {
  ASSERT_THAT(Open(), IsOk());
  ASSERT_THAT(Add(), IsOk());
  disk_.FailCall(disk_.calls() + 2, absl::StatusCode::kUnavailable);
  EXPECT_THAT(Add(), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Add(), HasCode(absl::StatusCode::kUnavailable));
  ASSERT_THAT(Open(), IsOk());
  EXPECT_THAT(Add(), IsOk());
}

TEST_F(PublishSpoolTest, AMissingSetIsNoSecret) {
  limits_.file_bytes = 1000;
  ASSERT_THAT(Open(), IsOk());
  for (int i = 0; i < 30; ++i) ASSERT_THAT(Add(), IsOk());
  const std::vector<std::string> names = Names();
  disk_.Drop(names[2]);
  absl::Status status = Open();
  while (status.ok()) {
    const auto set = spool_->Next();
    status = set.status();
    ASSERT_FALSE(set.ok() && !set->has_value()) << "the gap was stepped over";
  }
  EXPECT_THAT(status, HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(std::string(status.message()), HasSubstr("missing"));
}

TEST_F(PublishSpoolTest, RefusesWhatIsOverItsBound) {
  limits_.bytes_max = 3000;
  ASSERT_THAT(Open(), IsOk());
  absl::Status status;
  while (status.ok()) status = Add(200);
  EXPECT_THAT(status, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_LE(spool_->bytes(), 3000);
  EXPECT_GT(spool_->waiting(), 5);
  Rest();
  while (spool_->waiting() > 0) ASSERT_THAT(spool_->Done(), IsOk());
  ASSERT_THAT(spool_->Tidy(), IsOk());
  EXPECT_THAT(Add(200), IsOk());
}

TEST_F(PublishSpoolTest, RefusesWhatNobodyCouldReadAgain) {
  ASSERT_THAT(Open(), IsOk());
  Event bad = Made(1);
  bad.header.id.clear();
  EXPECT_THAT(spool_->Add({bad}, 1),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(spool_->Add({}, 1), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(spool_->Add(std::vector<Event>(257, Made(1)), 1),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(spool_->waiting(), 0);
}

TEST_F(PublishSpoolTest, KeepsWhatWasRefused) {
  limits_.refused_bytes_max = 500;
  ASSERT_THAT(Open(), IsOk());
  for (int i = 0; i < 4; ++i) ASSERT_THAT(Add(100), IsOk());
  Rest();
  PublishOutcome outcome;
  outcome.refusal = bus::v1::REFUSAL_FIELD_RULE;
  outcome.detail = "address: missing";
  ASSERT_THAT(spool_->Refuse(0, outcome, 99), IsOk());
  ASSERT_THAT(spool_->Done(), IsOk());
  EXPECT_THAT(spool_->Refuse(0, outcome, 99),
              HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(spool_->waiting(), 2);
  ASSERT_THAT(Open(), IsOk());
  ASSERT_EQ(spool_->refused().size(), 1);
  EXPECT_EQ(spool_->refused()[0].set().taken_at(), 1001);
  EXPECT_EQ(spool_->refused()[0].refused_at(), 99);
  EXPECT_EQ(spool_->refused()[0].detail(), "address: missing");
  // It goes again, as the newest.
  ASSERT_THAT(spool_->Retry(0, 2000), IsOk());
  EXPECT_EQ(spool_->refused().size(), 0);
  EXPECT_EQ(Rest().back(), "e-1");
  ASSERT_THAT(Open(), IsOk());
  EXPECT_EQ(spool_->refused().size(), 0);
  EXPECT_THAT(spool_->Drop(0), HasCode(absl::StatusCode::kOutOfRange));
}

TEST_F(PublishSpoolTest, WhatIsDroppedLeavesTheDisk) {
  ASSERT_THAT(Open(), IsOk());
  ASSERT_THAT(Add(1000), IsOk());
  ASSERT_THAT(Add(100), IsOk());
  Rest();
  PublishOutcome outcome;
  outcome.refusal = bus::v1::REFUSAL_FIELD_RULE;
  ASSERT_THAT(spool_->Refuse(0, outcome, 99), IsOk());
  ASSERT_THAT(spool_->Done(), IsOk());
  ASSERT_THAT(spool_->Tidy(), IsOk());
  EXPECT_THAT(Names(), ElementsAre("refused"));
  EXPECT_GT(disk_.Contents("refused").size(), 1000u);
  ASSERT_THAT(spool_->Drop(0), IsOk());
  EXPECT_THAT(Names(), ElementsAre("refused"));
  EXPECT_LT(disk_.Contents("refused").size(), 100u);
  ASSERT_THAT(Open(), IsOk());
  EXPECT_EQ(spool_->refused().size(), 0);
}

TEST_F(PublishSpoolTest, NothingOnDiskCanBeRead) {
  ASSERT_THAT(Open(), IsOk());
  ASSERT_THAT(Add(100), IsOk());
  for (const std::string& name : Names()) {
    EXPECT_THAT(disk_.Contents(name), Not(HasSubstr("xxxx")));
    EXPECT_THAT(disk_.Contents(name), Not(HasSubstr("police")));
  }
  spool_.reset();
  EXPECT_THAT(PublishSpool::Open(disk_, std::string(32, 'j'), random_),
              HasCode(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace concordat
