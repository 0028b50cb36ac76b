// The tables of a log in PostgreSQL (FORMAT.md). Internal to
// services/bus/log/postgres.
#ifndef CONCORDAT_SERVICES_BUS_LOG_POSTGRES_TABLES_H_
#define CONCORDAT_SERVICES_BUS_LOG_POSTGRES_TABLES_H_

#include "absl/status/status.h"
#include "services/bus/log/postgres/connection.h"

namespace concordat::bus {

// Makes them where they are not. One log a database.
absl::Status MakeTables(PostgresConnection& connection);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_POSTGRES_TABLES_H_
