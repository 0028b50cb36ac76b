#ifndef CONCORDAT_SERVICES_IDENTITY_STORE_IDENTITY_SCHEMA_H_
#define CONCORDAT_SERVICES_IDENTITY_STORE_IDENTITY_SCHEMA_H_

#include "absl/status/status.h"
#include "services/common/projection/sqlite.h"

namespace concordat::identity {

// Makes the tables of an empty database, and refuses one of another version.
//   FAILED_PRECONDITION  of a later version.
absl::Status PrepareSchema(Database& db);

}  // namespace concordat::identity

#endif  // CONCORDAT_SERVICES_IDENTITY_STORE_IDENTITY_SCHEMA_H_
