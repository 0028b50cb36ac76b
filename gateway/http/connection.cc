// The one place that speaks HTTP on the wire, with Beast.
#include <poll.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/http/admission.h"
#include "gateway/http/reply.h"
#include "gateway/http/server_core.h"
#include "gateway/http/status.h"
#include "gateway/http/tls_context.h"

namespace concordat::gateway {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
template <typename T>
using Awaitable = asio::awaitable<T>;

// What is read at once when nothing is known of it yet.
constexpr size_t kReadBytes = 4096;
// Beside the header, what came with it.
constexpr size_t kBufferBytes = 64 << 10;
// Where anyone may ask.
constexpr size_t kStrangerBodyBytesMax = 16 << 10;
// How often somebody who waits for an answer is looked after.
constexpr auto kLookEvery = std::chrono::seconds(5);
// A client that was answered before its request was read: for so long, and so
// much, its rest is read and dropped, else it would not see the answer.
constexpr absl::Duration kLinger = absl::Seconds(2);
constexpr size_t kLingerBytesMax = 2 << 20;

constexpr char kBareCsp[] = "default-src 'none'; frame-ancestors 'none'";

// Beside Content-Type and the request's id.
constexpr std::pair<const char*, const char*> kUsualHeaders[] = {
    {"Strict-Transport-Security", "max-age=63072000"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Content-Security-Policy", kBareCsp},
    {"Cache-Control", "no-store"},
};

// 0: it is no HTTP error; nobody is there to be told.
unsigned StatusOf(const error_code& error) {
  if (error == http::error::end_of_stream ||
      error == http::error::partial_message) {
    return 0;
  }
  if (error == http::error::header_limit ||
      error == http::error::buffer_overflow) {
    return 431;
  }
  if (error == http::error::body_limit) return 413;
  return error.category() ==
                 http::make_error_code(http::error::bad_method).category()
             ? 400
             : 0;
}

bool IsSafe(const Response& response) {
  for (const auto& [name, value] : response.headers) {
    if (!IsFieldValue(value)) return false;
  }
  return IsFieldValue(response.content_type);
}

// Everything but the body.
template <typename Message>
void FillHead(const Response& response, const std::string& id, bool keep_alive,
              Message* message) {
  message->version(11);
  message->result(response.status);
  message->keep_alive(keep_alive);
  for (const auto& [name, value] : kUsualHeaders) message->set(name, value);
  message->set("Concordat-Request-Id", id);
  if (!response.content_type.empty()) {
    message->set(http::field::content_type, response.content_type);
  }
  for (const auto& [name, value] : response.headers) message->erase(name);
  for (const auto& [name, value] : response.headers) {
    message->insert(name, value);
  }
}

class HttpConnection final
    : public Connection,
      public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(asio::ip::tcp::socket socket, std::string address,
                 HttpServer::Core& core)
      : core_(core),
        address_(std::move(address)),
        stream_(beast::tcp_stream(std::move(socket)), core.tls()),
        signal_(stream_.get_executor()) {
    core_.Enter(this, address_);
  }
  ~HttpConnection() override { core_.Leave(this, address_); }

  Awaitable<void> Run() {
    bool goes_on = co_await Handshake();
    if (!goes_on) co_return;
    while (goes_on && !core_.draining()) goes_on = co_await ServeOne();
    co_await Finish();
  }

  void Drain() override {
    if (idle_) {
      Cut();
    } else {
      signal_.cancel();
    }
  }

  void Cut() override {
    cut_ = true;
    signal_.cancel();
    tcp().close();
  }

 private:
  // A request on its way to an answer.
  struct Asked {
    Request request;
    const Route* route = nullptr;
    bool head_only = false;
    bool keep_alive = true;
    absl::Time at;
    absl::Duration began;
  };
  using Parser = http::request_parser<http::string_body>;

  beast::tcp_stream& tcp() { return beast::get_lowest_layer(stream_); }
  void Within(absl::Duration timeout) {
    tcp().expires_after(absl::ToChronoNanoseconds(timeout));
  }
  auto Token() { return asio::redirect_error(asio::use_awaitable, error_); }

  Awaitable<bool> Handshake() {
    error_code ignored;
    tcp().socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    SSL* const ssl = stream_.native_handle();
    if (core_.AnyOldTls()) SSL_set_min_proto_version(ssl, TLS1_2_VERSION);
    Within(core_.options().handshake_timeout);
    co_await stream_.async_handshake(asio::ssl::stream_base::server, Token());
    if (error_) {
      core_.CountRefused("handshake");
      co_return false;
    }
    certificate_uri_ = PeerCertificateUri(ssl);
    certificate_key_ = PeerCertificateKey(ssl);
    if (SSL_version(ssl) < TLS1_3_VERSION &&
        !core_.MayUseOldTls(certificate_uri_, certificate_key_)) {
      core_.CountRefused("tls");
      co_return false;
    }
    co_return true;
  }

  // One request and its answer. False: the connection ends.
  Awaitable<bool> ServeOne() {
    Parser parser;
    parser.header_limit(
        static_cast<uint32_t>(core_.options().header_bytes_max));
    parser.body_limit(core_.options().body_bytes_max);
    const bool has_head = co_await ReadHead(parser);
    if (!has_head) co_return false;
    Asked asked = Read(parser);
    auto refusal = Refuse(parser, asked);
    absl::StatusOr<Caller> caller = Caller();
    if (!refusal.has_value()) {
      caller = core_.Judge(*asked.route, asked.request);
      if (!caller.ok()) refusal = ErrorResponse(caller.status());
    }
    if (refusal.has_value()) {
      unread_ = !parser.is_done();
      if (unread_) asked.keep_alive = false;
      const bool alive = co_await SendWhole(*refusal, asked, "");
      co_return alive;
    }
    if (!parser.is_done()) {
      const bool has_body = co_await ReadBody(parser, asked);
      if (!has_body) co_return false;
    }
    asked.request.body = std::move(parser.get().body());
    const bool alive = co_await Answer(asked, *caller);
    co_return alive;
  }

  Awaitable<bool> ReadHead(Parser& parser) {
    const ServerOptions& options = core_.options();
    if (buffer_.size() == 0) {
      Within(served_ ? options.idle_timeout : options.header_timeout);
      idle_ = true;
      const size_t count = co_await stream_.async_read_some(
          buffer_.prepare(kReadBytes), Token());
      idle_ = false;
      buffer_.commit(count);
      if (error_) co_return false;
    }
    served_ = true;
    Within(options.header_timeout);
    co_await http::async_read_header(stream_, buffer_, parser, Token());
    if (error_) co_await RefuseBytes();
    co_return !error_;
  }

  Awaitable<bool> ReadBody(Parser& parser, const Asked& asked) {
    Within(core_.options().body_timeout);
    if (absl::EqualsIgnoreCase(asked.request.Header("expect"),
                               "100-continue")) {
      constexpr absl::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      co_await asio::async_write(
          stream_, asio::buffer(kContinue.data(), kContinue.size()), Token());
      if (error_) co_return false;
    }
    co_await http::async_read(stream_, buffer_, parser, Token());
    if (error_) co_await RefuseBytes();
    co_return !error_;
  }

  // After an error in reading, which stays.
  Awaitable<void> RefuseBytes() {
    const error_code error = error_;
    const unsigned status = StatusOf(error);
    if (status == 0) {
      if (error == beast::error::timeout) core_.CountRefused("slow");
      co_return;
    }
    core_.CountRefused("bytes");
    unread_ = true;
    Asked asked;
    asked.keep_alive = false;
    asked.request.id = core_.NewId();
    asked.at = core_.world().clock.Now();
    asked.began = core_.world().steady.Elapsed();
    const Response refusal = ErrorResponse(
        status,
        absl::InvalidArgumentError("this is no request that is taken here"));
    co_await SendWhole(refusal, asked, "");
    error_ = error;
  }

  Asked Read(const Parser& parser) {
    Asked asked;
    asked.at = core_.world().clock.Now();
    asked.began = core_.world().steady.Elapsed();
    asked.keep_alive = parser.get().keep_alive();
    Request& request = asked.request;
    request.id = core_.NewId();
    request.peer = address_;
    request.certificate_uri = certificate_uri_;
    request.certificate_key = certificate_key_;
    request.method = std::string(parser.get().method_string());
    asked.head_only = request.method == "HEAD";
    if (asked.head_only) request.method = "GET";
    for (const auto& field : parser.get()) {
      request.headers.emplace_back(
          absl::AsciiStrToLower(
              {field.name_string().data(), field.name_string().size()}),
          std::string(field.value()));
    }
    return asked;
  }

  std::optional<Response> Refuse(const Parser& parser, Asked& asked) {
    Request& request = asked.request;
    const auto refuse = [this](unsigned status, const char* why) {
      core_.CountRefused("head");
      return ErrorResponse(status, absl::InvalidArgumentError(why));
    };
    if (parser.get().version() != 11) {
      asked.keep_alive = false;
      return refuse(505, "HTTP/1.1 is spoken here");
    }
    const auto target = parser.get().target();
    auto refusal = ParseTarget({target.data(), target.size()}, &request);
    if (!refusal) refusal = CheckHead(request, core_.options().hosts);
    if (refusal) {
      // Who does this may mean the next request otherwise than it reads.
      asked.keep_alive = false;
      return refuse(refusal->status, refusal->why);
    }
    const auto match = core_.world().router.Find(request.method, request.path);
    if (match.route == nullptr && match.allowed.empty()) {
      return ErrorResponse(absl::NotFoundError("there is no such path"));
    }
    if (match.route == nullptr) {
      Response response =
          ErrorResponse(405, absl::UnimplementedError("not with this method"));
      response.headers.emplace_back("Allow",
                                    absl::StrJoin(match.allowed, ", "));
      return response;
    }
    asked.route = match.route;
    request.rest = match.rest;
    const auto length = parser.content_length();
    if (asked.route->access == Access::kAnyone && !parser.is_done() &&
        (!length || *length > kStrangerBodyBytesMax)) {
      return refuse(413, "the body is too large");
    }
    return std::nullopt;
  }

  Awaitable<bool> Answer(const Asked& asked, const Caller& caller) {
    const absl::string_view principal = caller.principal;
    const auto reply = std::make_shared<Reply>(
        asked.request, caller, core_.options().stream_bytes_max,
        [executor = stream_.get_executor(), weak = weak_from_this()] {
          asio::post(executor, [weak] {
            if (const auto self = weak.lock()) self->signal_.cancel();
          });
        });
    tcp().expires_never();
    core_.Dispatch(*asked.route, reply);
    bool goes_on = true;
    while (goes_on) {
      Reply::Work work = reply->Take();
      if (work.none()) {
        signal_.expires_after(kLookEvery);
        error_code woken;
        co_await signal_.async_wait(
            asio::redirect_error(asio::use_awaitable, woken));
        const bool stop = core_.draining() && reply->streaming();
        if (stop) reply->End();
        if (cut_ || PeerHasGone()) break;
        continue;
      }
      if (work.whole.has_value()) {
        const bool alive = co_await SendWhole(*work.whole, asked, principal);
        reply->Close();
        co_return alive;
      }
      goes_on = co_await SendPart(work, asked, *reply, principal);
    }
    reply->Close();
    co_return ended_well_;
  }

  // False: it was the last part, or the reader has gone.
  Awaitable<bool> SendPart(const Reply::Work& work, const Asked& asked,
                           Reply& reply, absl::string_view principal) {
    ended_well_ = false;
    if (work.abort) {
      core_.CountRefused("reader");
      co_return false;
    }
    Within(core_.options().write_timeout);
    if (work.head.has_value()) {
      buffer_.shrink_to_fit();
      http::response<http::empty_body> head;
      FillHead(*work.head, asked.request.id, asked.keep_alive, &head);
      head.chunked(true);
      http::response_serializer<http::empty_body> writer(head);
      co_await http::async_write_header(stream_, writer, Token());
      Record(asked, principal, work.head->status, 0, true);
      if (error_) co_return false;
    }
    if (!work.piece.empty()) {
      co_await asio::async_write(
          stream_, http::make_chunk(asio::buffer(work.piece)), Token());
      if (error_) co_return false;
      reply.Sent(work.piece.size());
    }
    if (work.end) {
      co_await asio::async_write(stream_, http::make_chunk_last(), Token());
      ended_well_ = !error_ && asked.keep_alive;
      co_return false;
    }
    tcp().expires_never();
    co_return true;
  }

  // True: the connection may go on.
  Awaitable<bool> SendWhole(const Response& given, const Asked& asked,
                            absl::string_view principal) {
    Response response = given;
    if (!IsSafe(response)) {
      core_.world().log.Error("an answer had a header that may not be sent",
                              {{"route", RouteOf(asked)}});
      response = ErrorResponse(absl::InternalError("see the gateway's log"));
    }
    const bool keep_alive = asked.keep_alive && !core_.draining();
    Within(core_.options().write_timeout);
    if (asked.head_only) {
      http::response<http::empty_body> message;
      FillHead(response, asked.request.id, keep_alive, &message);
      message.content_length(response.body.size());
      http::response_serializer<http::empty_body> writer(message);
      co_await http::async_write_header(stream_, writer, Token());
    } else {
      http::response<http::string_body> message;
      FillHead(response, asked.request.id, keep_alive, &message);
      message.body() = std::move(response.body);
      message.prepare_payload();
      co_await http::async_write(stream_, message, Token());
    }
    Record(asked, principal, response.status, given.body.size(), false);
    co_return keep_alive && !error_;
  }

  static absl::string_view RouteOf(const Asked& asked) {
    return asked.route == nullptr ? absl::string_view() : asked.route->pattern;
  }

  void Record(const Asked& asked, absl::string_view principal, unsigned status,
              size_t bytes_out, bool stream) {
    core_.Record({.at = asked.at,
                  .id = asked.request.id,
                  .principal = principal,
                  .method = asked.route == nullptr
                                ? absl::string_view()
                                : absl::string_view(asked.request.method),
                  .route = RouteOf(asked),
                  .status = status,
                  .bytes_in = asked.request.body.size(),
                  .bytes_out = bytes_out,
                  .duration = core_.world().steady.Elapsed() - asked.began},
                 stream);
  }

  // It closed its side. TLS bytes may wait unread, so this is not asked by
  // reading.
  bool PeerHasGone() {
    pollfd look = {tcp().socket().native_handle(), POLLRDHUP, 0};
    return poll(&look, 1, 0) > 0 &&
           (look.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
  }

  Awaitable<void> Finish() {
    if (cut_) co_return;
    Within(kLinger);
    size_t read = 0;
    error_.clear();
    while (unread_ && !error_ && read < kLingerBytesMax) {
      buffer_.clear();
      const size_t count = co_await stream_.async_read_some(
          buffer_.prepare(kReadBytes), Token());
      read += count;
    }
    co_await stream_.async_shutdown(Token());
  }

  HttpServer::Core& core_;
  const std::string address_;
  beast::ssl_stream<beast::tcp_stream> stream_;
  asio::steady_timer signal_;  // Cancelled to wake up Answer().
  beast::flat_buffer buffer_{kBufferBytes};
  error_code error_;  // Of the last operation.
  std::string certificate_uri_;
  std::string certificate_key_;
  bool served_ = false;
  bool idle_ = false;  // Between two requests.
  bool cut_ = false;
  bool unread_ = false;  // A request was answered before it was read.
  bool ended_well_ = false;
};

}  // namespace

void StartConnection(asio::ip::tcp::socket socket, std::string address,
                     HttpServer::Core& core) {
  const auto executor = socket.get_executor();
  asio::co_spawn(
      executor,
      [connection = std::make_shared<HttpConnection>(
           std::move(socket), std::move(address), core)] {
        return connection->Run();
      },
      asio::detached);
}

}  // namespace concordat::gateway
