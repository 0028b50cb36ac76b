// What mail and webhook share: one connection, TLS, and a loop that ends. Only the
// two files that send include this; Boost's exceptions stay behind it.
#ifndef CONCORDAT_SERVICES_ALERTS_NOTIFY_CONNECTION_H_
#define CONCORDAT_SERVICES_ALERTS_NOTIFY_CONNECTION_H_

#include <atomic>
#include <exception>
#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio.hpp"
#include "boost/asio/ssl.hpp"
#include "boost/beast/core.hpp"

namespace concordat::alerts {

using TlsStream = boost::asio::ssl::stream<boost::beast::tcp_stream>;
using StatusTask = boost::asio::awaitable<absl::Status>;
inline constexpr auto kAsTuple =
    boost::asio::as_tuple(boost::asio::use_awaitable);

inline absl::Status Broken(absl::string_view step,
                           const boost::system::error_code& error) {
  return absl::UnavailableError(absl::StrCat(step, ": ", error.message()));
}

class Connection {
 public:
  Connection(boost::asio::io_context& loop, absl::Duration step_timeout)
      : context_(boost::asio::ssl::context::tls_client),
        stream_(loop, context_),
        step_timeout_(absl::ToChronoMilliseconds(step_timeout)) {}

  //   FAILED_PRECONDITION  the file of authorities cannot be read.
  absl::Status Trust(const std::string& ca_file);
  StatusTask Connect(std::string host, std::string port);
  // Checks that the certificate is of `host`.
  StatusTask StartTls(std::string host);

  // Starts the time-out of the next step.
  void NextStep() { tcp().expires_after(step_timeout_); }
  TlsStream& tls() { return stream_; }
  boost::beast::tcp_stream& tcp() { return stream_.next_layer(); }

 private:
  boost::asio::ssl::context context_;
  TlsStream stream_;
  const std::chrono::milliseconds step_timeout_;
};

// Runs the task to its end, or until `stop`.
absl::Status RunTask(boost::asio::io_context& loop,
                     std::function<StatusTask()> task,
                     const std::atomic<bool>& stop);

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_NOTIFY_CONNECTION_H_
