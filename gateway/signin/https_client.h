// One request over TLS and its answer, for talking to a provider.
#ifndef CONCORDAT_GATEWAY_SIGNIN_HTTPS_CLIENT_H_
#define CONCORDAT_GATEWAY_SIGNIN_HTTPS_CLIENT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace concordat::gateway {

struct HttpsRequest {
  std::string url;        // https://…
  std::string form = {};  // Not empty: it is POSTed.
  std::string authorization = {};
};

struct HttpsAnswer {
  unsigned status = 0;
  std::string body;
};

// Threads  Any; a call waits for its answer.
class HttpsClient {
 public:
  virtual ~HttpsClient() = default;
  // Redirects are not followed.
  //   INVALID_ARGUMENT  not an https URL.
  //   UNAVAILABLE       no answer, or one that is too long; not from whom the
  //                     URL names.
  virtual absl::StatusOr<HttpsAnswer> Send(const HttpsRequest& request) = 0;
};

// Trusts the authorities in `ca_file`; empty: the machine's own. A request
// ends after three times `step_timeout`.
//   FAILED_PRECONDITION  the file cannot be read.
absl::StatusOr<std::unique_ptr<HttpsClient>> MakeHttpsClient(
    const std::string& ca_file, absl::Duration step_timeout);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_SIGNIN_HTTPS_CLIENT_H_
