#include "services/bus/evidence/http_stamp_authority.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "boost/beast/core/flat_buffer.hpp"
#include "boost/beast/core/tcp_stream.hpp"
#include "boost/beast/http.hpp"
#include "boost/url.hpp"
#include "services/common/evidence/timestamp.h"

namespace concordat::bus {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

constexpr char kQuery[] = "application/timestamp-query";
constexpr char kReply[] = "application/timestamp-reply";

struct Place {
  std::string host;
  std::string port;
  std::string target;
};

asio::awaitable<absl::StatusOr<std::string>> Exchange(Place place,
                                                      std::string body) {
  asio::ip::tcp::resolver resolver(co_await asio::this_coro::executor);
  const auto found = co_await resolver.async_resolve(place.host, place.port,
                                                     asio::use_awaitable);
  beast::tcp_stream stream(co_await asio::this_coro::executor);
  co_await stream.async_connect(found, asio::use_awaitable);
  http::request<http::string_body> request(http::verb::post, place.target, 11);
  request.set(http::field::host, place.host);
  request.set(http::field::content_type, kQuery);
  request.body() = std::move(body);
  request.keep_alive(false);
  request.prepare_payload();
  co_await http::async_write(stream, request, asio::use_awaitable);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kStampBytesMax);
  co_await http::async_read(stream, buffer, parser, asio::use_awaitable);
  const auto& response = parser.get();
  if (response.result() != http::status::ok) {
    co_return absl::UnavailableError(absl::StrCat(
        "the time stamp authority answered ", response.result_int()));
  }
  if (response[http::field::content_type] != kReply) {
    co_return absl::UnavailableError(
        "the time stamp authority answered with something else");
  }
  co_return response.body();
}

}  // namespace

absl::StatusOr<HttpStampAuthority> HttpStampAuthority::Make(
    absl::string_view url, absl::Duration patience) {
  const auto parsed = boost::urls::parse_uri({url.data(), url.size()});
  if (!parsed || parsed->scheme() != "http" || parsed->host().empty()) {
    return absl::InvalidArgumentError(
        "authority_url: http://host[:port]/path is wanted");
  }
  std::string target(parsed->encoded_path());
  if (target.empty()) target = "/";
  return HttpStampAuthority(
      parsed->host(), parsed->has_port() ? std::string(parsed->port()) : "80",
      std::move(target), patience);
}

absl::StatusOr<std::string> HttpStampAuthority::Ask(absl::string_view request) {
  asio::io_context context;
  absl::StatusOr<std::string> answer =
      absl::DeadlineExceededError("the time stamp authority does not answer");
  asio::co_spawn(context,
                 Exchange({host_, port_, target_}, std::string(request)),
                 [&answer](const std::exception_ptr& failure,
                           absl::StatusOr<std::string> result) {
                   if (failure == nullptr) {
                     answer = std::move(result);
                     return;
                   }
                   try {
                     std::rethrow_exception(failure);
                   } catch (const boost::system::system_error& error) {
                     answer = absl::UnavailableError(absl::StrCat(
                         "the time stamp authority cannot be reached: ",
                         error.code().message()));
                   }
                 });
  context.run_for(absl::ToChronoMilliseconds(patience_));
  return answer;
}

}  // namespace concordat::bus
