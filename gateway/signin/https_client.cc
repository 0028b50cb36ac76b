#include "gateway/signin/https_client.h"

#include <exception>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "boost/asio.hpp"
#include "boost/asio/ssl.hpp"
#include "boost/beast/core.hpp"
#include "boost/beast/http.hpp"
#include "boost/beast/ssl.hpp"
#include "boost/url/parse.hpp"
#include "openssl/ssl.h"

namespace concordat::gateway {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Stream = boost::beast::ssl_stream<boost::beast::tcp_stream>;
using Answer = absl::StatusOr<HttpsAnswer>;
constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);
constexpr uint64_t kAnswerBytesMax = 256 * 1024;

struct Place {
  std::string host;
  std::string port;
  std::string target;
};

absl::StatusOr<Place> ReadUrl(const std::string& text) {
  const auto url = boost::urls::parse_absolute_uri(text);
  if (!url || url->scheme() != "https" || url->host().empty() ||
      url->has_userinfo()) {
    return absl::InvalidArgumentError("not an https URL");
  }
  Place place;
  place.host = url->host_address();
  place.port = url->has_port() ? std::string(url->port()) : "443";
  place.target = std::string(url->encoded_target());
  if (place.target.empty() || place.target[0] != '/') {
    place.target.insert(0, "/");
  }
  return place;
}

absl::Status Broken(absl::string_view step,
                    const boost::system::error_code& error) {
  return absl::UnavailableError(absl::StrCat(step, ": ", error.message()));
}

// Only a certificate of `host` will do.
absl::Status Expect(Stream& stream, const std::string& host) {
  boost::system::error_code error;
  stream.set_verify_mode(asio::ssl::verify_peer, error);
  if (error) return Broken("TLS", error);
  stream.set_verify_callback(asio::ssl::host_name_verification(host), error);
  if (error) return Broken("TLS", error);
  boost::system::error_code is_name;
  asio::ip::make_address(host, is_name);
  if (is_name) SSL_set_tlsext_host_name(stream.native_handle(), host.c_str());
  return absl::OkStatus();
}

asio::awaitable<Answer> Converse(asio::ssl::context& context, Place place,
                                 http::request<http::string_body> request,
                                 std::chrono::milliseconds step_timeout) {
  const auto executor = co_await asio::this_coro::executor;
  Stream stream(executor, context);
  auto& tcp = boost::beast::get_lowest_layer(stream);
  if (auto status = Expect(stream, place.host); !status.ok()) co_return status;
  asio::ip::tcp::resolver resolver(executor);
  auto [unknown, ends] =
      co_await resolver.async_resolve(place.host, place.port, kAsTuple);
  if (unknown) co_return Broken("resolve", unknown);
  tcp.expires_after(step_timeout);
  auto [refused, end] = co_await tcp.async_connect(ends, kAsTuple);
  if (refused) co_return Broken("connect", refused);
  tcp.expires_after(step_timeout);
  auto [untrusted] =
      co_await stream.async_handshake(asio::ssl::stream_base::client, kAsTuple);
  if (untrusted) co_return Broken("TLS", untrusted);
  tcp.expires_after(step_timeout);
  auto [unsent, sent] = co_await http::async_write(stream, request, kAsTuple);
  if (unsent) co_return Broken("send", unsent);
  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kAnswerBytesMax);
  tcp.expires_after(step_timeout);
  auto [unread, read] =
      co_await http::async_read(stream, buffer, parser, kAsTuple);
  if (unread) co_return Broken("answer", unread);
  co_return HttpsAnswer{parser.get().result_int(),
                        std::move(parser.get().body())};
}

class BeastClient : public HttpsClient {
 public:
  explicit BeastClient(absl::Duration step_timeout)
      : context_(asio::ssl::context::tls_client),
        step_timeout_(absl::ToChronoMilliseconds(step_timeout)) {
    SSL_CTX_set_min_proto_version(context_.native_handle(), TLS1_2_VERSION);
  }

  absl::Status Trust(const std::string& ca_file) {
    boost::system::error_code error;
    if (ca_file.empty()) {
      context_.set_default_verify_paths(error);
    } else {
      context_.load_verify_file(ca_file, error);
    }
    if (!error) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("cannot read the authorities: ", error.message()));
  }

  Answer Send(const HttpsRequest& ask) override {
    auto place = ReadUrl(ask.url);
    if (!place.ok()) return place.status();
    http::request<http::string_body> request(
        ask.form.empty() ? http::verb::get : http::verb::post, place->target,
        11);
    request.set(http::field::host,
                place->port == "443"
                    ? place->host
                    : absl::StrCat(place->host, ":", place->port));
    request.set(http::field::accept, "application/json");
    if (!ask.authorization.empty()) {
      request.set(http::field::authorization, ask.authorization);
    }
    if (!ask.form.empty()) {
      request.set(http::field::content_type,
                  "application/x-www-form-urlencoded");
      request.body() = ask.form;
    }
    request.keep_alive(false);
    request.prepare_payload();
    asio::io_context loop(1);
    Answer answer = absl::UnavailableError("no answer in time");
    asio::co_spawn(loop,
                   Converse(context_, *std::move(place), std::move(request),
                            step_timeout_),
                   [&answer](std::exception_ptr thrown, Answer result) {
                     answer = thrown ? absl::UnavailableError("it failed")
                                     : std::move(result);
                   });
    // Looking up a name has no time-out of its own; a slow sender of small
    // pieces might stay within each step's.
    loop.run_for(3 * step_timeout_);
    return answer;
  }

 private:
  asio::ssl::context context_;
  const std::chrono::milliseconds step_timeout_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpsClient>> MakeHttpsClient(
    const std::string& ca_file, absl::Duration step_timeout) {
  auto client = std::make_unique<BeastClient>(step_timeout);
  if (auto status = client->Trust(ca_file); !status.ok()) return status;
  return client;
}

}  // namespace concordat::gateway
