#include "services/bus/transport/connections.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace concordat::bus {
namespace {

// 0: not a socket any more.
uint64_t InodeOf(int descriptor) {
  struct stat status = {};
  if (fstat(descriptor, &status) != 0 || !S_ISSOCK(status.st_mode)) return 0;
  return status.st_ino;
}

// 0: not an IPv4 socket any more.
uint16_t PortOf(int descriptor) {
  sockaddr_in own = {};
  socklen_t size = sizeof own;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&own), &size) != 0 ||
      own.sin_family != AF_INET) {
    return 0;
  }
  return ntohs(own.sin_port);
}

uint64_t ReceivedBytes(int descriptor) {
  tcp_info info = {};
  socklen_t size = sizeof info;
  if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
    return 0;
  }
  return info.tcpi_bytes_received;
}

}  // namespace

size_t Connections::Follow(absl::Duration now, std::vector<PeerId>& gone) {
  size_t accepted = 0;
  while (const std::optional<ZmqEvent> event = ReceiveEvent(monitor_)) {
    if (event->event == ZMQ_EVENT_ACCEPTED) {
      ++accepted;
      Connection connection;
      connection.inode = InodeOf(event->value);
      connection.port = PortOf(event->value);
      connection.accepted_at = now;
      connection.order = ++accepted_;
      by_descriptor_[event->value] = connection;
    } else if (event->event == ZMQ_EVENT_DISCONNECTED) {
      const auto it = by_descriptor_.find(event->value);
      if (it == by_descriptor_.end()) continue;
      if (it->second.peer) {
        gone.push_back(*it->second.peer);
        by_peer_.erase(*it->second.peer);
      }
      by_descriptor_.erase(it);
    }
  }
  return accepted;
}

std::optional<PeerId> Connections::Heard(int descriptor, PeerId peer,
                                         size_t wire_bytes) {
  const auto it = by_descriptor_.find(descriptor);
  if (it == by_descriptor_.end()) return std::nullopt;  // Ended meanwhile.
  Connection& connection = it->second;
  std::optional<PeerId> before;
  if (connection.peer != peer) {
    // A last message of a connection whose descriptor is used again.
    if (connection.peer && peer < *connection.peer) return std::nullopt;
    before = std::exchange(connection.peer, peer);
    if (before) by_peer_.erase(*before);
    by_peer_[peer] = descriptor;
  }
  connection.read_bytes += wire_bytes;
  return before;
}

bool Connections::IsOf(int descriptor, PeerId peer) const {
  const auto it = by_descriptor_.find(descriptor);
  return it != by_descriptor_.end() && it->second.peer == peer;
}

void Connections::End(int descriptor, Connection& connection) {
  connection.cut = true;
  // libzmq closes it when it reads the end; until then its number is taken.
  if (InodeOf(descriptor) == connection.inode) {
    shutdown(descriptor, SHUT_RDWR);
  }
}

size_t Connections::CountOf(uint16_t port) const {
  return static_cast<size_t>(std::count_if(
      by_descriptor_.begin(), by_descriptor_.end(), [&](const auto& each) {
        return each.second.port == port && !each.second.cut;
      }));
}

void Connections::CutPort(uint16_t port, std::vector<PeerId>& gone) {
  for (auto it = by_descriptor_.begin(); it != by_descriptor_.end();) {
    const auto at = it++;
    if (at->second.port != port) continue;
    End(at->first, at->second);
    if (at->second.peer) {
      gone.push_back(*at->second.peer);
      by_peer_.erase(*at->second.peer);
    }
    by_descriptor_.erase(at);
  }
}

void Connections::Cut(PeerId peer) {
  const auto it = by_peer_.find(peer);
  if (it != by_peer_.end()) End(it->second, by_descriptor_.at(it->second));
}

size_t Connections::CutUnread(uint64_t unread_bytes_max) {
  size_t count = 0;
  for (auto& [descriptor, connection] : by_descriptor_) {
    if (connection.cut || InodeOf(descriptor) != connection.inode) continue;
    if (ReceivedBytes(descriptor) <= connection.read_bytes + unread_bytes_max) {
      continue;
    }
    End(descriptor, connection);
    ++count;
  }
  return count;
}

size_t Connections::CutSilent(absl::Duration before) {
  size_t count = 0;
  for (auto& [descriptor, connection] : by_descriptor_) {
    if (connection.cut || connection.peer || connection.accepted_at >= before) {
      continue;
    }
    End(descriptor, connection);
    ++count;
  }
  return count;
}

size_t Connections::CutYoungest(size_t count_max) {
  if (by_descriptor_.size() <= count_max) return 0;
  std::vector<std::pair<uint64_t, int>> live;
  for (const auto& [descriptor, connection] : by_descriptor_) {
    if (!connection.cut) live.emplace_back(connection.order, descriptor);
  }
  if (live.size() <= count_max) return 0;
  std::sort(live.begin(), live.end());
  for (size_t i = count_max; i < live.size(); ++i) {
    End(live[i].second, by_descriptor_.at(live[i].second));
  }
  return live.size() - count_max;
}

}  // namespace concordat::bus
