#include "services/bus/log/postgres/connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/base/system_clock.h"

namespace concordat::bus {
namespace {

constexpr absl::Duration kStatementWithin = absl::Seconds(3);
constexpr char kConnectWithinS[] = "2";

absl::Duration Now() { return SystemSteadyClock().Elapsed(); }

}  // namespace

PostgresValues& PostgresValues::Add(int64_t number) {
  values_.push_back({absl::StrCat(number), {}, false});
  return *this;
}

PostgresValues& PostgresValues::Add(absl::string_view text) {
  values_.push_back({std::string(text), {}, false});
  return *this;
}

PostgresValues& PostgresValues::AddBytes(absl::string_view bytes) {
  values_.push_back({"", bytes, true});
  return *this;
}

PostgresRows::PostgresRows(pg_result* result) : result_(result, PQclear) {}

int PostgresRows::count() const { return PQntuples(result_.get()); }

absl::string_view PostgresRows::Bytes(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column),
          static_cast<size_t>(PQgetlength(result_.get(), row, column))};
}

int64_t PostgresRows::Number(int row, int column) const {
  // Big-endian, of 1, 4 or 8 bytes.
  int64_t number = 0;
  const absl::string_view bytes = Bytes(row, column);
  if (!bytes.empty() && static_cast<signed char>(bytes[0]) < 0) number = -1;
  for (const char byte : bytes) {
    number = static_cast<int64_t>((static_cast<uint64_t>(number) << 8) |
                                  static_cast<uint8_t>(byte));
  }
  return number;
}

int64_t PostgresRows::affected() const {
  return std::atoll(PQcmdTuples(result_.get()));
}

absl::StatusOr<std::unique_ptr<PostgresConnection>> PostgresConnection::Connect(
    const PostgresOptions& options) {
  // Later ones count, so that the operator's words do.
  const char* keywords[] = {
      "connect_timeout",  "tcp_user_timeout", "target_session_attrs",
      "application_name", "dbname",           nullptr};
  const char* values[] = {
      kConnectWithinS,          "3000", "read-write", options.name.c_str(),
      options.conninfo.c_str(), nullptr};
  std::unique_ptr<PostgresConnection> connection(new PostgresConnection(
      PQconnectdbParams(keywords, values, /*expand_dbname=*/1)));
  if (PQstatus(connection->connection_) != CONNECTION_OK) {
    // libpq's message may quote the connection string.
    return absl::UnavailableError("no server that takes writes answers");
  }
  PQsetnonblocking(connection->connection_, 1);
  PQsetNoticeReceiver(connection->connection_, OnNotice, connection.get());
  absl::Status status = connection->RunAll(
      "SET synchronous_commit = on; SET client_min_messages = warning;"
      " SET lock_timeout = '2s'");
  if (status.ok()) status = connection->CheckSettings(options.one_server);
  if (!status.ok()) return status;
  return connection;
}

PostgresConnection::~PostgresConnection() { PQfinish(connection_); }

void PostgresConnection::OnNotice(void* self, const pg_result* result) {
  const char* severity =
      PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  if (severity == nullptr || std::strcmp(severity, "NOTICE") != 0) {
    static_cast<PostgresConnection*>(self)->warned_ = true;
  }
}

absl::Status PostgresConnection::Lost() {
  return absl::UnavailableError("the connection to the server is lost");
}

absl::Status PostgresConnection::StatusOf(const pg_result* result) const {
  const ExecStatusType kind = PQresultStatus(result);
  if (kind == PGRES_COMMAND_OK || kind == PGRES_TUPLES_OK) {
    return warned_ ? absl::UnavailableError("the server warned")
                   : absl::OkStatus();
  }
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  if (state == nullptr) {
    return absl::UnavailableError("the connection to the server is lost");
  }
  const std::string message = absl::StrCat("PostgreSQL ", state, ": ",
                                           primary == nullptr ? "" : primary);
  const absl::string_view code = state;
  if (code == "23505") return absl::AlreadyExistsError(message);
  if (code == "42P01" || code == "3F000") return absl::NotFoundError(message);
  if (code == "53100") return absl::ResourceExhaustedError(message);
  // 08: connection; 57P0: shutting down; 25006: it became a standby; 40: to be
  // done again; 53: short of something; 55P03: a lock was waited for too long.
  if (code == "55P03" || code.substr(0, 2) == "08" ||
      code.substr(0, 4) == "57P0" || code == "25006" ||
      code.substr(0, 2) == "40" || code.substr(0, 2) == "53") {
    return absl::UnavailableError(message);
  }
  return absl::InternalError(message);
}

bool PostgresConnection::Await(short events, absl::Duration until) {
  pollfd item = {PQsocket(connection_), events, 0};
  const int64_t left = absl::ToInt64Milliseconds(until - Now());
  if (left > 0) poll(&item, 1, static_cast<int>(left));
  return PQconsumeInput(connection_) == 1;
}

absl::StatusOr<PostgresRows> PostgresConnection::TakeResult(
    const std::function<bool()>& is_alive) {
  const absl::Duration sent_by = Now() + kStatementWithin;
  while (const int left = PQflush(connection_)) {
    if (left < 0 || Now() >= sent_by || !Await(POLLIN | POLLOUT, sent_by)) {
      return Lost();
    }
  }
  absl::StatusOr<PostgresRows> rows = Lost();
  for (bool any = false;; any = true) {
    absl::Duration until = Now() + kStatementWithin;
    while (PQisBusy(connection_)) {
      if (!Await(POLLIN, until)) return Lost();
      if (PQisBusy(connection_) && Now() >= until) {
        if (is_alive == nullptr || !is_alive()) {
          return absl::UnavailableError("the server does not answer");
        }
        until = Now() + kStatementWithin;
      }
    }
    pg_result* const result = PQgetResult(connection_);
    if (result == nullptr) return rows;
    PostgresRows taken(result);
    const absl::Status status = StatusOf(result);
    if (any && !rows.ok()) continue;  // The first error says why.
    rows = status.ok() ? absl::StatusOr<PostgresRows>(std::move(taken))
                       : absl::StatusOr<PostgresRows>(status);
  }
}

absl::StatusOr<PostgresRows> PostgresConnection::Run(
    const char* sql, const PostgresValues& values) {
  return Run(sql, values, nullptr);
}

absl::StatusOr<PostgresRows> PostgresConnection::Run(
    const char* sql, const PostgresValues& values,
    const std::function<bool()>& is_alive) {
  std::vector<const char*> data;
  std::vector<int> lengths;
  std::vector<int> formats;
  for (const PostgresValues::Value& value : values.values_) {
    data.push_back(value.is_binary ? value.bytes.data() : value.owned.c_str());
    lengths.push_back(static_cast<int>(value.bytes.size()));
    formats.push_back(value.is_binary ? 1 : 0);
  }
  warned_ = false;
  if (PQsendQueryParams(connection_, sql, static_cast<int>(data.size()),
                        nullptr, data.data(), lengths.data(), formats.data(),
                        1) != 1) {
    return Lost();
  }
  return TakeResult(is_alive);
}

absl::Status PostgresConnection::RunAll(const char* sql) {
  warned_ = false;
  if (PQsendQuery(connection_, sql) != 1) return Lost();
  return TakeResult(nullptr).status();
}

absl::Status PostgresConnection::AwaitNotice(absl::Duration at_most) {
  const absl::Duration until = Now() + at_most;
  for (;;) {
    bool any = false;
    while (PGnotify* notice = PQnotifies(connection_)) {
      PQfreemem(notice);
      any = true;
    }
    if (any || Now() >= until) return absl::OkStatus();
    if (!Await(POLLIN, until)) return Lost();
  }
}

int PostgresConnection::backend() const { return PQbackendPID(connection_); }

absl::Status PostgresConnection::CheckSettings(bool one_server) {
  const absl::StatusOr<PostgresRows> rows =
      Run("SELECT current_setting('synchronous_standby_names'),"
          " current_setting('fsync'), current_setting('full_page_writes')");
  if (!rows.ok()) return rows.status();
  if (!one_server && rows->Bytes(0, 0).empty()) {
    return absl::FailedPreconditionError(
        "PostgreSQL: synchronous_standby_names is empty: what is acknowledged "
        "would be on one server alone (deploy/docs/postgresql.md)");
  }
  if (rows->Bytes(0, 1) != "on" || rows->Bytes(0, 2) != "on") {
    return absl::FailedPreconditionError(
        "PostgreSQL: fsync and full_page_writes must be on");
  }
  return absl::OkStatus();
}

}  // namespace concordat::bus
