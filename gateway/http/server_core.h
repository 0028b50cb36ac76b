// What a connection shares with the others: limits, counts, handlers. Internal
// to gateway/http: it includes Asio.
//
// Threads  The server's own, but for Dispatch()'s workers.
#ifndef CONCORDAT_GATEWAY_HTTP_SERVER_CORE_H_
#define CONCORDAT_GATEWAY_HTTP_SERVER_CORE_H_

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/http/reply.h"
#include "gateway/http/server.h"

namespace concordat::gateway {

// How the server ends a connection that it did not make.
class Connection {
 public:
  virtual ~Connection() = default;
  // Ends it now if nothing is asked, else after the answer; ends a stream.
  virtual void Drain() = 0;
  virtual void Cut() = 0;
};

class HttpServer::Core {
 public:
  Core(ServerOptions options, ServerWorld world);
  ~Core();

  absl::StatusOr<uint16_t> Start();
  void Stop();

  const ServerOptions& options() const { return options_; }
  const ServerWorld& world() const { return world_; }
  boost::asio::ssl::context& tls() { return *tls_; }
  bool draining() const { return draining_; }

  void Enter(Connection* connection, const std::string& address);
  void Leave(Connection* connection, const std::string& address);

  // A random id for a request.
  std::string NewId();
  // Somebody may speak TLS 1.2 today; and this one may.
  bool AnyOldTls() const;
  bool MayUseOldTls(const std::string& certificate_uri,
                    const std::string& certificate_key) const;
  // Who asks, as server.h says.
  absl::StatusOr<Caller> Judge(const Route& route, const Request& request);
  // Hands over to the handler.
  void Dispatch(const Route& route, const std::shared_ptr<Reply>& reply);
  void Record(const RequestRecord& record, bool stream);
  void CountRefused(const char* why);

 private:
  void Accept();
  // New connections have the certificate that the files have.
  void LookAtTls();
  void ForEach(void (Connection::*end)());

  const ServerOptions options_;
  const ServerWorld world_;
  boost::asio::io_context io_{1};
  boost::asio::ip::tcp::acceptor acceptor_{io_};
  boost::asio::steady_timer accept_again_{io_};
  boost::asio::steady_timer cut_off_{io_};
  boost::asio::steady_timer look_at_tls_{io_};
  TlsCredentials used_tls_;
  std::unique_ptr<boost::asio::ssl::context> tls_;
  std::unique_ptr<boost::asio::thread_pool> workers_;
  std::atomic<size_t> waiting_{0};
  std::set<Connection*> connections_;
  std::map<std::string, size_t> per_address_;
  bool draining_ = false;
  std::thread thread_;
  prometheus::Gauge& open_;
  prometheus::Histogram& seconds_;
};

// Serves one connection until it ends. It enters and leaves `core`, which
// outlives it.
void StartConnection(boost::asio::ip::tcp::socket socket, std::string address,
                     HttpServer::Core& core);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_HTTP_SERVER_CORE_H_
