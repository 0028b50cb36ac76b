#ifndef CONCORDAT_TESTS_SUPPORT_HTTPS_CLIENT_H_
#define CONCORDAT_TESTS_SUPPORT_HTTPS_CLIENT_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/common/config/data_directory.h"

namespace concordat::testing {

struct HttpAnswer {
  int status = 0;                              // 0: there was none.
  std::map<std::string, std::string> headers;  // Names in lower case.
  std::string body;
};

// A TLS connection over which a test sends what it likes, well formed or not.
//
// Threads  One.
class HttpsClient {
 public:
  struct Options {
    std::string address;  // "127.0.0.1:8443".
    std::string ca;       // Who the server must be signed by, PEM.
    // A client certificate, and its key; empty: none.
    std::string certificate = {};
    std::string private_key = {};
    int tls_max = 0;               // TLS1_2_VERSION; 0: the newest.
    const char* suites = nullptr;  // With TLS 1.2.
    absl::Duration patience = absl::Seconds(10);  // For anything to come.
  };

  //   UNAVAILABLE  no connection, or no handshake; says why.
  static absl::StatusOr<std::unique_ptr<HttpsClient>> Connect(
      const Options& options);
  ~HttpsClient();

  // False: the server has closed it.
  bool Send(const std::string& bytes);
  // Reads one answer, with its body; status 0 when the server closed it first
  // or was silent.
  HttpAnswer Read();
  // Reads an answer's head only; then pieces of its chunked body, each as it
  // was sent; empty at the end, or after `patience`.
  HttpAnswer ReadHead();
  std::string ReadChunk();
  // Waits at most so long. True: the server has closed it, with nothing said.
  bool IsClosedWithin(absl::Duration patience);

  // Send() and Read().
  HttpAnswer Ask(const std::string& bytes);

 private:
  struct State;
  explicit HttpsClient(std::unique_ptr<State> state);
  bool Fill();

  std::unique_ptr<State> state_;
};

// The text of a request with Host and Content-Length; `headers` are lines that
// end in "\r\n".
std::string HttpRequest(const std::string& method, const std::string& target,
                        const std::string& headers = "",
                        const std::string& body = "");

// How a test speaks to the gateway of a data directory: as `principal`, or
// without a certificate.
HttpsClient::Options GatewayOptions(const DataDirectory& data,
                                    const std::string& principal = "");

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_HTTPS_CLIENT_H_
