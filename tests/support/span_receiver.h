#ifndef CONCORDAT_TESTS_SUPPORT_SPAN_RECEIVER_H_
#define CONCORDAT_TESTS_SUPPORT_SPAN_RECEIVER_H_

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace concordat::testing {

// A collector of spans on a port of this machine.
class SpanReceiver {
 public:
  SpanReceiver() : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at = {};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&at), sizeof(at)), 0);
    EXPECT_EQ(listen(socket_, 8), 0);
    socklen_t size = sizeof(at);
    getsockname(socket_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
  }
  ~SpanReceiver() { close(socket_); }
  SpanReceiver(const SpanReceiver&) = delete;
  SpanReceiver& operator=(const SpanReceiver&) = delete;
  uint16_t port() const { return port_; }
  // From another thread: Take() returns nothing, now and from now on.
  void Close() { shutdown(socket_, SHUT_RDWR); }
  // Waits for one request, answers it with 200, and returns it.
  std::string Take() {
    const int connection = accept(socket_, nullptr, nullptr);
    if (connection < 0) return "";
    std::string text;
    char bytes[4096];
    while (!absl::EndsWith(text, "]}]}]}")) {
      const ssize_t n = read(connection, bytes, sizeof(bytes));
      if (n <= 0) break;
      text.append(bytes, static_cast<size_t>(n));
    }
    constexpr absl::string_view kOk = "HTTP/1.1 200 OK\r\n\r\n{}";
    EXPECT_GT(write(connection, kOk.data(), kOk.size()), 0);
    close(connection);
    return text;
  }

 private:
  const int socket_;
  uint16_t port_ = 0;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_SPAN_RECEIVER_H_
