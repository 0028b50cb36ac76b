#include "tests/support/raw_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/common/base/check.h"

namespace concordat::testing {

RawPeer::RawPeer(Options options, const std::string& endpoint)
    : socket_(context_, ZMQ_DEALER) {
  CONCORDAT_CHECK(socket_.Set(ZMQ_LINGER, 0).ok());
  CONCORDAT_CHECK(socket_.Set(ZMQ_IMMEDIATE, 1).ok());
  CONCORDAT_CHECK(socket_.Set(ZMQ_RECONNECT_IVL, -1).ok());
  CONCORDAT_CHECK(socket_.Set(ZMQ_RCVHWM, options.receive_frames_max).ok());
  if (options.own) {
    CONCORDAT_CHECK(
        SetCurveClient(socket_, *options.own, options.server_public_key).ok());
  }
  if (!options.routing_id.empty()) {
    CONCORDAT_CHECK(socket_.Set(ZMQ_ROUTING_ID, options.routing_id).ok());
  }
  auto monitor = socket_.Monitor(context_, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  CONCORDAT_CHECK(monitor.ok());
  monitor_ = *std::move(monitor);
  CONCORDAT_CHECK(socket_.Connect(endpoint).ok());
}

bool RawPeer::Connected(absl::Duration timeout) {
  zmq_pollitem_t item = {monitor_.get(), 0, ZMQ_POLLIN, 0};
  return zmq_poll(&item, 1,
                  static_cast<long>(absl::ToInt64Milliseconds(timeout))) == 1;
}

bool RawPeer::Send(std::string message, absl::Duration timeout) {
  zmq_pollitem_t item = {socket_.get(), 0, ZMQ_POLLOUT, 0};
  if (zmq_poll(&item, 1,
               static_cast<long>(absl::ToInt64Milliseconds(timeout))) != 1) {
    return false;
  }
  return socket_.Send(ZmqMessage::Of(std::move(message))) == 0;
}

bool RawPeer::SendParts(const std::vector<std::string>& parts) {
  zmq_pollitem_t item = {socket_.get(), 0, ZMQ_POLLOUT, 0};
  if (zmq_poll(&item, 1, 5000) != 1) return false;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (socket_.Send(ZmqMessage::Copy(parts[i]), i + 1 < parts.size()) != 0) {
      return false;
    }
  }
  return true;
}

std::optional<std::string> RawPeer::Receive(absl::Duration timeout) {
  zmq_pollitem_t item = {socket_.get(), 0, ZMQ_POLLIN, 0};
  if (zmq_poll(&item, 1,
               static_cast<long>(absl::ToInt64Milliseconds(timeout))) != 1) {
    return std::nullopt;
  }
  const std::optional<ZmqMessage> message = socket_.Receive();
  if (!message) return std::nullopt;
  return std::string(message->view());
}

uint64_t RawPeer::Open(const ClientIdentity& identity,
                       absl::Duration timeout) {
  ClientSession session(identity);
  if (!Send(session.Hello(absl::ZeroDuration()))) return 0;
  const std::optional<std::string> answer = Receive(timeout);
  if (!answer) return 0;
  const auto frame = ParseFrame(*answer);
  if (!frame.ok() || frame->head.kind != FrameKind::kWelcome) return 0;
  return frame->head.session;
}

std::optional<bus::v1::Closed> RawPeer::AwaitClosed(absl::Duration timeout) {
  const absl::Duration until = SteadyNow() + timeout;
  while (SteadyNow() < until) {
    const std::optional<std::string> bytes = Receive(until - SteadyNow());
    if (!bytes) return std::nullopt;
    const auto frame = ParseFrame(*bytes);
    if (!frame.ok() || frame->head.kind != FrameKind::kClosed) continue;
    bus::v1::Closed closed;
    if (closed.ParseFromString(std::string(frame->body))) return closed;
  }
  return std::nullopt;
}

namespace {

constexpr uint8_t kCommand = 0x04;
constexpr uint8_t kLong = 0x02;

std::string Head(uint8_t flags, size_t size) {
  std::string head;
  if (size <= 255) {
    head.push_back(static_cast<char>(flags));
    head.push_back(static_cast<char>(size));
    return head;
  }
  head.push_back(static_cast<char>(flags | kLong));
  for (int i = 7; i >= 0; --i) {
    head.push_back(static_cast<char>(static_cast<uint64_t>(size) >> (8 * i)));
  }
  return head;
}

std::string Nonce(absl::string_view prefix, uint64_t counter) {
  std::string nonce(prefix);
  for (int i = 7; i >= 0; --i) {
    nonce.push_back(static_cast<char>(counter >> (8 * i)));
  }
  return nonce;
}

const uint8_t* Bytes(absl::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

std::string Property(absl::string_view name, absl::string_view value) {
  return absl::StrCat(std::string(1, static_cast<char>(name.size())), name,
                      std::string(3, '\0'),
                      std::string(1, static_cast<char>(value.size())), value);
}

}  // namespace

RawConnection::RawConnection(const std::string& endpoint, const CurvePair& own,
                             absl::string_view server_public_key) {
  CONCORDAT_CHECK(sodium_init() >= 0);
  socket_ = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int port = 0;
  CONCORDAT_CHECK(
      absl::SimpleAtoi(endpoint.substr(endpoint.rfind(':') + 1), &port));
  address.sin_port = htons(static_cast<uint16_t>(port));
  const timeval patience = {5, 0};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  ok_ = connect(socket_, reinterpret_cast<sockaddr*>(&address),
                sizeof address) == 0 &&
        Shake(own, server_public_key);
}

RawConnection::~RawConnection() { close(socket_); }

bool RawConnection::Write(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count =
        send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

std::optional<std::string> RawConnection::Read(size_t count) {
  std::string bytes(count, '\0');
  size_t at = 0;
  while (at < count) {
    const ssize_t got = recv(socket_, &bytes[at], count - at, 0);
    if (got <= 0) return std::nullopt;
    at += static_cast<size_t>(got);
  }
  return bytes;
}

std::optional<std::string> RawConnection::ReadCommand() {
  const auto head = Read(2);
  if (!head || static_cast<uint8_t>((*head)[0]) != kCommand) {
    return std::nullopt;
  }
  return Read(static_cast<uint8_t>((*head)[1]));
}

std::string RawConnection::Box(absl::string_view plain, absl::string_view nonce,
                               const Key& to, const Key& from) {
  std::string box(plain.size() + crypto_box_MACBYTES, '\0');
  CONCORDAT_CHECK(crypto_box_easy(reinterpret_cast<uint8_t*>(box.data()),
                                  Bytes(plain), plain.size(), Bytes(nonce),
                                  to.data(), from.data()) == 0);
  return box;
}

bool RawConnection::Shake(const CurvePair& own,
                          absl::string_view server_public_key) {
  Key own_public, own_secret, server;
  zmq_z85_decode(own_public.data(), own.public_key.c_str());
  zmq_z85_decode(own_secret.data(), own.secret_key.c_str());
  zmq_z85_decode(server.data(), std::string(server_public_key).c_str());
  crypto_box_keypair(transient_public_.data(), transient_secret_.data());
  const auto text = [](const Key& key) {
    return std::string(reinterpret_cast<const char*>(key.data()), key.size());
  };

  std::string greeting(
      "\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01"
      "CURVE",
      17);
  greeting.resize(64, '\0');
  if (!Write(greeting) || !Read(64)) return false;

  const uint64_t hello_nonce = ++nonce_;
  std::string hello("\x05HELLO\x01\0", 8);
  hello.append(72, '\0');
  hello += text(transient_public_);
  hello += Nonce("", hello_nonce);
  hello += Box(std::string(64, '\0'), Nonce("CurveZMQHELLO---", hello_nonce),
               server, transient_secret_);
  if (!Write(Head(kCommand, hello.size()) + hello)) return false;

  const auto welcome = ReadCommand();
  if (!welcome || welcome->size() != 8 + 16 + 144) return false;
  std::string opened(128, '\0');
  const std::string welcome_nonce = "WELCOME-" + welcome->substr(8, 16);
  if (crypto_box_open_easy(reinterpret_cast<uint8_t*>(opened.data()),
                           Bytes(*welcome) + 24, 144, Bytes(welcome_nonce),
                           server.data(), transient_secret_.data()) != 0) {
    return false;
  }
  std::copy_n(opened.begin(), 32, server_transient_.begin());
  const std::string cookie = opened.substr(32);

  std::string vouch_nonce(16, '\0');
  randombytes_buf(vouch_nonce.data(), vouch_nonce.size());
  const std::string vouch =
      vouch_nonce + Box(text(transient_public_) + text(server),
                        "VOUCH---" + vouch_nonce, server_transient_,
                        own_secret);
  const uint64_t initiate_nonce = ++nonce_;
  const std::string initiate =
      std::string("\x08INITIATE") + cookie + Nonce("", initiate_nonce) +
      Box(text(own_public) + vouch + Property("Socket-Type", "DEALER") +
              Property("Identity", ""),
          Nonce("CurveZMQINITIATE", initiate_nonce), server_transient_,
          transient_secret_);
  if (!Write(Head(kCommand, initiate.size()) + initiate)) return false;
  const auto ready = ReadCommand();
  return ready && ready->substr(0, 6) == "\x05READY";
}

bool RawConnection::Send(absl::string_view payload, bool more) {
  const uint64_t nonce = ++nonce_;
  std::string plain(1, more ? '\x01' : '\0');
  plain.append(payload.data(), payload.size());
  const std::string message = std::string("\x07MESSAGE") + Nonce("", nonce) +
                              Box(plain, Nonce("CurveZMQMESSAGEC", nonce),
                                  server_transient_, transient_secret_);
  return Write(Head(0, message.size()) + message);
}

}  // namespace concordat::testing
