// What is particular to a log in PostgreSQL: terms of the lease, commits whose
// outcome is lost, servers that have less than they promised, processes that
// follow. Real servers on loopback.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/bus/delivery/postgres/postgres_places.h"
#include "services/bus/log/postgres/postgres_block_store.h"
#include "services/bus/log/postgres/shared_log.h"
#include "services/bus/log/postgres/writer_lease.h"
#include "services/common/base/mutex.h"
#include "tests/support/postgres_cluster.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_log.h"

namespace concordat::testing {
namespace {

constexpr uint64_t kSegmentBytes = 64 * 1024;
constexpr absl::Duration kPatience = absl::Seconds(60);

TestEvent::Fields Fields(uint64_t number) {
  TestEvent::Fields fields;
  fields.id = absl::StrCat("id-", number);
  fields.stream = "order/1";
  fields.person = static_cast<uint8_t>(number % 4);
  return fields;
}

// A process's log: the lease it may take, its blocks, the log over them.
class Process {
 public:
  Process(const bus::PostgresOptions& options, const std::string& name)
      : options_(options), lease_(options, name, absl::Minutes(1)) {}

  // As the writer, or to follow.
  absl::Status Open(bool writes) {
    TestLog::Options options;
    options.segment_bytes = kSegmentBytes;
    options.blocks = [this, writes](Directory& beside,
                                    const bus::BlockStore::OpenHooks& hooks)
        -> absl::StatusOr<std::unique_ptr<bus::BlockStore>> {
      auto store =
          bus::PostgresBlockStore::Open(options_, kSegmentBytes, beside, hooks);
      if (!store.ok()) return store.status();
      store_ = store->get();
      if (writes) {
        const auto term = lease_.TryTake();
        if (!term.ok()) return term.status();
        if (*term == 0) return absl::FailedPreconditionError("held");
        store_->BeginTerm(*term);
      }
      return *std::move(store);
    };
    log_ = std::make_unique<TestLog>(options);
    return log_->Open();
  }
  absl::Status Append(uint64_t number) {
    const TestEvent event(Fields(number));
    return log_->Append({&event}).written;
  }
  TestLog& log() { return *log_; }
  bus::PostgresBlockStore& store() { return *store_; }
  bus::WriterLease& lease() { return lease_; }

 private:
  const bus::PostgresOptions options_;
  bus::WriterLease lease_;
  bus::PostgresBlockStore* store_ = nullptr;
  std::unique_ptr<TestLog> log_;
};

class PostgresLogTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    servers_ = std::make_unique<PostgresCluster>(3);
  }
  static void TearDownTestSuite() { servers_ = nullptr; }
  PostgresLogTest()
      : database_(servers_->MakeDatabase(absl::StrCat("log", ++databases_))),
        options_(servers_->Options(database_)) {}

  std::string Ask(const std::string& sql) {
    return servers_->Ask(servers_->primary(), sql, database_);
  }
  void EndLease() { Ask("DELETE FROM concordat.process"); }
  // Until a commit of the log waits for its standbys.
  bool AwaitWaiting() {
    for (int i = 0; i < 3000; ++i) {
      if (Ask("SELECT count(*)::text FROM pg_stat_activity WHERE wait_event ="
              " 'SyncRep' AND query LIKE '%concordat.block%'") != "0") {
        return true;
      }
    }
    return false;
  }

  static inline std::unique_ptr<PostgresCluster> servers_;
  static inline int databases_ = 0;
  const std::string database_;
  const bus::PostgresOptions options_;
};

TEST_F(PostgresLogTest, OneWhoseLeaseIsTakenAddsNothing) {
  Process first(options_, "first");
  Process second(options_, "second");
  ASSERT_THAT(first.Open(true), IsOk());
  ASSERT_THAT(first.Append(1), IsOk());
  EXPECT_THAT(second.Open(true),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EndLease();  // It was not heard of.
  ASSERT_THAT(second.Open(true), IsOk());
  EXPECT_FALSE(first.Append(2).ok());
  EXPECT_THAT(first.lease().Renew(), HasCode(absl::StatusCode::kAborted));
  ASSERT_THAT(second.Append(2), IsOk());
  ASSERT_THAT(second.Append(3), IsOk());
  const auto events = second.log().ReadAll();
  ASSERT_THAT(events, IsOk());
  EXPECT_EQ(events->size(), 3u);
  // A term is not an epoch: whoever was shown something goes on.
  EXPECT_EQ(second.log().log().Status().epochs.size(), 1u);
}

TEST_F(PostgresLogTest, ABlockThatIsThereIsNotAddedAgainInAnotherTerm) {
  Process first(options_, "first");
  ASSERT_THAT(first.Open(true), IsOk());
  ASSERT_THAT(first.Append(1), IsOk());
  EndLease();
  Process second(options_, "second");
  ASSERT_THAT(second.Open(true), IsOk());
  const TestEvent repeat(Fields(1));
  EXPECT_EQ(second.log().Append({&repeat}).staged[0].kind,
            bus::Staged::Kind::kDuplicate);
}

TEST_F(PostgresLogTest, ACommitThatTheServerLetsGoOfIsNoneYet) {
  Process writer(options_, "writer");
  ASSERT_THAT(writer.Open(true), IsOk());
  ASSERT_THAT(writer.Append(1), IsOk());
  std::vector<int> standbys;
  for (int i = 0; i < servers_->size(); ++i) {
    if (i != servers_->primary()) standbys.push_back(i);
  }
  for (const int standby : standbys) servers_->Kill(standby);
  std::atomic<bool> done{false};
  absl::Status appended;
  std::thread append([&] {
    appended = writer.Append(2);
    done = true;
  });
  ASSERT_TRUE(AwaitWaiting());
  // It commits there, alone, and says so in a warning.
  EXPECT_EQ(Ask("SELECT pg_cancel_backend(pid)::text FROM pg_stat_activity"
                " WHERE wait_event = 'SyncRep'"),
            "true");
  // It is there to see, and not believed.
  EXPECT_EQ(Ask("SELECT count(*)::text FROM concordat.block"), "3");
  EXPECT_FALSE(done);
  for (const int standby : standbys) servers_->Start(standby);
  append.join();
  EXPECT_THAT(appended, IsOk());
  servers_->AwaitStandbys(2);
  EXPECT_EQ(Ask("SELECT count(*)::text FROM concordat.block"), "3");
  ASSERT_THAT(writer.Append(3), IsOk());
}

TEST_F(PostgresLogTest, ALostAnswerIsLookedUp) {
  Process writer(options_, "writer");
  ASSERT_THAT(writer.Open(true), IsOk());
  for (uint64_t i = 1; i <= 20; ++i) {
    // Its connections are cut: before, between, or while something is under way.
    std::thread cut([&] {
      Ask("SELECT count(pg_terminate_backend(pid))::text FROM pg_stat_activity"
          " WHERE application_name = 'concordat-bus'"
          " AND pid <> pg_backend_pid()");
    });
    EXPECT_THAT(writer.Append(i), IsOk());
    cut.join();
  }
  const auto events = writer.log().ReadAll();
  ASSERT_THAT(events, IsOk());
  EXPECT_EQ(events->size(), 20u);
}

TEST_F(PostgresLogTest, ServersThatLostWhatWasDurableAreFoundOut) {
  Process writer(options_, "writer");
  ASSERT_THAT(writer.Open(true), IsOk());
  ASSERT_THAT(writer.Append(1), IsOk());
  ASSERT_THAT(writer.Append(2), IsOk());
  Ask("DELETE FROM concordat.block WHERE first_sequence = 2 AND events > 0");
  // It stops, naming the block; nothing is written in its place.
  EXPECT_FALSE(writer.Append(3).ok());
  EXPECT_EQ(Ask("SELECT count(*)::text FROM concordat.block"), "2");
  EXPECT_NE(writer.log().log().Status().read_only_because.find("segment-"),
            std::string::npos);
  // Nor does it take what is left for the log when it starts again.
  EXPECT_THAT(writer.log().Open(), HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(PostgresLogTest, ServersWithoutStandbysAreRefused) {
  Process writer(options_, "writer");
  ASSERT_THAT(writer.Open(true), IsOk());
  ASSERT_THAT(writer.Append(1), IsOk());
  servers_->Set("synchronous_standby_names", "");
  absl::Status appended;  // Until the setting is in force.
  for (uint64_t i = 2; appended.ok() && i < 10'000; ++i) {
    appended = writer.Append(i);
  }
  EXPECT_FALSE(appended.ok());
  EXPECT_NE(writer.log().log().Status().read_only_because.find("standby"),
            std::string::npos);
  EndLease();
  Process late(options_, "late");
  EXPECT_THAT(late.Open(true), HasCode(absl::StatusCode::kFailedPrecondition));
  bus::PostgresOptions alone = options_;
  alone.one_server = true;
  Process allowed(alone, "alone");
  EXPECT_THAT(allowed.Open(true), IsOk());
  EXPECT_THAT(allowed.Append(20'000), IsOk());
  servers_->Set("synchronous_standby_names", "ANY 1 (s0,s1,s2)");
}

TEST_F(PostgresLogTest, OneThatFollowsHasAllAndWritesOn) {
  Process writer(options_, "writer");
  ASSERT_THAT(writer.Open(true), IsOk());
  for (uint64_t i = 1; i <= 150; ++i) ASSERT_THAT(writer.Append(i), IsOk());
  ASSERT_GT(writer.log().log().Status().segments, 1u);

  Mutex mu;
  CondVar changed;
  uint64_t followed = 0;
  uint64_t term = 0;
  bus::SharedLog shared(
      options_, absl::Minutes(1), "follower",
      [](const absl::Status& why) { ADD_FAILURE() << why.ToString(); });
  TestLog::Options log_options;
  log_options.segment_bytes = kSegmentBytes;
  log_options.blocks = shared.Opener(kSegmentBytes);
  TestLog log(log_options);
  ASSERT_THAT(log.Open(), IsOk());
  EXPECT_EQ(log.log().Status().end, Sequence{150});
  EXPECT_EQ(log.log().Status().log_id, writer.log().log().Status().log_id);
  shared.Start(log.log(), {[&](std::shared_ptr<const bus::EventBlock> block) {
                             MutexLock lock(mu);
                             followed = block->events.back().sequence.value;
                             changed.NotifyAll();
                           },
                           [&](uint64_t begun) {
                             MutexLock lock(mu);
                             term = begun;
                             changed.NotifyAll();
                           }});
  for (uint64_t i = 151; i <= 300; ++i) ASSERT_THAT(writer.Append(i), IsOk());
  {
    MutexLock lock(mu);
    ASSERT_TRUE(
        changed.WaitFor(mu, kPatience, [&] { return followed == 300; }));
    EXPECT_EQ(term, 0u);
  }
  // The other is gone, in order.
  writer.lease().GiveUp();
  {
    MutexLock lock(mu);
    ASSERT_TRUE(changed.WaitFor(mu, kPatience, [&] { return term != 0; }));
  }
  shared.Stop();
  const TestEvent repeat(Fields(200));
  EXPECT_EQ(log.Append({&repeat}).staged[0].kind,
            bus::Staged::Kind::kDuplicate);
  const TestEvent fresh(Fields(301));
  ASSERT_THAT(log.Append({&fresh}).written, IsOk());
  const auto events = log.ReadAll();
  ASSERT_THAT(events, IsOk());
  EXPECT_EQ(events->size(), 301u);
  EXPECT_FALSE(writer.Append(302).ok());
  shared.GiveUp();
}

TEST_F(PostgresLogTest, ANameIsWithOneProcessAtATime) {
  Process writer(options_, "writer");
  ASSERT_THAT(writer.Open(true), IsOk());  // Makes the tables.
  bus::WriterLease first_lives(options_, "first", absl::Minutes(1));
  bus::WriterLease second_lives(options_, "second", absl::Minutes(1));
  ASSERT_THAT(first_lives.Renew(), IsOk());
  ASSERT_THAT(second_lives.Renew(), IsOk());
  bus::PostgresPlaces first(options_, "first");
  bus::PostgresPlaces second(options_, "second");
  const std::string key = "agency/role/name";
  auto taken = first.Take(key);
  ASSERT_THAT(taken, IsOk());
  EXPECT_FALSE(taken->has_value());
  EXPECT_THAT(second.Take(key), HasCode(absl::StatusCode::kFailedPrecondition));
  bus::Place place;
  place.log_id = std::string(16, 'x');
  place.epoch = 1;
  place.acknowledged = {41};
  place.rows.push_back({{{17}, {}}, 3, 9});
  place.rows.back().reason = "said so";
  ASSERT_THAT(first.Store({{key, place}}, {}), IsOk());
  ASSERT_THAT(first.Release({key}), IsOk());
  taken = second.Take(key);
  ASSERT_THAT(taken, IsOk());
  ASSERT_TRUE(taken->has_value());
  EXPECT_EQ(**taken, place);
  // The first one is late, and changes nothing.
  place.acknowledged = {12};
  EXPECT_THAT(first.Store({{key, place}}, {}),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(second.All()->at(key).acknowledged, Sequence{41});
  // Of one that lives no more anybody may take it.
  second_lives.End();
  EXPECT_THAT(first.Take(key), IsOk());
}

}  // namespace
}  // namespace concordat::testing
