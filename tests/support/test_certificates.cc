#include "tests/support/test_certificates.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "services/common/base/check.h"
#include "services/common/crypto/openssl_ptr.h"

namespace concordat::testing {
namespace {

using Key = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;
using Certificate = OpensslPtr<X509, X509_free>;
using Bio = OpensslPtr<BIO, BIO_free>;

std::string Text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

std::string ToPem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  CONCORDAT_CHECK(PEM_write_bio_X509(bio.get(), certificate) == 1);
  return Text(bio.get());
}

std::string ToPem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  CONCORDAT_CHECK(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0,
                                           nullptr, nullptr) == 1);
  return Text(bio.get());
}

void Extend(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  CONCORDAT_CHECK(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Certificate Make(EVP_PKEY* key, const std::string& name, X509* issuer,
                 EVP_PKEY* signer, const std::string& uri) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  uint32_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()),
                   static_cast<long>(serial >> 1));
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 24 * 3600);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(
      subject, "CN", MBSTRING_ASC,
      reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), issuer == nullptr
                                              ? subject
                                              : X509_get_subject_name(issuer));
  if (issuer == nullptr) {
    Extend(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  } else {
    Extend(certificate.get(), NID_subject_alt_name,
           "IP:127.0.0.1,DNS:localhost,URI:" + uri);
  }
  CONCORDAT_CHECK(X509_sign(certificate.get(), signer, EVP_sha256()) > 0);
  return certificate;
}

}  // namespace

struct TestCa::Keys {
  Key key;
  Certificate certificate;
};

TestCa::TestCa() : keys_(std::make_unique<Keys>()) {
  keys_->key.reset(EVP_EC_gen("P-256"));
  keys_->certificate =
      Make(keys_->key.get(), "Test CA", nullptr, keys_->key.get(), "");
  pem_ = ToPem(keys_->certificate.get());
}

TestCa::~TestCa() = default;

TlsCredentials TestCa::Issue(const std::string& uri) const {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate =
      Make(key.get(), "leaf", keys_->certificate.get(), keys_->key.get(), uri);
  return {pem_, ToPem(certificate.get()), ToPem(key.get())};
}

}  // namespace concordat::testing
