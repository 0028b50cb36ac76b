#include "services/bus/log/postgres/writer_lease.h"

#include "services/bus/log/postgres/tables.h"

namespace concordat::bus {

absl::Status WriterLease::Connect() {
  if (connection_ != nullptr) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<PostgresConnection>> connection =
      PostgresConnection::Connect(options_);
  if (!connection.ok()) return connection.status();
  const absl::Status status = MakeTables(**connection);
  if (status.ok()) connection_ = *std::move(connection);
  return status;
}

absl::StatusOr<uint64_t> WriterLease::TryTake() {
  const absl::Status status = Connect();
  if (!status.ok()) return status;
  // Waits for the block that is being added, if one is. It may be the answer
  // that was lost: then it is taken once more.
  const absl::StatusOr<PostgresRows> rows = connection_->Run(
      "UPDATE concordat.lease SET term = term + 1, holder = $1,"
      " until = clock_timestamp() + $2::bigint * interval '1 millisecond'"
      " WHERE until < clock_timestamp() OR holder = $1 RETURNING term",
      PostgresValues().Add(holder_).Add(absl::ToInt64Milliseconds(length_)));
  if (!rows.ok()) {
    connection_ = nullptr;
    return rows.status();
  }
  if (rows->count() == 0) return uint64_t{0};
  term_ = static_cast<uint64_t>(rows->Number(0, 0));
  return term_;
}

absl::Status WriterLease::Renew() {
  if (given_up_) return absl::OkStatus();
  const absl::Status status = Connect();
  if (!status.ok()) return status;
  // Not waiting for the standbys: losing it with the server only makes the
  // lease shorter.
  const absl::StatusOr<PostgresRows> rows = connection_->Run(
      "WITH here AS MATERIALIZED"
      " (SELECT set_config('synchronous_commit', 'local', true),"
      "   clock_timestamp() + $2::bigint * interval '1 millisecond' AS until),"
      " lives AS (INSERT INTO concordat.process SELECT $3, until FROM here"
      "   ON CONFLICT (id) DO UPDATE SET until = excluded.until)"
      " UPDATE concordat.lease SET until = here.until FROM here"
      " WHERE term = $1::bigint",
      PostgresValues()
          .Add(static_cast<int64_t>(term_))
          .Add(absl::ToInt64Milliseconds(length_))
          .Add(holder_));
  if (!rows.ok()) {
    connection_ = nullptr;
    return rows.status();
  }
  return term_ == 0 || rows->affected() == 1
             ? absl::OkStatus()
             : absl::FailedPreconditionError("another process has the lease");
}

void WriterLease::GiveUp() {
  given_up_ = true;
  if (!Connect().ok()) return;  // It ends by itself.
  connection_
      ->Run(
          "WITH gone AS (DELETE FROM concordat.process WHERE id = $2"
          "   OR until < clock_timestamp() - interval '1 day')"
          " UPDATE concordat.lease SET until = '-infinity'"
          " WHERE term = $1::bigint",
          PostgresValues().Add(static_cast<int64_t>(term_)).Add(holder_))
      .status()
      .IgnoreError();
}

}  // namespace concordat::bus
