// Mutants, and the test that catches each:
//   a table forgotten                  DestroysEveryRowOfThePerson
//   somebody else's rows too           the same
//   rows left in the free pages        NothingOfThePersonIsInTheFiles
//   the write-ahead log left           the same
//   confirmed while a backup holds it  NothingIsConfirmedWhileSomebodyReadsTheFiles
//   left after a crash of before       WhatWasConfirmedBeforeIsGoneFromTheLogToo
//   confirmed twice, or not at all     ConfirmsOnceHoweverOftenItIsAsked
//   confirmed again under the id of    ACopyPutBackIsErasedAgain
//     before, which the bus refuses
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/erasure.pb.h"
#include "tests/unit/services/identity/store/store_fixture.h"

namespace concordat::identity {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kRef[] = "E-0195f1c0";

class IdentityErasureTest : public IdentityStoreTest {
 protected:
  // With a row in every table that may have one.
  PersonKey FullPerson() {
    const PersonKey person = RegisterTorquil();
    PersonDetails again = Torquil();
    again.other_names = {{"Keillor", "Torquil"}};
    EXPECT_THAT(
        store_->Register(From(kPolice, "r-9"), again, {Id("pnc", kPnc)}),
        IsOk());
    EXPECT_THAT(store_->NoteUses(person, {Id("chi", kChi).canonical}, kHealth,
                                 Sequence{1}),
                IsOk());
    DescribedTo to;
    to.principal = "police";
    EXPECT_THAT(store_->NoteDescriptions({person}, to), IsOk());
    Review review;
    review.kind = "LINK_DOUBTED";
    review.subject = person;
    review.identifiers = {Id("chi", kChi).canonical};
    review.note = "she says it is her brother";
    EXPECT_THAT(store_->OpenReview(From(kCouncil, "o-1"), review), IsOk());
    return person;
  }
  // Rows that have the key in a column of that name.
  int64_t RowsOf(const PersonKey& person) {
    int64_t rows = 0;
    auto db = Database::Open(path_, Database::Durability::kFull).value();
    std::vector<std::pair<std::string, std::string>> columns;
    EXPECT_THAT(
        db->Query("SELECT m.name, c.name FROM sqlite_master m, "
                  "pragma_table_info(m.name) c WHERE m.type = 'table' AND "
                  "c.type = 'BLOB'",
                  {},
                  [&](const SqlRow& row) {
                    columns.emplace_back(row.Text(0), row.Text(1));
                  }),
        IsOk());
    EXPECT_GT(columns.size(), 20u);
    for (const auto& [table, column] : columns) {
      EXPECT_THAT(db->Query(absl::StrCat("SELECT count(*) FROM ", table,
                                         " WHERE ", column, " = ?1"),
                            {SqlValue::Blob(person.bytes())},
                            [&](const SqlRow& row) { rows += row.Int(0); }),
                  IsOk());
    }
    return rows;
  }
};

TEST_F(IdentityErasureTest, DestroysEveryRowOfThePerson) {
  const PersonKey person = FullPerson();
  const auto other =
      store_->Register(From(kCouncil, "r-2"), {}, {Id("chi", kOtherChi)});
  ASSERT_THAT(other, IsOk());
  EXPECT_GE(RowsOf(person), 9);
  const int64_t others = RowsOf(other->person);
  ASSERT_THAT(store_->ErasePerson(person, kRef), IsOk());
  EXPECT_EQ(RowsOf(person), 0);
  EXPECT_EQ(RowsOf(other->person), others);
  EXPECT_EQ(Find(Id("chi", kChi)), std::nullopt);
  EXPECT_THAT(store_->Describe(person, "police-scotland").value(),
              ::testing::Eq(std::nullopt));
  // Who comes again is somebody new.
  EXPECT_NE(RegisterTorquil(), person);
}

TEST_F(IdentityErasureTest, NothingOfThePersonIsInTheFiles) {
  const PersonKey person = FullPerson();
  const std::string key(person.bytes());
  const auto has_key = [&] {
    std::string all;
    for (const auto& file : std::filesystem::directory_iterator(dir_.path())) {
      std::stringstream bytes;
      bytes << std::ifstream(file.path(), std::ios::binary).rdbuf();
      all += bytes.str();
    }
    return all.find(key) != std::string::npos;
  };
  ASSERT_TRUE(has_key());
  ASSERT_THAT(store_->ErasePerson(person, kRef), IsOk());
  // Sealed values stand beside the key: where it is gone they are.
  EXPECT_FALSE(has_key());
}

// It waits as long as the store does for who reads: 5 s.
TEST_F(IdentityErasureTest, NothingIsConfirmedWhileSomebodyReadsTheFiles) {
  const PersonKey person = FullPerson();
  {
    auto backup = Database::Open(path_, Database::Durability::kFull);
    ASSERT_THAT(backup, IsOk());
    ASSERT_THAT((*backup)->Execute("BEGIN; SELECT count(*) FROM person"),
                IsOk());
    EXPECT_THAT(store_->ErasePerson(person, kRef),
                HasCode(absl::StatusCode::kUnavailable));
    const auto pending = store_->PendingOutbox(0, 100);
    ASSERT_THAT(pending, IsOk());
    for (const auto& each : *pending) {
      EXPECT_NE(each.type, "concordat.hub.v1.ErasureConfirmed");
    }
  }
  const auto erased = store_->ErasePerson(person, kRef);
  ASSERT_THAT(erased, IsOk());
  EXPECT_TRUE(*erased);
  const auto after = store_->PendingOutbox(0, 100).value();
  ASSERT_FALSE(after.empty());
  EXPECT_EQ(after.back().type, "concordat.hub.v1.ErasureConfirmed");
}

TEST_F(IdentityErasureTest, WhatWasConfirmedBeforeIsGoneFromTheLogToo) {
  const PersonKey person = FullPerson();
  auto db = Database::Open(path_, Database::Durability::kFull);
  ASSERT_THAT(db, IsOk());
  ASSERT_THAT((*db)->Run("INSERT INTO erased VALUES (?1, 1)", {kRef}), IsOk());
  ASSERT_GT(std::filesystem::file_size(path_ + "-wal"), 0u);
  const auto erased = store_->ErasePerson(person, kRef);
  ASSERT_THAT(erased, IsOk());
  EXPECT_FALSE(*erased);
  EXPECT_EQ(std::filesystem::file_size(path_ + "-wal"), 0u);
}

TEST_F(IdentityErasureTest, ConfirmsOnceHoweverOftenItIsAsked) {
  const PersonKey person = RegisterTorquil();
  const auto first = store_->ErasePerson(person, kRef);
  ASSERT_THAT(first, IsOk());
  EXPECT_TRUE(*first);
  Reopen();
  const auto again = store_->ErasePerson(person, kRef);
  ASSERT_THAT(again, IsOk());
  EXPECT_FALSE(*again);
  const auto pending = store_->PendingOutbox(0, 10).value();
  ASSERT_THAT(pending, SizeIs(1));
  EXPECT_EQ(pending[0].type, "concordat.hub.v1.ErasureConfirmed");
  EXPECT_EQ(pending[0].header.stream, "erasures");
  EXPECT_TRUE(pending[0].header.subject.empty());
  hub::v1::ErasureConfirmed confirmed;
  ASSERT_TRUE(confirmed.ParseFromString(pending[0].message));
  EXPECT_EQ(confirmed.erasure_ref(), kRef);
  EXPECT_GT(confirmed.destroyed(), 4u);
}

TEST_F(IdentityErasureTest, ACopyPutBackIsErasedAgain) {
  const PersonKey person = FullPerson();
  store_.reset();
  const std::string copy = dir_.PathOf("copy");
  std::filesystem::copy_file(path_, copy);
  Reopen();
  ASSERT_THAT(store_->ErasePerson(person, kRef), IsOk());
  const auto first = store_->PendingOutbox(0, 100).value();
  ASSERT_FALSE(first.empty());
  store_.reset();
  std::filesystem::rename(copy, path_);
  clock_.Advance(absl::Minutes(1));
  Reopen();
  EXPECT_GE(RowsOf(person), 9);

  const auto again = store_->ErasePerson(person, kRef);
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(*again);
  EXPECT_EQ(RowsOf(person), 0);
  const auto second = store_->PendingOutbox(0, 100).value();
  ASSERT_FALSE(second.empty());
  EXPECT_EQ(second.back().type, "concordat.hub.v1.ErasureConfirmed");
  EXPECT_NE(second.back().header.id, first.back().header.id);
}

}  // namespace
}  // namespace concordat::identity
