#include "services/common/bus_client/zmq_wire.h"

#include <utility>

namespace concordat {
namespace {

constexpr int kLingerMs = 200;

class ZmqWire : public Wire {
 public:
  ZmqWire(ZmqSocket socket, ZmqSocket monitor)
      : monitor_(std::move(monitor)),
        socket_(std::move(socket)),
        socket_fd_(socket_.fd()),
        monitor_fd_(monitor_.fd()) {}

  bool Send(std::shared_ptr<const std::string> frame) override {
    return socket_.Send(ZmqMessage::Of(std::move(frame))) == 0;
  }
  std::optional<OwnedBytes> Receive() override {
    std::optional<ZmqMessage> message = socket_.Receive();
    if (!message) return std::nullopt;
    return ZmqMessage::Own(*std::move(message));
  }
  Fate Watch() override {
    Fate fate = Fate::kUp;
    while (const std::optional<ZmqEvent> event = ReceiveEvent(monitor_)) {
      if (event->event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) {
        fate = Fate::kRefused;
      } else if (fate == Fate::kUp) {
        fate = Fate::kLost;
      }
    }
    return fate;
  }
  bool AddPollItems(std::vector<pollfd>& items, bool to_send) const override {
    items.push_back({socket_fd_, POLLIN, 0});
    items.push_back({monitor_fd_, POLLIN, 0});
    // Something may have been sent since it was last asked.
    return socket_.Ready(to_send ? short{ZMQ_POLLIN | ZMQ_POLLOUT}
                                 : ZMQ_POLLIN);
  }

 private:
  ZmqSocket monitor_;  // Outlives what it watches.
  ZmqSocket socket_;
  const int socket_fd_;
  const int monitor_fd_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Wire>> ZmqDialer::Dial(const Door& door) {
  ZmqSocket socket(context_, ZMQ_DEALER);
  const std::vector<std::pair<int, int>> numbers = {
      {ZMQ_RECONNECT_IVL, -1}, {ZMQ_IMMEDIATE, 1}, {ZMQ_LINGER, kLingerMs},
      {ZMQ_SNDHWM, 4096},      {ZMQ_RCVHWM, 64},   {ZMQ_TCP_KEEPALIVE, 1}};
  absl::Status status;
  for (const auto& [option, value] : numbers) {
    if (status.ok()) status = socket.Set(option, value);
  }
  if (status.ok()) {
    status = socket.Set(ZMQ_MAXMSGSIZE, int64_t{kFrameBytesMax} + 64);
  }
  if (status.ok()) {
    status = SetCurveClient(socket, {door.own_public_key, door.own_secret_key},
                            door.server_public_key);
  }
  if (!status.ok()) return status;
  absl::StatusOr<ZmqSocket> monitor =
      socket.Monitor(context_, ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED |
                                   ZMQ_EVENT_CONNECT_RETRIED |
                                   ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                                   ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                                   ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
  if (!monitor.ok()) return monitor.status();
  status = socket.Connect(door.endpoint);
  if (!status.ok()) return status;
  return std::make_unique<ZmqWire>(std::move(socket), *std::move(monitor));
}

}  // namespace concordat
