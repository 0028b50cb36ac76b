#include "tests/support/https_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"

namespace concordat::testing {
namespace {

absl::Status Failed(const char* what) {
  char reason[256] = "no reason given";
  if (const auto code = ERR_get_error()) {
    ERR_error_string_n(code, reason, sizeof(reason));
  }
  return absl::UnavailableError(absl::StrCat(what, ": ", reason));
}

BIO* Pem(const std::string& text) {
  return BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
}

int Dial(const std::string& address, absl::Duration patience) {
  const std::pair<std::string, std::string> parts =
      absl::StrSplit(address, ':');
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::atoi(parts.second.c_str())));
  inet_pton(AF_INET, parts.first.c_str(), &to.sin_addr);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval wait = absl::ToTimeval(patience);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0) {
    return fd;
  }
  close(fd);
  return -1;
}

}  // namespace

struct HttpsClient::State {
  int fd = -1;
  SSL_CTX* context = nullptr;
  SSL* ssl = nullptr;
  std::string read;  // Not yet looked at.

  ~State() {
    SSL_free(ssl);
    SSL_CTX_free(context);
    if (fd >= 0) close(fd);
  }
};

HttpsClient::HttpsClient(std::unique_ptr<State> state)
    : state_(std::move(state)) {}

HttpsClient::~HttpsClient() = default;

absl::StatusOr<std::unique_ptr<HttpsClient>> HttpsClient::Connect(
    const Options& options) {
  // A server that closes first must not end the test.
  std::signal(SIGPIPE, SIG_IGN);
  auto state = std::make_unique<State>();
  state->fd = Dial(options.address, options.patience);
  if (state->fd < 0) return absl::UnavailableError("no connection");
  SSL_CTX* const context = state->context = SSL_CTX_new(TLS_client_method());
  BIO* const ca_pem = Pem(options.ca);
  X509* const ca = PEM_read_bio_X509(ca_pem, nullptr, nullptr, nullptr);
  BIO_free(ca_pem);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca);
  X509_free(ca);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (options.tls_max != 0) {
    SSL_CTX_set_max_proto_version(context, options.tls_max);
  }
  if (options.suites != nullptr) {
    SSL_CTX_set_cipher_list(context, options.suites);
  }
  if (!options.certificate.empty()) {
    BIO* pem = Pem(options.certificate);
    X509* const own = PEM_read_bio_X509(pem, nullptr, nullptr, nullptr);
    SSL_CTX_use_certificate(context, own);
    X509_free(own);
    BIO_free(pem);
    pem = Pem(options.private_key);
    EVP_PKEY* const key =
        PEM_read_bio_PrivateKey(pem, nullptr, nullptr, nullptr);
    SSL_CTX_use_PrivateKey(context, key);
    EVP_PKEY_free(key);
    BIO_free(pem);
  }
  SSL* const ssl = state->ssl = SSL_new(context);
  SSL_set_fd(ssl, state->fd);
  SSL_set_tlsext_host_name(ssl, "localhost");
  SSL_set1_host(ssl, "localhost");
  if (SSL_connect(ssl) != 1) return Failed("no handshake");
  return std::unique_ptr<HttpsClient>(new HttpsClient(std::move(state)));
}

bool HttpsClient::Send(const std::string& bytes) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    const int count = SSL_write(state_->ssl, bytes.data() + sent,
                                static_cast<int>(bytes.size() - sent));
    if (count <= 0) return false;
    sent += static_cast<size_t>(count);
  }
  return true;
}

bool HttpsClient::Fill() {
  char buffer[16384];
  const int count = SSL_read(state_->ssl, buffer, sizeof(buffer));
  if (count <= 0) return false;
  state_->read.append(buffer, static_cast<size_t>(count));
  return true;
}

HttpAnswer HttpsClient::ReadHead() {
  HttpAnswer answer;
  std::string& read = state_->read;
  size_t end = 0;
  while ((end = read.find("\r\n\r\n")) == std::string::npos) {
    if (!Fill()) return answer;
  }
  const std::string head = read.substr(0, end);
  read.erase(0, end + 4);
  const std::vector<std::string> lines = absl::StrSplit(head, "\r\n");
  answer.status = std::atoi(lines[0].substr(9).c_str());
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(lines[i], absl::MaxSplits(": ", 1));
    answer.headers[absl::AsciiStrToLower(parts.first)] = parts.second;
  }
  return answer;
}

std::string HttpsClient::ReadChunk() {
  std::string& read = state_->read;
  size_t line = 0;
  while ((line = read.find("\r\n")) == std::string::npos) {
    if (!Fill()) return "";
  }
  const size_t size = std::strtoul(read.c_str(), nullptr, 16);
  while (read.size() < line + 2 + size + 2) {
    if (!Fill()) return "";
  }
  const std::string chunk = read.substr(line + 2, size);
  read.erase(0, line + 2 + size + 2);
  return chunk;
}

HttpAnswer HttpsClient::Read() {
  HttpAnswer answer = ReadHead();
  if (answer.status == 100) return Read();
  if (answer.headers["transfer-encoding"] == "chunked") {
    for (std::string chunk = ReadChunk(); !chunk.empty(); chunk = ReadChunk()) {
      answer.body += chunk;
    }
    return answer;
  }
  size_t size = 0;
  if (absl::SimpleAtoi(answer.headers["content-length"], &size)) {
    while (state_->read.size() < size && Fill()) {
    }
    answer.body = state_->read.substr(0, size);
    state_->read.erase(0, answer.body.size());
  }
  return answer;
}

bool HttpsClient::IsClosedWithin(absl::Duration patience) {
  if (!state_->read.empty()) return false;
  pollfd look = {state_->fd, POLLIN | POLLRDHUP, 0};
  if (SSL_pending(state_->ssl) == 0 &&
      poll(&look, 1, static_cast<int>(absl::ToInt64Milliseconds(patience))) <=
          0) {
    return false;
  }
  return !Fill();
}

HttpAnswer HttpsClient::Ask(const std::string& bytes) {
  // A server that refuses may close before all of it is sent; its answer is
  // there all the same.
  Send(bytes);
  return Read();
}

std::string HttpRequest(const std::string& method, const std::string& target,
                        const std::string& headers, const std::string& body) {
  return absl::StrCat(
      method, " ", target, " HTTP/1.1\r\nHost: localhost\r\n", headers,
      body.empty() && method == "GET"
          ? ""
          : absl::StrCat("Content-Length: ", body.size(), "\r\n"),
      "\r\n", body);
}

HttpsClient::Options GatewayOptions(const DataDirectory& data,
                                    const std::string& principal) {
  HttpsClient::Options options;
  const auto address =
      data.WaitForAddress("concordat-gateway", "https", absl::Seconds(10));
  EXPECT_TRUE(address.ok()) << address.status();
  const auto tls = data.LoadTls(principal.empty() ? "gateway" : principal);
  EXPECT_TRUE(tls.ok()) << tls.status();
  options.address = address.value_or("");
  options.ca = tls->ca;
  if (!principal.empty()) {
    options.certificate = tls->certificate;
    options.private_key = tls->private_key;
  }
  return options;
}

}  // namespace concordat::testing
