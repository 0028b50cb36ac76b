#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "boost/beast/http.hpp"
#include "boost/json.hpp"
#include "services/alerts/notify/connection.h"
#include "services/alerts/notify/sender.h"

namespace concordat::alerts {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr uint64_t kAnswerBytesMax = 64 * 1024;

struct Place {
  bool secure = false;
  std::string host;
  std::string port;
  std::string target;
};

absl::Status ReadUrl(absl::string_view url, Place* place) {
  place->secure = absl::ConsumePrefix(&url, "https://");
  if (!place->secure && !absl::ConsumePrefix(&url, "http://")) {
    return absl::FailedPreconditionError("not a URL of a webhook");
  }
  for (const char c : url) {
    if (c <= ' ' || c > '~') {
      return absl::FailedPreconditionError("not a URL of a webhook");
    }
  }
  const size_t path = std::min(url.size(), url.find_first_of("/?#"));
  std::string authority(url.substr(0, path));
  place->target = std::string(url.substr(path));
  if (place->target.empty() || place->target[0] != '/') {
    place->target.insert(0, "/");
  }
  place->port = place->secure ? "443" : "80";
  const size_t colon = authority.rfind(':');
  if (colon != std::string::npos) {
    place->port = authority.substr(colon + 1);
    authority.resize(colon);
  }
  uint32_t port = 0;
  place->host = authority;
  if (authority.empty() || authority.find('@') != std::string::npos ||
      !absl::SimpleAtoi(place->port, &port) || port == 0 || port > 65535) {
    return absl::FailedPreconditionError("not a URL of a webhook");
  }
  return absl::OkStatus();
}

absl::Status Judge(unsigned status) {
  if (status / 100 == 2) return absl::OkStatus();
  const std::string what = absl::StrCat("the webhook says ", status);
  const bool busy = status == 408 || status == 429 || status / 100 == 5;
  return busy ? absl::UnavailableError(what)
              : absl::FailedPreconditionError(what);
}

template <typename Stream>
StatusTask Exchange(Connection& connection, Stream& stream,
                    http::request<http::string_body>& request) {
  connection.NextStep();
  auto [unsent, sent] = co_await http::async_write(stream, request, kAsTuple);
  if (unsent) co_return Broken("send", unsent);
  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kAnswerBytesMax);
  connection.NextStep();
  auto [unread, read] =
      co_await http::async_read(stream, buffer, parser, kAsTuple);
  if (unread) co_return Broken("answer", unread);
  co_return Judge(parser.get().result_int());
}

StatusTask Post(Connection& connection, Place place,
                http::request<http::string_body> request) {
  absl::Status status = co_await connection.Connect(place.host, place.port);
  if (!status.ok()) co_return status;
  if (!place.secure) {
    co_return co_await Exchange(connection, connection.tcp(), request);
  }
  status = co_await connection.StartTls(place.host);
  if (!status.ok()) co_return status;
  co_return co_await Exchange(connection, connection.tls(), request);
}

}  // namespace

absl::Status PostWebhook(const v1::WebhookSettings& settings,
                         absl::Duration step_timeout, const std::string& url,
                         const Message& message,
                         const std::atomic<bool>& stop) {
  Place place;
  absl::Status status = ReadUrl(url, &place);
  if (!status.ok()) return status;
  http::request<http::string_body> request(http::verb::post, place.target, 11);
  request.set(http::field::host, absl::StrCat(place.host, ":", place.port));
  request.set(http::field::content_type, "application/json");
  request.set("Idempotency-Key", message.name);
  request.body() = boost::json::serialize(
      boost::json::object{{"name", message.name},
                          {"reference", message.reference},
                          {"text", message.text}});
  request.prepare_payload();
  request.keep_alive(false);
  asio::io_context loop(1);
  Connection connection(loop, step_timeout);
  status = connection.Trust(settings.ca_file());
  if (!status.ok()) return status;
  return RunTask(
      loop, [&] { return Post(connection, place, std::move(request)); }, stop);
}

}  // namespace concordat::alerts
