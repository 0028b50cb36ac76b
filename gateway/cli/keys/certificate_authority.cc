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
#include "services/common/crypto/certificate_key.h"
#include "services/common/crypto/openssl_ptr.h"

namespace concordat::cli {
namespace {

constexpr absl::Duration kAuthorityLifetime = absl::Hours(24 * 730);
constexpr absl::Duration kLifetime = absl::Hours(24 * 365);
constexpr absl::Duration kClockSkew = absl::Hours(1);

using Key = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;
using X509Ptr = OpensslPtr<X509, X509_free>;
using RequestPtr = OpensslPtr<X509_REQ, X509_REQ_free>;
using StorePtr = OpensslPtr<X509_STORE, X509_STORE_free>;
using StoreContextPtr = OpensslPtr<X509_STORE_CTX, X509_STORE_CTX_free>;
using BioPtr = OpensslPtr<BIO, BIO_free_all>;
using BignumPtr = OpensslPtr<BIGNUM, BN_free>;
using ExtensionPtr = OpensslPtr<X509_EXTENSION, X509_EXTENSION_free>;

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

BioPtr Reader(absl::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

absl::StatusOr<X509Ptr> ReadCertificate(absl::string_view pem) {
  const BioPtr bio = Reader(pem);
  X509Ptr certificate(
      bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
  ERR_clear_error();
  if (!certificate) return absl::InvalidArgumentError("not a certificate");
  return certificate;
}

absl::StatusOr<Key> ReadKey(absl::string_view pem) {
  const BioPtr bio = Reader(pem);
  Key key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr)
              : nullptr);
  ERR_clear_error();
  if (!key) return absl::InvalidArgumentError("not a private key");
  return key;
}

// Whose signature, by the key that it names, is good.
absl::StatusOr<RequestPtr> ReadRequest(absl::string_view pem) {
  const BioPtr bio = Reader(pem);
  RequestPtr request(
      bio ? PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr)
          : nullptr);
  const bool good =
      request && X509_REQ_get0_pubkey(request.get()) != nullptr &&
      X509_REQ_verify(request.get(), X509_REQ_get0_pubkey(request.get())) == 1;
  ERR_clear_error();
  if (!request) return absl::InvalidArgumentError("not a certificate request");
  if (!good) {
    return absl::InvalidArgumentError(
        "the certificate request is not signed by the key that it names");
  }
  return request;
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

bool HasUri(X509* certificate, absl::string_view uri) {
  using NamesPtr = OpensslPtr<GENERAL_NAMES, GENERAL_NAMES_free>;
  const NamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* const value = name->d.uniformResourceIdentifier;
    if (absl::string_view(
            reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
            static_cast<size_t>(ASN1_STRING_length(value))) == uri) {
      return true;
    }
  }
  return false;
}

bool IsSignedBy(X509* certificate, absl::string_view authorities,
                absl::Time now) {
  const StorePtr store(X509_STORE_new());
  const StoreContextPtr context(X509_STORE_CTX_new());
  const BioPtr bio = Reader(authorities);
  if (!store || !context || !bio) return false;
  while (const X509Ptr authority =
             X509Ptr(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr))) {
    X509_STORE_add_cert(store.get(), authority.get());
  }
  X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store.get()),
                             absl::ToTimeT(now));
  const bool good = X509_STORE_CTX_init(context.get(), store.get(), certificate,
                                        nullptr) == 1 &&
                    X509_verify_cert(context.get()) == 1;
  ERR_clear_error();
  return good;
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

absl::StatusOr<std::unique_ptr<CertificateAuthority>>
CertificateAuthority::Load(absl::string_view certificate,
                           absl::string_view private_key, absl::Time now) {
  auto read = ReadCertificate(certificate);
  if (!read.ok()) return read.status();
  auto key = ReadKey(private_key);
  if (!key.ok()) return key.status();
  if (X509_check_private_key(read->get(), key->get()) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError(
        "the authority's certificate is not of its key");
  }
  auto keys = std::make_unique<Keys>();
  keys->key = *std::move(key);
  keys->certificate = *std::move(read);
  return std::unique_ptr<CertificateAuthority>(
      new CertificateAuthority(std::move(keys), std::string(certificate), now));
}

absl::StatusOr<std::string> CertificateAuthority::private_key() const {
  return Pem(keys_->key.get());
}

absl::StatusOr<std::string> CertificateAuthority::Sign(
    EVP_PKEY* key, absl::string_view name, absl::string_view uri) const {
  X509* const issuer = keys_->certificate.get();
  auto draft = Draft(name, key, issuer, now_ - kClockSkew, now_ + kLifetime);
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
  return Pem(x509);
}

absl::StatusOr<Certificate> CertificateAuthority::Issue(
    absl::string_view name, absl::string_view uri) const {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return Refused("making a key");
  auto certificate = Sign(key.get(), name, uri);
  if (!certificate.ok()) return certificate.status();
  auto private_key = Pem(key.get());
  if (!private_key.ok()) return private_key.status();
  return Certificate{*std::move(certificate), *std::move(private_key)};
}

absl::StatusOr<std::string> CertificateAuthority::IssueTo(
    absl::string_view request, absl::string_view name,
    absl::string_view uri) const {
  const auto read = ReadRequest(request);
  if (!read.ok()) return read.status();
  return Sign(X509_REQ_get0_pubkey(read->get()), name, uri);
}

absl::StatusOr<CertificateRequest> MakeCertificateRequest(
    absl::string_view name) {
  const Key key(EVP_EC_gen("P-256"));
  const RequestPtr request(X509_REQ_new());
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!key || !request || !bio) return Refused("making a key");
  if (X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      X509_NAME_add_entry_by_txt(
          X509_REQ_get_subject_name(request.get()), "CN", MBSTRING_UTF8,
          reinterpret_cast<const unsigned char*>(name.data()),
          static_cast<int>(name.size()), -1, 0) != 1 ||
      X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
      X509_REQ_sign(request.get(), key.get(), EVP_sha256()) == 0 ||
      PEM_write_bio_X509_REQ(bio.get(), request.get()) != 1) {
    return Refused("signing a certificate request");
  }
  auto text = TakeText(bio.get());
  if (!text.ok()) return text.status();
  auto private_key = Pem(key.get());
  if (!private_key.ok()) return private_key.status();
  return CertificateRequest{*std::move(text), *std::move(private_key)};
}

absl::Status CheckCertificateRequest(absl::string_view request) {
  return ReadRequest(request).status();
}

absl::StatusOr<std::string> KeyOfRequest(absl::string_view request) {
  const auto read = ReadRequest(request);
  if (!read.ok()) return read.status();
  unsigned char* bytes = nullptr;
  const int size = i2d_PUBKEY(X509_REQ_get0_pubkey(read->get()), &bytes);
  if (size <= 0) return Refused("writing a public key");
  std::string key = CertificateKeyOf(
      {reinterpret_cast<const char*>(bytes), static_cast<size_t>(size)});
  OPENSSL_free(bytes);
  return key;
}

absl::Status CheckCertificate(absl::string_view certificate,
                              absl::string_view request, absl::string_view uri,
                              absl::string_view authorities, absl::Time now) {
  const auto x509 = ReadCertificate(certificate);
  if (!x509.ok()) return x509.status();
  const auto wanted = KeyOfRequest(request);
  if (!wanted.ok()) return wanted.status();
  const auto written = CertificateKeyOfPem(certificate);
  if (!written.ok() || *written != *wanted) {
    return absl::InvalidArgumentError(
        "the certificate is for another key than the request's");
  }
  if (!HasUri(x509->get(), uri)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the certificate is not for ", uri));
  }
  if (!IsSignedBy(x509->get(), authorities, now)) {
    return absl::InvalidArgumentError(
        "the certificate is not signed by the hub's authority, or not now");
  }
  return absl::OkStatus();
}

absl::Status CheckKeyOf(absl::string_view certificate,
                        absl::string_view private_key) {
  const auto x509 = ReadCertificate(certificate);
  if (!x509.ok()) return x509.status();
  const auto key = ReadKey(private_key);
  if (!key.ok()) return key.status();
  const bool good = X509_check_private_key(x509->get(), key->get()) == 1;
  ERR_clear_error();
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "the certificate is for another key than the one made here");
}

}  // namespace concordat::cli
