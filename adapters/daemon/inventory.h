// What an edge of this program reads of its source, field by field, from the tables
// that it reads by: for those who decide whether to let it in.
#ifndef CONCORDAT_ADAPTERS_DAEMON_INVENTORY_H_
#define CONCORDAT_ADAPTERS_DAEMON_INVENTORY_H_

#include <string>

#include "absl/status/statusor.h"
#include "concordat/edge/v1/inventory.pb.h"
#include "services/common/config/data_directory.h"

namespace concordat::edge {

// Of the principal `name`; `hl7` says that it runs HL7 v2, else case files. Needs no
// keys, and nothing that runs.
//   as DataDirectory; NOT_FOUND too: no such principal.
absl::StatusOr<v1::FieldInventory> InventoryOfEdge(const DataDirectory& data,
                                                   const std::string& name,
                                                   bool hl7);

}  // namespace concordat::edge

#endif  // CONCORDAT_ADAPTERS_DAEMON_INVENTORY_H_
