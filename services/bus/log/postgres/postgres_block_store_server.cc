// Which server the log is written to, as its rows have it.
#include "services/bus/log/postgres/postgres_block_store.h"

namespace concordat::bus {

absl::Status PostgresBlockStore::LookAtServer() {
  if (saw_the_end_) return absl::OkStatus();
  absl::Status status;
  if (connection_ == nullptr) status = Connect();
  if (!status.ok()) return status;
  const absl::StatusOr<PostgresRows> rows = connection_->Run(
      "SELECT 1 FROM concordat.server s, concordat.this_server t"
      " WHERE s.identity <> t.identity");
  if (!rows.ok()) return rows.status();
  saw_the_end_ = rows->count() == 0;
  return absl::OkStatus();
}

absl::Status PostgresBlockStore::CheckServer() {
  if (!end_.log_id.has_value() || saw_the_end_) return absl::OkStatus();
  const absl::Status looked = LookAtServer();
  if (!looked.ok() || saw_the_end_) return looked;
  return absl::DataLossError(
      "the log was written to another server than this last, and this data "
      "directory has not seen the log's end: after a change of the primary "
      "start the bus that wrote last; after a restore begin an epoch "
      "(concordat log restored)");
}

void PostgresBlockStore::NoteServer() {
  // Who cannot tries with the next block.
  const absl::StatusOr<PostgresRows> rows = connection_->Run(
      "INSERT INTO concordat.server (identity)"
      " SELECT identity FROM concordat.this_server"
      " ON CONFLICT (one) DO UPDATE SET identity = excluded.identity"
      " WHERE server.identity <> excluded.identity");
  note_server_ = !rows.ok();
}

}  // namespace concordat::bus
