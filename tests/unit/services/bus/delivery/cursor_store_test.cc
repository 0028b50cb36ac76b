// Places on a disk that loses power.
//
// Mutant                                            Caught by
// no sync, or Store() answers before it             KeepsWhatItSaidIsStoredThroughAPowerCut
// torn append read as a place                       CutsATornAppend
// torn append taken for damage                      CutsATornAppendWhoseEndIsThere
// an older file's places forgotten                  ReadsAFileOfRecordsWithoutBatches
// damage in the middle skipped                      ADamagedRecordBeforeGoodOnesDoesNotOpen
// replaced file loses a name                        ReplacesAFileThatHasGrown
// goes on after a failed sync                       StoresNothingAfterAFailure
// checksum not checked                              ADamagedRecordBeforeGoodOnesDoesNotOpen
// row forgotten, or kept when it is done with       KeepsRowsAsTheyWereStoredLast
// place stored without the rows of its change       APlaceAndItsRowsChangeTogether
// file of the version before not read               ReadsAFileOfTheVersionBefore
// name comes back after it was removed              ForgetsARemovedName
#include "services/bus/delivery/cursor_store.h"

#include <random>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/fake_disk.h"
#include "tests/support/status_matchers.h"

namespace concordat::bus {
namespace {

using testing::FakeDisk;
using testing::HasCode;
using testing::IsOk;

Place At(uint64_t acknowledged) {
  return {std::string(16, 'L'), 3, {acknowledged}, {acknowledged + 1}};
}

std::unique_ptr<CursorStore> Open(FakeDisk& disk) {
  auto store = CursorStore::Open(disk);
  EXPECT_THAT(store, IsOk());
  return store.ok() ? *std::move(store) : nullptr;
}

TEST(CursorStoreTest, KeepsTheNewestPlaceOfEachName) {
  FakeDisk disk;
  auto store = Open(disk);
  EXPECT_TRUE(store->places().empty());
  EXPECT_THAT(store->Store({{"a/b/one", At(1)}, {"a/b/two", At(2)}}), IsOk());
  EXPECT_THAT(store->Store({{"a/b/one", At(9)}}), IsOk());
  store = Open(disk);
  EXPECT_EQ(store->places(), (Places{{"a/b/one", At(9)}, {"a/b/two", At(2)}}));
}

TEST(CursorStoreTest, KeepsWhatItSaidIsStoredThroughAPowerCut) {
  for (const auto survives :
       {FakeDisk::Survives::kNothing, FakeDisk::Survives::kEverything,
        FakeDisk::Survives::kSomePages, FakeDisk::Survives::kSomeSectors}) {
    // A cut at each call of a run, until it is longer than the run.
    for (uint64_t cut = 1; cut < 60; ++cut) {
      FakeDisk disk;
      disk.LosePowerAt(cut);
      Places said;
      Places tried;
      auto store = CursorStore::Open(disk);
      for (uint64_t i = 1; store.ok() && i < 20; ++i) {
        const std::string name = absl::StrCat("a/b/", i % 3);
        tried[name] = At(i);
        if (!(*store)->Store({{name, At(i)}}).ok()) break;
        said[name] = At(i);
      }
      disk.PowerCut(survives, cut);
      const auto after = CursorStore::Open(disk);
      ASSERT_THAT(after, IsOk()) << "cut at " << cut;
      for (const auto& [name, place] : said) {
        const auto found = (*after)->places().find(name);
        ASSERT_NE(found, (*after)->places().end()) << "cut at " << cut;
        EXPECT_TRUE(found->second == place || found->second == tried[name])
            << "cut at " << cut << ": " << name << " is at "
            << found->second.acknowledged.value;
      }
    }
  }
}

TEST(CursorStoreTest, CutsATornAppend) {
  FakeDisk disk;
  auto store = Open(disk);
  ASSERT_THAT(store->Store({{"a/b/one", At(1)}}), IsOk());
  const std::string whole = disk.Contents("cursors");
  ASSERT_THAT(store->Store({{"a/b/one", At(2)}}), IsOk());
  const std::string longer = disk.Contents("cursors");
  for (size_t size = whole.size(); size < longer.size(); ++size) {
    disk.Overwrite("cursors", longer.substr(0, size));
    EXPECT_EQ(Open(disk)->places(), (Places{{"a/b/one", At(1)}})) << size;
  }
}

// A power cut may lose an earlier sector of what was written at once and keep a
// later one.
TEST(CursorStoreTest, CutsATornAppendWhoseEndIsThere) {
  FakeDisk disk;
  auto store = Open(disk);
  ASSERT_THAT(store->Store({{"a/b/one", At(1)}}), IsOk());
  const size_t before = disk.Contents("cursors").size();
  Places many;
  for (int n = 0; n < 20; ++n) many[absl::StrCat("a/b/", n)] = At(5);
  ASSERT_THAT(store->Store(many), IsOk());
  std::string torn = disk.Contents("cursors");
  std::fill_n(torn.begin() + static_cast<ptrdiff_t>(before), 200, '\0');
  disk.Overwrite("cursors", torn);
  EXPECT_EQ(Open(disk)->places(), (Places{{"a/b/one", At(1)}}));
}

TEST(CursorStoreTest, ReadsAFileOfRecordsWithoutBatches) {
  FakeDisk disk;
  auto store = Open(disk);
  ASSERT_THAT(store->Store({{"a/b/one", At(1)}, {"a/b/two", At(2)}}), IsOk());
  store = Open(disk);  // One batch, whose head is 12 bytes.
  const std::string older = disk.Contents("cursors").substr(12);
  disk.Overwrite("cursors", older);
  EXPECT_EQ(Open(disk)->places(),
            (Places{{"a/b/one", At(1)}, {"a/b/two", At(2)}}));
  disk.Overwrite("cursors", older);
  disk.FlipBit("cursors", 100);
  EXPECT_THAT(CursorStore::Open(disk), HasCode(absl::StatusCode::kDataLoss));
}

TEST(CursorStoreTest, ADamagedRecordBeforeGoodOnesDoesNotOpen) {
  FakeDisk disk;
  auto store = Open(disk);
  ASSERT_THAT(store->Store({{"a/b/one", At(1)}, {"a/b/two", At(2)}}), IsOk());
  ASSERT_THAT(store->Store({{"a/b/one", At(3)}, {"a/b/two", At(4)}}), IsOk());
  const std::string whole = disk.Contents("cursors");
  for (uint64_t bit = 0; bit < 8 * whole.size() / 2; bit += 7) {
    disk.Overwrite("cursors", whole);
    disk.FlipBit("cursors", bit);
    EXPECT_THAT(CursorStore::Open(disk), HasCode(absl::StatusCode::kDataLoss))
        << bit;
  }
}

TEST(CursorStoreTest, ReplacesAFileThatHasGrown) {
  FakeDisk disk;
  auto store = Open(disk);
  ASSERT_THAT(store->Store({{"a/b/other", At(7)}}), IsOk());
  for (uint64_t i = 1; i < 20'000; ++i) {
    ASSERT_THAT(store->Store({{"a/b/one", At(i)}}), IsOk());
    ASSERT_LE(disk.Contents("cursors").size(), CursorStore::kFileBytesMax);
    if (i == 100) i = 19'000 - 1;
  }
  for (int i = 0; i < 15; ++i) {
    Places many;
    for (int n = 0; n < 2'000; ++n) many[absl::StrCat("a/b/", n)] = At(5);
    ASSERT_THAT(store->Store(many), IsOk());
    ASSERT_LE(disk.Contents("cursors").size(), CursorStore::kFileBytesMax);
  }
  store = Open(disk);
  EXPECT_EQ(store->places().at("a/b/one"), At(19'999));
  EXPECT_EQ(store->places().at("a/b/other"), At(7));
  EXPECT_EQ(store->places().size(), 2'002u);
}

Row RowOf(uint64_t order, RowState state = RowState::kWaiting) {
  Row row;
  row.order = order;
  row.id = {{order + 100}, {7}};
  row.key = 0xfeed;
  row.state = state;
  row.attempts = 3;
  row.round = 2;
  row.first_us = 1;
  row.last_us = 2;
  row.due_us = 3;
  row.reason = "no answer";
  return row;
}

TEST(CursorStoreTest, KeepsRowsAsTheyWereStoredLast) {
  FakeDisk disk;
  auto store = Open(disk);
  Place place = At(5);
  place.scanned = {9};
  place.settled = {{{{7}, {0}}, {3}}, {{{8}, {2}}, {4}}};
  place.paused = true;
  place.used_us = 11;
  place.rows = {RowOf(1), RowOf(2), RowOf(4)};
  ASSERT_THAT(store->Store({{"a/b/one", place}}), IsOk());
  EXPECT_EQ(Open(disk)->places().at("a/b/one"), place);
  place.settled.clear();
  place.rows = {RowOf(2, RowState::kSetAside), RowOf(3), RowOf(4)};
  store = Open(disk);
  const size_t before = disk.Contents("cursors").size();
  ASSERT_THAT(store->Store({{"a/b/one", place}}), IsOk());
  const size_t record = disk.Contents("cursors").size() - before;
  EXPECT_EQ(Open(disk)->places().at("a/b/one"), place);
  // Only what changed is written.
  place.acknowledged = {6};
  store = Open(disk);
  const size_t whole = disk.Contents("cursors").size();
  ASSERT_THAT(store->Store({{"a/b/one", place}}), IsOk());
  EXPECT_LT(disk.Contents("cursors").size() - whole, record);
  place.rows.clear();
  ASSERT_THAT(store->Store({{"a/b/one", place}}), IsOk());
  EXPECT_EQ(Open(disk)->places().at("a/b/one"), place);
}

TEST(CursorStoreTest, APlaceAndItsRowsChangeTogether) {
  FakeDisk disk;
  auto store = Open(disk);
  const Place before = At(1);
  ASSERT_THAT(store->Store({{"a/b/one", before}}), IsOk());
  const std::string whole = disk.Contents("cursors");
  Place after = At(2);
  for (uint64_t order = 1; order < 40; ++order) {
    after.rows.push_back(RowOf(order));
  }
  ASSERT_THAT(store->Store({{"a/b/one", after}}), IsOk());
  const std::string longer = disk.Contents("cursors");
  for (size_t size = whole.size(); size < longer.size(); size += 13) {
    disk.Overwrite("cursors", longer.substr(0, size));
    EXPECT_EQ(Open(disk)->places().at("a/b/one"), before) << size;
  }
}

TEST(CursorStoreTest, ReadsAFileOfTheVersionBefore) {
  FakeDisk disk;
  // Two places of one name, as the version before wrote them.
  disk.Overwrite(
      "cursors",
      absl::HexStringToBytes("435552312b00000054110c53"
                             "4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c03000000"
                             "01000000000000000200000000000000612f622f6f6e65"
                             "435552312b0000009c78e4c1"
                             "4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c03000000"
                             "09000000000000000a00000000000000612f622f6f6e65"));
  EXPECT_EQ(Open(disk)->places(), (Places{{"a/b/one", At(9)}}));
}

TEST(CursorStoreTest, ForgetsARemovedName) {
  FakeDisk disk;
  auto store = Open(disk);
  ASSERT_THAT(store->Store({{"a/b/one", At(1)}, {"a/b/two", At(2)}}), IsOk());
  ASSERT_THAT(store->Store({}, {"a/b/one"}), IsOk());
  EXPECT_EQ(Open(disk)->places(), (Places{{"a/b/two", At(2)}}));
}

TEST(CursorStoreTest, StoresNothingAfterAFailure) {
  FakeDisk disk;
  auto store = Open(disk);
  ASSERT_THAT(store->Store({{"a/b/one", At(1)}}), IsOk());
  disk.FailCall(disk.calls() + 2, absl::StatusCode::kUnavailable);  // Sync.
  EXPECT_THAT(store->Store({{"a/b/one", At(2)}}),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(store->Store({{"a/b/one", At(3)}}),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace concordat::bus
