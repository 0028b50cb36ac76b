#include "services/bus/log/segment_index.h"

#include <string>

#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_log.h"

namespace concordat::testing {
namespace {

using ::testing::ElementsAre;

class SegmentIndexTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(log_.Open(), IsOk());
    AppendMany(1, 130);
    ASSERT_GT(log_.log().Status().segments, 3u);
    log_.Close();
  }
  void AppendMany(uint64_t from, uint64_t to) {
    for (uint64_t i = from; i <= to; ++i) {
      const TestEvent event(Fields(i));
      ASSERT_THAT(log_.Append({&event}, i).written, IsOk());
    }
  }
  static TestEvent::Fields Fields(uint64_t i) {
    TestEvent::Fields fields;
    fields.id = absl::StrFormat("id-%06u", i);
    fields.stream = "order/1";
    fields.person = static_cast<uint8_t>(i % 3);
    return fields;
  }
  // The log has events 1 to `count`, reads and indexes alike.
  void ExpectWhole(uint64_t count) {
    ASSERT_THAT(log_.Open(), IsOk());
    const auto events = log_.ReadAll();
    ASSERT_THAT(events, IsOk());
    ASSERT_EQ(events->size(), count);
    for (uint64_t i = 0; i < count; ++i) {
      ASSERT_EQ(Difference((*events)[i], TestEvent(Fields(i + 1))), "");
    }
    EXPECT_EQ(log_.log().OfStream(kTestSource, "order/1", {0}, 1000)->size(),
              count);
    EXPECT_EQ(log_.log().OfPerson(TestPerson(1), {0}, {count})->size(),
              (count + 2) / 3);
    const TestEvent early(Fields(2));
    EXPECT_EQ(log_.Append({&early}).staged[0].kind,
              bus::Staged::Kind::kDuplicate);
  }

  static TestLog::Options SmallOptions() {
    TestLog::Options options;
    options.segment_bytes = 16 * 1024;
    return options;
  }
  TestLog log_ = TestLog(SmallOptions());
};

TEST_F(SegmentIndexTest, TellsWhatEachRegionHolds) {
  const auto index =
      bus::DecodeSegmentIndex(log_.disk().Contents(bus::SegmentIndexName(1)));
  ASSERT_THAT(index, IsOk());
  ASSERT_FALSE(index->regions.empty());
  const bus::SegmentIndex::Region& region = index->regions.front();
  EXPECT_THAT(region.types, ElementsAre("concordat.test.v1.Happened"));
  EXPECT_THAT(region.agencies, ElementsAre("police-scotland"));
  EXPECT_THAT(region.persons, ElementsAre(TestPerson(1), TestPerson(2)));
  EXPECT_EQ(index->closed.places.front().first_sequence, 1u);
}

TEST_F(SegmentIndexTest, TheSpineFileHoldsEverySpineInOrder) {
  uint64_t count = 0;
  ASSERT_THAT(bus::VisitSpines(log_.disk().Contents(bus::SpineFileName(1)),
                               [&](const Spine& spine) {
                                 EXPECT_EQ(spine.sequence.value, ++count);
                                 EXPECT_EQ(spine.header.id, Fields(count).id);
                                 return absl::OkStatus();
                               }),
              IsOk());
  EXPECT_GT(count, 10u);
}

TEST_F(SegmentIndexTest, EncodesAndDecodesToTheSame) {
  const std::string bytes = log_.disk().Contents(bus::SegmentIndexName(2));
  EXPECT_EQ(bus::EncodeSegmentIndex(*bus::DecodeSegmentIndex(bytes)), bytes);
}

TEST_F(SegmentIndexTest, TheHeadSaysWhatOpeningNeeds) {
  const std::string bytes = log_.disk().Contents(bus::SegmentIndexName(2));
  const auto index = bus::DecodeSegmentIndex(bytes);
  const auto length = bus::SegmentHeadBytes(bytes);
  ASSERT_THAT(length, IsOk());
  ASSERT_LT(*length, bytes.size());
  const auto head = bus::DecodeSegmentHead(bytes.substr(0, *length));
  ASSERT_THAT(head, IsOk());
  EXPECT_EQ(head->closed.end.hash, index->closed.end.hash);
  EXPECT_EQ(head->closed.places.size(), index->closed.places.size());
  EXPECT_EQ(head->last_accepted_us, index->last_accepted_us);
  EXPECT_EQ(head->keys, index->keys);
  EXPECT_THAT(head->types, ElementsAre("concordat.test.v1.Happened"));
  // Every byte of it is under its own checksum, or says where that is.
  for (size_t at = 0; at < *length; ++at) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    EXPECT_FALSE(bus::DecodeSegmentHead(flipped).ok()) << at;
  }
  EXPECT_FALSE(bus::DecodeSegmentHead(bytes.substr(0, *length - 1)).ok());
}

TEST_F(SegmentIndexTest, DamagedOrMissingFilesAreMadeAnew) {
  for (const bool index_lost : {false, true}) {
    for (const std::string& name :
         {bus::SegmentIndexName(1), bus::SpineFileName(1),
          bus::SegmentIndexName(2), bus::SpineFileName(2)}) {
      SCOPED_TRACE(name);
      const std::string whole = log_.disk().Contents(name);
      if (index_lost) log_.DropIndex();
      log_.disk().FlipBit(name, 8 * whole.size() / 2);
      ExpectWhole(130);
      log_.Close();
      log_.disk().Drop(name);
      if (index_lost) log_.DropIndex();
      ExpectWhole(130);
      log_.Close();
      if (name != bus::SpineFileName(1) && name != bus::SpineFileName(2)) {
        EXPECT_EQ(log_.disk().Contents(name), whole);
      }
    }
  }
}

TEST_F(SegmentIndexTest, AnIndexOfOtherBlocksIsNotBelieved) {
  const std::string second = log_.disk().Contents(bus::SegmentIndexName(2));
  auto index = bus::DecodeSegmentIndex(second);
  ASSERT_THAT(index, IsOk());
  index->closed.end_offset = index->closed.last_block;  // One block short.
  index->closed.last_block = 0;
  log_.disk().Overwrite(bus::SegmentIndexName(2),
                        bus::EncodeSegmentIndex(*index));
  ExpectWhole(130);
}

TEST_F(SegmentIndexTest, OpensWithoutReadingClosedSegments) {
  // A flipped bit in one is met by who reads it, not by the opening.
  log_.disk().FlipBit(bus::SegmentName(1), 8 * 400);
  ASSERT_THAT(log_.Open(), IsOk());
  EXPECT_THAT(log_.log().ReadOne({1}), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(log_.log().ReadOne({125}), IsOk());
}

}  // namespace
}  // namespace concordat::testing
