#include "gateway/cli/demo/mllp_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace concordat::cli {
namespace {

constexpr char kStart = '\x0b';
constexpr absl::string_view kEnd = "\x1c\r";
constexpr size_t kAnswerBytesMax = 64 * 1024;

class Socket {
 public:
  Socket() : file_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (file_ >= 0) close(file_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int get() const { return file_; }

 private:
  const int file_;
};

absl::Status Failed(absl::string_view what) {
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINPROGRESS) {
    return absl::DeadlineExceededError(absl::StrCat(what, ": no answer"));
  }
  return absl::UnavailableError(absl::StrCat(what, ": ", strerror(errno)));
}

absl::StatusOr<sockaddr_in> ParseEndpoint(const std::string& endpoint) {
  const std::pair<std::string, std::string> parts =
      absl::StrSplit(endpoint, absl::MaxSplits(':', 1));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  uint32_t port = 0;
  if (!absl::SimpleAtoi(parts.second, &port) || port == 0 || port > 65535 ||
      inet_pton(AF_INET, parts.first.c_str(), &address.sin_addr) != 1) {
    return absl::UnavailableError(absl::StrCat(endpoint, " is not an address"));
  }
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

absl::Status SendAll(int file, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(file, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return Failed("sending");
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> SendMllp(const std::string& endpoint,
                                     absl::string_view message,
                                     absl::Duration timeout) {
  const auto address = ParseEndpoint(endpoint);
  if (!address.ok()) return address.status();
  const Socket socket;
  if (socket.get() < 0) return Failed("socket");
  const timeval limit = absl::ToTimeval(timeout);
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&*address),
              sizeof(*address)) != 0) {
    return Failed(absl::StrCat("connecting to ", endpoint));
  }
  std::string frame(1, kStart);
  absl::StrAppend(&frame, message, kEnd);
  if (auto status = SendAll(socket.get(), frame); !status.ok()) return status;
  std::string answer;
  while (!absl::EndsWith(answer, kEnd)) {
    char buffer[4096];
    const ssize_t count = recv(socket.get(), buffer, sizeof(buffer), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Failed("receiving");
    if (count == 0 || answer.size() > kAnswerBytesMax) {
      return absl::UnavailableError("the connection ended without an answer");
    }
    answer.append(buffer, static_cast<size_t>(count));
  }
  answer.resize(answer.size() - kEnd.size());
  if (!answer.empty() && answer[0] == kStart) answer.erase(0, 1);
  return answer;
}

std::string AnswerCode(absl::string_view answer) {
  for (const absl::string_view segment :
       absl::StrSplit(answer, absl::ByAnyChar("\r\n"))) {
    const std::vector<absl::string_view> fields = absl::StrSplit(segment, '|');
    if (fields.size() > 1 && fields[0] == "MSA") return std::string(fields[1]);
  }
  return "";
}

}  // namespace concordat::cli
