#include "services/bus/log/postgres/tables.h"

namespace concordat::bus {

absl::Status MakeTables(PostgresConnection& connection) {
  // Asked first: making an index that is there waits for who writes.
  const absl::StatusOr<PostgresRows> there = connection.Run(
      "SELECT 1 WHERE to_regclass('concordat.server') IS NOT NULL");
  if (!there.ok()) return there.status();
  if (there->count() == 1) return absl::OkStatus();
  // One transaction. The lock: two processes may begin at once. Blocks are
  // sealed, so that compressing them is in vain.
  return connection.RunAll(R"sql(
    SELECT pg_advisory_xact_lock(7401);
    CREATE SCHEMA IF NOT EXISTS concordat;
    CREATE TABLE IF NOT EXISTS concordat.block (
      segment int NOT NULL,
      "offset" bigint NOT NULL,
      first_sequence bigint NOT NULL,
      events int NOT NULL,
      hash bytea NOT NULL,
      bytes bytea NOT NULL,
      PRIMARY KEY (segment, "offset"));
    ALTER TABLE concordat.block ALTER bytes SET STORAGE EXTERNAL;
    CREATE UNIQUE INDEX IF NOT EXISTS block_first_sequence
      ON concordat.block (first_sequence) WHERE events > 0;
    CREATE TABLE IF NOT EXISTS concordat.lease (
      one boolean PRIMARY KEY DEFAULT true CHECK (one),
      term bigint NOT NULL,
      holder text NOT NULL);
    CREATE TABLE IF NOT EXISTS concordat.process (
      id text PRIMARY KEY,
      until timestamptz NOT NULL);
    CREATE TABLE IF NOT EXISTS concordat.place (
      name text PRIMARY KEY,
      holder text NOT NULL,
      record bytea);
    CREATE TABLE IF NOT EXISTS concordat.key_holder (
      holder text PRIMARY KEY,
      until timestamptz NOT NULL,
      public_key bytea NOT NULL,
      proof bytea NOT NULL,
      newest bigint NOT NULL,
      oldest bigint NOT NULL,
      offered bytea);
    CREATE TABLE IF NOT EXISTS concordat.server (
      one boolean PRIMARY KEY DEFAULT true CHECK (one),
      identity text NOT NULL);
    CREATE OR REPLACE VIEW concordat.this_server AS
      SELECT system_identifier::text || '/' ||
        left(pg_walfile_name(pg_current_wal_lsn()), 8) AS identity
      FROM pg_control_system();
    INSERT INTO concordat.lease (term, holder) VALUES (0, '')
      ON CONFLICT DO NOTHING;
  )sql");
}

}  // namespace concordat::bus
