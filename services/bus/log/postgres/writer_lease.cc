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

absl::Status WriterLease::Renew() {
  const absl::Status status = Connect();
  if (!status.ok()) return status;
  // Not waiting for the standbys: losing it with the server only makes the
  // lease shorter. It touches no row that a block's statement holds.
  const absl::StatusOr<PostgresRows> rows = connection_->Run(
      "WITH here AS MATERIALIZED"
      " (SELECT set_config('synchronous_commit', 'local', true)),"
      " lives AS (INSERT INTO concordat.process SELECT $1,"
      "   clock_timestamp() + $2::bigint * interval '1 millisecond' FROM here"
      "   ON CONFLICT (id) DO UPDATE SET until = excluded.until)"
      " SELECT term FROM concordat.lease",
      PostgresValues().Add(process_).Add(absl::ToInt64Milliseconds(length_)));
  if (!rows.ok()) {
    connection_ = nullptr;
    return rows.status();
  }
  if (term_ != 0 && (rows->count() != 1 ||
                     static_cast<uint64_t>(rows->Number(0, 0)) != term_)) {
    return absl::AbortedError("another process has the lease");
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> WriterLease::TryTake() {
  // So that it is not taken away at once.
  const absl::Status lives = Renew();
  if (!lives.ok() && !absl::IsAborted(lives)) return lives;
  // Waits for the block that is being added, if one is. It may be the answer
  // that was lost: then it is taken once more.
  const absl::StatusOr<PostgresRows> rows = connection_->Run(
      "UPDATE concordat.lease SET term = term + 1, holder = $1"
      " WHERE holder = $1 OR NOT EXISTS (SELECT 1 FROM concordat.process"
      "  WHERE id = holder AND until > clock_timestamp()) RETURNING term",
      PostgresValues().Add(process_));
  if (!rows.ok()) {
    connection_ = nullptr;
    return rows.status();
  }
  if (rows->count() == 0) return uint64_t{0};
  term_ = static_cast<uint64_t>(rows->Number(0, 0));
  return term_;
}

void WriterLease::GiveUp() {
  if (term_ == 0 || !Connect().ok()) return;  // Or it ends by itself.
  connection_
      ->Run("UPDATE concordat.lease SET holder = '' WHERE term = $1",
            PostgresValues().Add(static_cast<int64_t>(term_)))
      .status()
      .IgnoreError();
  term_ = 0;
}

void WriterLease::End() {
  if (!Connect().ok()) return;
  // Those that ended otherwise go too, in time.
  connection_
      ->Run(
          "DELETE FROM concordat.process WHERE id = $1"
          " OR until < clock_timestamp() - interval '1 day'",
          PostgresValues().Add(process_))
      .status()
      .IgnoreError();
}

}  // namespace concordat::bus
