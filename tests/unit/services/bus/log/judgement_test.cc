// What the log answers to an event: new, duplicate, id reused, version conflict;
// and which keys seal it.
#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/bus/log/segment_store.h"
#include "services/common/base/bytes.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_log.h"

namespace concordat::testing {
namespace {

using bus::Staged;
using ::testing::ElementsAre;
using Kind = bus::Staged::Kind;
using Fields = TestEvent::Fields;

Fields WithId(absl::string_view id) {
  Fields fields;
  fields.id = std::string(id);
  fields.stream = "order/1";
  fields.person = 1;
  return fields;
}

class JudgementTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_THAT(log_.Open(), IsOk()); }

  Staged Append(const Fields& fields) {
    const TestEvent event(fields);
    const TestLog::Appended appended = log_.Append({&event});
    EXPECT_THAT(appended.written, IsOk());
    return appended.staged[0];
  }
  std::vector<Kind> AppendSet(const std::vector<Fields>& set) {
    std::vector<std::unique_ptr<TestEvent>> events;
    std::vector<const TestEvent*> borrowed;
    for (const Fields& fields : set) {
      events.push_back(std::make_unique<TestEvent>(fields));
      borrowed.push_back(events.back().get());
    }
    const TestLog::Appended appended = log_.Append(borrowed);
    EXPECT_THAT(appended.written, IsOk());
    std::vector<Kind> kinds;
    for (const Staged& staged : appended.staged) kinds.push_back(staged.kind);
    return kinds;
  }
  uint64_t end() { return log_.log().Status().end.value; }

  TestLog log_;
};

TEST_F(JudgementTest, ARepeatOfWhatIsStagedButNotDurableIsADuplicate) {
  const TestEvent event(WithId("a"));
  const bus::NewEvent borrowed = event.New();
  const Staged first = log_.log().Stage({&borrowed, 1}, 5)[0];
  const Staged again = log_.log().Stage({&borrowed, 1}, 9)[0];
  EXPECT_EQ(first.kind, Kind::kNew);
  EXPECT_EQ(again.kind, Kind::kDuplicate);
  EXPECT_EQ(again.sequence, first.sequence);
  EXPECT_EQ(again.accepted_us, 5u);
  EXPECT_EQ(again.digest, first.digest);
}

TEST_F(JudgementTest, TheSameFactUnderAnotherSeedAndRecordedTimeIsADuplicate) {
  const Staged first = Append(WithId("a"));
  Fields again = WithId("a");
  again.seed = 9;
  again.recorded_us = 77;
  const Staged second = Append(again);
  EXPECT_EQ(second.kind, Kind::kDuplicate);
  EXPECT_EQ(second.digest, first.digest) << "the original's receipt";
  ASSERT_THAT(log_.Open(), IsOk());
  EXPECT_EQ(Append(again).kind, Kind::kDuplicate);
}

TEST_F(JudgementTest, TheSameIdWithOtherContentIsRefused) {
  Append(WithId("a"));
  Fields other_group = WithId("a");
  other_group.groups[1] = "another";
  Fields other_header = WithId("a");
  other_header.stream = "order/2";
  Fields emptied = WithId("a");
  emptied.groups[1] = "";
  for (const Fields& other : {other_group, other_header, emptied}) {
    const Staged staged = Append(other);
    EXPECT_EQ(staged.kind, Kind::kIdReused);
    EXPECT_EQ(staged.sequence, Sequence{1});
  }
  EXPECT_EQ(end(), 1u);
}

TEST_F(JudgementTest, AnIdIsOfItsSourceAlone) {
  Append(WithId("a"));
  Fields other = WithId("a");
  other.source = "urn:concordat:nhs-tayside:pas";
  EXPECT_EQ(Append(other).kind, Kind::kNew);
}

TEST_F(JudgementTest, IdsThatDoNotGrowAreJudgedRightToo) {
  for (const char* id : {"m", "c", "x", "a", "b"}) {
    EXPECT_EQ(Append(WithId(id)).kind, Kind::kNew) << id;
  }
  for (int round = 0; round < 2; ++round) {
    for (const char* id : {"a", "b", "c", "m", "x"}) {
      EXPECT_EQ(Append(WithId(id)).kind, Kind::kDuplicate) << id;
    }
    ASSERT_THAT(log_.Open(), IsOk());
  }
}

TEST_F(JudgementTest, ARefusalUsesNoId) {
  Append(WithId("a"));
  Fields next = WithId("b");
  next.expected_version = 0;
  const Staged refused = Append(next);
  EXPECT_EQ(refused.kind, Kind::kVersionConflict);
  EXPECT_EQ(refused.stream_version, Sequence{1});
  next.expected_version = 1;
  EXPECT_EQ(Append(next).kind, Kind::kNew);
}

TEST_F(JudgementTest, AVersionCountsWhatIsStagedAndNotDurable) {
  const TestEvent first(WithId("a"));
  const bus::NewEvent borrowed = first.New();
  log_.log().Stage({&borrowed, 1}, 1);
  Fields racing = WithId("b");
  racing.expected_version = 0;
  const TestEvent second(racing);
  const bus::NewEvent late = second.New();
  const Staged staged = log_.log().Stage({&late, 1}, 1)[0];
  EXPECT_EQ(staged.kind, Kind::kVersionConflict);
  EXPECT_EQ(staged.stream_version, Sequence{1});
}

TEST_F(JudgementTest, AVersionHoldsAcrossRestartAndALostIndex) {
  for (int i = 0; i < 80; ++i) Append(WithId(absl::StrFormat("id-%03d", i)));
  ASSERT_GT(log_.log().Status().segments, 1u);
  log_.DropIndex();
  ASSERT_THAT(log_.Open(), IsOk());
  Fields next = WithId("next");
  next.expected_version = 79;
  EXPECT_EQ(Append(next).kind, Kind::kVersionConflict);
  next.expected_version = 80;
  EXPECT_EQ(Append(next).kind, Kind::kNew);
}

// Whoever may publish could else block the commands of every other service, by
// writing into its streams.
TEST_F(JudgementTest, AStreamIsItsSourcesOwn) {
  Fields theirs = WithId("theirs");
  theirs.source = "urn:concordat:nhs-tayside:pas";
  theirs.stream = WithId("").stream;
  for (int i = 0; i < 40; ++i) {
    Append(WithId(absl::StrFormat("id-%03d", i)));
    theirs.id = absl::StrFormat("theirs-%03d", i);
    theirs.expected_version = i == 0 ? 0 : end() - 1;
    EXPECT_EQ(Append(theirs).kind, Kind::kNew) << i;
  }
  ASSERT_GT(log_.log().Status().segments, 1u);
  for (const bool lost : {false, true}) {
    if (lost) log_.DropIndex();
    ASSERT_THAT(log_.Open(), IsOk());
    const auto version = [&](absl::string_view source) {
      return log_.log().StreamVersion(source, theirs.stream)->value;
    };
    EXPECT_EQ(version(kTestSource), 79u);
    EXPECT_EQ(version(theirs.source), 80u);
    EXPECT_EQ(version("urn:concordat:nhs-tayside"), 0u);
    const auto mine =
        log_.log().OfStream(kTestSource, theirs.stream, {0}, 1000);
    ASSERT_EQ(mine->size(), 40u);
    EXPECT_EQ(mine->back().value, 79u);
  }
}

TEST_F(JudgementTest, ASetIsAcceptedWholeOrNotAtAll) {
  Append(WithId("a"));
  Fields fits = WithId("b");
  fits.stream = "order/2";
  fits.expected_version = 0;
  Fields conflicts = WithId("c");
  conflicts.expected_version = 7;
  EXPECT_THAT(AppendSet({fits, conflicts}),
              ElementsAre(Kind::kSetRefused, Kind::kVersionConflict));
  EXPECT_EQ(end(), 1u);
  conflicts.expected_version = 1;
  EXPECT_THAT(AppendSet({fits, conflicts}),
              ElementsAre(Kind::kNew, Kind::kNew));
  EXPECT_EQ(end(), 3u);
  EXPECT_THAT(AppendSet({fits, conflicts}),
              ElementsAre(Kind::kDuplicate, Kind::kDuplicate));
}

TEST_F(JudgementTest, ASetOnOneStreamExpectsTheVersionItFound) {
  Fields first = WithId("a"), second = WithId("b");
  first.expected_version = 0;
  second.expected_version = 0;
  EXPECT_THAT(AppendSet({first, second}), ElementsAre(Kind::kNew, Kind::kNew));
}

TEST_F(JudgementTest, ASetHoldsAnIdOnce) {
  EXPECT_THAT(AppendSet({WithId("a"), WithId("a")}),
              ElementsAre(Kind::kSetRefused, Kind::kIdReused));
  EXPECT_EQ(end(), 0u);
}

TEST_F(JudgementTest, AcceptedTimeNeverStepsBack) {
  const TestEvent a(WithId("a")), b(WithId("b")), c(WithId("c"));
  log_.Append({&a}, 100);
  EXPECT_EQ(log_.Append({&b}, 50).staged[0].accepted_us, 100u);
  ASSERT_THAT(log_.Open(), IsOk());
  EXPECT_EQ(log_.Append({&c}, 60).staged[0].accepted_us, 100u);
}

TEST_F(JudgementTest, KeepsFaultsAndTheEnvironmentWithTheEvent) {
  Fields fields = WithId("a");
  fields.faults = {"field 3: required", "field 4: pattern"};
  Append(fields);
  for (int round = 0; round < 2; ++round) {
    const auto event = log_.log().ReadOne({1});
    ASSERT_THAT(event, IsOk());
    EXPECT_EQ(event->faults, fields.faults);
    EXPECT_EQ(event->environment, bus::v1::ENVIRONMENT_DEMO);
    ASSERT_THAT(log_.Open(), IsOk());
  }
}

// Owner and category of every key record; and each box's key must come first.
struct KeyFacts {
  std::vector<std::string> keys;
  std::set<uint32_t> before;
  std::vector<int> boxes;  // Of each event.
};
absl::Status ReadKeys(const std::string& segment, KeyFacts& facts) {
  FakeDisk disk;
  disk.Overwrite("segment", segment);
  auto file = disk.Open("segment");
  return bus::ScanSegment(
             **file, bus::ChainEnd(),
             [&](const bus::ScannedBlock& block) -> absl::Status {
               bus::RecordReader records(block.body);
               bus::Record record;
               while (records.Next(record)) {
                 ByteReader in(record.bytes);
                 if (record.kind == bus::RecordKind::kKey) {
                   facts.before.insert(in.Number<uint32_t>());
                   in.Number<uint32_t>();
                   const bool person = in.Number<uint8_t>() == 1;
                   facts.keys.push_back(absl::StrCat(
                       person ? "person " : "source ", in.Number<uint8_t>()));
                 } else if (record.kind == bus::RecordKind::kEvent) {
                   in.Bytes(in.Number<uint16_t>());
                   facts.boxes.push_back(0);
                   while (!in.done()) {
                     ++facts.boxes.back();
                     if (!facts.before.contains(in.Number<uint32_t>())) {
                       return absl::InternalError("a key after its event");
                     }
                     in.Bytes(in.Number<uint32_t>() + kNonceBytes);
                   }
                 }
               }
               return absl::OkStatus();
             })
      .status();
}

TEST_F(JudgementTest, AKeyStandsInTheLogBeforeTheFirstEventThatNeedsIt) {
  Fields fields = WithId("a");
  fields.groups = {"s1", "s2", "s3", "clinical", "victim"};
  Append(fields);
  fields.id = "b";  // Needs no more keys.
  Append(fields);
  fields.id = "c";
  fields.person = 0;
  Append(fields);
  KeyFacts facts;
  ASSERT_THAT(ReadKeys(log_.disk().Contents(bus::SegmentName(1)), facts),
              IsOk());
  EXPECT_THAT(facts.keys,
              ElementsAre("person 0", "person 1", "person 2", "source 0"));
  // One for each key: who may open one group may open its neighbours there.
  EXPECT_THAT(facts.boxes, ElementsAre(3, 3, 1));
}

TEST_F(JudgementTest, PolicyAboutAPersonIsNotSealedByPerson) {
  Fields fields = WithId("a");
  fields.policy_bearing = true;
  Append(fields);
  KeyFacts facts;
  ASSERT_THAT(ReadKeys(log_.disk().Contents(bus::SegmentName(1)), facts),
              IsOk());
  EXPECT_THAT(facts.keys, ElementsAre("source 0"));
}

TEST_F(JudgementTest, NoPlaintextReachesTheDisk) {
  Fields fields = WithId("a");
  fields.groups = {"routing-words", "personal-words", "", "clinical-words"};
  fields.faults = {"fault-words"};
  Append(fields);
  const std::string disk = log_.disk().Contents(bus::SegmentName(1));
  for (const char* words :
       {"routing-words", "personal-words", "clinical-words", "fault-words"}) {
    EXPECT_EQ(disk.find(words), std::string::npos) << words;
  }
}

TEST_F(JudgementTest, ReadersSeeDenseOrderWhileTheLogIsWritten) {
  TestLog::Options options;
  options.recent_bytes = 4096;  // Most reads go to segments.
  TestLog log(options);
  ASSERT_THAT(log.Open(), IsOk());
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      bool last_round = false;
      while (!last_round) {
        last_round = done;
        const auto events = log.ReadAll();
        EXPECT_THAT(events, IsOk());
        const auto end = log.log().Status().end.value;
        const auto of_stream =
            log.log().OfStream(kTestSource, "order/1", {0}, 10000);
        EXPECT_THAT(of_stream, IsOk());
        EXPECT_GE(of_stream->size(), events->size());
        EXPECT_GE(end, events->size());
      }
    });
  }
  for (int i = 0; i < 300; ++i) {
    const TestEvent event(WithId(absl::StrFormat("id-%03d", i)));
    EXPECT_THAT(log.Append({&event}).written, IsOk());
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(log.ReadAll()->size(), 300u);
}

}  // namespace
}  // namespace concordat::testing
