// What a compaction of a closed segment promises, and the bug each test catches:
//
//   a spine or a kept box is lost                     KeepsEverySpineAndWhat…
//   a removed box stays in memory or on the disk      RemovedBytesAreNowhere
//   the index does not come back from compacted files …AfterEveryIndexIsLost
//   an id is new again, or a version another          DuplicatesAndVersions…
//   a power cut leaves half of one                    APowerCutAtEveryCall…
//   a failed call spoils the segment                  AFailedCall…
//   the kept bytes are believed unchecked             AFlippedBitIsDataLoss…
//   what was removed before is marked anew            WhatIsLeftIsCompacted…
//   readers go through what nobody wants              ReadersPassOver…
//   a cut or an epoch after it does not join on       ACutAndItsEpoch…
//   the tail of the next opening is compacted         ASegmentThatNothing…
#include "services/bus/log/compaction.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/bus/log/fsck.h"
#include "services/bus/log/segment_index.h"
#include "services/bus/log/segment_store.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_log.h"

namespace concordat::testing {
namespace {

using Kind = bus::Staged::Kind;
using Survives = FakeDisk::Survives;
using ::testing::HasSubstr;

constexpr uint64_t kEvents = 60;
constexpr uint64_t kNow = 5'000'000'000;

bool IsKept(uint64_t sequence) { return sequence % 5 == 0; }
bool Keep(const bus::EventFacts& event) { return IsKept(event.sequence.value); }

TestEvent::Fields Fields(uint64_t number) {
  TestEvent::Fields fields;
  fields.id = absl::StrFormat("id-%06u", number);
  fields.stream = absl::StrCat("case/", number % 3);
  fields.person = static_cast<uint8_t>(number % 4);
  fields.groups = {absl::StrCat("routing ", number), "",
                   std::string(number % 7 == 0 ? 6000 : 90, 'x'), "clinical"};
  return fields;
}

class CompactionTest : public ::testing::Test {
 protected:
  // Event i is accepted at i seconds; two to a commit, so that one block has what
  // goes and what stays.
  static void AppendTo(TestLog& log, uint64_t last) {
    ASSERT_THAT(log.AppendTo(last, Fields, 2, 1'000'000), IsOk());
  }
  void SetUp() override {
    ASSERT_THAT(log_.Open(), IsOk());
    AppendTo(log_, kEvents);
    segments_ = log_.log().ClosedBefore(UINT64_MAX);
    ASSERT_GT(segments_.size(), 2u);
    through_ = segments_.back().last.value;
    ASSERT_LT(through_, kEvents);
  }
  static absl::Status Compact(TestLog& log,
                              const bus::CompactableLog::Keep& keep = Keep,
                              uint64_t now = kNow) {
    for (const auto& segment : log.log().ClosedBefore(UINT64_MAX)) {
      const auto outcome = log.log().Compact(segment.number, keep, now);
      if (!outcome.ok()) return outcome.status();
    }
    return absl::OkStatus();
  }
  // Each closed segment as it was or as it should be; how many events are removed.
  uint64_t ExpectEachSegmentWhole(TestLog& log, uint64_t events = kEvents) {
    const auto all = log.ReadAll();
    EXPECT_THAT(all, IsOk());
    if (!all.ok() || all->size() != events) {
      ADD_FAILURE() << "not all events are there";
      return 0;
    }
    uint64_t removed = 0;
    std::map<uint32_t, std::set<bool>> seen;  // Of those that are to go.
    for (uint64_t i = 1; i <= events; ++i) {
      const bus::StoredEvent& event = (*all)[i - 1];
      const bool is_removed = event.removed_us != 0;
      removed += is_removed;
      if (!is_removed) {
        EXPECT_EQ(Difference(event, TestEvent(Fields(i))), "") << i;
      } else {
        EXPECT_FALSE(IsKept(i)) << i;
        ExpectSpine(event, i);
      }
      for (const auto& segment : segments_) {
        if (i > segment.last.value) continue;
        if (!IsKept(i)) seen[segment.number].insert(is_removed);
        break;
      }
    }
    for (const auto& [segment, states] : seen) {
      EXPECT_EQ(states.size(), 1u) << "segment " << segment << " is torn";
    }
    return removed;
  }
  static void ExpectSpine(const bus::StoredEvent& event, uint64_t number) {
    const TestEvent was(Fields(number));
    EXPECT_EQ(event.digest, was.digest());
    EXPECT_EQ(event.header.id, was.fields().id);
    EXPECT_EQ(event.header.stream, was.fields().stream);
    EXPECT_EQ(event.header.subject, TestPerson(was.fields().person));
    EXPECT_EQ(event.accepted_us, (number - (number + 1) % 2) * 1'000'000);
    EXPECT_EQ(event.commitments.size(), 4u);
    EXPECT_TRUE(event.opened.empty());
  }
  static void ExpectGood(TestLog& log, uint64_t removed) {
    SeededRandom random;
    const auto report = bus::CheckLog(log.disk(), &log.wrapping(), random);
    ASSERT_THAT(report, IsOk());
    EXPECT_THAT(report->fault, IsOk());
    EXPECT_EQ(report->removed, removed);
    EXPECT_EQ(report->opened + report->removed, report->events);
  }
  uint64_t Removable() const {
    uint64_t count = 0;
    for (uint64_t i = 1; i <= through_; ++i) count += IsKept(i) ? 0 : 1;
    return count;
  }
  void DropIndexFiles() {
    for (const auto& segment : segments_) {
      for (const std::string& name : {bus::SegmentIndexName(segment.number),
                                      bus::SpineFileName(segment.number)}) {
        if (log_.disk().Open(name).ok()) log_.disk().Drop(name);
      }
    }
    log_.DropIndex();
  }

  TestLog log_ = TestLog(TestLog::Small());
  std::vector<bus::CompactableLog::Segment> segments_;
  uint64_t through_ = 0;  // The last event in them.
};

TEST_F(CompactionTest, KeepsEverySpineAndWhatIsWanted) {
  const uint64_t bytes = log_.log().Status().bytes;
  ASSERT_THAT(Compact(log_), IsOk());
  const bus::LogStatus status = log_.log().Status();
  EXPECT_LT(status.bytes, bytes);
  EXPECT_EQ(status.removal.events, Removable());
  EXPECT_LE(status.removal.through.value, through_);
  EXPECT_GT(status.removal.through.value, segments_[0].last.value);
  EXPECT_EQ(status.removal.at_us, kNow);
  EXPECT_EQ(ExpectEachSegmentWhole(log_), Removable());
  for (const uint64_t one : {1u, 5u, 11u}) {
    const auto event = log_.log().ReadOne({one});
    ASSERT_THAT(event, IsOk());
    EXPECT_EQ(event->removed_us, IsKept(one) ? 0 : kNow);
  }
  ExpectGood(log_, Removable());
  // It goes on, and opens as it is.
  AppendTo(log_, kEvents + 10);
  ASSERT_THAT(log_.Open(), IsOk());
  EXPECT_EQ(ExpectEachSegmentWhole(log_, kEvents + 10), Removable());
  EXPECT_EQ(log_.log().Status().removal.events, Removable());
  EXPECT_EQ(log_.log().Status().removal.through, status.removal.through);
}

TEST_F(CompactionTest, ItIsTheSameAfterEveryIndexIsLost) {
  ASSERT_THAT(Compact(log_), IsOk());
  for (const uint32_t life : {1, 2}) {
    SCOPED_TRACE(life);
    log_.Close();
    DropIndexFiles();
    ASSERT_THAT(log_.Open(), IsOk());
    EXPECT_EQ(ExpectEachSegmentWhole(log_), Removable());
    EXPECT_EQ(log_.log().Status().removal.events, Removable());
    const auto of_person = log_.log().OfPerson(TestPerson(1), {0}, {kEvents});
    ASSERT_THAT(of_person, IsOk());
    EXPECT_EQ(of_person->size(), kEvents / 4);
  }
}

TEST_F(CompactionTest, RemovedBytesAreNowhere) {
  TestLog log(TestLog::Small());
  ASSERT_THAT(log.Open(), IsOk());
  // Sealed, they are not to be looked for: so the boxes themselves are.
  AppendTo(log, kEvents);
  const std::string before = log.disk().Contents(bus::SegmentName(1));
  std::vector<std::string> boxes;
  log.Close();
  {
    const auto file = log.disk().Open(bus::SegmentName(1));
    ASSERT_THAT(bus::ScanSegment(**file, bus::ChainEnd(),
                                 [&](const bus::ScannedBlock& block) {
                                   bus::RecordReader records(block.body);
                                   bus::Record record;
                                   uint64_t at = block.header.first_sequence;
                                   while (records.Next(record)) {
                                     if (record.kind != bus::RecordKind::kEvent)
                                       continue;
                                     if (!IsKept(at++)) {
                                       boxes.emplace_back(record.bytes.substr(
                                           record.bytes.size() - 32));
                                     }
                                   }
                                   return absl::OkStatus();
                                 }),
                IsOk());
  }
  ASSERT_GT(boxes.size(), 5u);
  ASSERT_THAT(log.Open(), IsOk());
  ASSERT_THAT(Compact(log), IsOk());
  const auto names = log.disk().List();
  for (const std::string& name : *names) {
    const std::string bytes = log.disk().Contents(name);
    for (const std::string& box : boxes) {
      ASSERT_FALSE(absl::StrContains(bytes, box)) << name;
    }
  }
}

TEST_F(CompactionTest, DuplicatesAndVersionsAreJudgedAsBefore) {
  ASSERT_THAT(Compact(log_), IsOk());
  for (const bool rebuilt : {false, true}) {
    SCOPED_TRACE(rebuilt);
    if (rebuilt) {
      log_.Close();
      DropIndexFiles();
      ASSERT_THAT(log_.Open(), IsOk());
    }
    for (uint64_t i = 1; i <= kEvents; ++i) {
      const TestEvent again(Fields(i));
      const auto staged = log_.Append({&again}).staged[0];
      EXPECT_EQ(staged.kind, Kind::kDuplicate) << i;
      EXPECT_EQ(staged.sequence, Sequence{i});
      EXPECT_EQ(staged.digest, again.digest());
    }
    TestEvent::Fields fields = Fields(1);
    fields.id = "new";
    fields.stream = "case/1";
    fields.expected_version = 1;
    const TestEvent late(fields);
    const auto staged = log_.Append({&late}).staged[0];
    EXPECT_EQ(staged.kind, Kind::kVersionConflict);
    EXPECT_EQ(staged.stream_version, Sequence{58});
    EXPECT_EQ(*log_.log().OfId(kTestSource, "id-000001"), Sequence{1});
    EXPECT_EQ(log_.log().OfStream(kTestSource, "case/1", {0}, 100)->size(),
              20u);
  }
}

TEST_F(CompactionTest, APowerCutAtEveryCallLeavesEitherState) {
  log_.Close();
  log_.disk().PowerCut(Survives::kEverything, 1);
  const std::unique_ptr<FakeDisk> start = log_.disk().Copy();
  uint64_t calls = 0;
  {
    TestLog log(TestLog::Small());
    log.set_disk(start->Copy());
    ASSERT_THAT(log.Open(), IsOk());
    const uint64_t before = log.disk().calls();
    ASSERT_THAT(Compact(log), IsOk());
    calls = log.disk().calls() - before;
  }
  ASSERT_GT(calls, 20u);
  std::set<uint64_t> outcomes;
  for (uint64_t step = 1; step <= calls + 1; ++step) {
    for (const Survives survives :
         {Survives::kNothing, Survives::kEverything, Survives::kSomePages,
          Survives::kSomeSectors}) {
      SCOPED_TRACE(absl::StrCat("step ", step, ", survives ",
                                static_cast<int>(survives)));
      TestLog log(TestLog::Small());
      log.set_disk(start->Copy());
      ASSERT_THAT(log.Open(), IsOk());
      log.disk().LosePowerAt(log.disk().calls() + step);
      Compact(log).IgnoreError();
      log.Close();
      log.disk().PowerCut(survives, step);
      if (step % 2 == 0) log.DropIndex();
      ASSERT_THAT(log.Open(), IsOk());
      const uint64_t removed = ExpectEachSegmentWhole(log);
      outcomes.insert(removed);
      EXPECT_EQ(log.log().Status().removal.events, removed);
      ExpectGood(log, removed);
      // Run again, it does the rest.
      ASSERT_THAT(Compact(log), IsOk());
      EXPECT_EQ(ExpectEachSegmentWhole(log), Removable());
      if (HasFailure()) return;
    }
  }
  // None, all, and each number of segments between.
  EXPECT_EQ(outcomes.size(), segments_.size() + 1);
}

TEST_F(CompactionTest, AFailedCallLeavesAGoodLogThatTakesEvents) {
  log_.Close();
  const std::unique_ptr<FakeDisk> start = log_.disk().Copy();
  uint64_t calls = 0;
  {
    TestLog log(TestLog::Small());
    log.set_disk(start->Copy());
    ASSERT_THAT(log.Open(), IsOk());
    const uint64_t before = log.disk().calls();
    ASSERT_THAT(Compact(log), IsOk());
    calls = log.disk().calls() - before;
  }
  for (uint64_t call = 1; call <= calls; ++call) {
    SCOPED_TRACE(absl::StrCat("call ", call));
    TestLog log(TestLog::Small());
    log.set_disk(start->Copy());
    ASSERT_THAT(log.Open(), IsOk());
    log.disk().FailCall(log.disk().calls() + call,
                        absl::StatusCode::kUnavailable);
    Compact(log).IgnoreError();
    ExpectEachSegmentWhole(log);
    EXPECT_FALSE(log.log().Status().read_only);
    // What lost its index over it has one again after a start.
    ASSERT_THAT(log.Open(), IsOk());
    ASSERT_THAT(Compact(log), IsOk());
    AppendTo(log, kEvents + 4);
    log.Close();
    log.disk().PowerCut(Survives::kSomeSectors, call);
    ASSERT_THAT(log.Open(), IsOk());
    EXPECT_EQ(ExpectEachSegmentWhole(log, kEvents + 4), Removable());
    ExpectGood(log, Removable());
    if (HasFailure()) return;
  }
}

TEST_F(CompactionTest, AFlippedBitIsDataLossThatNamesTheSegment) {
  ASSERT_THAT(Compact(log_), IsOk());
  log_.Close();
  DropIndexFiles();
  const std::unique_ptr<FakeDisk> start = log_.disk().Copy();
  const uint64_t bits = 8 * start->Contents(bus::SegmentName(2)).size();
  for (uint64_t bit = 3; bit < bits; bit += 97) {
    SCOPED_TRACE(absl::StrCat("bit ", bit, " of ", bits));
    TestLog log(TestLog::Small());
    log.set_disk(start->Copy());
    log.disk().FlipBit(bus::SegmentName(2), bit);
    const absl::Status opened = log.Open();
    ASSERT_THAT(opened,
                ::testing::AnyOf(HasCode(absl::StatusCode::kDataLoss),
                                 HasCode(absl::StatusCode::kUnimplemented)));
    EXPECT_THAT(std::string(opened.message()), HasSubstr("segment-00000002:"));
    SeededRandom random;
    const auto report = bus::CheckLog(log.disk(), &log.wrapping(), random);
    ASSERT_THAT(report, IsOk());
    EXPECT_FALSE(report->fault.ok());
    EXPECT_EQ(report->fault_segment, 2u);
  }
  // And for who reads there, when an index lets it open.
  TestLog log(TestLog::Small());
  log.set_disk(start->Copy());
  ASSERT_THAT(log.Open(), IsOk());
  log.Close();
  log.disk().FlipBit(bus::SegmentName(2), 8 * 200);
  ASSERT_THAT(log.Open(), IsOk());
  const auto read = log.log().Read(segments_[0].last, 1);
  EXPECT_THAT(read, HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(std::string(read.status().message()),
              HasSubstr("segment-00000002:"));
}

TEST_F(CompactionTest, WhatIsLeftIsCompactedAgain) {
  ASSERT_THAT(Compact(log_), IsOk());
  const std::string once = log_.disk().Contents(bus::SegmentName(1));
  // Nothing more to remove: nothing is written.
  ASSERT_THAT(Compact(log_, Keep, kNow + 1), IsOk());
  EXPECT_EQ(log_.disk().Contents(bus::SegmentName(1)), once);
  // Fewer are wanted now; the log's time stands.
  const auto keep = [](const bus::EventFacts& event) {
    return event.sequence.value % 10 == 0;
  };
  for (const auto& segment : segments_) {
    uint64_t visited = 0;
    ASSERT_THAT(log_.log().VisitKept(segment.number,
                                     [&](const bus::EventFacts& event) {
                                       ++visited;
                                       EXPECT_TRUE(Keep(event));
                                     }),
                IsOk());
    EXPECT_GT(visited, 0u);
  }
  ASSERT_THAT(Compact(log_, keep, kNow), IsOk());
  EXPECT_NE(log_.disk().Contents(bus::SegmentName(1)), once);
  ASSERT_THAT(log_.Open(), IsOk());
  uint64_t removed = 0;
  const auto all = log_.ReadAll();
  ASSERT_THAT(all, IsOk());
  for (const bus::StoredEvent& event : *all) {
    const uint64_t number = event.sequence.value;
    EXPECT_EQ(event.removed_us != 0, number <= through_ && number % 10 != 0);
    removed += event.removed_us != 0;
  }
  EXPECT_EQ(log_.log().Status().removal.events, removed);
  ExpectGood(log_, removed);
}

TEST_F(CompactionTest, ReadersPassOverWhatIsGone) {
  const std::set<PersonKey> persons = {TestPerson(1)};
  const bus::Interest interest = {nullptr, nullptr, &persons};
  EXPECT_EQ(log_.log().SkipFrom({0}, interest), Sequence{0});
  ASSERT_THAT(Compact(log_, [](const bus::EventFacts&) { return false; }),
              IsOk());
  // To the end of the segment, at once.
  EXPECT_EQ(log_.log().SkipFrom({0}, interest), segments_[0].last);
}

// A segment closes before the first write to the next, which may fail.
TEST_F(CompactionTest, ASegmentThatNothingFollowsYetIsLeft) {
  for (uint64_t call = 1; call <= 120; ++call) {
    SCOPED_TRACE(call);
    TestLog log(TestLog::Small());
    ASSERT_THAT(log.Open(), IsOk());
    log.disk().FailCall(log.disk().calls() + call,
                        absl::StatusCode::kUnavailable);
    uint64_t end = 0;
    for (; end < kEvents; end += 2) {
      const TestEvent first(Fields(end + 1)), second(Fields(end + 2));
      if (!log.Append({&first, &second}, end * 1'000'000).written.ok()) break;
    }
    Compact(log).IgnoreError();
    log.disk().FailCall(0, absl::StatusCode::kOk);
    ASSERT_THAT(log.Open(), IsOk());
    EXPECT_GE(log.log().Status().end.value, end);
    const auto all = log.ReadAll();
    ASSERT_THAT(all, IsOk());
    for (const bus::StoredEvent& event : *all) {
      const uint64_t number = event.sequence.value;
      if (event.removed_us == 0) {
        EXPECT_EQ(Difference(event, TestEvent(Fields(number))), "");
      } else {
        EXPECT_FALSE(IsKept(number));
      }
    }
    if (HasFailure()) return;
  }
}

TEST_F(CompactionTest, ACutAndItsEpochJoinOnToACompactedSegment) {
  ASSERT_THAT(Compact(log_), IsOk());
  log_.Close();
  const uint32_t last = segments_.back().number;
  const uint64_t end = log_.disk().Contents(bus::SegmentName(last)).size();
  ASSERT_THAT(bus::CutLog(log_.disk(), {last, end, through_},
                          absl::FromUnixSeconds(1'800'000'000)),
              IsOk());
  ASSERT_THAT(log_.Open(), IsOk());
  EXPECT_EQ(log_.log().Status().end, Sequence{through_});
  EXPECT_EQ(log_.log().Status().epochs.size(), 2u);
  AppendTo(log_, through_ + 20);
  log_.Close();
  DropIndexFiles();
  ASSERT_THAT(log_.Open(), IsOk());
  EXPECT_EQ(log_.log().Status().removal.events, Removable());
  ExpectGood(log_, Removable());
}

}  // namespace
}  // namespace concordat::testing
