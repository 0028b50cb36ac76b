// SQLite through its C API, wrapped once: values bound by position, statements
// kept prepared, errors as Status. No SQL text is ever made from data.
//
//   SQLITE_CONSTRAINT → ALREADY_EXISTS      SQLITE_FULL → RESOURCE_EXHAUSTED
//   SQLITE_BUSY, _IOERR, _CANTOPEN, _READONLY → UNAVAILABLE
//   SQLITE_CORRUPT, _NOTADB → DATA_LOSS     anything else → INTERNAL
// Messages name tables and columns, never values.
#ifndef CONCORDAT_SERVICES_COMMON_PROJECTION_SQLITE_H_
#define CONCORDAT_SERVICES_COMMON_PROJECTION_SQLITE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <variant>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct sqlite3;
struct sqlite3_stmt;

namespace concordat {

// One value of a statement. Text and bytes are borrowed until the call is over.
class SqlValue {
 public:
  SqlValue(std::nullptr_t) : value_(nullptr) {}  // NOLINT
  SqlValue(int64_t number) : value_(number) {}   // NOLINT
  SqlValue(uint64_t number)                      // NOLINT
      : value_(static_cast<int64_t>(number)) {}
  SqlValue(int number) : value_(static_cast<int64_t>(number)) {}       // NOLINT
  SqlValue(uint32_t number) : value_(static_cast<int64_t>(number)) {}  // NOLINT
  SqlValue(bool yes) : value_(static_cast<int64_t>(yes)) {}            // NOLINT
  SqlValue(absl::string_view text) : value_(text) {}                   // NOLINT
  SqlValue(const std::string& text)                                    // NOLINT
      : value_(absl::string_view(text)) {}
  SqlValue(const char* text) : value_(absl::string_view(text)) {}  // NOLINT
  static SqlValue Blob(absl::string_view bytes) {
    SqlValue value(bytes);
    value.is_blob_ = true;
    return value;
  }

 private:
  friend class Database;
  std::variant<std::nullptr_t, int64_t, absl::string_view> value_;
  bool is_blob_ = false;
};

// The current row of a query; columns count from 0. What it returns is a copy.
class SqlRow {
 public:
  explicit SqlRow(sqlite3_stmt* statement) : statement_(statement) {}
  bool IsNull(int column) const;
  int64_t Int(int column) const;
  uint64_t Uint(int column) const { return static_cast<uint64_t>(Int(column)); }
  std::string Text(int column) const;  // Text or blob; null: empty.

 private:
  sqlite3_stmt* statement_;
};

// Threads  For one thread at a time.
class Database {
 public:
  enum class Durability {
    kFull,    // A commit survives a power cut: primary data.
    kNormal,  // It survives a crash of the process: read models.
  };

  // Opens or makes the file, mode 0600, in WAL mode, foreign keys on. The path
  // ":memory:" is a database of its own.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path,
                                                        Durability durability);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Statements without values, for schemas; several with ";" between.
  absl::Status Execute(const std::string& sql);

  // One statement with its values for ?1, ?2… The text must be a literal or
  // one of few: each is kept prepared.
  absl::Status Run(const std::string& sql,
                   std::initializer_list<SqlValue> values = {});
  // The same, calling `row` for each. `row` must not use this database.
  absl::Status Query(const std::string& sql,
                     std::initializer_list<SqlValue> values,
                     const std::function<void(const SqlRow&)>& row);

  // Puts the write-ahead log into the file and empties it, so that what was deleted is
  // in neither. Waits some seconds for who reads.
  //   UNAVAILABLE  somebody reads on, a backup say: it has pages of before.
  absl::Status EmptyLog();

  int64_t last_insert_id() const;

 private:
  explicit Database(sqlite3* handle) : handle_(handle) {}
  absl::StatusOr<sqlite3_stmt*> Prepare(const std::string& sql);
  absl::Status Error(int code) const;

  sqlite3* handle_;
  absl::flat_hash_map<std::string, sqlite3_stmt*> prepared_;
};

// BEGIN IMMEDIATE … COMMIT; rolls back unless Commit() returned OK. They do not
// nest.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // How BEGIN went; anything after a failure is refused by Commit().
  const absl::Status& status() const { return begun_; }
  absl::Status Commit();

 private:
  Database& database_;
  absl::Status begun_;
  bool open_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_PROJECTION_SQLITE_H_
