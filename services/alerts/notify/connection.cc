#include "services/alerts/notify/connection.h"

#include <chrono>

#include "openssl/ssl.h"

namespace concordat::alerts {
namespace {

namespace asio = boost::asio;

// How soon a stop is noticed.
constexpr std::chrono::milliseconds kLookUp(100);

}  // namespace

absl::Status Connection::Trust(const std::string& ca_file) {
  boost::system::error_code error;
  if (ca_file.empty()) {
    context_.set_default_verify_paths(error);
  } else {
    context_.load_verify_file(ca_file, error);
  }
  if (error) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot read the authorities: ", error.message()));
  }
  context_.set_verify_mode(asio::ssl::verify_peer, error);
  SSL_CTX_set_min_proto_version(context_.native_handle(), TLS1_2_VERSION);
  return absl::OkStatus();
}

StatusTask Connection::Connect(std::string host, std::string port) {
  asio::ip::tcp::resolver resolver(co_await asio::this_coro::executor);
  auto [not_found, places] =
      co_await resolver.async_resolve(host, port, kAsTuple);
  if (not_found) co_return Broken("resolve", not_found);
  NextStep();
  auto [error, place] = co_await tcp().async_connect(places, kAsTuple);
  if (error) co_return Broken("connect", error);
  co_return absl::OkStatus();
}

StatusTask Connection::StartTls(std::string host) {
  boost::system::error_code wrong;
  stream_.set_verify_callback(asio::ssl::host_name_verification(host), wrong);
  if (wrong) co_return Broken("TLS", wrong);
  boost::system::error_code is_name;
  asio::ip::make_address(host, is_name);
  if (is_name) SSL_set_tlsext_host_name(stream_.native_handle(), host.c_str());
  NextStep();
  auto [error] = co_await stream_.async_handshake(
      asio::ssl::stream_base::client, kAsTuple);
  if (error.category() == asio::error::get_ssl_category()) {
    co_return absl::FailedPreconditionError(
        absl::StrCat("TLS: ", error.message()));
  }
  if (error) co_return Broken("TLS", error);
  co_return absl::OkStatus();
}

absl::Status RunTask(asio::io_context& loop, std::function<StatusTask()> task,
                     const std::atomic<bool>& stop) {
  absl::Status result = absl::UnavailableError("it did not end");
  bool done = false;
  asio::co_spawn(loop, std::move(task),
                 [&](std::exception_ptr thrown, absl::Status status) {
                   done = true;
                   result = thrown ? absl::UnavailableError("it failed")
                                   : std::move(status);
                 });
  while (!done && !stop && !loop.stopped()) loop.run_for(kLookUp);
  if (!done && stop) return absl::CancelledError("stopping");
  return result;
}

}  // namespace concordat::alerts
