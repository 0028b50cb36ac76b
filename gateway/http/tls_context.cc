#include "gateway/http/tls_context.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "services/common/crypto/certificate_key.h"
#include "services/common/crypto/openssl_ptr.h"

namespace concordat::gateway {
namespace {

constexpr char kOldSuites[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
// As ALPN writes it.
constexpr unsigned char kHttp11[] = "\x08http/1.1";

using Bio = OpensslPtr<BIO, BIO_free_all>;
using Certificate = OpensslPtr<X509, X509_free>;
using Key = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;
using Names = OpensslPtr<GENERAL_NAMES, GENERAL_NAMES_free>;
using Context = OpensslPtr<SSL_CTX, SSL_CTX_free>;

Bio Read(const std::string& pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

Certificate ReadCertificate(const std::string& pem) {
  return Certificate(
      PEM_read_bio_X509(Read(pem).get(), nullptr, nullptr, nullptr));
}

int ChooseProtocol(SSL*, const unsigned char** out, unsigned char* out_size,
                   const unsigned char* in, unsigned int in_size, void*) {
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, out_size, kHttp11,
                                          sizeof(kHttp11) - 1, in, in_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK
                                         : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// Each authority of the text: while one takes the place of another there are two.
bool Trust(SSL_CTX* context, const std::string& pem) {
  const Bio text = Read(pem);
  int count = 0;
  for (;; ++count) {
    const Certificate authority(
        PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
    if (!authority) break;
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get()) !=
            1 ||
        // A browser asks its person only about certificates of this name.
        SSL_CTX_add_client_CA(context, authority.get()) != 1) {
      return false;
    }
  }
  ERR_clear_error();  // Of the end of the text.
  return count > 0;
}

}  // namespace

absl::StatusOr<SSL_CTX*> MakeServerContext(const TlsCredentials& tls) {
  Context context(SSL_CTX_new(TLS_server_method()));
  const Certificate certificate = ReadCertificate(tls.certificate);
  const Key key(PEM_read_bio_PrivateKey(Read(tls.private_key).get(), nullptr,
                                        nullptr, nullptr));
  if (!context || !certificate || !key ||
      SSL_CTX_use_certificate(context.get(), certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1 ||
      !Trust(context.get(), tls.ca) ||
      SSL_CTX_set_cipher_list(context.get(), kOldSuites) != 1 ||
      SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1) {
    return absl::InvalidArgumentError(
        "the gateway's certificate, key or authority is not usable");
  }
  // No session is taken up again: each connection shows its certificate.
  SSL_CTX_set_options(context.get(),
                      SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                          SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  // Thousands of streams are silent most of the time.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS |
                                      SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_alpn_select_cb(context.get(), ChooseProtocol, nullptr);
  return context.release();
}

std::string PeerCertificateUri(const SSL* connection) {
  const Certificate peer(SSL_get1_peer_certificate(connection));
  if (!peer) return "";
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(peer.get(), NID_subject_alt_name, nullptr, nullptr)));
  std::string uri;
  int count = 0;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    ++count;
    const ASN1_IA5STRING* const text = name->d.uniformResourceIdentifier;
    uri.assign(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
               static_cast<size_t>(ASN1_STRING_length(text)));
  }
  return count == 1 ? uri : "";
}

std::string PeerCertificateKey(const SSL* connection) {
  const Certificate peer(SSL_get1_peer_certificate(connection));
  unsigned char* bytes = nullptr;
  const int size = peer ? i2d_X509(peer.get(), &bytes) : 0;
  if (size <= 0) return "";
  const auto key = CertificateKeyOfDer(
      {reinterpret_cast<const char*>(bytes), static_cast<size_t>(size)});
  OPENSSL_free(bytes);
  return key.ok() ? *key : "";
}

}  // namespace concordat::gateway
