#include "services/common/rpc/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <utility>

#include "absl/strings/string_view.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_certificate_verifier.h"
#include "grpcpp/security/tls_credentials_options.h"
#include "services/common/crypto/openssl_ptr.h"

namespace concordat {
namespace {

constexpr unsigned kLookEveryS = 1;

// After the chain has been checked.
class UriVerifier : public grpc::experimental::ExternalCertificateVerifier {
 public:
  explicit UriVerifier(std::string uri) : uri_(std::move(uri)) {}

  bool Verify(grpc::experimental::TlsCustomVerificationCheckRequest* request,
              std::function<void(grpc::Status)>,
              grpc::Status* status) override {
    const auto names = request->uri_names();
    const absl::string_view name =
        names.size() == 1 ? absl::string_view(names[0].data(), names[0].size())
                          : absl::string_view();
    if (name != uri_) {
      *status = grpc::Status(grpc::StatusCode::UNAUTHENTICATED,
                             "the server's certificate is not " + uri_);
    }
    return true;  // Decided.
  }
  void Cancel(grpc::experimental::TlsCustomVerificationCheckRequest*) override {
  }

 private:
  const std::string uri_;
};

std::shared_ptr<grpc::experimental::CertificateProviderInterface> Provider(
    const TlsCredentials& tls) {
  if (!tls.certificate_path.empty()) {
    return std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
        tls.private_key_path, tls.certificate_path, tls.ca_path, kLookEveryS);
  }
  return std::make_shared<grpc::experimental::StaticDataCertificateProvider>(
      tls.ca, std::vector<grpc::experimental::IdentityKeyCertPair>{
                  {tls.private_key, tls.certificate}});
}

}  // namespace

std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(
    const TlsCredentials& tls) {
  grpc::experimental::TlsServerCredentialsOptions options(Provider(tls));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return grpc::experimental::TlsServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> MakeChannelCredentials(
    const TlsCredentials& tls, std::string server_uri) {
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(Provider(tls));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_verify_server_certs(true);
  options.set_check_call_host(false);  // The verifier knows better.
  options.set_certificate_verifier(
      grpc::experimental::ExternalCertificateVerifier::Create<UriVerifier>(
          std::move(server_uri)));
  return grpc::experimental::TlsCredentials(options);
}

absl::StatusOr<absl::Time> EndOfCertificate(const std::string& pem) {
  const OpensslPtr<BIO, BIO_free> text(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const OpensslPtr<X509, X509_free> certificate(
      PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
  std::tm end = {};
  if (certificate == nullptr ||
      ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError("not a certificate in PEM");
  }
  return absl::FromTM(end, absl::UTCTimeZone());
}

}  // namespace concordat
