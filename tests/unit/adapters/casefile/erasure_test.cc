// What a case-file edge forgets of a person. Mutants, each with the test that
// catches it:
//
//   a row that was published is still known        ForgetsRowsRejectsAndActs
//   a reject, or a note about it, stays            the same
//   all this comes back with a restart             the same
//   erased, and its bytes are in the journal       TheJournalIsRewrittenWithoutThem
//   what waits is worked off all the same          WhatWaitsIsErasedToo
//   an outsider's row stays on the disk            OutsidersLeaveTheDisk
#include <filesystem>

#include "tests/unit/adapters/casefile/edge_fixture.h"

namespace concordat::casefile {
namespace {

using concordat::testing::IsOk;
using ::testing::SizeIs;

constexpr char kHead[] =
    "ClientID;Surname;Forename;Contact Date;Time;Type;Outcome;Worker;Amended\n";

class CaseErasureTest : public testing::CaseEdgeTest {
 protected:
  static std::string File(const std::vector<std::string>& rows) {
    return absl::StrCat(kHead, absl::StrJoin(rows, "\n"), "\nTRAILER;",
                        rows.size(), "\n");
  }
  static std::string Row(const std::string& day, const std::string& outcome,
                         const std::string& person = "DCC-20017") {
    return absl::StrCat(person, ";Balnamoon;Torquil;", day, ";10:00;OFF;",
                        outcome, ";JSW114;26/11/2025 09:00");
  }
  // By the cohort, as the process asks it.
  absl::StatusOr<uint64_t> Erase(uint8_t person) {
    return store_->ErasePerson(
        Person(person), [&](const edge::v1::WaitingRow& row) {
          const edge::CohortAnswer who =
              cohort_.Find({{row.scheme(), row.person(), row.system()}});
          return who.kind == edge::CohortAnswer::Kind::kMember &&
                 who.subject == Person(person);
        });
  }
  uint64_t JournalBytes() const {
    uint64_t bytes = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(folder_.PathOf("state"))) {
      bytes += entry.file_size();
    }
    return bytes;
  }
  size_t KnownRows() const { return store_->KnownOf("dundee-contacts").size(); }
};

TEST_F(CaseErasureTest, ForgetsRowsRejectsAndActs) {
  DropAndWork("contacts-20251126.csv",
              File({Row("24/11/2025", "DNA"), Row("25/11/2025", "XXX"),
                    Row("24/11/2025", "ATT", "DCC-20066"),
                    Row("25/11/2025", "XXX", "DCC-20066")}));
  ASSERT_EQ(KnownRows(), 2u);
  ASSERT_THAT(Rejects(), SizeIs(2));
  edge::v1::RejectAct act;
  act.mutable_acted()->set_item(store_->rejects().at(0).number());
  act.mutable_acted()->set_kind(edge::v1::ACT_KIND_LEAVE);
  act.mutable_acted()->set_by("urn:concordat:dundee-city-council:jsw");
  act.mutable_acted()->set_request_id("r-1");
  act.mutable_acted()->set_note("as his brother says");
  ASSERT_THAT(store_->Begin(act), IsOk());  // Nothing comes of it any more.

  // Identity has forgotten the number before the edge is told.
  cohort_.Leave(Person(1));
  const auto destroyed = Erase(1);
  ASSERT_THAT(destroyed, IsOk());
  EXPECT_EQ(*destroyed, 2u);
  for (int restart = 0; restart < 2; ++restart) {
    EXPECT_EQ(KnownRows(), 1u);
    ASSERT_THAT(store_->rejects(), SizeIs(1));
    EXPECT_EQ(store_->rejects()[0].person(), "DCC-20066");
    EXPECT_FALSE(store_->OldestAct().has_value());
    Restart();
  }
  EXPECT_EQ(*Erase(1), 0u);
}

TEST_F(CaseErasureTest, TheJournalIsRewrittenWithoutThem) {
  DropAndWork("contacts-20251126.csv",
              File({Row("24/11/2025", "ATT", "DCC-20066")}));
  const uint64_t before = JournalBytes();
  std::vector<std::string> rows;
  for (int day = 1; day <= 28; ++day) {
    rows.push_back(Row(absl::StrCat(day < 10 ? "0" : "", day, "/10/2025"),
                       day % 2 == 0 ? "DNA" : "XXX"));
  }
  DropAndWork("contacts-20251127.csv", File(rows));
  ASSERT_GT(JournalBytes(), before + 4000);
  ASSERT_THAT(Erase(1), IsOk());
  EXPECT_LT(JournalBytes(), before + 2000);
}

TEST_F(CaseErasureTest, WhatWaitsIsErasedToo) {
  Drop("contacts-20251126.csv",
       File({Row("24/11/2025", "DNA"), Row("24/11/2025", "ATT", "DCC-20066")}));
  ASSERT_THAT(Take(), IsOk());
  EXPECT_EQ(*Erase(1), 1u);
  Work();
  ASSERT_THAT(Events("ContactRecorded"), SizeIs(1));
  EXPECT_EQ(Events("ContactRecorded")[0].header.subject, Person(2));
}

TEST_F(CaseErasureTest, OutsidersLeaveTheDisk) {
  DropAndWork("contacts-20251126.csv",
              File({Row("24/11/2025", "ATT", "DCC-20066")}));
  const uint64_t before = JournalBytes();
  clock_.Advance(absl::Minutes(5));  // Who is in the cohort is not known.
  std::vector<std::string> rows;
  for (int day = 1; day <= 28; ++day) {
    rows.push_back(Row(absl::StrCat(day < 10 ? "0" : "", day, "/10/2025"),
                       "DNA", "DCC-99999"));
  }
  Drop("contacts-20251127.csv", File(rows));
  ASSERT_THAT(Take(), IsOk());
  ASSERT_GT(JournalBytes(), before + 4000);
  cohort_.Complete(Sequence{2});
  Work();
  EXPECT_EQ(store_->totals().counts.not_in_cohort(), 28u);
  EXPECT_LT(JournalBytes(), before + 2000);
}

}  // namespace
}  // namespace concordat::casefile
