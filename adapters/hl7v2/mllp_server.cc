#include "adapters/hl7v2/mllp_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace concordat::hl7v2 {
namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr int kBacklog = 64;
constexpr absl::Duration kAcceptPause = absl::Milliseconds(100);

void LimitWaits(int fd, absl::Duration idle_max) {
  const timeval limit = absl::ToTimeval(idle_max);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

absl::Status Unavailable(absl::string_view what) {
  return absl::UnavailableError(
      absl::StrCat("MLLP: ", what, ": ", std::strerror(errno)));
}

}  // namespace

bool IsLoopback(const std::string& address) {
  return absl::StartsWith(address, "127.");
}

absl::StatusOr<std::unique_ptr<MllpServer>> MllpServer::Start(
    const MllpServerOptions& options,
    std::unique_ptr<MllpStreamFactory> streams, Receiver& receiver) {
  std::unique_ptr<MllpServer> server(
      new MllpServer(options, std::move(streams), receiver));
  const absl::Status listening = server->Listen();
  if (!listening.ok()) return listening;
  server->accepting_ = std::thread([raw = server.get()] { raw->AcceptAll(); });
  return server;
}

absl::Status MllpServer::Listen() {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(options_.port);
  if (inet_pton(AF_INET, options_.address.c_str(), &address.sin_addr) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("MLLP: ", options_.address, " is no IPv4 address"));
  }
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener_ < 0) return Unavailable("socket");
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_, raw, sizeof(address)) != 0) return Unavailable("bind");
  if (listen(listener_, kBacklog) != 0) return Unavailable("listen");
  socklen_t size = sizeof(address);
  if (getsockname(listener_, raw, &size) != 0) return Unavailable("port");
  port_ = ntohs(address.sin_port);
  return absl::OkStatus();
}

MllpServer::~MllpServer() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    stop_.NotifyAll();
    // Wakes accept() and the readers; answers in hand still go out.
    if (listener_ >= 0) shutdown(listener_, SHUT_RDWR);
    for (const Connection& connection : connections_) {
      if (!connection.done) shutdown(connection.fd, SHUT_RD);
    }
  }
  if (accepting_.joinable()) accepting_.join();
  Reap(/*all=*/true);
  if (listener_ >= 0) close(listener_);
}

void MllpServer::AcceptAll() {
  while (true) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const int error = errno;
    Reap(/*all=*/false);
    MutexLock lock(mu_);
    if (stopping_) {
      if (fd >= 0) close(fd);
      return;
    }
    if (fd < 0) {
      if (error == EINTR || error == ECONNABORTED) continue;
      // Out of descriptors or memory, most likely: give them time.
      stop_.WaitFor(
          mu_, kAcceptPause,
          [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopping_; });
      continue;
    }
    if (connections_.size() >= options_.connections_max) {
      close(fd);
      continue;
    }
    LimitWaits(fd, options_.idle_max);
    Connection& connection = connections_.emplace_back();
    connection.fd = fd;
    connection.thread = std::thread([this, &connection] { Serve(connection); });
  }
}

void MllpServer::Reap(bool all) {
  std::list<Connection> over;
  {
    MutexLock lock(mu_);
    for (auto at = connections_.begin(); at != connections_.end();) {
      const auto next = std::next(at);
      if (all || at->done) over.splice(over.end(), connections_, at);
      at = next;
    }
  }
  for (Connection& connection : over) connection.thread.join();
}

void MllpServer::Serve(Connection& connection) {
  int fd = -1;
  {
    MutexLock lock(mu_);
    fd = connection.fd;
  }
  {
    const std::unique_ptr<MllpStream> stream = streams_->Make(fd);
    if (stream != nullptr) Converse(*stream);
  }
  MutexLock lock(mu_);
  close(fd);
  connection.done = true;
}

void MllpServer::Converse(MllpStream& stream) {
  MllpFramer framer;
  std::vector<char> buffer(kReadBytes);
  std::vector<Frame> frames;
  while (true) {
    const size_t count = stream.Read(buffer.data(), buffer.size());
    if (count == 0) break;
    frames.clear();
    const absl::Status fed =
        framer.Feed(absl::string_view(buffer.data(), count), frames);
    for (const Frame& frame : frames) {
      const std::optional<std::string> answer = receiver_.Receive(frame);
      if (!answer.has_value() || !stream.Write(MllpFrame(*answer))) return;
    }
    if (!fed.ok()) return;
  }
  const std::optional<Frame> rest = framer.End();
  if (rest.has_value()) receiver_.Lost(*rest);
}

}  // namespace concordat::hl7v2
