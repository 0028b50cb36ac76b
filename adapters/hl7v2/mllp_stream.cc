#include "adapters/hl7v2/mllp_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <climits>
#include <utility>

#include "absl/strings/match.h"
#include "services/common/crypto/openssl_ptr.h"

namespace concordat::hl7v2 {
namespace {

class ClearStream : public MllpStream {
 public:
  explicit ClearStream(int fd) : fd_(fd) {}
  size_t Read(char* buffer, size_t count) override {
    const ssize_t got = recv(fd_, buffer, count, 0);
    return got > 0 ? static_cast<size_t>(got) : 0;
  }
  bool Write(absl::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

 private:
  const int fd_;
};

class ClearStreams : public MllpStreamFactory {
 public:
  std::unique_ptr<MllpStream> Make(int fd) override {
    return std::make_unique<ClearStream>(fd);
  }
};

using Ssl = OpensslPtr<SSL, SSL_free>;
using SslContext = OpensslPtr<SSL_CTX, SSL_CTX_free>;
using Certificate = OpensslPtr<X509, X509_free>;
using PrivateKey = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;
using Bio = OpensslPtr<BIO, BIO_free>;

Bio Memory(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

bool HasUriPrefix(const X509& certificate, absl::string_view prefix) {
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr));
  bool found = false;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
    const absl::string_view text(
        reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
        static_cast<size_t>(ASN1_STRING_length(uri)));
    found = found || absl::StartsWith(text, prefix);
  }
  GENERAL_NAMES_free(names);
  return found;
}

class TlsStream : public MllpStream {
 public:
  explicit TlsStream(Ssl ssl) : ssl_(std::move(ssl)) {}
  ~TlsStream() override { SSL_shutdown(ssl_.get()); }
  size_t Read(char* buffer, size_t count) override {
    const int got = SSL_read(
        ssl_.get(), buffer, static_cast<int>(std::min<size_t>(count, INT_MAX)));
    return got > 0 ? static_cast<size_t>(got) : 0;
  }
  bool Write(absl::string_view bytes) override {
    // Without partial writes: all or an error.
    return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) >
           0;
  }

 private:
  const Ssl ssl_;
};

class TlsStreams : public MllpStreamFactory {
 public:
  TlsStreams(SslContext context, std::string peer_uri_prefix)
      : context_(std::move(context)),
        peer_uri_prefix_(std::move(peer_uri_prefix)) {}

  std::unique_ptr<MllpStream> Make(int fd) override {
    ERR_clear_error();
    Ssl ssl(SSL_new(context_.get()));
    if (ssl == nullptr || SSL_set_fd(ssl.get(), fd) != 1 ||
        SSL_accept(ssl.get()) != 1) {
      return nullptr;
    }
    const Certificate peer(SSL_get1_peer_certificate(ssl.get()));
    if (peer == nullptr || !HasUriPrefix(*peer, peer_uri_prefix_)) {
      return nullptr;
    }
    return std::make_unique<TlsStream>(std::move(ssl));
  }

 private:
  const SslContext context_;
  const std::string peer_uri_prefix_;
};

}  // namespace

std::unique_ptr<MllpStreamFactory> NewClearStreams() {
  return std::make_unique<ClearStreams>();
}

absl::StatusOr<std::unique_ptr<MllpStreamFactory>> NewTlsStreams(
    const MllpTlsOptions& options) {
  SslContext context(SSL_CTX_new(TLS_server_method()));
  const auto read_certificate = [](const std::string& pem) {
    return Certificate(
        PEM_read_bio_X509(Memory(pem).get(), nullptr, nullptr, nullptr));
  };
  const Certificate ca = read_certificate(options.ca);
  const Certificate own = read_certificate(options.certificate);
  const PrivateKey key(PEM_read_bio_PrivateKey(
      Memory(options.private_key).get(), nullptr, nullptr, nullptr));
  if (context == nullptr || ca == nullptr || own == nullptr || key == nullptr) {
    return absl::InvalidArgumentError("TLS: a certificate or key is not PEM");
  }
  SSL_CTX* const raw = context.get();
  SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     nullptr);
  // No resumption: every connection proves itself.
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(raw, 0);
  if (X509_STORE_add_cert(SSL_CTX_get_cert_store(raw), ca.get()) != 1 ||
      SSL_CTX_use_certificate(raw, own.get()) != 1 ||
      SSL_CTX_use_PrivateKey(raw, key.get()) != 1 ||
      SSL_CTX_check_private_key(raw) != 1) {
    return absl::InvalidArgumentError(
        "TLS: certificate and key do not belong together");
  }
  return std::make_unique<TlsStreams>(std::move(context),
                                      options.peer_uri_prefix);
}

}  // namespace concordat::hl7v2
