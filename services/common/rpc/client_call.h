// What every call by name does with its options and bytes. Internal to
// services/common/rpc.
#ifndef CONCORDAT_SERVICES_COMMON_RPC_CLIENT_CALL_H_
#define CONCORDAT_SERVICES_COMMON_RPC_CLIENT_CALL_H_

#include <string>

#include "absl/strings/string_view.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "services/common/rpc/channel.h"

namespace concordat {

grpc::ByteBuffer ToBuffer(absl::string_view bytes);
std::string ToBytes(const grpc::ByteBuffer& buffer);
// Deadline and metadata.
void PrepareContext(const CallOptions& options, grpc::ClientContext* context);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_RPC_CLIENT_CALL_H_
