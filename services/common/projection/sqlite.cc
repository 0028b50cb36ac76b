#include "services/common/projection/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace concordat {

bool SqlRow::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

int64_t SqlRow::Int(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string SqlRow::Text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return bytes == nullptr ? std::string()
                          : std::string(static_cast<const char*>(bytes),
                                        static_cast<size_t>(size));
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(
    const std::string& path, Durability durability) {
  if (path != ":memory:") {
    // SQLite would make it readable for others; its -wal and -shm follow suit.
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return absl::UnavailableError(path + ": cannot open");
    close(fd);
  }
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(
      path.c_str(), &handle,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
      nullptr);
  std::unique_ptr<Database> database(new Database(handle));
  if (code != SQLITE_OK) return database->Error(code);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, 5000);
  const absl::Status set = database->Execute(
      absl::StrCat("PRAGMA journal_mode=WAL; PRAGMA foreign_keys=ON;"
                   "PRAGMA trusted_schema=OFF; PRAGMA secure_delete=ON;"
                   "PRAGMA synchronous=",
                   durability == Durability::kFull ? "FULL" : "NORMAL"));
  if (!set.ok()) return set;
  return database;
}

Database::~Database() {
  for (auto& [sql, statement] : prepared_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

absl::Status Database::Error(int code) const {
  const std::string message = absl::StrCat("sqlite: ", sqlite3_errmsg(handle_));
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
      return absl::AlreadyExistsError(message);
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(message);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
      return absl::UnavailableError(message);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(message);
    default:
      return absl::InternalError(message);
  }
}

absl::Status Database::Execute(const std::string& sql) {
  const int code =
      sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Error(code);
}

absl::StatusOr<sqlite3_stmt*> Database::Prepare(const std::string& sql) {
  const auto found = prepared_.find(sql);
  if (found != prepared_.end()) return found->second;
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v3(handle_, sql.c_str(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return Error(code);
  prepared_.emplace(sql, statement);
  return statement;
}

absl::Status Database::Run(const std::string& sql,
                           std::initializer_list<SqlValue> values) {
  return Query(sql, values, [](const SqlRow&) {});
}

absl::Status Database::Query(const std::string& sql,
                             std::initializer_list<SqlValue> values,
                             const std::function<void(const SqlRow&)>& row) {
  const auto prepared = Prepare(sql);
  if (!prepared.ok()) return prepared.status();
  sqlite3_stmt* statement = *prepared;
  int code = SQLITE_OK;
  int position = 0;
  for (const SqlValue& value : values) {
    ++position;
    if (const auto* number = std::get_if<int64_t>(&value.value_)) {
      code = sqlite3_bind_int64(statement, position, *number);
    } else if (const auto* text =
                   std::get_if<absl::string_view>(&value.value_)) {
      // A null pointer would bind NULL, not an empty text.
      const char* data = text->data() == nullptr ? "" : text->data();
      code = value.is_blob_
                 ? sqlite3_bind_blob64(statement, position, data, text->size(),
                                       SQLITE_STATIC)
                 : sqlite3_bind_text64(statement, position, data, text->size(),
                                       SQLITE_STATIC, SQLITE_UTF8);
    } else {
      code = sqlite3_bind_null(statement, position);
    }
    if (code != SQLITE_OK) break;
  }
  if (code == SQLITE_OK) {
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
      row(SqlRow(statement));
    }
  }
  const absl::Status status =
      code == SQLITE_DONE ? absl::OkStatus() : Error(code);
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  return status;
}

absl::Status Database::EmptyLog() {
  bool is_busy = false;
  const absl::Status status =
      Query("PRAGMA wal_checkpoint(TRUNCATE)", {},
            [&is_busy](const SqlRow& row) { is_busy = row.Int(0) != 0; });
  if (!status.ok() || !is_busy) return status;
  return absl::UnavailableError(
      "others use the file: what was deleted is in its write-ahead log yet");
}

int64_t Database::last_insert_id() const {
  return sqlite3_last_insert_rowid(handle_);
}

Transaction::Transaction(Database& database)
    : database_(database),
      begun_(database.Run("BEGIN IMMEDIATE")),
      open_(begun_.ok()) {}

Transaction::~Transaction() {
  if (open_) database_.Run("ROLLBACK").IgnoreError();
}

absl::Status Transaction::Commit() {
  if (!begun_.ok()) return begun_;
  const absl::Status committed = database_.Run("COMMIT");
  if (committed.ok()) open_ = false;
  return committed;
}

}  // namespace concordat
