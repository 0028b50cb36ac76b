// Files of everything turned into changes, rejects read again, and folders.
// Mutants, each with the test that catches it:
//
//   unchanged rows published again            TurnsEverythingIntoChanges
//   a vanished row is forgotten               AsksAboutARowThatHasVanished
//   ... or taken for an end                   AsksAboutARowThatHasVanished
//   asked again each night                    AsksAboutARowThatHasVanished
//   erased, and taken for vanished            WhoWasErasedHasNotVanished
//   a bad row counts as vanished              ABadRowHasNotVanished
//   half an extract takes everything back     TooManyVanishedRefuseTheFile
//   an old extract takes back the new         AnOlderFileOfEverythingIsRefused
//   A, B, A: the third is lost                GoesThereAndBackAgain
//   a link or a half-written file is taken    LooksAtPlainWholeFilesAlone
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/adapters/casefile/edge_fixture.h"

namespace concordat::casefile {
namespace {

using concordat::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class EverythingTest : public testing::CaseEdgeTest {
 protected:
  EverythingTest() { Use(edge::v1::VANISHED_ASK); }

  // Contacts as a nightly extract of everything, without an Amended column.
  void Use(edge::v1::Vanished vanished, uint32_t vanished_percent_max = 0) {
    edge::v1::CaseFileMapping proto = testing::DemoMapping("dundee-contacts-1");
    proto.set_content(edge::v1::CONTENT_EVERYTHING);
    proto.set_vanished(vanished);
    proto.set_vanished_percent_max(vanished_percent_max);
    proto.set_percent_from_rows(0);
    proto.set_rejects_percent_max(0);
    proto.clear_amended();
    auto set = MappingSet::Build({proto}, {"dundee-contacts"}, types_,
                                 testing::London());
    ASSERT_THAT(set, IsOk());
    mappings_ = *std::move(set);
  }
  static std::string Row(int day, const std::string& outcome) {
    return absl::StrCat("DCC-20017;B;T;", day, "/11/2025;10:00;OFF;", outcome,
                        ";W;-\n");
  }
  std::string Night(int day, const std::vector<std::string>& rows) {
    return DropAndWork(
        absl::StrCat("contacts-202511", day, ".csv"),
        absl::StrCat("ClientID;Surname;Forename;Contact "
                     "Date;Time;Type;Outcome;Worker;Amended\n",
                     absl::StrJoin(rows, ""), "TRAILER;", rows.size(), "\n"));
  }
};

TEST_F(EverythingTest, TurnsEverythingIntoChanges) {
  EXPECT_EQ(Night(20, {Row(18, "ATT"), Row(19, "DNA")}), "taken: 2 new");
  EXPECT_EQ(Night(21, {Row(18, "ATT"), Row(19, "AUTH"), Row(20, "ATT")}),
            "taken: 2 new, 1 known");
  const auto events = Events("ContactRecorded");
  ASSERT_THAT(events, SizeIs(4));
  EXPECT_EQ(events[2].header.corrects, events[1].header.id);
  EXPECT_EQ(events[3].header.corrects, "");
  EXPECT_EQ(Night(22, {Row(18, "ATT"), Row(19, "AUTH"), Row(20, "ATT")}),
            "already taken, 0 new");
}

TEST_F(EverythingTest, GoesThereAndBackAgain) {
  Night(20, {Row(18, "ATT")});
  Night(21, {Row(18, "DNA")});
  Night(22, {Row(18, "ATT")});
  Night(23, {Row(18, "DNA")});
  const auto events = Events("ContactRecorded");
  ASSERT_THAT(events, SizeIs(4));
  for (size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(events[i].header.corrects, events[i - 1].header.id);
  }
}

TEST_F(EverythingTest, AsksAboutARowThatHasVanished) {
  Night(20, {Row(18, "ATT"), Row(19, "DNA")});
  Night(21, {Row(18, "ATT")});
  EXPECT_THAT(Rejects(), ElementsAre("line 0: it was in the last file, and is "
                                     "not in this one"));
  EXPECT_THAT(Events("ContactRecorded"), SizeIs(2));
  Restart();
  Night(22, {Row(18, "ATT")});
  EXPECT_THAT(Rejects(), SizeIs(1));
  // It is back: nobody need ask.
  Night(23, {Row(18, "ATT"), Row(19, "DNA")});
  EXPECT_THAT(Rejects(), IsEmpty());
  EXPECT_THAT(Events("ContactRecorded"), SizeIs(2));
}

TEST_F(EverythingTest, WhoWasErasedHasNotVanished) {
  Use(edge::v1::VANISHED_RETRACT);
  Night(20, {Row(18, "ATT"), Row(19, "DNA")});
  const auto destroyed = store_->ErasePerson(
      Person(1), [](const edge::v1::WaitingRow&) { return false; });
  ASSERT_THAT(destroyed, IsOk());
  EXPECT_EQ(*destroyed, 2u);
  cohort_.Leave(Person(1));
  Night(21, {});
  EXPECT_THAT(Rejects(), IsEmpty());
  EXPECT_THAT(Events("ContactRecorded"), SizeIs(2));
}

TEST_F(EverythingTest, RetractsWhatHasVanishedWhereThatIsAgreed) {
  Use(edge::v1::VANISHED_RETRACT);
  Night(20, {Row(18, "ATT"), Row(19, "DNA")});
  Night(21, {Row(18, "ATT")});
  auto events = Events("ContactRecorded");
  ASSERT_THAT(events, SizeIs(3));
  EXPECT_EQ(events[2].header.retracts, events[1].header.id);
  EXPECT_EQ(events[2].Data(), events[1].Data());
  Night(22, {Row(18, "ATT")});
  EXPECT_THAT(Events("ContactRecorded"), SizeIs(3));
  // It is back: a fact again, and not the one that was taken back.
  Night(23, {Row(18, "ATT"), Row(19, "DNA")});
  events = Events("ContactRecorded");
  ASSERT_THAT(events, SizeIs(4));
  EXPECT_NE(events[3].header.id, events[1].header.id);
  EXPECT_EQ(events[3].header.corrects, "");
}

TEST_F(EverythingTest, IgnoresWhatHasVanishedWhereThatIsAgreed) {
  Use(edge::v1::VANISHED_IGNORE);
  Night(20, {Row(18, "ATT"), Row(19, "DNA")});
  Night(21, {Row(18, "ATT")});
  EXPECT_THAT(Rejects(), IsEmpty());
  EXPECT_THAT(Events("ContactRecorded"), SizeIs(2));
}

TEST_F(EverythingTest, ABadRowHasNotVanished) {
  Use(edge::v1::VANISHED_RETRACT);
  Night(20, {Row(18, "ATT"), Row(19, "DNA")});
  Night(21, {Row(18, "ATT"), Row(19, "??")});
  EXPECT_THAT(Events("ContactRecorded"), SizeIs(2));
  EXPECT_THAT(Rejects(),
              ElementsAre("line 3: Outcome: ?? is not in the codes outcome"));
}

TEST_F(EverythingTest, TooManyVanishedRefuseTheFile) {
  Use(edge::v1::VANISHED_RETRACT, 40);
  Night(20, {Row(18, "ATT"), Row(19, "DNA")});
  EXPECT_EQ(Night(21, {Row(18, "ATT")}),
            "refused: 1 of 2 rows have vanished, over 40%");
  EXPECT_THAT(Events("ContactRecorded"), SizeIs(2));
}

TEST_F(EverythingTest, AnOlderFileOfEverythingIsRefused) {
  Use(edge::v1::VANISHED_RETRACT);
  Night(21, {Row(18, "ATT"), Row(19, "DNA")});
  EXPECT_EQ(Night(20, {Row(18, "DNA")}),
            "refused: a file of everything of a later day was taken");
  EXPECT_THAT(Events("ContactRecorded"), SizeIs(2));
}

TEST_F(EverythingTest, StateOutlivesARewrittenJournal) {
  std::vector<std::string> rows;
  for (int day = 10; day < 20; ++day) rows.push_back(Row(day, "ATT"));
  Night(20, rows);
  // Every night all change: the journal grows and is rewritten.
  for (int night = 0; night < 3; ++night) {
    for (int n = 21; n < 25; ++n) {
      rows.clear();
      for (int day = 10; day < 20; ++day) {
        rows.push_back(Row(day, (n + night) % 2 == 0 ? "ATT" : "DNA"));
      }
      Night(n, rows);
    }
    Restart();
  }
  const size_t before = Events("ContactRecorded").size();
  EXPECT_EQ(Night(25, rows), "already taken, 0 new");
  EXPECT_THAT(Events("ContactRecorded"), SizeIs(before));
}

TEST_F(EverythingTest, LooksAtPlainWholeFilesAlone) {
  Drop("target.csv", "x");
  for (const char* const name :
       {".contacts-20251120.csv", "contacts-20251120.csv.tmp",
        "contacts-20251120.csv.part", "notes.txt"}) {
    Drop(name, "x");
  }
  ASSERT_EQ(symlink((drop_ + "/target.csv").c_str(),
                    (drop_ + "/contacts-20251120.csv").c_str()),
            0);
  ASSERT_EQ(mkfifo((drop_ + "/contacts-20251121.csv").c_str(), 0600), 0);
  std::filesystem::create_directories(drop_ + "/contacts-20251122.csv");
  EXPECT_EQ(*taker_->TakeAll(mappings_), 0u);
  EXPECT_EQ(*taker_->Count(mappings_), 0u);
  EXPECT_THAT(store_->files(10), IsEmpty());
  EXPECT_TRUE(IsThere("target.csv"));
}

TEST_F(EverythingTest, WaitsUntilAFileDoesNotChangeAnyMore) {
  const auto files = [this] { return *dropped_->List(); };
  Drop("contacts-20251120.csv", "half");
  const auto whole = [&] {
    return dropped_->IsWhole(files().at(0), edge::v1::WHOLE_WHEN_SETTLED,
                             absl::Seconds(60));
  };
  EXPECT_FALSE(whole());
  steady_.now += absl::Seconds(59);
  EXPECT_FALSE(whole());
  Drop("contacts-20251120.csv", "half and half");
  steady_.now += absl::Seconds(2);
  EXPECT_FALSE(whole());
  steady_.now += absl::Seconds(60);
  EXPECT_TRUE(whole());
  EXPECT_FALSE(dropped_->IsWhole(files().at(0), edge::v1::WHOLE_WHEN_DONE,
                                 absl::ZeroDuration()));
  Drop("contacts-20251120.csv.done", "");
  EXPECT_THAT(files(), SizeIs(1));
  EXPECT_TRUE(dropped_->IsWhole(files().at(0), edge::v1::WHOLE_WHEN_DONE,
                                absl::ZeroDuration()));
  ASSERT_THAT(dropped_->Remove("contacts-20251120.csv"), IsOk());
  EXPECT_FALSE(IsThere("contacts-20251120.csv.done"));
}

}  // namespace
}  // namespace concordat::casefile
