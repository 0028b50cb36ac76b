// The TCP connections of one port, as the socket's monitor and the kernel tell
// of them: what ZeroMQ itself does not bound or end is bounded and ended here.
//
// Threads  One thread uses it.
#ifndef CONCORDAT_SERVICES_BUS_TRANSPORT_CONNECTIONS_H_
#define CONCORDAT_SERVICES_BUS_TRANSPORT_CONNECTIONS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "services/bus/session/carrier.h"
#include "services/common/bus_client/zmq_socket.h"

namespace concordat::bus {

class Connections {
 public:
  explicit Connections(ZmqSocket monitor) : monitor_(std::move(monitor)) {}

  // Takes in what the monitor has to tell. Peers whose connection has ended are
  // appended to `gone`. Returns how many connections were accepted.
  size_t Follow(absl::Duration now, std::vector<PeerId>& gone);

  // A message of `peer` came over `descriptor`: `wire_bytes` less are unread.
  // Returns who had that connection before, and therefore is gone.
  std::optional<PeerId> Heard(int descriptor, PeerId peer, size_t wire_bytes);

  // Whether `peer` was the last to be heard over `descriptor`.
  bool IsOf(int descriptor, PeerId peer) const;

  // Of those that came to this port of ours.
  size_t CountOf(uint16_t port) const;
  // Ends them; their peers are appended to `gone`.
  void CutPort(uint16_t port, std::vector<PeerId>& gone);

  // Ends the connection of `peer`, if it is still there.
  void Cut(PeerId peer);

  // Ends those with more bytes come in than messages account for; returns how
  // many.
  size_t CutUnread(uint64_t unread_bytes_max);
  // Ends those that nobody has spoken on since `before`.
  size_t CutSilent(absl::Duration before);
  // Ends the youngest, down to `count`.
  size_t CutYoungest(size_t count);

  size_t size() const { return by_descriptor_.size(); }
  int monitor_fd() const { return monitor_fd_; }

 private:
  struct Connection {
    uint64_t inode = 0;  // Tells a descriptor from a later one of its number.
    uint16_t port = 0;   // Ours.
    absl::Duration accepted_at;
    uint64_t order = 0;
    uint64_t read_bytes = 0;
    std::optional<PeerId> peer;
    bool cut = false;
  };

  void End(int descriptor, Connection& connection);

  ZmqSocket monitor_;
  const int monitor_fd_ = monitor_.fd();
  uint64_t accepted_ = 0;
  absl::flat_hash_map<int, Connection> by_descriptor_;
  absl::flat_hash_map<PeerId, int> by_peer_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_TRANSPORT_CONNECTIONS_H_
