// What an EventLog promises, whichever store its blocks stand in: segments on a
// disk and rows of PostgreSQL, one test for both.
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/bus/log/postgres/postgres_block_store.h"
#include "services/bus/log/postgres/writer_lease.h"
#include "services/bus/log/segment_store.h"
#include "tests/support/postgres_cluster.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_log.h"

namespace concordat::testing {
namespace {

using bus::Staged;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = bus::Staged::Kind;

constexpr uint64_t kSegmentBytes = 256 * 1024;

TestEvent::Fields Fields(uint64_t number) {
  TestEvent::Fields fields;
  fields.id = absl::StrFormat("id-%06u", number);
  fields.stream = absl::StrCat("referral/", number % 3);
  fields.person = static_cast<uint8_t>(number % 4);
  if (number % 100 == 7) {
    fields.retracts = absl::StrFormat("id-%06u", number - 1);
  }
  fields.groups = {absl::StrCat("routing ", number), std::string(1500, 'x'),
                   absl::StrCat("offence ", number), "clinical"};
  return fields;
}

// Where the blocks stand, and how they are damaged behind the log's back.
class Blocks {
 public:
  virtual ~Blocks() = default;
  virtual bus::OpenBlockStore store() = 0;
  // A bit in the body of the block at this place.
  virtual void Flip(TestLog& log, uint32_t segment, uint64_t offset) = 0;
};

class OnDisk : public Blocks {
 public:
  bus::OpenBlockStore store() override { return nullptr; }
  void Flip(TestLog& log, uint32_t segment, uint64_t offset) override {
    log.disk().FlipBit(bus::SegmentName(segment),
                       (offset + bus::kBlockHeaderBytes + 20) * 8);
  }
};

class InPostgres : public Blocks {
 public:
  InPostgres()
      : options_(Servers().Options(
            Servers().MakeDatabase(absl::StrCat("log", ++databases_)))),
        lease_(options_, "this test", absl::Minutes(1)) {}
  bus::OpenBlockStore store() override {
    return [this](Directory& beside, const bus::BlockStore::OpenHooks& hooks)
               -> absl::StatusOr<std::unique_ptr<bus::BlockStore>> {
      const auto term = lease_.TryTake();
      if (!term.ok()) return term.status();
      auto store =
          bus::PostgresBlockStore::Open(options_, kSegmentBytes, beside, hooks);
      if (!store.ok()) return store.status();
      (*store)->BeginTerm(*term);
      return *std::move(store);
    };
  }
  void Flip(TestLog&, uint32_t segment, uint64_t offset) override {
    const auto connection = bus::PostgresConnection::Connect(options_);
    ASSERT_THAT(connection, IsOk());
    EXPECT_THAT((*connection)
                    ->Run("UPDATE concordat.block SET bytes ="
                          " set_bit(bytes, 900, 1 - get_bit(bytes, 900))"
                          " WHERE segment = $1 AND \"offset\" = $2",
                          bus::PostgresValues().Add(segment).Add(
                              static_cast<int64_t>(offset))),
                IsOk());
  }

 private:
  // For all tests of this process; it ends with it.
  static PostgresCluster& Servers() {
    static const auto servers = [] {
      auto cluster = std::make_unique<PostgresCluster>(3);
      cluster->AwaitStandbys(2);
      return cluster;
    }();
    return *servers;
  }
  static inline int databases_ = 0;
  const bus::PostgresOptions options_;
  bus::WriterLease lease_;
};

using MakeBlocks = std::unique_ptr<Blocks> (*)();

class EventLogTest : public ::testing::TestWithParam<MakeBlocks> {
 protected:
  void SetUp() override {
    blocks_ = GetParam()();
    TestLog::Options options;
    options.segment_bytes = kSegmentBytes;
    options.recent_bytes = 1;  // What is read is read from the store.
    options.blocks = blocks_->store();
    log_.emplace(options);
    ASSERT_THAT(log_->Open(), IsOk());
  }

  Staged AppendOne(const TestEvent& event) {
    const TestLog::Appended appended = log_->Append({&event});
    EXPECT_THAT(appended.written, IsOk());
    return appended.staged[0];
  }
  // Ten a block.
  void AppendMany(uint64_t from, uint64_t to) {
    for (uint64_t i = from; i <= to; i += 10) {
      for (uint64_t j = i; j < i + 10 && j <= to; ++j) {
        const TestEvent event(Fields(j));
        const bus::NewEvent added = event.New();
        ASSERT_EQ(log_->log().Stage({&added, 1}, j)[0].kind, Kind::kNew);
      }
      ASSERT_THAT(log_->WriteStaged(), IsOk());
    }
  }
  void ExpectMany(uint64_t count) {
    const auto events = log_->ReadAll();
    ASSERT_THAT(events, IsOk());
    ASSERT_EQ(events->size(), count);
    for (uint64_t i = 0; i < count; ++i) {
      EXPECT_EQ(Difference((*events)[i], TestEvent(Fields(i + 1))), "");
    }
  }

  std::unique_ptr<Blocks> blocks_;
  std::optional<TestLog> log_;
};

TEST_P(EventLogTest, AppendsAndReadsBackInOrderOverManySegments) {
  AppendMany(1, 600);
  EXPECT_GT(log_->log().Status().segments, 3u);
  EXPECT_EQ(log_->log().Status().end, Sequence{600});
  ExpectMany(600);
  for (const uint64_t one : {1, 10, 11, 333, 600}) {
    const auto event = log_->log().ReadOne({one});
    ASSERT_THAT(event, IsOk());
    EXPECT_EQ(Difference(*event, TestEvent(Fields(one))), "");
  }
  EXPECT_THAT(log_->log().ReadOne({601}),
              HasCode(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(log_->log().Read({601}, 1),
              HasCode(absl::StatusCode::kOutOfRange));
}

TEST_P(EventLogTest, HasItAllAfterReopening) {
  AppendMany(1, 300);
  const bus::LogStatus before = log_->log().Status();
  ASSERT_THAT(log_->Open(), IsOk());
  EXPECT_EQ(log_->log().Status().log_id, before.log_id);
  EXPECT_EQ(log_->log().Status().bytes, before.bytes);
  EXPECT_EQ(log_->log().Status().segments, before.segments);
  EXPECT_EQ(log_->log().Status().epoch, before.epoch);
  ExpectMany(300);
  AppendMany(301, 320);
  log_->DropIndex();
  ASSERT_THAT(log_->Open(), IsOk());
  ExpectMany(320);
}

TEST_P(EventLogTest, KnowsARepeatBeforeAndAfterReopening) {
  AppendMany(1, 200);
  for (int opened = 0; opened < 2; ++opened) {
    const Staged repeat = AppendOne(TestEvent(Fields(7)));
    EXPECT_EQ(repeat.kind, Kind::kDuplicate);
    EXPECT_EQ(repeat.sequence, Sequence{7});
    TestEvent::Fields other = Fields(7);
    other.groups[0] = "something else";
    EXPECT_EQ(AppendOne(TestEvent(other)).kind, Kind::kIdReused);
    ASSERT_THAT(log_->Open(), IsOk());
  }
  ExpectMany(200);
}

TEST_P(EventLogTest, HoldsExpectedVersions) {
  AppendMany(1, 5);  // referral/2 has 2 and 5.
  TestEvent::Fields next = Fields(8);
  next.expected_version = 2;
  Staged staged = AppendOne(TestEvent(next));
  EXPECT_EQ(staged.kind, Kind::kVersionConflict);
  EXPECT_EQ(staged.stream_version, Sequence{5});
  ASSERT_THAT(log_->Open(), IsOk());
  next.expected_version = 5;
  staged = AppendOne(TestEvent(next));
  EXPECT_EQ(staged.kind, Kind::kNew);
  EXPECT_EQ(staged.sequence, Sequence{6});
}

TEST_P(EventLogTest, RefusesAnAtomicSetWhole) {
  AppendMany(1, 3);
  const TestEvent fresh(Fields(4));
  TestEvent::Fields conflicting = Fields(5);
  conflicting.expected_version = 77;
  const TestEvent conflict(conflicting);
  const auto refused = log_->Append({&fresh, &conflict});
  EXPECT_EQ(refused.staged[0].kind, Kind::kSetRefused);
  EXPECT_EQ(refused.staged[1].kind, Kind::kVersionConflict);
  EXPECT_EQ(log_->log().Status().end, Sequence{3});
  EXPECT_EQ(AppendOne(fresh).sequence, Sequence{4});
}

TEST_P(EventLogTest, FindsStreamsPersonsAndIds) {
  AppendMany(1, 400);
  for (int opened = 0; opened < 2; ++opened) {
    const auto stream =
        log_->log().OfStream(kTestSource, "referral/1", {390}, 10);
    ASSERT_THAT(stream, IsOk());
    EXPECT_THAT(*stream, ElementsAre(Sequence{391}, Sequence{394},
                                     Sequence{397}, Sequence{400}));
    const auto person = log_->log().OfPerson(TestPerson(2), {0}, {12});
    ASSERT_THAT(person, IsOk());
    EXPECT_THAT(*person, ElementsAre(Sequence{2}, Sequence{6}, Sequence{10}));
    EXPECT_EQ(*log_->log().OfId(kTestSource, Fields(123).id), Sequence{123});
    ASSERT_THAT(log_->Open(), IsOk());
  }
}

// Of closed segments and of the open one, in this life and the next.
TEST_P(EventLogTest, FindsWhatAmends) {
  AppendMany(1, 420);
  ASSERT_GT(log_->log().Status().segments, 1u);
  for (int opened = 0; opened < 2; ++opened) {
    const auto all = log_->log().Amendments({0});
    ASSERT_THAT(all, IsOk());
    EXPECT_THAT(*all, ElementsAre(Sequence{7}, Sequence{107}, Sequence{207},
                                  Sequence{307}, Sequence{407}));
    const auto some = log_->log().Amendments({107});
    ASSERT_THAT(some, IsOk());
    EXPECT_THAT(*some,
                ElementsAre(Sequence{207}, Sequence{307}, Sequence{407}));
    ASSERT_THAT(log_->Open(), IsOk());
  }
}

TEST_P(EventLogTest, PassesOverWhatIsOfNoInterest) {
  AppendMany(1, 600);
  const std::set<PersonKey> nobody = {TestPerson(9)};
  bus::Interest interest;
  interest.persons = &nobody;
  EXPECT_GT(log_->log().SkipFrom({0}, interest), Sequence{50});
  const std::set<PersonKey> somebody = {TestPerson(1)};
  interest.persons = &somebody;
  EXPECT_EQ(log_->log().SkipFrom({0}, interest), Sequence{0});
}

TEST_P(EventLogTest, PositionsAreOfThisLogAlone) {
  AppendMany(1, 20);
  ASSERT_THAT(log_->Open(), IsOk());
  const bus::LogStatus status = log_->log().Status();
  EXPECT_TRUE(bus::IsOfLog(status, status.log_id, status.epoch, {20}));
  EXPECT_FALSE(bus::IsOfLog(status, std::string(16, 'x'), status.epoch, {20}));
  EXPECT_FALSE(bus::IsOfLog(status, status.log_id, status.epoch + 1, {1}));
}

TEST_P(EventLogTest, ADamagedBlockIsDataLossAndNamed) {
  AppendMany(1, 20);
  // The log's first block has the key table alone.
  const auto first = log_->log().Status().bytes;
  AppendMany(21, 30);
  AppendMany(31, 40);
  blocks_->Flip(*log_, 1, first);
  EXPECT_THAT(log_->log().ReadOne({20}), IsOk());
  EXPECT_THAT(log_->log().ReadOne({40}), IsOk());
  const std::string place = absl::StrCat("segment-00000001:", first);
  EXPECT_THAT(log_->log().ReadOne({25}), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(std::string(log_->log().ReadOne({25}).status().message()),
              HasSubstr(place));
  const absl::Status opened = log_->Open();
  EXPECT_THAT(opened, HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(std::string(opened.message()), HasSubstr(place));
}

INSTANTIATE_TEST_SUITE_P(
    Stores, EventLogTest,
    ::testing::Values(
        +[]() -> std::unique_ptr<Blocks> { return std::make_unique<OnDisk>(); },
        +[]() -> std::unique_ptr<Blocks> {
          return std::make_unique<InPostgres>();
        }),
    [](const auto& info) { return info.index == 0 ? "Files" : "Postgres"; });

}  // namespace
}  // namespace concordat::testing
