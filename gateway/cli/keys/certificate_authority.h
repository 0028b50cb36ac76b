// Certificates for mutual TLS: an authority of its own, EC P-256, what others ask of
// it, and what it signs. A live hub's may come from its operator's authority instead.
#ifndef CONCORDAT_GATEWAY_CLI_KEYS_CERTIFICATE_AUTHORITY_H_
#define CONCORDAT_GATEWAY_CLI_KEYS_CERTIFICATE_AUTHORITY_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY.

namespace concordat::cli {

// Where a data directory may have one.
inline constexpr char kAuthorityFolder[] = "authority";
inline constexpr char kAuthorityCertificate[] = "ca.crt.pem";
inline constexpr char kAuthorityKey[] = "ca.key.pem";

// PEM texts.
struct Certificate {
  std::string certificate;
  std::string private_key;
};

// What an agency asks an authority with, PKCS #10: the key stays where it was made.
struct CertificateRequest {
  std::string request;
  std::string private_key;
};
//   INTERNAL  OpenSSL refused; says what.
absl::StatusOr<CertificateRequest> MakeCertificateRequest(
    absl::string_view name);
//   INVALID_ARGUMENT  not one, or not signed by the key that it names.
absl::Status CheckCertificateRequest(absl::string_view request);
// The key that it asks for, as the registry names it
// (services/common/crypto/certificate_key.h).
//   INVALID_ARGUMENT  as above.
absl::StatusOr<std::string> KeyOfRequest(absl::string_view request);

// Is `certificate` for this URI and the key of `request`, written as KeyOfRequest() has
// it, and signed by an authority of `authorities`, at `now`?
//   INVALID_ARGUMENT  no; says which.
absl::Status CheckCertificate(absl::string_view certificate,
                              absl::string_view request, absl::string_view uri,
                              absl::string_view authorities, absl::Time now);
// The same, for who has the private key itself.
absl::Status CheckKeyOf(absl::string_view certificate,
                        absl::string_view private_key);

// Threads  One at a time.
class CertificateAuthority {
 public:
  // Valid from an hour before `now`, for two years; what it signs, for one.
  //   INTERNAL  OpenSSL refused; says what.
  static absl::StatusOr<std::unique_ptr<CertificateAuthority>> Make(
      absl::string_view name, absl::Time now);
  // One that was made before: its certificate and its private key.
  //   INVALID_ARGUMENT  not such, or not of each other.
  static absl::StatusOr<std::unique_ptr<CertificateAuthority>> Load(
      absl::string_view certificate, absl::string_view private_key,
      absl::Time now);
  ~CertificateAuthority();

  const std::string& certificate() const { return certificate_; }

  // For client and server use, with the subject alternative names `uri`,
  // localhost and 127.0.0.1.
  //   INTERNAL
  absl::StatusOr<Certificate> Issue(absl::string_view name,
                                    absl::string_view uri) const;
  // The same for the key of a request, of which nothing but the key counts.
  //   INVALID_ARGUMENT  as CheckCertificateRequest().  INTERNAL
  absl::StatusOr<std::string> IssueTo(absl::string_view request,
                                      absl::string_view name,
                                      absl::string_view uri) const;
  // For its keeper alone.  INTERNAL
  absl::StatusOr<std::string> private_key() const;

 private:
  struct Keys;
  CertificateAuthority(std::unique_ptr<Keys> keys, std::string certificate,
                       absl::Time now);
  // A certificate for this key, PEM.
  absl::StatusOr<std::string> Sign(evp_pkey_st* key, absl::string_view name,
                                   absl::string_view uri) const;

  const std::unique_ptr<Keys> keys_;
  const std::string certificate_;
  const absl::Time now_;
};

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_KEYS_CERTIFICATE_AUTHORITY_H_
