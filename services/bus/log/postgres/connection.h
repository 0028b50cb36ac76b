// One connection to PostgreSQL, by libpq, whose every wait has an end.
//
// Threads  One at a time.
// Errors   UNAVAILABLE  the connection is lost, the server does not answer or
//                       takes no writes: what was asked may have been done.
//                       Connect anew.
//          ALREADY_EXISTS  a unique key.  RESOURCE_EXHAUSTED  no room.
//          NOT_FOUND  no such table.  INTERNAL  else.
//          Messages are the server's first line, never a value or a secret.
#ifndef CONCORDAT_SERVICES_BUS_LOG_POSTGRES_CONNECTION_H_
#define CONCORDAT_SERVICES_BUS_LOG_POSTGRES_CONNECTION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

struct pg_conn;
struct pg_result;

namespace concordat::bus {

// What a statement is given for $1, $2 …
class PostgresValues {
 public:
  PostgresValues& Add(int64_t number);
  PostgresValues& Add(absl::string_view text);
  PostgresValues& AddBytes(absl::string_view bytes);  // Borrowed.

 private:
  friend class PostgresConnection;
  struct Value {
    std::string owned;
    absl::string_view bytes;
    bool is_binary = false;
  };
  std::vector<Value> values_;
};

class PostgresRows {
 public:
  int count() const;
  // int8, int4, bool.
  int64_t Number(int row, int column) const;
  // bytea, text. Empty: null.
  absl::string_view Bytes(int row, int column) const;
  int64_t affected() const;  // By INSERT, UPDATE, DELETE.

 private:
  friend class PostgresConnection;
  explicit PostgresRows(pg_result* result);
  std::shared_ptr<pg_result> result_;
};

struct PostgresOptions {
  // libpq's connection string, with any number of hosts: the one that takes
  // writes is used. May hold a password.
  std::string conninfo;
  std::string name = "concordat-bus";  // What the server shows.
  // What is acknowledged may be on one server alone.
  bool one_server = false;
};

class PostgresConnection {
 public:
  // Sees also that what commits here is on the disk of at least one standby
  // when it is answered, unless one server is to do.
  //   FAILED_PRECONDITION  the server is not set up so; says which setting.
  //   UNAVAILABLE  none takes writes.
  static absl::StatusOr<std::unique_ptr<PostgresConnection>> Connect(
      const PostgresOptions& options);
  ~PostgresConnection();
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;

  // One statement, a transaction of its own. A warning counts as UNAVAILABLE:
  // the server warns when it commits without the standbys.
  absl::StatusOr<PostgresRows> Run(const char* sql,
                                   const PostgresValues& values = {});
  // The same; when the server takes longer than a statement does, `is_alive` is
  // asked now and then whether to go on waiting.
  absl::StatusOr<PostgresRows> Run(const char* sql,
                                   const PostgresValues& values,
                                   const std::function<bool()>& is_alive);
  // Several statements without values.
  absl::Status RunAll(const char* sql);
  // Until somebody notifies, or so long.
  absl::Status AwaitNotice(absl::Duration at_most);
  int backend() const;  // The server's process.

 private:
  explicit PostgresConnection(pg_conn* connection) : connection_(connection) {}
  absl::Status CheckSettings(bool one_server);
  static void OnNotice(void* self, const pg_result* result);
  absl::Status Lost();
  absl::Status StatusOf(const pg_result* result) const;
  bool Await(short events, absl::Duration until);
  absl::StatusOr<PostgresRows> TakeResult(
      const std::function<bool()>& is_alive);

  pg_conn* const connection_;
  bool warned_ = false;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_POSTGRES_CONNECTION_H_
