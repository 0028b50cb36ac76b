// SMTP as RFC 5321 and 3207 have it, as much as one plain text to one address
// needs.
#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/alerts/notify/connection.h"
#include "services/alerts/notify/sender.h"

namespace concordat::alerts {
namespace {

namespace asio = boost::asio;

// A reply of more lines or bytes is of no mail server that we know.
constexpr size_t kReplyBytesMax = 8192;

struct Reply {
  absl::Status status;  // Of the connection.
  int code = 0;
  std::vector<std::string> lines;
};

// One conversation. Bytes read ahead are kept between replies; none may be left
// when TLS starts, or somebody on the way has put them there.
class Conversation {
 public:
  Conversation(Connection& connection, const v1::MailSettings& settings)
      : connection_(connection), settings_(settings) {}

  StatusTask Send(std::string address, std::string mail);

 private:
  asio::awaitable<Reply> Read();
  // Sends a command and expects this class of reply (2 or 3).
  StatusTask Say(std::string line, int expected);
  StatusTask Write(std::string bytes);
  StatusTask Hello();
  StatusTask Greet();

  Connection& connection_;
  const v1::MailSettings& settings_;
  bool secure_ = false;
  bool offers_tls_ = false;
  std::string ahead_;
};

asio::awaitable<Reply> Conversation::Read() {
  Reply reply;
  size_t bytes = 0;
  for (;;) {
    connection_.NextStep();
    auto buffer = asio::dynamic_buffer(ahead_, kReplyBytesMax);
    boost::system::error_code error;
    size_t length = 0;
    if (secure_) {
      std::tie(error, length) = co_await asio::async_read_until(
          connection_.tls(), buffer, "\r\n", kAsTuple);
    } else {
      std::tie(error, length) = co_await asio::async_read_until(
          connection_.tcp(), buffer, "\r\n", kAsTuple);
    }
    if (error) {
      reply.status = Broken("reply", error);
      co_return reply;
    }
    std::string line = ahead_.substr(0, length - 2);
    ahead_.erase(0, length);
    bytes += length;
    if (line.size() < 3 || bytes > kReplyBytesMax ||
        !absl::SimpleAtoi(line.substr(0, 3), &reply.code)) {
      reply.status = absl::UnavailableError("reply: not one of SMTP");
      co_return reply;
    }
    const bool last = line.size() == 3 || line[3] != '-';
    reply.lines.push_back(line.substr(std::min<size_t>(4, line.size())));
    if (last) co_return reply;
  }
}

StatusTask Conversation::Write(std::string bytes) {
  connection_.NextStep();
  boost::system::error_code error;
  size_t written = 0;
  if (secure_) {
    std::tie(error, written) = co_await asio::async_write(
        connection_.tls(), asio::buffer(bytes), kAsTuple);
  } else {
    std::tie(error, written) = co_await asio::async_write(
        connection_.tcp(), asio::buffer(bytes), kAsTuple);
  }
  if (error) co_return Broken("send", error);
  co_return absl::OkStatus();
}

// What a server writes is not repeated: it may hold the address.
absl::Status Judge(const Reply& reply, int expected) {
  if (!reply.status.ok()) return reply.status;
  if (reply.code / 100 == expected) return absl::OkStatus();
  const std::string what = absl::StrCat("the mail server says ", reply.code);
  return reply.code / 100 == 5 ? absl::FailedPreconditionError(what)
                               : absl::UnavailableError(what);
}

StatusTask Conversation::Say(std::string line, int expected) {
  absl::Status status = co_await Write(absl::StrCat(line, "\r\n"));
  if (!status.ok()) co_return status;
  const Reply reply = co_await Read();
  co_return Judge(reply, expected);
}

StatusTask Conversation::Hello() {
  const std::vector<std::string> from = absl::StrSplit(settings_.from(), '@');
  absl::Status status =
      co_await Write(absl::StrCat("EHLO ", from.back(), "\r\n"));
  if (!status.ok()) co_return status;
  const Reply reply = co_await Read();
  offers_tls_ = false;
  for (const std::string& line : reply.lines) {
    if (absl::AsciiStrToUpper(line) == "STARTTLS") offers_tls_ = true;
  }
  co_return Judge(reply, 2);
}

StatusTask Conversation::Greet() {
  const Reply greeting = co_await Read();
  absl::Status status = Judge(greeting, 2);
  if (!status.ok()) co_return status;
  status = co_await Hello();
  if (!status.ok() || settings_.tls() == v1::TLS_USE_NEVER) co_return status;
  if (!offers_tls_) {
    if (settings_.tls() == v1::TLS_USE_WHEN_OFFERED) co_return status;
    co_return absl::FailedPreconditionError(
        "the mail server offers no TLS, which the settings require");
  }
  status = co_await Say("STARTTLS", 2);
  if (!status.ok()) co_return status;
  if (!ahead_.empty()) {
    co_return absl::FailedPreconditionError(
        "the mail server spoke before TLS had started");
  }
  status = co_await connection_.StartTls(settings_.host());
  if (!status.ok()) co_return status;
  secure_ = true;
  co_return co_await Hello();
}

StatusTask Conversation::Send(std::string address, std::string mail) {
  absl::Status status = co_await connection_.Connect(
      settings_.host(), absl::StrCat(settings_.port()));
  if (status.ok()) status = co_await Greet();
  if (status.ok()) {
    status =
        co_await Say(absl::StrCat("MAIL FROM:<", settings_.from(), ">"), 2);
  }
  if (status.ok()) {
    status = co_await Say(absl::StrCat("RCPT TO:<", address, ">"), 2);
  }
  if (status.ok()) status = co_await Say("DATA", 3);
  // One line that begins with no dot, so nothing needs doubling.
  if (status.ok()) status = co_await Say(absl::StrCat(mail, "\r\n."), 2);
  // It has it now; how the farewell goes does not matter.
  if (status.ok()) (void)co_await Write("QUIT\r\n");
  co_return status;
}

std::string MakeMail(const v1::MailSettings& settings,
                     const std::string& address, const Message& message) {
  const std::vector<std::string> from = absl::StrSplit(settings.from(), '@');
  return absl::StrCat(
      "From: ", settings.from(), "\r\nTo: ", address,
      "\r\nSubject: Concordat alert ", message.reference, "\r\nDate: ",
      absl::FormatTime("%a, %d %b %Y %H:%M:%S +0000", message.at,
                       absl::UTCTimeZone()),
      "\r\nMessage-ID: <", message.name, "@", from.back(),
      ">\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=us-ascii\r\n\r\n",
      message.text);
}

}  // namespace

absl::Status SendMail(const v1::MailSettings& settings,
                      absl::Duration step_timeout, const std::string& address,
                      const Message& message, const std::atomic<bool>& stop) {
  for (const std::string* text : {&address, &settings.from()}) {
    if (text->find_first_of("\r\n<> ") != std::string::npos) {
      return absl::FailedPreconditionError("not a mail address");
    }
  }
  asio::io_context loop(1);
  Connection connection(loop, step_timeout);
  absl::Status trusted = connection.Trust(settings.ca_file());
  if (!trusted.ok()) return trusted;
  Conversation conversation(connection, settings);
  const std::string mail = MakeMail(settings, address, message);
  return RunTask(
      loop, [&] { return conversation.Send(address, mail); }, stop);
}

}  // namespace concordat::alerts
