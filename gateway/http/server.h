// HTTP/1.1 over TLS: reads requests whole, refuses what is not plainly a
// request, finds out who asks, hands over to the router's handlers, and sends
// what they answer.
//
// A request is judged in this order; each is an answer and the connection goes
// on, or is closed where the rest of the request was not read:
//   400 413 431  not a request, or over a limit
//   505 501 421 403  version, method, host, another site's page (admission.h)
//   404 405      no such path, or not with this method
//   401 403      the caller is unknown; the request may be forged
//   503          too many wait for a thread, or the server stops
// Who is slow, in the handshake, a header, a body or in taking the answer, is
// closed. Connections over the limits are closed at once.
//
// Threads  One of its own for all connections, a few for handlers that may
//          wait. Start() and Stop() on one thread.
#ifndef CONCORDAT_GATEWAY_HTTP_SERVER_H_
#define CONCORDAT_GATEWAY_HTTP_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/http/caller.h"
#include "gateway/http/request_log.h"
#include "gateway/http/router.h"
#include "services/common/base/clock.h"
#include "services/common/base/random.h"
#include "services/common/config/data_directory.h"
#include "services/common/config/live_registry.h"
#include "services/common/telemetry/log.h"
#include "services/common/telemetry/metrics.h"

namespace concordat::gateway {

// TLS 1.2 is spoken with this principal before `until`, and with nobody else.
struct OldTls {
  std::string principal;
  absl::Time until;
};

// proto/concordat/gateway/v1/settings.proto says what each is for.
struct ServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: any.
  TlsCredentials tls = {};
  std::vector<std::string> hosts = {};
  std::vector<OldTls> old_tls = {};
  size_t connections_max = 8192;
  size_t connections_per_address_max = 512;
  size_t header_bytes_max = 16 << 10;
  size_t body_bytes_max = 1 << 20;
  size_t workers = 4;
  size_t queue_max = 64;
  size_t stream_bytes_max = 256 << 10;
  absl::Duration handshake_timeout = absl::Seconds(10);
  absl::Duration header_timeout = absl::Seconds(10);
  absl::Duration body_timeout = absl::Seconds(30);
  absl::Duration write_timeout = absl::Seconds(20);
  absl::Duration idle_timeout = absl::Seconds(75);
  absl::Duration drain = absl::Seconds(5);
};

// What the server needs of the world. All of it outlives the server.
struct ServerWorld {
  const Router& router;
  RegistrySource registry;
  Authenticator& authenticator;
  const Clock& clock;
  const SteadyClock& steady;
  Random& random;
  const Logger& log;
  Metrics& metrics;
  RequestLog& requests;
};

class HttpServer {
 public:
  HttpServer(ServerOptions options, ServerWorld world);
  ~HttpServer();  // Stop().
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Returns the port.
  //   UNAVAILABLE       the address is taken.
  //   INVALID_ARGUMENT  the certificate or address is not usable.
  absl::StatusOr<uint16_t> Start();
  // Takes no new connection, ends streams, gives requests under way `drain`,
  // then cuts them off.
  void Stop();

  class Core;  // Of gateway/http alone.

 private:
  std::unique_ptr<Core> core_;
};

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_HTTP_SERVER_H_
