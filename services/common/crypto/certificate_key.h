// The public key that a certificate is for, in a form that a registry can name: the
// SHA-256 of its SubjectPublicKeyInfo as it stands there, 64 hexadecimal digits. It is
// the same in every certificate for that key. PURE.
//
// As `openssl x509 -in C -pubkey -noout | openssl pkey -pubin -outform DER | sha256sum`
// has it.
//
// Bounds  What it is given has been checked by TLS or is a file of one's own: the field
//         is found, and nothing of the certificate is judged. Malformed bytes are an
//         error.
#ifndef CONCORDAT_SERVICES_COMMON_CRYPTO_CERTIFICATE_KEY_H_
#define CONCORDAT_SERVICES_COMMON_CRYPTO_CERTIFICATE_KEY_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace concordat {

// Of a SubjectPublicKeyInfo itself, in DER.
std::string CertificateKeyOf(absl::string_view public_key_info);

// Of a certificate in DER.
//   INVALID_ARGUMENT  it is none.
absl::StatusOr<std::string> CertificateKeyOfDer(absl::string_view certificate);
// Of the first certificate of a text in PEM.
//   INVALID_ARGUMENT  there is none.
absl::StatusOr<std::string> CertificateKeyOfPem(absl::string_view text);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_CRYPTO_CERTIFICATE_KEY_H_
