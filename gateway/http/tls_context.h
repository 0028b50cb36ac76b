// The server's side of TLS: 1.3, and 1.2 with ECDHE and an AEAD where a
// connection is let. A client may show a certificate of our authority; it is
// then known by the URI in it. One of another authority ends the handshake.
#ifndef CONCORDAT_GATEWAY_HTTP_TLS_CONTEXT_H_
#define CONCORDAT_GATEWAY_HTTP_TLS_CONTEXT_H_

#include <openssl/ssl.h>

#include <string>

#include "absl/status/statusor.h"
#include "services/common/config/data_directory.h"

namespace concordat::gateway {

// For the caller to free. TLS 1.2 is off until a connection's own
// SSL_set_min_proto_version() says otherwise.
//   INVALID_ARGUMENT  certificate, key or authority is not usable.
absl::StatusOr<SSL_CTX*> MakeServerContext(const TlsCredentials& tls);

// The one URI of the client's certificate; empty: it has none, or several.
std::string PeerCertificateUri(const SSL* connection);
// Which key it is for (services/common/crypto/certificate_key.h); empty: as above.
std::string PeerCertificateKey(const SSL* connection);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_HTTP_TLS_CONTEXT_H_
