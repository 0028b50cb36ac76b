// concordat.edge.v1.EdgeService: what this edge holds, for its own agency's
// liaison officer; counts and reasons for the operator.
#ifndef CONCORDAT_ADAPTERS_CORE_EDGE_SERVICE_H_
#define CONCORDAT_ADAPTERS_CORE_EDGE_SERVICE_H_

#include <string>

#include "absl/status/statusor.h"
#include "adapters/core/edge_store.h"
#include "concordat/edge/v1/service.pb.h"
#include "services/common/rpc/server_host.h"

namespace concordat::edge {

//   PERMISSION_DENIED  neither the operator nor of this agency.
absl::StatusOr<v1::ListRejectsResponse> ListRejects(
    const EdgeStore& store, const std::string& agency,
    const bus::v1::Principal& caller);

// Adds the service to `host`. The store outlives it.
void AddEdgeService(const EdgeStore& store, std::string agency,
                    ServerHost& host);

}  // namespace concordat::edge

#endif  // CONCORDAT_ADAPTERS_CORE_EDGE_SERVICE_H_
