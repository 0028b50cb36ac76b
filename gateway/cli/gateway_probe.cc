#include "gateway/cli/gateway_probe.h"

#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/common/crypto/openssl_ptr.h"

namespace concordat::cli {
namespace {

constexpr char kGateway[] = "concordat-gateway";
constexpr absl::string_view kRequest =
    "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

using Context = OpensslPtr<SSL_CTX, SSL_CTX_free>;
using Ssl = OpensslPtr<SSL, SSL_free>;
using Bio = OpensslPtr<BIO, BIO_free>;
using Certificate = OpensslPtr<X509, X509_free>;

class Socket {
 public:
  // Connected to the port on loopback, or fd() is -1.
  Socket(uint16_t port, absl::Duration timeout)
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit = absl::ToTimeval(timeout);
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0) {
      return;
    }
    close(fd_);
    fd_ = -1;
  }
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

absl::Status Away(absl::string_view why) {
  ERR_clear_error();
  return absl::UnavailableError(absl::StrCat(kGateway, " ", why));
}

// Trusts the hub's authority and nobody else.
Context ContextOf(const std::string& authority) {
  Context context(SSL_CTX_new(TLS_client_method()));
  const Bio text(
      BIO_new_mem_buf(authority.data(), static_cast<int>(authority.size())));
  const Certificate certificate(
      PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
  if (context == nullptr || certificate == nullptr ||
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()),
                          certificate.get()) != 1) {
    return nullptr;
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

}  // namespace

absl::Status ProbeGateway(const DataDirectory& data, absl::Duration timeout) {
  const auto address = data.ReadAddress(kGateway, "https");
  uint32_t port = 0;
  const std::vector<std::string> parts =
      absl::StrSplit(address.value_or(""), ':');
  if (!absl::SimpleAtoi(parts.back(), &port) || port > UINT16_MAX) {
    return Away(absl::StrCat("does not run on ", data.path()));
  }
  const auto tls = data.LoadTls("gateway");
  if (!tls.ok()) return tls.status();
  const auto context = ContextOf(tls->ca);
  if (context == nullptr) {
    return Away("cannot be asked: keys/ca.crt.pem is not a certificate");
  }
  const Socket socket(static_cast<uint16_t>(port), timeout);
  if (socket.fd() < 0) return Away("does not listen");
  const Ssl ssl(SSL_new(context.get()));
  if (ssl == nullptr || SSL_set_fd(ssl.get(), socket.fd()) != 1 ||
      SSL_connect(ssl.get()) != 1) {
    const long verified =
        ssl == nullptr ? X509_V_OK : SSL_get_verify_result(ssl.get());
    return Away(verified == X509_V_OK
                    ? "does not answer"
                    : absl::StrCat("has a certificate that does not hold: ",
                                   X509_verify_cert_error_string(verified)));
  }
  std::array<char, 512> answer = {};
  if (SSL_write(ssl.get(), kRequest.data(),
                static_cast<int>(kRequest.size())) <= 0) {
    return Away("does not answer");
  }
  const int bytes = SSL_read(ssl.get(), answer.data(), answer.size());
  if (bytes <= 0) return Away("does not answer");
  const absl::string_view begins(answer.data(), static_cast<size_t>(bytes));
  if (!absl::StartsWith(begins, "HTTP/1.1 200 ")) {
    return Away("does not answer /healthz with 200");
  }
  return absl::OkStatus();
}

}  // namespace concordat::cli
