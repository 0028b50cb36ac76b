// absl::Status and grpc::Status, whose codes have the same numbers.
#ifndef CONCORDAT_SERVICES_COMMON_RPC_STATUS_H_
#define CONCORDAT_SERVICES_COMMON_RPC_STATUS_H_

#include <string>

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace concordat {

inline grpc::Status ToGrpc(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.raw_code()),
                      std::string(status.message()));
}

inline absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_RPC_STATUS_H_
