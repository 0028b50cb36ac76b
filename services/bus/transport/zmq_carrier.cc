#include "services/bus/transport/zmq_carrier.h"

#include <poll.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/bus/transport/connections.h"
#include "services/bus/transport/zap.h"
#include "services/common/base/mutex.h"
#include "services/common/bus_client/zmq_socket.h"

namespace concordat::bus {
namespace {

constexpr size_t kFramesPerReceive = 64;
constexpr size_t kRoutingIdBytes = 5;
// ZMQ_ZAP_ENFORCE_DOMAIN: 4.3.4 knows it, its header names it for drafts only.
// Without it a socket whose ZAP handler is missing serves everybody.
constexpr int kZapEnforceDomain = 93;
constexpr int kHandshakeMs = 5000;
constexpr int kSelfTestMs = 5000;
constexpr int kKernelBufferBytes = 512 * 1024;  // The kernel doubles it.
constexpr absl::Duration kGuardEvery = absl::Milliseconds(20);
// A cut or ended peer's last frames may still be on their way to us.
constexpr absl::Duration kForgetAfter = absl::Seconds(5);

// What a message of this size is on the wire under CURVE: ZMTP's head, and
// "\x07MESSAGE", nonce, box and flags.
size_t WireBytes(size_t frame_bytes) {
  const size_t body = frame_bytes + 33;
  return body + (body > 255 ? 9 : 2);
}

// An automatic id is 0 and a counter that starts at random.
std::optional<uint32_t> AutomaticId(absl::string_view id) {
  if (id.size() != kRoutingIdBytes || id[0] != 0) return std::nullopt;
  uint32_t value = 0;
  for (size_t i = 1; i < kRoutingIdBytes; ++i) {
    value = (value << 8) | static_cast<uint8_t>(id[i]);
  }
  return value;
}

std::string RoutingId(PeerId peer) {
  std::string id(kRoutingIdBytes, '\0');
  for (int i = 0; i < 4; ++i) {
    id[static_cast<size_t>(4 - i)] = static_cast<char>(peer.value >> (8 * i));
  }
  return id;
}

absl::Duration Elapsed() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

// Of "tcp://127.0.0.1:7401".
uint16_t PortOf(const std::string& endpoint) {
  const std::vector<absl::string_view> parts = absl::StrSplit(endpoint, ':');
  uint32_t port = 0;
  static_cast<void>(absl::SimpleAtoi(parts.back(), &port));
  return static_cast<uint16_t>(port);
}

bool IsPair(const ServerKeys& keys) {
  char expected[41] = {};
  return keys.secret_key.size() == 40 &&
         zmq_curve_public(expected, keys.secret_key.c_str()) == 0 &&
         keys.public_key == expected;
}

// Connects with `own` keys; returns how the handshake ended.
absl::StatusOr<ZmqEvent> Handshake(const ZmqContext& context,
                                   const std::string& endpoint,
                                   const std::string& server_public_key,
                                   const CurvePair& own, ZmqSocket& client) {
  client = ZmqSocket(context, ZMQ_DEALER);
  absl::Status status = SetCurveClient(client, own, server_public_key);
  if (status.ok()) status = client.Set(ZMQ_LINGER, 0);
  if (!status.ok()) return status;
  absl::StatusOr<ZmqSocket> monitor = client.Monitor(
      context, ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                   ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                   ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL);
  if (!monitor.ok()) return monitor.status();
  status = client.Connect(endpoint);
  if (!status.ok()) return status;
  zmq_pollitem_t item = {monitor->get(), 0, ZMQ_POLLIN, 0};
  if (zmq_poll(&item, 1, kSelfTestMs) != 1) {
    return absl::InternalError("self-test: the port does not answer");
  }
  const std::optional<ZmqEvent> event = ReceiveEvent(*monitor);
  zmq_socket_monitor(client.get(), nullptr, 0);
  return event.value_or(ZmqEvent{});
}

// Whether a stranger's key is refused there, and a registered one, with which
// `client` is connected then, is not.
absl::Status ProveKeys(const ZmqContext& context, Zap& zap,
                       const std::string& endpoint,
                       const std::string& server_public_key,
                       const CurvePair& known, ZmqSocket& client) {
  absl::StatusOr<ZmqEvent> event =
      Handshake(context, endpoint, server_public_key, NewCurvePair(), client);
  if (!event.ok()) return event.status();
  if (event->event != ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) {
    return absl::InternalError("self-test: a stranger's key was not refused");
  }
  zap.SetSelfTestKey(known.public_key);
  event = Handshake(context, endpoint, server_public_key, known, client);
  zap.SetSelfTestKey("");
  if (!event.ok()) return event.status();
  if (event->event != ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
    return absl::InternalError("self-test: a registered key was refused");
  }
  return absl::OkStatus();
}

class Impl : public ZmqCarrier {
 public:
  Impl(PortOptions options, ZmqSocket socket, ZmqSocket monitor,
       std::string endpoint, uint32_t first_id, const ZmqContext& context,
       Zap& zap)
      : options_(std::move(options)),
        socket_(std::move(socket)),
        connections_(std::move(monitor)),
        endpoint_(std::move(endpoint)),
        first_id_(first_id),
        context_(context),
        zap_(zap) {}
  // While its monitor is there to hear of it.
  ~Impl() override { socket_.Close(); }

  void Receive(absl::Duration timeout, std::vector<Inbound>& in) override {
    const size_t before = in.size();
    if (has_orders_) TakeOrders();
    if (!TakeAll(in)) return;
    if (in.size() != before || timeout <= absl::ZeroDuration()) return;
    // Both sockets have just said that they have nothing.
    Wait(std::min(timeout, kGuardEvery));
    // Not before the wait: a Wake() since the caller last looked would be lost,
    // and what it is about would lie there until the time is out.
    waker_.Clear();
    if (has_orders_) TakeOrders();
    TakeAll(in);
  }

  absl::Status Send(PeerId peer, std::string frame) override {
    int error = socket_.Send(ZmqMessage::Copy(RoutingId(peer)), true);
    if (error == 0) error = socket_.Send(ZmqMessage::Of(std::move(frame)));
    if (error == 0) return absl::OkStatus();
    if (error == EAGAIN) {
      return absl::ResourceExhaustedError("the peer does not read");
    }
    return absl::UnavailableError("the peer is gone");
  }

  void Cut(PeerId peer) override {
    ++counts_.cut;
    connections_.Cut(peer);
    over_[peer] = Elapsed();
  }

  void Wake() override { waker_.Wake(); }
  const std::string& endpoint() const override { return endpoint_; }
  CarrierStats stats() const override {
    CarrierStats stats;
    stats.connections = counts_.connections;
    stats.refused_keys = zap_.refused();
    stats.claimed_ids = counts_.claimed_ids;
    stats.multipart = counts_.multipart;
    stats.too_much_unread = counts_.too_much_unread;
    stats.silent = counts_.silent;
    stats.too_many = counts_.too_many;
    stats.cut = counts_.cut;
    return stats;
  }

  absl::StatusOr<std::string> Listen(const std::string& endpoint,
                                     const ServerKeys& keys) override {
    if (!IsPair(keys)) {
      return absl::InvalidArgumentError("the bus's keys are not a CURVE pair");
    }
    std::string bound;
    absl::Status status;
    Order([&] {
      // Options hold for what is bound from here on.
      status = socket_.Set(ZMQ_CURVE_SECRETKEY, keys.secret_key);
      if (status.ok()) status = socket_.Bind(endpoint);
      bound = socket_.LastEndpoint();
    });
    if (!status.ok()) return status;
    ZmqSocket client;
    status = ProveKeys(context_, zap_, bound, keys.public_key, NewCurvePair(),
                       client);
    client.Close();
    if (!status.ok()) {
      StopListening(bound);
      return status;
    }
    return bound;
  }

  void StopListening(const std::string& endpoint) override {
    Order([&] {
      Follow(Elapsed());
      connections_.CutPort(PortOf(endpoint), gone_);
      socket_.Unbind(endpoint);
    });
  }

  size_t ConnectionsAt(const std::string& endpoint) override {
    size_t count = 0;
    Order([&] {
      Follow(Elapsed());
      count = connections_.CountOf(PortOf(endpoint));
    });
    return count;
  }

 private:
  // Has the carrier's thread do it, and waits.
  void Order(const std::function<void()>& act) {
    // Not on this stack: who waits may be back before set_value() is.
    const auto done = std::make_shared<std::promise<void>>();
    {
      MutexLock lock(orders_mu_);
      orders_.push_back([&act, done] {
        act();
        done->set_value();
      });
      has_orders_ = true;
    }
    waker_.Wake();
    done->get_future().wait();
  }
  void TakeOrders() {
    std::vector<std::function<void()>> orders;
    {
      MutexLock lock(orders_mu_);
      has_orders_ = false;
      orders.swap(orders_);
    }
    for (const auto& order : orders) order();
  }

  // False when there is more to take.
  bool TakeAll(std::vector<Inbound>& in) {
    const absl::Duration now = Elapsed();
    if (monitor_told_ || now >= guarded_at_ + kGuardEvery) Follow(now);
    if (now >= guarded_at_ + kGuardEvery) Guard(now);
    for (size_t i = 0; i < kFramesPerReceive; ++i) {
      if (!TakeOne(in)) {
        // All that the ended ones said has been taken.
        for (const PeerId peer : gone_) {
          over_[peer] = Elapsed();
          Inbound gone;
          gone.peer = peer;
          gone.gone = true;
          in.push_back(std::move(gone));
        }
        gone_.clear();
        return true;
      }
    }
    return false;
  }

  void Follow(absl::Duration now) {
    monitor_told_ = false;
    counts_.connections += connections_.Follow(now, gone_);
  }

  void Guard(absl::Duration now) {
    guarded_at_ = now;
    const auto unread_max = static_cast<uint64_t>(
        (options_.receive_frames_max + 2) * static_cast<int>(kFrameBytesMax) +
        4 * kKernelBufferBytes);
    const size_t unread = connections_.CutUnread(unread_max);
    const size_t silent =
        connections_.CutSilent(now - options_.first_frame_within);
    const size_t many =
        connections_.CutYoungest(static_cast<size_t>(options_.connections_max));
    counts_.too_much_unread += unread;
    counts_.silent += silent;
    counts_.too_many += many;
    counts_.cut += unread + silent + many;
    absl::erase_if(over_, [&](const auto& entry) {
      return now > entry.second + kForgetAfter;
    });
  }

  bool TakeOne(std::vector<Inbound>& in) {
    const std::optional<ZmqMessage> id = socket_.Receive();
    if (!id) return false;
    std::optional<ZmqMessage> frame = socket_.Receive();
    bool is_one_frame = frame.has_value() && !frame->more();
    for (bool more = frame && frame->more(); more;) {
      const std::optional<ZmqMessage> rest = socket_.Receive();
      more = rest && rest->more();
    }
    if (!frame) return true;

    int descriptor = -1;
    static_cast<void>(absl::SimpleAtoi(frame->Property("__fd"), &descriptor));
    const std::optional<uint32_t> number = AutomaticId(id->view());
    const PeerId peer = number ? PeerId{*number} : PeerId{next_claimed_++};
    if (over_.contains(peer)) return true;
    if (!connections_.IsOf(descriptor, peer)) Follow(Elapsed());
    const std::optional<PeerId> replaced =
        connections_.Heard(descriptor, peer, WireBytes(frame->view().size()));
    if (replaced) gone_.push_back(*replaced);

    if (!number || !frame->Property("Identity").empty() ||
        !MayBeAutomatic(*number)) {
      ++counts_.claimed_ids;
      Cut(peer);
      return true;
    }
    if (!is_one_frame) {
      ++counts_.multipart;
      Cut(peer);
      return true;
    }
    Inbound inbound;
    inbound.peer = peer;
    inbound.frame = ZmqMessage::Own(*std::move(frame));
    inbound.proof = static_cast<const ZmqMessage*>(inbound.frame.owner.get())
                        ->Property("User-Id");
    in.push_back(std::move(inbound));
    return true;
  }

  // ZeroMQ counts automatic ids up, one for each connection: any other that
  // looks like one was claimed.
  bool MayBeAutomatic(uint32_t number) const {
    return number - first_id_ <= counts_.connections;
  }

  void Wait(absl::Duration timeout) {
    std::array<pollfd, 3> items = {{
        {socket_fd_, POLLIN, 0},
        {connections_.monitor_fd(), POLLIN, 0},
        {waker_.fd(), POLLIN, 0},
    }};
    poll(items.data(), items.size(),
         static_cast<int>(absl::ToInt64Milliseconds(
             absl::Ceil(timeout, absl::Milliseconds(1)))));
    monitor_told_ = items[1].revents != 0;
  }

  const PortOptions options_;
  ZmqSocket socket_;
  const int socket_fd_ = socket_.fd();
  Connections connections_;
  bool monitor_told_ = true;  // It has something, as far as is known.
  const std::string endpoint_;
  const uint32_t first_id_;
  const ZmqContext& context_;
  Zap& zap_;
  Waker waker_;
  std::atomic<bool> has_orders_ = false;
  Mutex orders_mu_;
  std::vector<std::function<void()>> orders_ ABSL_GUARDED_BY(orders_mu_);
  // Written by the carrier's thread.
  struct {
    std::atomic<uint64_t> connections = 0;
    std::atomic<uint64_t> claimed_ids = 0;
    std::atomic<uint64_t> multipart = 0;
    std::atomic<uint64_t> too_much_unread = 0;
    std::atomic<uint64_t> silent = 0;
    std::atomic<uint64_t> too_many = 0;
    std::atomic<uint64_t> cut = 0;
  } counts_;
  absl::Duration guarded_at_ = Elapsed();
  std::vector<PeerId> gone_;
  // Cut or gone, since when: nothing they said is passed on.
  absl::flat_hash_map<PeerId, absl::Duration> over_;
  // Beyond every automatic id.
  uint64_t next_claimed_ = uint64_t{1} << 32;
};

class Hub : public ZmqHub {
 public:
  Hub(ServerKeys keys, std::unique_ptr<ZmqContext> context,
      std::unique_ptr<Zap> zap)
      : keys_(std::move(keys)),
        context_(std::move(context)),
        zap_(std::move(zap)) {}

  absl::StatusOr<std::unique_ptr<ZmqCarrier>> Bind(
      PortOptions options) override;

 private:
  absl::Status SelfTest(const std::string& endpoint, ZmqSocket& socket,
                        uint32_t& first_id);

  const ServerKeys keys_;
  const std::unique_ptr<ZmqContext> context_;
  const std::unique_ptr<Zap> zap_;
};

absl::Status SetUp(ZmqSocket& socket, const PortOptions& options,
                   const ServerKeys& keys) {
  const std::vector<std::pair<int, int>> numbers = {
      {ZMQ_CURVE_SERVER, 1},
      {kZapEnforceDomain, 1},
      {ZMQ_ROUTER_MANDATORY, 1},
      {ZMQ_ROUTER_HANDOVER, 0},
      {ZMQ_RCVHWM, options.receive_frames_max},
      {ZMQ_SNDHWM, options.send_frames_max},
      {ZMQ_RCVBUF, kKernelBufferBytes},
      {ZMQ_HANDSHAKE_IVL, kHandshakeMs},
      {ZMQ_LINGER, 0},
      {ZMQ_BACKLOG, 256},
      {ZMQ_TCP_KEEPALIVE, 1},
  };
  for (const auto& [option, value] : numbers) {
    const absl::Status status = socket.Set(option, value);
    if (!status.ok()) return status;
  }
  absl::Status status = socket.Set(
      ZMQ_MAXMSGSIZE, static_cast<int64_t>(WireBytes(kFrameBytesMax)));
  if (status.ok()) {
    status = socket.Set(ZMQ_AFFINITY, int64_t{1} << options.io_thread);
  }
  if (status.ok()) status = socket.Set(ZMQ_ZAP_DOMAIN, options.name);
  if (status.ok()) status = socket.Set(ZMQ_CURVE_SECRETKEY, keys.secret_key);
  return status;
}

absl::StatusOr<std::unique_ptr<ZmqCarrier>> Hub::Bind(PortOptions options) {
  ZmqSocket socket(*context_, ZMQ_ROUTER);
  absl::Status status = SetUp(socket, options, keys_);
  if (!status.ok()) return status;
  absl::StatusOr<ZmqSocket> monitor =
      socket.Monitor(*context_, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED);
  if (!monitor.ok()) return monitor.status();
  zap_->AddDomain(options.name);
  status = socket.Bind(options.endpoint);
  if (!status.ok()) return status;
  std::string endpoint = socket.LastEndpoint();
  uint32_t first_id = 0;
  status = SelfTest(endpoint, socket, first_id);
  if (!status.ok()) return status;
  return std::make_unique<Impl>(std::move(options), std::move(socket),
                                *std::move(monitor), std::move(endpoint),
                                first_id, *context_, *zap_);
}

absl::Status Hub::SelfTest(const std::string& endpoint, ZmqSocket& socket,
                           uint32_t& first_id) {
  ZmqSocket client;
  const CurvePair known = NewCurvePair();
  const absl::Status proved =
      ProveKeys(*context_, *zap_, endpoint, keys_.public_key, known, client);
  if (!proved.ok()) return proved;
  if (client.Send(ZmqMessage::Copy("self-test")) != 0) {
    return absl::InternalError("self-test: nothing can be sent");
  }
  zmq_pollitem_t item = {socket.get(), 0, ZMQ_POLLIN, 0};
  if (zmq_poll(&item, 1, kSelfTestMs) != 1) {
    return absl::InternalError("self-test: nothing came through");
  }
  const std::optional<ZmqMessage> id = socket.Receive();
  const std::optional<ZmqMessage> frame = socket.Receive();
  const std::optional<uint32_t> number =
      id ? AutomaticId(id->view()) : std::nullopt;
  if (!number || !frame || frame->view() != "self-test" ||
      frame->Property("User-Id") != known.public_key) {
    return absl::InternalError("self-test: not what was sent came through");
  }
  first_id = *number;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ZmqHub>> ZmqHub::Start(ServerKeys keys,
                                                      MayConnect may_connect) {
  if (!IsPair(keys)) {
    return absl::InvalidArgumentError("the bus's keys are not a CURVE pair");
  }
  auto context = std::make_unique<ZmqContext>(2);
  absl::StatusOr<std::unique_ptr<Zap>> zap =
      Zap::Start(*context, std::move(may_connect));
  if (!zap.ok()) return zap.status();
  return std::make_unique<Hub>(std::move(keys), std::move(context),
                               *std::move(zap));
}

}  // namespace concordat::bus
