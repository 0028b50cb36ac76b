#ifndef CONCORDAT_TESTS_SUPPORT_OPENSSL_AUTHORITY_H_
#define CONCORDAT_TESTS_SUPPORT_OPENSSL_AUTHORITY_H_

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace concordat::testing {

// An RFC 3161 authority made of OpenSSL's program: a key, its own certificate,
// and `openssl ts -reply`.
class OpensslAuthority {
 public:
  OpensslAuthority() {
    std::ofstream(Path("ts.cnf"))
        << "[tsa]\ndefault_tsa = it\n[it]\nserial = " << Path("serial")
        << "\ncrypto_device = builtin\nsigner_cert = " << Path("tsa.pem")
        << "\nsigner_key = " << Path("tsa.key")
        << "\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\n"
           "digests = sha256\naccuracy = secs:1\nordering = yes\n"
           "tsa_name = no\ness_cert_id_chain = no\n"
           "[req]\ndistinguished_name = name\nx509_extensions = ext\n"
           "prompt = no\n[name]\nCN = Test time stamps\n"
           "[ext]\nkeyUsage = critical,digitalSignature\n"
           "extendedKeyUsage = critical,timeStamping\n"
           "basicConstraints = CA:FALSE\n";
    std::ofstream(Path("serial")) << "01\n";
    EXPECT_EQ(Run(absl::StrCat("openssl req -x509 -newkey rsa:2048 -nodes "
                               "-days 2 -config ",
                               Path("ts.cnf"), " -keyout ", Path("tsa.key"),
                               " -out ", Path("tsa.pem"))),
              0);
  }

  std::string roots() const { return Read("tsa.pem"); }

  absl::StatusOr<std::string> Answer(absl::string_view request) {
    std::ofstream(Path("request"), std::ios::binary) << request;
    if (Run(absl::StrCat("openssl ts -reply -config ", Path("ts.cnf"),
                         " -queryfile ", Path("request"), " -out ",
                         Path("response"))) != 0) {
      return absl::UnavailableError("openssl ts failed");
    }
    return Read("response");
  }

 private:
  std::string Path(const char* name) const { return folder_.PathOf(name); }
  std::string Read(const char* name) const {
    std::ifstream file(Path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static int Run(const std::string& command) {
    return std::system((command + " >/dev/null 2>&1").c_str());
  }

  TempDir folder_;
};

// The same behind HTTP on a loopback port, one call at a time.
class HttpAuthority {
 public:
  HttpAuthority() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at = {};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(at);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~HttpAuthority() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  std::string url() const {
    return absl::StrCat("http://127.0.0.1:", port_, "/stamp");
  }
  std::string roots() const { return authority_.roots(); }
  // From now on it answers 503.
  void Break() { is_broken_ = true; }
  void Mend() { is_broken_ = false; }

 private:
  void Serve() {
    for (int peer; (peer = accept(listener_, nullptr, nullptr)) >= 0;) {
      const absl::StatusOr<std::string> reply = authority_.Answer(BodyOf(peer));
      std::string answer = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n";
      if (reply.ok() && !is_broken_) {
        answer = absl::StrCat(
            "HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\n"
            "Content-Length: ",
            reply->size(), "\r\n\r\n", *reply);
      }
      EXPECT_EQ(send(peer, answer.data(), answer.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(answer.size()));
      close(peer);
    }
  }
  static std::string BodyOf(int peer) {
    std::string request;
    char bytes[4096];
    while (true) {
      const size_t head = request.find("\r\n\r\n");
      const size_t length = request.find("Content-Length: ");
      if (head != std::string::npos && length != std::string::npos &&
          request.size() >=
              head + 4 + std::stoul(request.substr(length + 16))) {
        return request.substr(head + 4);
      }
      const ssize_t count = recv(peer, bytes, sizeof(bytes), 0);
      if (count <= 0) return "";
      request.append(bytes, static_cast<size_t>(count));
    }
  }

  OpensslAuthority authority_;
  std::atomic<bool> is_broken_ = false;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_OPENSSL_AUTHORITY_H_
