// Keys that are erased, and all others wrapped anew. What each test catches:
//
//   erased only in memory, or only on the disk    AnErasedPersonIsReadByNobody…
//   what was opened before stays in a cache       the same
//   table and event in two commits                PowerCutAtEveryStep…
//   half a table believed                         the same
//   the old wrapping key still opens the log      TheOldWrappingKeyOpensNothing
//   new keys wrapped with the old one             the same
//   a number given twice after an erasure         APersonWhoComesBackHasNewKeys
//   a key that is missing taken for an erased one AKeyThatIsMissingIsDamage
//   a backup of before brings the erased back     ABackupOfBefore…
//   a restore to before it, too                   ARestoreToBefore…
//   a cut, too                                    ACutKeepsTheErasure
//   the key file lost in a power cut              TheKeyFileIsTheOldOrTheNewOne
//   one share, or one share twice, opens it       TwoOfThreeOpenIt
//   a change of keys takes it out of custody      the same
//   shares of before still open it                SharesOfBeforeOpenNothing…
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/bus/log/fsck.h"
#include "services/bus/log/key_file.h"
#include "services/bus/log/log_backup.h"
#include "services/bus/log/segment_store.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_log.h"

namespace concordat::testing {
namespace {

using Survives = FakeDisk::Survives;

constexpr uint8_t kErased = 2;
constexpr uint64_t kErasedAt = 77'000'000;

TestEvent::Fields Fields(uint64_t number) {
  TestEvent::Fields fields;
  fields.id = absl::StrFormat("id-%06u", number);
  fields.stream = absl::StrCat("case/", number % 3);
  fields.person = static_cast<uint8_t>(number % 4);
  fields.groups = {absl::StrCat("routing ", number), "",
                   absl::StrCat("offence ", number), "clinical"};
  return fields;
}

TestLog::Options SmallOptions() {
  TestLog::Options options;
  options.segment_bytes = 48 * 1024;
  options.block_bytes = 16 * 1024;
  return options;
}

MATCHER_P2(HasCodeAndWords, code, words, "") {
  const absl::Status& status = AsStatus(arg);
  *result_listener << status;
  return status.code() == code && absl::StrContains(status.message(), words);
}

class RekeyTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_THAT(log_.Open(), IsOk()); }

  static void AppendMany(TestLog& log, uint64_t from, uint64_t to) {
    for (uint64_t i = from; i <= to; ++i) {
      const TestEvent event(Fields(i));
      ASSERT_THAT(log.Append({&event}, i * 1'000'000).written, IsOk());
    }
  }
  // Stages a table without `erase`, and the next event behind it.
  static absl::StatusOr<bus::StagedKeyTable> StageErasure(
      TestLog& log, const bus::WrappingKeys& keys, uint64_t next,
      std::vector<PersonKey> erase) {
    auto staged =
        log.log().StageKeyTable(keys, {erase.begin(), erase.end()}, kErasedAt);
    if (!staged.ok()) return staged;
    TestEvent::Fields fields = Fields(next);
    fields.person = 0;
    const TestEvent event(fields);
    const bus::NewEvent says = event.New();
    log.log().Stage({&says, 1}, kErasedAt);
    return staged;
  }
  bus::WrappingKeys WithOneMore() {
    bus::WrappingKeys keys = log_.wrapping();
    keys.Add(random_);
    return keys;
  }
  // Erases kErased as event `next`, and destroys the wrapping keys before.
  void Erase(uint64_t next) {
    bus::WrappingKeys keys = WithOneMore();
    const auto staged = StageErasure(log_, keys, next, {TestPerson(kErased)});
    ASSERT_THAT(staged, IsOk());
    table_ = staged->table;
    ASSERT_THAT(log_.WriteStaged(), IsOk());
    keys.ForgetBefore(keys.current());
    log_.set_wrapping(keys);
  }
  // Events 1 to `last`, but for `says`, are whole, and those of kErased are their
  // spines alone.
  static void ExpectErased(TestLog& log, uint64_t last, uint64_t says) {
    const auto events = log.ReadAll();
    ASSERT_THAT(events, IsOk());
    ASSERT_EQ(events->size(), last);
    for (const bus::StoredEvent& event : *events) {
      const uint64_t number = event.sequence.value;
      if (number == says) continue;
      const TestEvent original(Fields(number));
      if (number % 4 != kErased || number > says) {
        EXPECT_EQ(Difference(event, original), "") << number;
        EXPECT_EQ(event.removed_us, 0u) << number;
        EXPECT_FALSE(event.erased) << number;
        continue;
      }
      EXPECT_TRUE(event.opened.empty()) << number;
      EXPECT_EQ(event.removed_us, kErasedAt) << number;
      EXPECT_TRUE(event.erased) << number;
      EXPECT_EQ(event.digest, original.digest()) << number;
      EXPECT_EQ(event.header.id, original.fields().id) << number;
      EXPECT_EQ(event.commitments.size(), 4u) << number;
    }
  }
  bus::FsckReport Check(TestLog& log) {
    const auto report = bus::CheckLog(log.disk(), &log.wrapping(), random_);
    EXPECT_THAT(report, IsOk());
    return report.ok() ? *report : bus::FsckReport();
  }

  SeededRandom random_{7};
  TestLog log_{SmallOptions()};
  bus::KeyTable table_;
};

TEST_F(RekeyTest, AnErasedPersonIsReadByNobodyAtOnceAndAfterReopening) {
  AppendMany(log_, 1, 40);
  EXPECT_EQ(log_.log().KeysOf(TestPerson(kErased)), 2u);
  Erase(41);
  ExpectErased(log_, 41, 41);
  EXPECT_EQ(log_.log().KeysOf(TestPerson(kErased)), 0u);
  EXPECT_EQ(log_.log().KeysOf(TestPerson(1)), 2u);
  ASSERT_THAT(log_.Open(), IsOk());
  ExpectErased(log_, 41, 41);
  log_.DropIndex();
  ASSERT_THAT(log_.Open(), IsOk());
  ExpectErased(log_, 41, 41);

  const bus::FsckReport report = Check(log_);
  EXPECT_THAT(report.fault, IsOk());
  EXPECT_EQ(report.erased, 10u);
  EXPECT_EQ(report.opened, 31u);
}

TEST_F(RekeyTest, WhatIsOnItsWayToTheDiskIsErasedToo) {
  AppendMany(log_, 1, 3);
  TestEvent::Fields fields = Fields(4);
  fields.person = kErased;
  const TestEvent event(fields);
  const bus::NewEvent late = event.New();
  log_.log().Stage({&late, 1}, 4'000'000);
  Erase(5);
  const auto read = log_.log().ReadOne({4});
  ASSERT_THAT(read, IsOk());
  EXPECT_TRUE(read->opened.empty());
  EXPECT_EQ(read->removed_us, kErasedAt);
}

TEST_F(RekeyTest, TheOldWrappingKeyOpensNothing) {
  AppendMany(log_, 1, 10);
  const bus::WrappingKeys old = log_.wrapping();
  Erase(11);
  AppendMany(log_, 12, 20);
  const bus::WrappingKeys now = log_.wrapping();
  log_.set_wrapping(old);
  EXPECT_THAT(log_.Open(), HasCode(absl::StatusCode::kFailedPrecondition));
  log_.set_wrapping(now);
  ASSERT_THAT(log_.Open(), IsOk());
  ExpectErased(log_, 20, 11);
  EXPECT_EQ(log_.log().oldest_wrapping_key(), now.current());
}

TEST_F(RekeyTest, APersonWhoComesBackHasNewKeys) {
  AppendMany(log_, 1, 8);
  Erase(9);
  AppendMany(log_, 10, 14);
  ExpectErased(log_, 14, 9);
  ASSERT_THAT(log_.Open(), IsOk());
  ExpectErased(log_, 14, 9);
  // And may be erased again, while others change their wrapping key only.
  Erase(15);
  EXPECT_EQ(Check(log_).erased, 4u);  // 2, 6; 10, 14.
}

TEST_F(RekeyTest, TheWrappingKeyIsChangedWithoutAnyoneErased) {
  AppendMany(log_, 1, 8);
  bus::WrappingKeys keys = WithOneMore();
  const auto staged = StageErasure(log_, keys, 9, {});
  ASSERT_THAT(staged, IsOk());
  EXPECT_EQ(staged->erased, 0u);
  EXPECT_EQ(staged->kept, log_.log().KeysOf(TestPerson(1)) * 3 + 1);
  ASSERT_THAT(log_.WriteStaged(), IsOk());
  keys.ForgetBefore(keys.current());
  log_.set_wrapping(keys);
  ASSERT_THAT(log_.Open(), IsOk());
  EXPECT_EQ(Check(log_).opened, 9u);
}

// A table of several parts, each in a commit of its own.
TEST_F(RekeyTest, PowerCutAtEveryStepLeavesAllOfAnErasureOrNothing) {
  TestLog::Options options = SmallOptions();
  options.block_bytes = 8 * 1024;
  constexpr uint64_t kEvents = 60;
  const auto fill = [&](TestLog& log) {
    for (uint64_t i = 1; i <= kEvents; ++i) {
      TestEvent::Fields fields = Fields(i);
      fields.person = static_cast<uint8_t>(i);
      const TestEvent event(fields);
      ASSERT_THAT(log.Append({&event}, i).written, IsOk());
    }
  };
  bus::WrappingKeys keys = WithOneMore();
  TestLog whole(options);
  ASSERT_THAT(whole.Open(), IsOk());
  fill(whole);
  const uint64_t before = whole.disk().calls();
  const auto staged =
      StageErasure(whole, keys, kEvents + 1, {TestPerson(kErased)});
  ASSERT_THAT(staged, IsOk());
  ASSERT_GT(staged->table.records.size(), 2u * 2048) << "one part only";
  ASSERT_THAT(whole.WriteStaged(), IsOk());
  const uint64_t calls = whole.disk().calls() - before;
  ASSERT_GE(calls, 6u);

  for (uint64_t step = 1; step <= calls; ++step) {
    for (const Survives survives :
         {Survives::kNothing, Survives::kEverything, Survives::kSomeSectors}) {
      SCOPED_TRACE(absl::StrCat("step ", step));
      TestLog log(options);
      ASSERT_THAT(log.Open(), IsOk());
      fill(log);
      log.disk().LosePowerAt(log.disk().calls() + step);
      ASSERT_THAT(StageErasure(log, keys, kEvents + 1, {TestPerson(kErased)}),
                  IsOk());
      const bool acknowledged = log.WriteStaged().ok();
      log.Close();
      log.disk().PowerCut(survives, step);
      log.set_wrapping(keys);  // Both: nobody destroys before it is durable.
      ASSERT_THAT(log.Open(), IsOk());
      const bool said = log.log().Status().end.value == kEvents + 1;
      EXPECT_TRUE(said || !acknowledged);
      const auto event = log.log().ReadOne({kErased});
      ASSERT_THAT(event, IsOk());
      EXPECT_EQ(event->opened.empty(), said);
      EXPECT_EQ(log.log().KeysOf(TestPerson(kErased)), said ? 0u : 2u);
      // Done again, it is done.
      bus::WrappingKeys again = keys;
      again.Add(random_);
      ASSERT_THAT(StageErasure(log, again, kEvents + 2, {TestPerson(kErased)}),
                  IsOk());
      ASSERT_THAT(log.WriteStaged(), IsOk());
      again.ForgetBefore(again.current());
      log.set_wrapping(again);
      ASSERT_THAT(log.Open(), IsOk());
      EXPECT_TRUE(log.log().ReadOne({kErased})->opened.empty());
      EXPECT_FALSE(log.log().ReadOne({kErased + 1})->opened.empty());
      if (HasFailure()) return;
    }
  }
}

TEST_F(RekeyTest, AKeyThatIsMissingIsDamage) {
  AppendMany(log_, 1, 8);
  // A table that has forgotten a key without saying so.
  SeededRandom random(9);
  bus::KeyRing keys(log_.wrapping(), random);
  bus::RecordReader records("");
  const auto event = log_.log().ReadOne({1});
  ASSERT_THAT(event, IsOk());
  bus::EventSealer sealer(keys, random);
  std::string body;
  bus::EventSealer::Place place;
  place.environment = bus::v1::ENVIRONMENT_DEMO;
  place.sequence = {1};
  const TestEvent original(Fields(1));
  sealer.Append(original.New(), place, body);
  bus::KeyRing empty(log_.wrapping(), random);
  bus::EventOpener opener(empty);
  bus::RecordReader reader(body);
  bus::Record record;
  while (reader.Next(record) && record.kind != bus::RecordKind::kEvent) {
  }
  ASSERT_EQ(record.kind, bus::RecordKind::kEvent);
  bus::Arena arena;
  EXPECT_THAT(opener.Open(record, arena, nullptr),
              HasCode(absl::StatusCode::kDataLoss));
}

class RekeyBackupTest : public RekeyTest {
 protected:
  void BackUp() {
    ASSERT_THAT(ReplaceWhole(places_, "cursors", "places"), IsOk());
    ASSERT_THAT(bus::BackUpLog(log_.disk(), places_, backup_, [](uint64_t) {}),
                IsOk());
  }
  absl::Status Restore(const bus::RestorePoint& point,
                       const bus::KeyTable& newest) {
    auto disk = std::make_unique<FakeDisk>();
    FakeDisk places;
    const auto report = bus::RestoreLog(backup_, *disk, places, point,
                                        SmallOptions().segment_bytes,
                                        absl::FromUnixSeconds(1000), newest);
    if (!report.ok()) return report.status();
    restored_.set_disk(std::move(disk));
    restored_.DropIndex();
    restored_.set_wrapping(log_.wrapping());
    return restored_.Open();
  }

  FakeDisk places_;
  FakeDisk backup_;
  TestLog restored_{SmallOptions()};
};

TEST_F(RekeyBackupTest, ABackupOfBeforeOpensWithTheNewestTableAlone) {
  AppendMany(log_, 1, 12);
  BackUp();
  Erase(13);
  EXPECT_THAT(Restore({}, {}), HasCode(absl::StatusCode::kFailedPrecondition));
  ASSERT_THAT(Restore({}, table_), IsOk());
  ExpectErased(restored_, 12, 100);
  EXPECT_EQ(Check(restored_).erased, 3u);
  // It goes on.
  AppendMany(restored_, 13, 16);
  ASSERT_THAT(restored_.Open(), IsOk());
  EXPECT_EQ(Check(restored_).opened, 13u);
}

TEST_F(RekeyBackupTest, ARestoreToBeforeAnErasureKeepsIt) {
  AppendMany(log_, 1, 12);
  Erase(13);
  AppendMany(log_, 14, 60);
  BackUp();
  ASSERT_THAT(Restore({.sequence = 8}, {}), IsOk());
  ExpectErased(restored_, 8, 100);
  ASSERT_THAT(Restore({}, {}), IsOk());
  ExpectErased(restored_, 60, 13);
}

TEST_F(RekeyBackupTest, AnotherLogsTableIsRefused) {
  AppendMany(log_, 1, 12);
  BackUp();
  Erase(13);
  bus::KeyTable other = table_;
  other.log_id[0] = static_cast<uint8_t>(other.log_id[0] ^ 1u);
  EXPECT_THAT(Restore({}, other),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(RekeyBackupTest, ACutKeepsTheErasure) {
  AppendMany(log_, 1, 12);
  log_.Close();
  const bus::FsckReport before = Check(log_);
  ASSERT_THAT(before.fault, IsOk());
  // Where the first twelve end: damage there is what a cut begins at.
  ASSERT_THAT(log_.Open(), IsOk());
  Erase(13);
  log_.Close();
  std::string bytes = log_.disk().Contents("segment-00000001");
  // The block with the table, by the table's bytes.
  const size_t table = bytes.find(table_.records.substr(0, 64));
  ASSERT_NE(table, std::string::npos);
  const bus::LogCut cut = {1, table - bus::kBlockHeaderBytes, 12};
  ASSERT_THAT(
      bus::CutLog(log_.disk(), cut, absl::FromUnixSeconds(1000), table_),
      IsOk());
  log_.DropIndex();
  ASSERT_THAT(log_.Open(), IsOk());
  ExpectErased(log_, 12, 100);
}

TEST_F(RekeyTest, TheTableBesideTheKeyFileIsReadBackOrRefused) {
  AppendMany(log_, 1, 12);
  Erase(13);
  FakeDisk keys;
  EXPECT_EQ(bus::LoadKeyTable(keys)->wrapping_key, 0u);
  ASSERT_THAT(bus::SaveKeyTable(keys, table_), IsOk());
  const auto loaded = bus::LoadKeyTable(keys);
  ASSERT_THAT(loaded, IsOk());
  EXPECT_EQ(loaded->log_id, table_.log_id);
  EXPECT_EQ(loaded->wrapping_key, 2u);
  EXPECT_EQ(loaded->records, table_.records);
  const std::string good = keys.Contents(bus::kKeyTableFile);
  for (size_t bit = 0; bit < good.size() * 8; bit += 13) {
    keys.FlipBit(bus::kKeyTableFile, bit);
    EXPECT_THAT(bus::LoadKeyTable(keys), HasCode(absl::StatusCode::kDataLoss))
        << bit;
    keys.FlipBit(bus::kKeyTableFile, bit);
  }
}

TEST_F(RekeyTest, TheKeyFileIsTheOldOrTheNewOneWhenThePowerGoes) {
  constexpr char kName[] = "wrapping.key";
  for (uint64_t step = 1;; ++step) {
    FakeDisk disk;
    ASSERT_THAT(bus::WrappingKeys::Create(disk, kName, random_), IsOk());
    const auto old = bus::WrappingKeys::Load(disk, kName);
    ASSERT_THAT(old, IsOk());
    bus::WrappingKeys next = *old;
    next.Add(random_);
    EXPECT_EQ(next.ForgetBefore(2), 1u);
    disk.LosePowerAt(disk.calls() + step);
    const bool done = bus::ReplaceAndDestroy(disk, kName, next.Text()).ok();
    disk.PowerCut(Survives::kSomeSectors, step);
    const auto now = bus::WrappingKeys::Load(disk, kName);
    ASSERT_THAT(now, IsOk()) << step;
    EXPECT_TRUE(now->current() == 2 || !done);
    EXPECT_EQ(now->size(), 1u);
    if (done) break;
  }
}

class CustodyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(
        bus::WrappingKeys::Create(keys_, bus::kWrappingKeyFile, random_),
        IsOk());
  }
  void Put(const std::string& share, const std::string& name) {
    ASSERT_THAT(ReplaceWhole(shares_, name, share), IsOk());
  }
  bus::KeyFile NewFile() { return bus::KeyFile(keys_, shares_, random_); }
  absl::StatusOr<std::vector<std::string>> Split(int need, int count) {
    std::vector<std::string> texts;
    const absl::Status split = NewFile().Split(
        need, count, [&texts](size_t number, const std::string& text) {
          EXPECT_EQ(number, texts.size() + 1);
          texts.push_back(text);
          return absl::OkStatus();
        });
    if (!split.ok()) return split;
    return texts;
  }

  SeededRandom random_{3};
  FakeDisk keys_;
  FakeDisk shares_;
};

TEST_F(CustodyTest, TwoOfThreeOpenIt) {
  const std::string plain = keys_.Contents(bus::kWrappingKeyFile);
  const auto shares = Split(2, 3);
  ASSERT_THAT(shares, IsOk());
  ASSERT_EQ(shares->size(), 3u);
  const std::string sealed = keys_.Contents(bus::kWrappingKeyFile);
  EXPECT_EQ(sealed.find(plain.substr(plain.find(' ', 24) + 1, 40)),
            std::string::npos);
  EXPECT_THAT(NewFile().Load(),
              HasCodeAndWords(absl::StatusCode::kFailedPrecondition,
                              "2 shares open it, and 0"));
  Put((*shares)[2], "carnbee");
  Put((*shares)[2], "carnbee-again");
  EXPECT_THAT(
      NewFile().Load(),
      HasCodeAndWords(absl::StatusCode::kFailedPrecondition, "and 1 of them"));
  Put((*shares)[0], "dolan");
  bus::KeyFile file = NewFile();
  auto keys = file.Load();
  ASSERT_THAT(keys, IsOk());
  EXPECT_EQ(keys->Text(), plain);
  // A change while it runs needs nobody again, and stays under custody.
  shares_.Drop("dolan");
  ASSERT_THAT(file.Change([&](bus::WrappingKeys& all) {
    all.Add(random_);
    return absl::OkStatus();
  }),
              IsOk());
  EXPECT_EQ(file.Load()->current(), 2u);
  EXPECT_THAT(NewFile().Load(), HasCode(absl::StatusCode::kFailedPrecondition));
  Put((*shares)[1], "muir");
  EXPECT_EQ(NewFile().Load()->current(), 2u);
}

TEST_F(CustodyTest, SharesOfBeforeOpenNothingAfterANewSplit) {
  const auto first = Split(2, 2);
  ASSERT_THAT(first, IsOk());
  Put((*first)[0], "a");
  Put((*first)[1], "b");
  const auto second = Split(2, 3);
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT(NewFile().Load(), HasCode(absl::StatusCode::kFailedPrecondition));
  Put((*second)[0], "c");
  Put((*second)[2], "d");
  EXPECT_THAT(NewFile().Load(), IsOk());
}

TEST_F(CustodyTest, ADamagedShareOrFileIsNoKey) {
  const auto shares = Split(2, 2);
  ASSERT_THAT(shares, IsOk());
  std::string bad = (*shares)[0];
  bad[bad.size() - 2] = bad[bad.size() - 2] == '0' ? '1' : '0';
  Put(bad, "a");
  Put((*shares)[1], "b");
  EXPECT_THAT(NewFile().Load(), HasCode(absl::StatusCode::kFailedPrecondition));
  Put((*shares)[0], "a");
  std::string sealed = keys_.Contents(bus::kWrappingKeyFile);
  char& last = sealed[sealed.size() - 2];
  last = last == '0' ? '1' : '0';
  keys_.Overwrite(bus::kWrappingKeyFile, sealed);
  EXPECT_THAT(NewFile().Load(), HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace concordat::testing
