// Mutual TLS by SPIFFE URI: both sides show a certificate of the environment's
// CA, and each is known by the URI in it, never by host name. Files that are
// replaced are used for new connections within a second.
#ifndef CONCORDAT_SERVICES_COMMON_RPC_TLS_H_
#define CONCORDAT_SERVICES_COMMON_RPC_TLS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "services/common/config/data_directory.h"

namespace concordat {

// Demands a client certificate of our CA. Which URI is for the call to judge.
std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(
    const TlsCredentials& tls);

// Talks to no server but the one whose certificate has exactly `server_uri`.
std::shared_ptr<grpc::ChannelCredentials> MakeChannelCredentials(
    const TlsCredentials& tls, std::string server_uri);

// When the first certificate of a PEM text ends.
//   INVALID_ARGUMENT  there is none.
absl::StatusOr<absl::Time> EndOfCertificate(const std::string& pem);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_RPC_TLS_H_
