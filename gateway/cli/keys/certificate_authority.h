// Certificates for mutual TLS: an authority of its own, EC P-256, and what it
// signs. For the demo and for tests; a live hub's certificates come from its
// operator's authority.
#ifndef CONCORDAT_GATEWAY_CLI_KEYS_CERTIFICATE_AUTHORITY_H_
#define CONCORDAT_GATEWAY_CLI_KEYS_CERTIFICATE_AUTHORITY_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace concordat::cli {

// PEM texts.
struct Certificate {
  std::string certificate;
  std::string private_key;
};

// Threads  One at a time.
class CertificateAuthority {
 public:
  // Valid from an hour before `now`, for two years; what it signs, for one.
  //   INTERNAL  OpenSSL refused; says what.
  static absl::StatusOr<std::unique_ptr<CertificateAuthority>> Make(
      absl::string_view name, absl::Time now);
  ~CertificateAuthority();

  const std::string& certificate() const { return certificate_; }

  // For client and server use, with the subject alternative names `uri`,
  // localhost and 127.0.0.1.
  //   INTERNAL
  absl::StatusOr<Certificate> Issue(absl::string_view name,
                                    absl::string_view uri) const;

 private:
  struct Keys;
  CertificateAuthority(std::unique_ptr<Keys> keys, std::string certificate,
                       absl::Time now);

  const std::unique_ptr<Keys> keys_;
  const std::string certificate_;
  const absl::Time now_;
};

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_KEYS_CERTIFICATE_AUTHORITY_H_
