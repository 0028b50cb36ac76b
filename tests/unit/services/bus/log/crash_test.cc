// The log on a disk that loses power, fails, fills and rots.
//
// Mutants of services/bus/log tried by hand, and a test that catches each (J:
// judgement_test.cc, S: segment_index_test.cc, F: fsck_test.cc, L:
// durable_event_log_test.cc, K: key test of judgement_test.cc):
//
//   no sync after the write              PowerCutAtEveryStep…
//   tail not synced again at open        WhatAnOpeningServedSurvives…
//   last block not written again         …ServedAfterAFailedSyncSurvivesToo
//   key after the event that needs it    K AKeyStandsInTheLogBefore…
//   policy sealed by person              K PolicyAboutAPersonIsNotSealedBy…
//   torn tail not zeroed                 ATornLastBlock…IsCutAndZeroed
//   and not once more at the next open   ATornEndThatAnOpeningCouldNotZero…
//   durable mark not looked at           TheLastBlockOnceAcknowledged…
//   good block after a bad one not seen  ABadBlockWithAGoodOneAfterIt…
//   writes go on after a failed sync     AfterAFailedSyncABlockInHand…
//   body's checksum not checked          EveryBitFlipIsFound
//   hash of the block before not checked ABlockRewrittenWithGoodChecksums…
//   segment used before its name is safe PowerCutAtEveryStep…
//   environment not checked              AnotherEnvironmentIsRefused
//   segment's index believed unchecked   S AnIndexOfOtherBlocksIsNotBelieved
//   another log's index store believed   L AnIndexOfAnotherLogIsBuiltAnew
//   duplicate by digest alone            J TheSameFactUnderAnotherSeed…
//   ids compared for equality alone      J IdsThatDoNotGrow…
//   staged events not judged against     J ARepeatOfWhatIsStaged…
//   staged events shown to readers       L ShowsNothingBeforeItIsWritten
//   a set staged in part                 J ASetIsAcceptedWholeOrNotAtAll
//   accepted time steps back             J AcceptedTimeNeverStepsBack
//   epoch kept after a cut               F ACutAtTheDamageOpensAgain…
//
// One survives, and is kept out of the code by the disks that are not fakes:
// a segment renamed before its zeroes are durable. Here such a file is short,
// and passed over; a real one could hold what its blocks held before.
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/bus/log/block.h"
#include "services/bus/log/fsck.h"
#include "services/bus/log/segment_index.h"
#include "services/bus/log/segment_store.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_log.h"

namespace concordat::testing {
namespace {

using Kind = bus::Staged::Kind;
using Survives = FakeDisk::Survives;

constexpr Survives kAllSurvives[] = {Survives::kNothing, Survives::kEverything,
                                     Survives::kSomePages,
                                     Survives::kSomeSectors};

TestEvent::Fields Fields(uint64_t number) {
  TestEvent::Fields fields;
  fields.id = absl::StrFormat("id-%06u", number);
  fields.stream = absl::StrCat("case/", number % 3);
  fields.person = static_cast<uint8_t>(number % 5);
  // Now and then larger than a page.
  fields.groups = {absl::StrCat("routing ", number), "",
                   std::string(number % 4 == 0 ? 6000 : 40, 'x'), "clinical"};
  return fields;
}

// Appends events in sets of two from where the log stands, until `count` or the
// first error. `acknowledged` is the last whose write answered OK.
void AppendUntilError(TestLog& log, uint64_t count, uint64_t* acknowledged) {
  while (log.log().Status().end.value < count) {
    const uint64_t at = log.log().Status().end.value;
    const TestEvent first(Fields(at + 1));
    const TestEvent second(Fields(at + 2));
    const TestLog::Appended appended = log.Append({&first, &second});
    if (!appended.written.ok()) return;
    ASSERT_EQ(appended.staged[0].kind, Kind::kNew);
    *acknowledged = at + 2;
  }
}

// The log holds events 1 to n, whole, with n even and no less than
// `acknowledged`; each is known as a duplicate.
void ExpectWhole(TestLog& log, uint64_t acknowledged) {
  const auto events = log.ReadAll();
  ASSERT_THAT(events, IsOk());
  EXPECT_GE(events->size(), acknowledged);
  EXPECT_EQ(events->size() % 2, 0u) << "half an atomic set";
  EXPECT_LE(events->size(), acknowledged + 2) << "events that nobody wrote";
  for (uint64_t i = 0; i < events->size(); ++i) {
    ASSERT_EQ(Difference((*events)[i], TestEvent(Fields(i + 1))), "") << i;
  }
  if (!events->empty()) {
    const TestEvent last(Fields(events->size()));
    const bus::NewEvent again = last.New();
    EXPECT_EQ(log.log().Stage({&again, 1}, 1)[0].kind, Kind::kDuplicate);
  }
}

TestLog::Options SmallOptions(uint64_t seed) {
  TestLog::Options options;
  options.segment_bytes = 48 * 1024;
  options.block_bytes = 40 * 1024;
  options.recent_bytes = 1;
  options.seed = seed;
  return options;
}

class CrashTest : public ::testing::Test {};

TEST_F(CrashTest, PowerCutAtEveryStepKeepsWhatWasAcknowledgedAndNothingElse) {
  uint64_t calls = 0;
  {
    TestLog log(SmallOptions(1));
    uint64_t acknowledged = 0;
    ASSERT_THAT(log.Open(), IsOk());
    AppendUntilError(log, 30, &acknowledged);
    ASSERT_EQ(acknowledged, 30u);
    log.Close();
    calls = log.disk().calls();
  }
  for (uint64_t step = 1; step <= calls; ++step) {
    for (const Survives survives : kAllSurvives) {
      SCOPED_TRACE(absl::StrCat("step ", step, ", survives ",
                                static_cast<int>(survives)));
      TestLog log(SmallOptions(1));
      log.disk().LosePowerAt(step);
      uint64_t acknowledged = 0;
      if (log.Open().ok()) AppendUntilError(log, 30, &acknowledged);
      log.Close();
      log.disk().PowerCut(survives, step);
      log.DropIndex();
      ASSERT_THAT(log.Open(), IsOk());
      ExpectWhole(log, acknowledged);
      // It goes on as if nothing had been.
      AppendUntilError(log, 34, &acknowledged);
      EXPECT_EQ(acknowledged, 34u);
      ASSERT_THAT(log.Open(), IsOk());
      ExpectWhole(log, 34);
      if (HasFailure()) return;
    }
  }
}

TEST_F(CrashTest, CutAfterCutFromManySeedsLosesNothing) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    std::mt19937_64 random(seed);
    TestLog log(SmallOptions(seed));
    uint64_t acknowledged = 0;
    for (int life = 0; life < 12; ++life) {
      log.disk().LosePowerAt(log.disk().calls() + 1 + random() % 40);
      if (log.Open().ok()) {
        // What an opening serves is as good as acknowledged: readers have it.
        acknowledged = log.log().Status().end.value;
        AppendUntilError(log, acknowledged + 20, &acknowledged);
      }
      log.Close();
      if (random() % 3 == 0) {
        log.disk().ProcessKill();
      } else {
        log.disk().PowerCut(kAllSurvives[random() % 4], random());
      }
      if (random() % 2 == 0) log.DropIndex();
    }
    ASSERT_THAT(log.Open(), IsOk());
    ExpectWhole(log, acknowledged);
    if (HasFailure()) return;
  }
}

TEST_F(CrashTest, WhatAnOpeningServedSurvivesThePowerCutAfterIt) {
  TestLog log(SmallOptions(1));
  ASSERT_THAT(log.Open(), IsOk());
  uint64_t acknowledged = 0;
  AppendUntilError(log, 4, &acknowledged);
  // The process dies between the write and the sync.
  log.disk().LosePowerAt(log.disk().calls() + 2);
  const TestEvent five(Fields(5)), six(Fields(6));
  ASSERT_FALSE(log.Append({&five, &six}).written.ok());
  log.Close();
  log.disk().ProcessKill();
  ASSERT_THAT(log.Open(), IsOk());
  const uint64_t served = log.log().Status().end.value;
  log.Close();
  log.disk().PowerCut(Survives::kNothing, 1);
  ASSERT_THAT(log.Open(), IsOk());
  EXPECT_GE(log.log().Status().end.value, served);
}

TEST_F(CrashTest, WhatAnOpeningServedAfterAFailedSyncSurvivesToo) {
  TestLog log(SmallOptions(1));
  ASSERT_THAT(log.Open(), IsOk());
  uint64_t acknowledged = 0;
  AppendUntilError(log, 4, &acknowledged);
  // The system takes the pages for clean now, and keeps showing them.
  log.disk().FailCall(log.disk().calls() + 2, absl::StatusCode::kUnavailable);
  const TestEvent five(Fields(5)), six(Fields(6));
  ASSERT_FALSE(log.Append({&five, &six}).written.ok());
  log.Close();
  log.disk().ProcessKill();
  ASSERT_THAT(log.Open(), IsOk());
  ASSERT_EQ(log.log().Status().end, Sequence{6});
  log.Close();
  log.disk().PowerCut(Survives::kNothing, 1);
  ASSERT_THAT(log.Open(), IsOk());
  ExpectWhole(log, 6);
}

// An opening that is told that a sync failed may leave on the disk what the
// system no longer shows: at the end of a segment that the next block, which is
// larger, leaves for another.
TEST_F(CrashTest, ATornEndThatAnOpeningCouldNotZeroDoesNotComeBack) {
  const uint64_t before = 22;                   // The next set is a large one.
  for (uint64_t kib = 80; kib <= 150; ++kib) {  // And another call each time.
    SCOPED_TRACE(absl::StrCat("a segment of ", kib / 2, " KiB"));
    TestLog::Options options = SmallOptions(1);
    options.segment_bytes = kib * 512;
    TestLog log(options);
    ASSERT_THAT(log.Open(), IsOk());
    uint64_t acknowledged = 0;
    AppendUntilError(log, before, &acknowledged);
    log.disk().LosePowerAt(log.disk().calls() + 1);
    TestEvent::Fields fields = Fields(1001);
    fields.groups[2] = std::string(4000, 'x');  // Half of its pages tears it.
    const TestEvent torn(fields);
    ASSERT_FALSE(log.Append({&torn}).written.ok());
    log.Close();
    log.disk().PowerCut(Survives::kEverything, 1);
    log.disk().FailCall(log.disk().calls() + kib % 6,
                        absl::StatusCode::kUnavailable);
    log.Open().IgnoreError();
    log.disk().FailCall(0, absl::StatusCode::kOk);
    ASSERT_THAT(log.Open(), IsOk());
    AppendUntilError(log, before + 4, &acknowledged);
    log.Close();
    log.disk().PowerCut(Survives::kNothing, 1);
    for (const uint32_t segment : {1, 2}) {  // Nor do their indexes help.
      if (log.disk().Open(bus::SegmentIndexName(segment)).ok()) {
        log.disk().Drop(bus::SegmentIndexName(segment));
      }
    }
    log.DropIndex();
    ASSERT_THAT(log.Open(), IsOk());
    ExpectWhole(log, before + 4);
    if (HasFailure()) return;
  }
}

TEST_F(CrashTest, EachDiskCallFailingOnceLosesNothing) {
  uint64_t calls = 0;
  {
    TestLog log(SmallOptions(1));
    ASSERT_THAT(log.Open(), IsOk());
    uint64_t acknowledged = 0;
    AppendUntilError(log, 30, &acknowledged);
    calls = log.disk().calls();
  }
  for (uint64_t call = 1; call <= calls; ++call) {
    for (const auto code : {absl::StatusCode::kUnavailable,
                            absl::StatusCode::kResourceExhausted}) {
      SCOPED_TRACE(absl::StrCat("call ", call));
      TestLog log(SmallOptions(1));
      log.disk().FailCall(call, code);
      uint64_t acknowledged = 0;
      if (!log.Open().ok()) {
        ASSERT_THAT(log.Open(), IsOk());  // The fault was for once.
      }
      AppendUntilError(log, 30, &acknowledged);
      if (acknowledged < 30) {
        EXPECT_TRUE(log.log().Status().read_only);
        EXPECT_NE(log.log().Status().read_only_because, "");
        // Reads go on, writes do not.
        EXPECT_EQ(log.ReadAll()->size(), acknowledged);
        const TestEvent more(Fields(acknowledged + 1));
        EXPECT_EQ(log.Append({&more}).staged[0].kind, Kind::kReadOnly);
      }
      log.Close();
      log.disk().PowerCut(Survives::kSomeSectors, call);
      ASSERT_THAT(log.Open(), IsOk());
      ExpectWhole(log, acknowledged);
      if (HasFailure()) return;
    }
  }
}

TEST_F(CrashTest, AfterAFailedSyncABlockInHandIsNotWritten) {
  TestLog log(SmallOptions(1));
  ASSERT_THAT(log.Open(), IsOk());
  const TestEvent one(Fields(1)), two(Fields(2));
  const bus::NewEvent first = one.New(), second = two.New();
  log.log().Stage({&first, 1}, 1);
  auto block = log.log().TakeStaged();
  log.log().Stage({&second, 1}, 1);
  auto next = log.log().TakeStaged();
  log.disk().FailCall(log.disk().calls() + 2, absl::StatusCode::kUnavailable);
  EXPECT_THAT(log.log().Write(*block), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(log.log().Write(*next),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(CrashTest, AFullDiskStopsWritesAndKeepsReads) {
  TestLog log(SmallOptions(1));
  log.disk().SetCapacity(4 * 48 * 1024 + 4096);
  ASSERT_THAT(log.Open(), IsOk());
  uint64_t acknowledged = 0;
  AppendUntilError(log, 400, &acknowledged);
  ASSERT_GT(acknowledged, 0u);
  ASSERT_LT(acknowledged, 400u);
  EXPECT_TRUE(log.log().Status().read_only);
  EXPECT_THAT(log.log().Status().read_only_because,
              ::testing::HasSubstr("full"));
  EXPECT_EQ(log.ReadAll()->size(), acknowledged);
  // Room is made: a restart goes on.
  log.disk().SetCapacity(UINT64_MAX);
  ASSERT_THAT(log.Open(), IsOk());
  ExpectWhole(log, acknowledged);
  AppendUntilError(log, 400, &acknowledged);
  EXPECT_EQ(acknowledged, 400u);
}

TEST_F(CrashTest, AFullDiskIsToldAsSuch) {
  TestLog log(SmallOptions(1));
  ASSERT_THAT(log.Open(), IsOk());
  const TestEvent event(Fields(1));
  const bus::NewEvent staged = event.New();
  log.log().Stage({&staged, 1}, 1);
  auto block = log.log().TakeStaged();
  log.disk().FailCall(log.disk().calls() + 1,
                      absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(log.log().Write(*block),
              HasCode(absl::StatusCode::kResourceExhausted));
}

// One flipped bit anywhere in the used part of any segment is found: at opening
// or at reading, never by wrong data.
TEST_F(CrashTest, EveryBitFlipIsFound) {
  TestLog log(SmallOptions(1));
  ASSERT_THAT(log.Open(), IsOk());
  uint64_t acknowledged = 0;
  AppendUntilError(log, 40, &acknowledged);
  const uint32_t segments = log.log().Status().segments;
  ASSERT_GT(segments, 1u);
  log.Close();
  const std::unique_ptr<FakeDisk> whole = log.disk().Copy();
  std::mt19937_64 random(7);
  int met = 0;
  for (int i = 0; i < 600; ++i) {
    const std::string name =
        bus::SegmentName(1 + static_cast<uint32_t>(random() % segments));
    log.set_disk(whole->Copy());
    std::string bytes = log.disk().Contents(name);
    while (!bytes.empty() && bytes.back() == 0) bytes.pop_back();
    const uint64_t bit = random() % (bytes.size() * 8);
    SCOPED_TRACE(absl::StrCat(name, " bit ", bit));
    log.disk().FlipBit(name, bit);
    if (random() % 2 == 0) log.DropIndex();
    // The whole check always finds it, and names the segment.
    SeededRandom unused;
    const auto report = bus::CheckLog(log.disk(), &log.wrapping(), unused);
    ASSERT_THAT(report, IsOk());
    EXPECT_THAT(report->fault, HasCode(absl::StatusCode::kDataLoss));
    EXPECT_EQ(bus::SegmentName(report->fault_segment), name);
    // Who opens and reads meets it, or reads what was written.
    absl::Status found = log.Open();
    if (found.ok()) {
      const auto events = log.ReadAll();
      found = events.status();
      for (uint64_t at = 0; events.ok() && at < events->size(); ++at) {
        EXPECT_EQ(Difference((*events)[at], TestEvent(Fields(at + 1))), "");
      }
      EXPECT_TRUE(!events.ok() || events->size() == 40);
    }
    if (!found.ok()) {
      ++met;
      EXPECT_THAT(found, HasCode(absl::StatusCode::kDataLoss));
      EXPECT_THAT(found.message(), ::testing::HasSubstr("segment-"));
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(met, 500);
}

class DamageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(log_.Open(), IsOk());
    uint64_t acknowledged = 0;
    AppendUntilError(log_, 8, &acknowledged);
    log_.Close();
    bytes_ = log_.disk().Contents(name_);
    for (size_t at = 0; at + bus::kBlockHeaderBytes < bytes_.size();) {
      const auto header =
          bus::DecodeBlockHeader(absl::string_view(bytes_).substr(at));
      if (!header.ok()) break;
      offsets_.push_back(at);
      at += bus::kBlockHeaderBytes + header->body_bytes;
    }
    ASSERT_GE(offsets_.size(), 4u);
  }
  absl::Status OpenWith(std::string bytes, bool with_mark) {
    log_.disk().Overwrite(name_, std::move(bytes));
    if (!with_mark) log_.disk().Drop("durable");
    return log_.Open();
  }

  TestLog log_ = TestLog(SmallOptions(1));
  const std::string name_ = bus::SegmentName(1);
  std::string bytes_;
  std::vector<size_t> offsets_;
};

TEST_F(DamageTest, ATornLastBlockThatNobodyWasToldOfIsCutAndZeroed) {
  bytes_[offsets_.back() + 200] ^= 1;
  ASSERT_THAT(OpenWith(bytes_, false), IsOk());
  EXPECT_EQ(log_.log().Status().end, Sequence{6});
  const std::string after = log_.disk().Contents(name_);
  EXPECT_EQ(after.find_first_not_of('\0', offsets_.back()), std::string::npos);
}

TEST_F(DamageTest, TheLastBlockOnceAcknowledgedIsNotTakenForTorn) {
  bytes_[offsets_.back() + 200] ^= 1;
  const absl::Status status = OpenWith(bytes_, true);
  EXPECT_THAT(status, HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(status.message(),
              ::testing::HasSubstr(absl::StrCat(name_, ":", offsets_.back())));
}

TEST_F(DamageTest, ABadBlockWithAGoodOneAfterItIsDamage) {
  bytes_[offsets_[offsets_.size() - 2] + 200] ^= 1;
  EXPECT_THAT(OpenWith(bytes_, false), HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(DamageTest, ABlockWhoseHeaderIsWipedIsDamageWhenOthersFollow) {
  bytes_.replace(offsets_[2], 512, 512, '\0');
  EXPECT_THAT(OpenWith(bytes_, false), HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(DamageTest, AGoodBlockInAnothersPlaceIsDamage) {
  // The last block but one is gone, and the last stands in its place.
  const size_t last = offsets_.back();
  const size_t before = offsets_[offsets_.size() - 2];
  std::string moved = bytes_.substr(0, before) + bytes_.substr(last);
  moved.resize(bytes_.size());
  EXPECT_THAT(OpenWith(moved, false), HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(DamageTest, ABlockRewrittenWithGoodChecksumsDoesNotFollow) {
  // The third block keeps its place and sequence but follows another history.
  auto header =
      bus::DecodeBlockHeader(absl::string_view(bytes_).substr(offsets_[2]));
  ASSERT_THAT(header, IsOk());
  header->previous[0] ^= 1;
  bus::EncodeBlockHeader(*header, bytes_.data() + offsets_[2]);
  EXPECT_THAT(OpenWith(bytes_, false), HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(DamageTest, ALogCutShortBehindItsMarkIsDamage) {
  bytes_.replace(offsets_.back(), bytes_.size() - offsets_.back(),
                 bytes_.size() - offsets_.back(), '\0');
  EXPECT_THAT(OpenWith(bytes_, true), HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(DamageTest, AMissingSegmentIsDamage) {
  uint64_t acknowledged = 0;
  ASSERT_THAT(log_.Open(), IsOk());
  AppendUntilError(log_, 60, &acknowledged);
  ASSERT_GT(log_.log().Status().segments, 2u);
  log_.Close();
  log_.disk().Drop(bus::SegmentName(2));
  EXPECT_THAT(log_.Open(), HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(DamageTest, AllOfTheLogGoneBehindItsMarkIsDamage) {
  for (uint32_t i = 1; i <= 3; ++i) log_.disk().Drop(bus::SegmentName(i));
  EXPECT_THAT(log_.Open(), HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(DamageTest, AnotherEnvironmentIsRefused) {
  log_.set_environment(bus::v1::ENVIRONMENT_LIVE);
  EXPECT_THAT(log_.Open(), HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(DamageTest, AnotherWrappingKeyIsRefusedAndSaysSo) {
  log_.set_wrapping(
      "concordat wrapping keys 1\n"
      "1 ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n");
  const absl::Status wrong = log_.Open();
  EXPECT_THAT(wrong, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(wrong.message(), ::testing::HasSubstr("wrapping key 1"));
  log_.set_wrapping(
      "concordat wrapping keys 1\n"
      "2 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n");
  const absl::Status missing = log_.Open();
  EXPECT_THAT(missing, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(missing.message(), ::testing::HasSubstr("does not hold"));
}

}  // namespace
}  // namespace concordat::testing
