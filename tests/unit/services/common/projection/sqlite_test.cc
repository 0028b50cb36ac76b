#include "services/common/projection/sqlite.h"

#include <sys/stat.h>

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;

class SqliteTest : public ::testing::Test {
 protected:
  std::unique_ptr<Database> Open() {
    auto database =
        Database::Open(files_.PathOf("a.db"), Database::Durability::kFull);
    EXPECT_THAT(database, IsOk());
    EXPECT_THAT((*database)->Execute("CREATE TABLE IF NOT EXISTS t("
                                     "k TEXT PRIMARY KEY, v) WITHOUT ROWID"),
                IsOk());
    return *std::move(database);
  }
  static int64_t Count(Database& database) {
    int64_t count = -1;
    EXPECT_THAT(database.Query("SELECT count(*) FROM t", {},
                               [&](const SqlRow& row) { count = row.Int(0); }),
                IsOk());
    return count;
  }
  testing::TempDir files_;
};

TEST_F(SqliteTest, ValuesComeBackAsTheyWere) {
  const auto database = Open();
  const std::string bytes("\0'\xff", 3);
  ASSERT_THAT(database->Run("INSERT INTO t VALUES(?1, ?2)",
                            {"k", SqlValue::Blob(bytes)}),
              IsOk());
  ASSERT_THAT(database->Run("INSERT INTO t VALUES(?1, ?2)", {"n", nullptr}),
              IsOk());
  ASSERT_THAT(database->Run("INSERT INTO t VALUES(?1, ?2)",
                            {absl::string_view(), uint64_t{7}}),
              IsOk());
  std::vector<std::string> keys;
  ASSERT_THAT(database->Query("SELECT k, v FROM t ORDER BY k", {},
                              [&](const SqlRow& row) {
                                keys.push_back(row.Text(0));
                                if (row.Text(0) == "k") {
                                  EXPECT_EQ(row.Text(1), bytes);
                                }
                                if (row.Text(0) == "n") {
                                  EXPECT_TRUE(row.IsNull(1));
                                }
                                if (row.Text(0).empty()) {
                                  EXPECT_EQ(row.Uint(1), 7u);
                                }
                              }),
              IsOk());
  EXPECT_EQ(keys, (std::vector<std::string>{"", "k", "n"}));
}

TEST_F(SqliteTest, ATransactionIsWholeOrNotThere) {
  {
    const auto database = Open();
    {
      Transaction lost(*database);
      ASSERT_THAT(database->Run("INSERT INTO t VALUES('a', 1)"), IsOk());
    }
    EXPECT_EQ(Count(*database), 0);
    Transaction kept(*database);
    ASSERT_THAT(database->Run("INSERT INTO t VALUES('b', 1)"), IsOk());
    ASSERT_THAT(kept.Commit(), IsOk());
  }
  EXPECT_EQ(Count(*Open()), 1);
}

TEST_F(SqliteTest, ErrorsHaveTheirCodes) {
  const auto database = Open();
  ASSERT_THAT(database->Run("INSERT INTO t VALUES('a', 1)"), IsOk());
  EXPECT_THAT(database->Run("INSERT INTO t VALUES(?1, 1)", {"a"}),
              HasCode(absl::StatusCode::kAlreadyExists));
  // The statement can be used again after its error.
  EXPECT_THAT(database->Run("INSERT INTO t VALUES(?1, 1)", {"b"}), IsOk());
  EXPECT_THAT(database->Run("INSERT INTO nowhere VALUES(1)"),
              HasCode(absl::StatusCode::kInternal));
  files_.Write("b.db", std::string(4096, 'x'));
  EXPECT_THAT(
      Database::Open(files_.PathOf("b.db"), Database::Durability::kNormal),
      HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(SqliteTest, OnlyTheOwnerCanReadTheFiles) {
  const auto database = Open();
  ASSERT_THAT(database->Run("INSERT INTO t VALUES('a', 1)"), IsOk());
  for (const char* name : {"a.db", "a.db-wal"}) {
    struct stat status = {};
    ASSERT_EQ(stat(files_.PathOf(name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 0777, 0600u) << name;
  }
}

}  // namespace
}  // namespace concordat
