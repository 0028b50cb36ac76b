// What a log promises of its producers' signatures, and the bug each test catches:
//
//   a block of signatures alone stops the log           ABlockOfItsOwn…
//   one that is found by events that it does not name   IsFoundByTheEvents…
//   lost at a restart, or when a segment closes         IsThereAfterARestart…
//   judged against a block that has no events           EventsAreJudgedBeside…
//   taken away by retention                             RetentionLeavesIt
//   the first that names an event believed, whoever's   WhoAsksSaysWhichCounts
#include "services/bus/log/chain_log.h"

#include <string>

#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "services/bus/log/fsck.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_log.h"

namespace concordat::testing {
namespace {

using bus::StoredLink;

constexpr size_t kAll = size_t{1} << 30;

bool Any(const StoredLink&) { return true; }

StoredLink Link(uint64_t first, uint32_t count,
                const std::string& principal = "police") {
  StoredLink link{principal, "police-scotland", {}};
  bus::v1::SequenceRun& run = *link.link.add_runs();
  run.set_first(first);
  run.set_count(count);
  link.link.set_signature("signature");
  return link;
}

class ChainLogTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_THAT(log_.Open(), IsOk()); }
  void AppendTo(uint64_t last) {
    const auto fields = [](uint64_t number) {
      TestEvent::Fields of;
      of.id = absl::StrFormat("id-%06u", number);
      of.stream = "order/1";
      return of;
    };
    ASSERT_THAT(log_.AppendTo(last, fields), IsOk());
  }
  void Stage(const StoredLink& link) {
    log_.log().StageLink(link);
    ASSERT_THAT(log_.WriteStaged(), IsOk());
  }
  std::string FoundBy(uint64_t sequence) {
    const auto found = log_.log().FindLink({sequence}, kAll, Any);
    EXPECT_THAT(found, IsOk());
    return found.ok() && found->has_value() ? (*found)->principal : "";
  }

  TestLog log_ = TestLog(TestLog::Small());
};

TEST_F(ChainLogTest, ABlockOfItsOwnIsALogAsBefore) {
  AppendTo(3);
  Stage(Link(1, 3));
  EXPECT_EQ(log_.log().Status().end.value, 3u);
  AppendTo(5);
  Stage(Link(4, 2));
  ASSERT_THAT(log_.Open(), IsOk());
  EXPECT_EQ(log_.ReadAll()->size(), 5u);
  AppendTo(6);
  EXPECT_EQ(log_.ReadAll()->size(), 6u);
  log_.Close();
  SeededRandom random;
  const auto report = bus::CheckLog(log_.disk(), &log_.wrapping(), random);
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(report->fault, IsOk());
  EXPECT_EQ(report->events, 6u);
}

TEST_F(ChainLogTest, IsFoundByTheEventsThatItNames) {
  AppendTo(10);
  Stage(Link(2, 3));
  for (uint64_t sequence = 1; sequence <= 10; ++sequence) {
    EXPECT_EQ(FoundBy(sequence), sequence >= 2 && sequence < 5 ? "police" : "")
        << sequence;
  }
  EXPECT_THAT(log_.log().FindLink({11}, kAll, Any),
              HasCode(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(log_.log().FindLink({0}, kAll, Any),
              HasCode(absl::StatusCode::kOutOfRange));
}

TEST_F(ChainLogTest, IsThereAfterARestartAndInAClosedSegment) {
  AppendTo(5);
  Stage(Link(1, 5));
  while (log_.log().ClosedBefore(UINT64_MAX).size() < 2) {
    AppendTo(log_.log().Status().end.value + 1);
  }
  Stage(Link(6, 1, "later"));
  EXPECT_EQ(FoundBy(3), "police");
  EXPECT_EQ(FoundBy(6), "later");
  ASSERT_THAT(log_.Open(), IsOk());
  EXPECT_EQ(FoundBy(3), "police");
  EXPECT_EQ(FoundBy(6), "later");
}

TEST_F(ChainLogTest, EventsAreJudgedBesideABlockThatHasNone) {
  AppendTo(1);
  log_.log().StageLink(Link(1, 1));
  const std::unique_ptr<bus::PendingBlock> alone = log_.log().TakeStaged();
  ASSERT_NE(alone, nullptr);
  TestEvent::Fields fields;
  fields.id = "id-000001";
  fields.stream = "order/1";
  const TestEvent again(fields);
  fields.id = "new";
  const TestEvent first(fields);
  const TestEvent second(fields);
  EXPECT_EQ(log_.log().Stage({again.New()}, 2)[0].kind,
            bus::Staged::Kind::kDuplicate);
  EXPECT_EQ(log_.log().Stage({first.New()}, 2)[0].kind,
            bus::Staged::Kind::kNew);
  EXPECT_EQ(log_.log().Stage({second.New()}, 2)[0].kind,
            bus::Staged::Kind::kDuplicate);
}

TEST_F(ChainLogTest, RetentionLeavesIt) {
  AppendTo(5);
  Stage(Link(1, 5));
  while (log_.log().ClosedBefore(UINT64_MAX).empty()) {
    AppendTo(log_.log().Status().end.value + 1);
  }
  const auto compacted = log_.log().Compact(
      1, [](const bus::EventFacts&) { return false; }, 1'000'000);
  ASSERT_THAT(compacted, IsOk());
  EXPECT_GT(compacted->removed, 0u);
  EXPECT_EQ(FoundBy(3), "police");
}

TEST_F(ChainLogTest, WhoAsksSaysWhichCounts) {
  AppendTo(3);
  Stage(Link(1, 3, "stranger"));
  Stage(Link(1, 3));
  const auto found = log_.log().FindLink({2}, kAll, [](const StoredLink& link) {
    return link.principal == "police";
  });
  ASSERT_THAT(found, IsOk());
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->principal, "police");
}

TEST_F(ChainLogTest, MalformedIsDataLoss) {
  const std::string bytes = bus::EncodeLink(Link(1, 3));
  ASSERT_THAT(bus::DecodeLink(bytes), IsOk());
  EXPECT_EQ(bus::DecodeLink(bytes)->link.runs(0).count(), 3u);
  EXPECT_THAT(bus::DecodeLink(bytes.substr(0, 3)),
              HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(bus::DecodeLink(bytes.substr(0, bytes.size() - 1)),
              HasCode(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace concordat::testing
