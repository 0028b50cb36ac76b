#include "gateway/http/server.h"

#include <array>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gateway/http/server_core.h"
#include "gateway/http/status.h"
#include "gateway/http/tls_context.h"

namespace concordat::gateway {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using boost::system::error_code;

// When the process has no descriptor left for a new connection.
constexpr std::chrono::seconds kLookAtTlsEvery{1};
constexpr auto kAcceptAgainAfter = std::chrono::milliseconds(100);

absl::Status Taken(const ServerOptions& options, const error_code& error) {
  return absl::UnavailableError(absl::StrCat("cannot listen on ",
                                             options.address, ":", options.port,
                                             ": ", error.message()));
}

}  // namespace

HttpServer::Core::Core(ServerOptions options, ServerWorld world)
    : options_(std::move(options)),
      world_(std::move(world)),
      open_(world_.metrics.Gauge("concordat_gateway_connections",
                                 "Connections that are open.")),
      seconds_(world_.metrics.Seconds(
          "concordat_gateway_request_seconds",
          "From the header of a request to the end of its answer, streams "
          "apart.")) {}

HttpServer::Core::~Core() { Stop(); }

absl::StatusOr<uint16_t> HttpServer::Core::Start() {
  used_tls_ = options_.tls;
  const auto context = MakeServerContext(used_tls_);
  if (!context.ok()) return context.status();
  tls_ = std::make_unique<asio::ssl::context>(*context);
  error_code error;
  const auto address = asio::ip::make_address(options_.address, error);
  if (error) {
    return absl::InvalidArgumentError(
        absl::StrCat(options_.address, " is no address"));
  }
  const Tcp::endpoint endpoint(address, options_.port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(Tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error)
    acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return Taken(options_, error);
  workers_ = std::make_unique<asio::thread_pool>(options_.workers);
  Accept();
  LookAtTls();
  thread_ = std::thread([this] { io_.run(); });
  return acceptor_.local_endpoint().port();
}

void HttpServer::Core::LookAtTls() {
  look_at_tls_.expires_after(kLookAtTlsEvery);
  look_at_tls_.async_wait([this](const error_code& stopped) {
    if (stopped || draining_) return;
    const auto now = ReadAgain(used_tls_);
    if (now.ok() && (now->certificate != used_tls_.certificate ||
                     now->private_key != used_tls_.private_key ||
                     now->ca != used_tls_.ca)) {
      const auto context = MakeServerContext(*now);
      if (context.ok()) {
        // Connections that there are keep the one that they began with.
        tls_ = std::make_unique<asio::ssl::context>(*context);
        used_tls_ = *now;
        world_.log.Info("new connections have another certificate");
      } else {  // One file of the two may still be the old one.
        world_.log.Warning("a new certificate cannot be used yet",
                           {{"why", context.status().message()}});
      }
    }
    LookAtTls();
  });
}

void HttpServer::Core::Accept() {
  acceptor_.async_accept([this](const error_code& error, Tcp::socket socket) {
    if (draining_ || error == asio::error::operation_aborted) return;
    if (error) {
      world_.log.Warning("cannot take a connection",
                         {{"why", error.message()}});
      accept_again_.expires_after(kAcceptAgainAfter);
      accept_again_.async_wait([this](const error_code& stopped) {
        if (!stopped) Accept();
      });
      return;
    }
    error_code gone;
    const auto peer = socket.remote_endpoint(gone);
    std::string address = gone ? "" : peer.address().to_string();
    const auto found = per_address_.find(address);
    if (gone) {
      // It went before it was looked at.
    } else if (connections_.size() >= options_.connections_max) {
      CountRefused("connections");
    } else if (found != per_address_.end() &&
               found->second >= options_.connections_per_address_max) {
      CountRefused("connections_of_address");
    } else {
      StartConnection(std::move(socket), std::move(address), *this);
    }
    Accept();
  });
}

void HttpServer::Core::Stop() {
  if (!thread_.joinable()) return;
  asio::post(io_, [this] {
    draining_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    accept_again_.cancel();
    look_at_tls_.cancel();
    cut_off_.expires_after(absl::ToChronoNanoseconds(options_.drain));
    cut_off_.async_wait([this](const error_code& stopped) {
      if (!stopped) ForEach(&Connection::Cut);
    });
    ForEach(&Connection::Drain);
    if (connections_.empty()) cut_off_.cancel();
  });
  // The loop ends with the last connection.
  thread_.join();
  workers_->join();
}

void HttpServer::Core::ForEach(void (Connection::*end)()) {
  // Ending one, it may leave the set.
  for (Connection* const each : std::set<Connection*>(connections_)) {
    if (connections_.count(each) > 0) (each->*end)();
  }
}

void HttpServer::Core::Enter(Connection* connection,
                             const std::string& address) {
  connections_.insert(connection);
  ++per_address_[address];
  open_.Increment();
}

void HttpServer::Core::Leave(Connection* connection,
                             const std::string& address) {
  connections_.erase(connection);
  const auto found = per_address_.find(address);
  if (--found->second == 0) per_address_.erase(found);
  open_.Decrement();
  if (draining_ && connections_.empty()) cut_off_.cancel();
}

std::string HttpServer::Core::NewId() {
  std::array<uint8_t, 12> bytes;
  world_.random.Fill(bytes.data(), bytes.size());
  return absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

bool HttpServer::Core::AnyOldTls() const {
  const absl::Time now = world_.clock.Now();
  for (const OldTls& old : options_.old_tls) {
    if (now < old.until) return true;
  }
  return false;
}

bool HttpServer::Core::MayUseOldTls(const std::string& certificate_uri,
                                    const std::string& certificate_key) const {
  const auto registry = world_.registry();
  const auto* const principal = registry->FindByCertificateUri(certificate_uri);
  if (principal == nullptr ||
      !registry->IsCertificateKey(*principal, certificate_key)) {
    return false;
  }
  const absl::Time now = world_.clock.Now();
  for (const OldTls& old : options_.old_tls) {
    if (old.principal == principal->name() && now < old.until) return true;
  }
  return false;
}

absl::StatusOr<Caller> HttpServer::Core::Judge(const Route& route,
                                               const Request& request) {
  if (route.access == Access::kAnyone) return Caller();
  if (request.certificate_uri.empty()) {
    return world_.authenticator.Authenticate(request);
  }
  const auto registry = world_.registry();
  const auto* const principal =
      registry->FindByCertificateUri(request.certificate_uri);
  if (principal == nullptr || principal->revoked()) {
    return absl::UnauthenticatedError("no such principal, or it is revoked");
  }
  if (!registry->IsCertificateKey(*principal, request.certificate_key)) {
    CountRefused("certificate-key");
    return absl::UnauthenticatedError(
        "the certificate is for another key than its principal's");
  }
  Caller caller;
  caller.principal = principal->name();
  caller.display_name = principal->display_name();
  caller.by_certificate = true;
  caller.certificate_key = request.certificate_key;
  return caller;
}

void HttpServer::Core::Dispatch(const Route& route,
                                const std::shared_ptr<Reply>& reply) {
  if (route.handler != nullptr) {
    route.handler(reply);
    return;
  }
  if (waiting_ >= options_.workers + options_.queue_max) {
    CountRefused("busy");
    reply->Send(ErrorResponse(absl::UnavailableError("busy; try again")));
    return;
  }
  ++waiting_;
  asio::post(*workers_, [this, &route, reply] {
    Response response = route.blocking(reply->request(), reply->caller());
    --waiting_;
    reply->Send(std::move(response));
  });
}

void HttpServer::Core::Record(const RequestRecord& record, bool stream) {
  world_.requests.Append(record);
  if (!stream) seconds_.Observe(absl::ToDoubleSeconds(record.duration));
  world_.metrics
      .Counter(
          "concordat_gateway_requests_total", "Answers, by route and status.",
          {{"route", record.route.empty() ? "none" : std::string(record.route)},
           {"status", absl::StrCat(record.status)}})
      .Increment();
}

void HttpServer::Core::CountRefused(const char* why) {
  world_.metrics
      .Counter("concordat_gateway_refused_total",
               "Connections and requests refused before any handler, by why.",
               {{"why", why}})
      .Increment();
}

HttpServer::HttpServer(ServerOptions options, ServerWorld world)
    : core_(std::make_unique<Core>(std::move(options), std::move(world))) {}

HttpServer::~HttpServer() = default;

absl::StatusOr<uint16_t> HttpServer::Start() { return core_->Start(); }

void HttpServer::Stop() { core_->Stop(); }

}  // namespace concordat::gateway
