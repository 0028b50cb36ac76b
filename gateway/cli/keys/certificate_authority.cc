#include "gateway/cli/keys/certificate_authority.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace concordat::cli {
namespace {

constexpr absl::Duration kAuthorityLifetime = absl::Hours(24 * 730);
constexpr absl::Duration kLifetime = absl::Hours(24 * 365);
constexpr absl::Duration kClockSkew = absl::Hours(1);

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Deleter<X509_free>>;
using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using BignumPtr = std::unique_ptr<BIGNUM, Deleter<BN_free>>;
using ExtensionPtr =
    std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;

absl::Status Refused(absl::string_view what) {
  char reason[256] = "no reason given";
  const auto code = ERR_get_error();
  if (code != 0) ERR_error_string_n(code, reason, sizeof(reason));
  return absl::InternalError(absl::StrCat("OpenSSL, ", what, ": ", reason));
}

absl::StatusOr<std::string> TakeText(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  if (size <= 0) return Refused("writing PEM");
  return std::string(data, static_cast<size_t>(size));
}

absl::StatusOr<std::string> Pem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_X509(bio.get(), certificate) != 1) {
    return Refused("writing a certificate");
  }
  return TakeText(bio.get());
}

absl::StatusOr<std::string> Pem(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0,
                                            nullptr, nullptr) != 1) {
    return Refused("writing a private key");
  }
  return TakeText(bio.get());
}

// `value` is written in OpenSSL's own notation.
bool Extend(X509* subject, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, subject, nullptr, nullptr, 0);
  const ExtensionPtr extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(subject, extension.get(), -1) == 1;
}

bool SetRandomSerial(X509* certificate) {
  const BignumPtr serial(BN_new());
  return serial &&
         BN_rand(serial.get(), 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) !=
             nullptr;
}

// Everything but extensions and signature. `issuer` null: itself.
absl::StatusOr<X509Ptr> Draft(absl::string_view name, EVP_PKEY* key,
                              X509* issuer, absl::Time from, absl::Time to) {
  X509Ptr certificate(X509_new());
  if (!certificate) return Refused("making a certificate");
  X509* const x509 = certificate.get();
  const time_t not_before = absl::ToTimeT(from);
  const time_t not_after = absl::ToTimeT(to);
  X509_NAME* const subject = X509_get_subject_name(x509);
  const bool made =
      X509_set_version(x509, X509_VERSION_3) == 1 && SetRandomSerial(x509) &&
      ASN1_TIME_set(X509_getm_notBefore(x509), not_before) != nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(x509), not_after) != nullptr &&
      X509_NAME_add_entry_by_txt(
          subject, "CN", MBSTRING_UTF8,
          reinterpret_cast<const unsigned char*>(name.data()),
          static_cast<int>(name.size()), -1, 0) == 1 &&
      X509_set_issuer_name(
          x509, issuer == nullptr ? subject : X509_get_subject_name(issuer)) ==
          1 &&
      X509_set_pubkey(x509, key) == 1;
  if (!made) return Refused("filling in a certificate");
  return certificate;
}

}  // namespace

struct CertificateAuthority::Keys {
  Key key;
  X509Ptr certificate;
};

CertificateAuthority::CertificateAuthority(std::unique_ptr<Keys> keys,
                                           std::string certificate,
                                           absl::Time now)
    : keys_(std::move(keys)), certificate_(std::move(certificate)), now_(now) {}

CertificateAuthority::~CertificateAuthority() = default;

absl::StatusOr<std::unique_ptr<CertificateAuthority>>
CertificateAuthority::Make(absl::string_view name, absl::Time now) {
  auto keys = std::make_unique<Keys>();
  keys->key.reset(EVP_EC_gen("P-256"));
  if (!keys->key) return Refused("making a key");
  auto draft = Draft(name, keys->key.get(), nullptr, now - kClockSkew,
                     now + kAuthorityLifetime);
  if (!draft.ok()) return draft.status();
  keys->certificate = *std::move(draft);
  X509* const x509 = keys->certificate.get();
  if (!Extend(x509, x509, NID_basic_constraints,
              "critical,CA:TRUE,pathlen:0") ||
      !Extend(x509, x509, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !Extend(x509, x509, NID_subject_key_identifier, "hash") ||
      X509_sign(x509, keys->key.get(), EVP_sha256()) == 0) {
    return Refused("signing the authority's certificate");
  }
  auto pem = Pem(x509);
  if (!pem.ok()) return pem.status();
  return std::unique_ptr<CertificateAuthority>(
      new CertificateAuthority(std::move(keys), *std::move(pem), now));
}

absl::StatusOr<Certificate> CertificateAuthority::Issue(
    absl::string_view name, absl::string_view uri) const {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return Refused("making a key");
  X509* const issuer = keys_->certificate.get();
  auto draft =
      Draft(name, key.get(), issuer, now_ - kClockSkew, now_ + kLifetime);
  if (!draft.ok()) return draft.status();
  X509* const x509 = draft->get();
  if (!Extend(x509, issuer, NID_basic_constraints, "critical,CA:FALSE") ||
      !Extend(x509, issuer, NID_key_usage, "critical,digitalSignature") ||
      !Extend(x509, issuer, NID_ext_key_usage, "clientAuth,serverAuth") ||
      !Extend(x509, issuer, NID_subject_alt_name,
              absl::StrCat("URI:", uri, ",DNS:localhost,IP:127.0.0.1")) ||
      !Extend(x509, issuer, NID_subject_key_identifier, "hash") ||
      !Extend(x509, issuer, NID_authority_key_identifier, "keyid:always") ||
      X509_sign(x509, keys_->key.get(), EVP_sha256()) == 0) {
    return Refused(absl::StrCat("signing the certificate of ", name));
  }
  auto certificate = Pem(x509);
  if (!certificate.ok()) return certificate.status();
  auto private_key = Pem(key.get());
  if (!private_key.ok()) return private_key.status();
  return Certificate{*std::move(certificate), *std::move(private_key)};
}

}  // namespace concordat::cli
