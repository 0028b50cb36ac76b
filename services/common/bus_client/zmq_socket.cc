#include "services/common/bus_client/zmq_socket.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/base/check.h"

namespace concordat {
namespace {

constexpr size_t kCopyBytesMax = 2048;

absl::Status Failed(absl::string_view what) {
  const int error = zmq_errno();
  const std::string text = absl::StrCat(what, ": ", zmq_strerror(error));
  return error == EINVAL ? absl::InvalidArgumentError(text)
                         : absl::UnavailableError(text);
}

}  // namespace

ZmqContext::ZmqContext(int io_threads) : context_(zmq_ctx_new()) {
  CONCORDAT_CHECK(context_ != nullptr);
  CONCORDAT_CHECK(zmq_ctx_set(context_, ZMQ_IO_THREADS, io_threads) == 0);
}

ZmqContext::~ZmqContext() {
  while (zmq_ctx_term(context_) != 0 && zmq_errno() == EINTR) {
  }
}

void ZmqContext::Shutdown() { zmq_ctx_shutdown(context_); }

ZmqMessage ZmqMessage::Copy(absl::string_view bytes) {
  ZmqMessage message;
  CONCORDAT_CHECK(zmq_msg_init_size(&message.message_, bytes.size()) == 0);
  if (!bytes.empty()) {
    std::memcpy(zmq_msg_data(&message.message_), bytes.data(), bytes.size());
  }
  return message;
}

ZmqMessage ZmqMessage::Of(std::string bytes) {
  if (bytes.size() <= kCopyBytesMax) return Copy(bytes);
  return Of(std::make_shared<const std::string>(std::move(bytes)));
}

ZmqMessage ZmqMessage::Of(std::shared_ptr<const std::string> bytes) {
  if (bytes->size() <= kCopyBytesMax) return Copy(*bytes);
  using Holder = std::shared_ptr<const std::string>;
  auto holder = std::make_unique<Holder>(std::move(bytes));
  ZmqMessage message;
  CONCORDAT_CHECK(
      zmq_msg_init_data(
          &message.message_, const_cast<char*>((*holder)->data()),
          (*holder)->size(),
          [](void*, void* hint) { delete static_cast<Holder*>(hint); },
          holder.get()) == 0);
  static_cast<void>(holder.release());  // The message's now.
  return message;
}

OwnedBytes ZmqMessage::Own(ZmqMessage message) {
  auto owner = std::make_shared<const ZmqMessage>(std::move(message));
  const absl::string_view view = owner->view();
  return {view, std::move(owner)};
}

absl::string_view ZmqMessage::Property(const char* name) const {
  const char* value = zmq_msg_gets(&message_, name);
  return value == nullptr ? absl::string_view() : absl::string_view(value);
}

ZmqSocket::ZmqSocket(const ZmqContext& context, int type)
    : socket_(zmq_socket(context.get(), type)) {}

void ZmqSocket::Close() {
  if (socket_ == nullptr) return;
  // Now, not when it is reaped: ZeroMQ's own thread would wait for ever to tell
  // an event to a monitor that is gone, and all sockets with it.
  zmq_socket_monitor(socket_, nullptr, 0);
  zmq_close(std::exchange(socket_, nullptr));
}

int ZmqSocket::fd() const {
  int fd = -1;
  size_t size = sizeof fd;
  CONCORDAT_CHECK(zmq_getsockopt(socket_, ZMQ_FD, &fd, &size) == 0);
  return fd;
}

bool ZmqSocket::Ready(short events) const {
  int ready = 0;
  size_t size = sizeof ready;
  // It fails when the context ends; whoever calls next hears of that.
  if (zmq_getsockopt(socket_, ZMQ_EVENTS, &ready, &size) != 0) return true;
  return (ready & events) != 0;
}

absl::Status ZmqSocket::Set(int option, int value) {
  if (zmq_setsockopt(socket_, option, &value, sizeof value) == 0) {
    return absl::OkStatus();
  }
  return Failed(absl::StrCat("ZeroMQ option ", option));
}

absl::Status ZmqSocket::Set(int option, int64_t value) {
  if (zmq_setsockopt(socket_, option, &value, sizeof value) == 0) {
    return absl::OkStatus();
  }
  return Failed(absl::StrCat("ZeroMQ option ", option));
}

absl::Status ZmqSocket::Set(int option, absl::string_view value) {
  // Z85 keys are read up to a NUL.
  const std::string text(value);
  const bool is_key = option == ZMQ_CURVE_SECRETKEY ||
                      option == ZMQ_CURVE_PUBLICKEY ||
                      option == ZMQ_CURVE_SERVERKEY;
  if (zmq_setsockopt(socket_, option, text.c_str(),
                     text.size() + (is_key ? 1 : 0)) == 0) {
    return absl::OkStatus();
  }
  return Failed(absl::StrCat("ZeroMQ option ", option));
}

absl::Status ZmqSocket::Bind(const std::string& endpoint) {
  if (zmq_bind(socket_, endpoint.c_str()) == 0) return absl::OkStatus();
  return Failed(absl::StrCat("cannot listen on ", endpoint));
}

void ZmqSocket::Unbind(const std::string& endpoint) {
  zmq_unbind(socket_, endpoint.c_str());
}

absl::Status ZmqSocket::Connect(const std::string& endpoint) {
  if (zmq_connect(socket_, endpoint.c_str()) == 0) return absl::OkStatus();
  return Failed(absl::StrCat("cannot connect to ", endpoint));
}

std::string ZmqSocket::LastEndpoint() const {
  char text[256] = {};
  size_t size = sizeof text;
  if (zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, text, &size) != 0) return "";
  return text;
}

absl::StatusOr<ZmqSocket> ZmqSocket::Monitor(const ZmqContext& context,
                                             int events) {
  const std::string name =
      absl::StrCat("inproc://monitor-", absl::Hex(socket_));
  if (zmq_socket_monitor(socket_, name.c_str(), events) != 0) {
    return Failed("ZeroMQ monitor");
  }
  ZmqSocket monitor(context, ZMQ_PAIR);
  absl::Status status = monitor.Set(ZMQ_LINGER, 0);
  if (status.ok()) status = monitor.Set(ZMQ_RCVHWM, 16384);
  if (status.ok()) status = monitor.Connect(name);
  if (!status.ok()) return status;
  return monitor;
}

int ZmqSocket::Send(ZmqMessage message, bool more) {
  const int flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0);
  while (zmq_msg_send(message.get(), socket_, flags) < 0) {
    if (zmq_errno() != EINTR) return zmq_errno();
  }
  return 0;
}

std::optional<ZmqMessage> ZmqSocket::Receive() {
  ZmqMessage message;
  while (zmq_msg_recv(message.get(), socket_, ZMQ_DONTWAIT) < 0) {
    if (zmq_errno() != EINTR) return std::nullopt;
  }
  return message;
}

std::optional<ZmqEvent> ReceiveEvent(ZmqSocket& monitor) {
  const std::optional<ZmqMessage> event = monitor.Receive();
  if (!event) return std::nullopt;
  // The address comes behind it, in the same message.
  while (monitor.Receive().value_or(ZmqMessage()).more()) {
  }
  const absl::string_view bytes = event->view();
  uint16_t number = 0;
  uint32_t value = 0;
  if (bytes.size() < sizeof number + sizeof value) return ZmqEvent{};
  std::memcpy(&number, bytes.data(), sizeof number);
  std::memcpy(&value, bytes.data() + sizeof number, sizeof value);
  return ZmqEvent{number, static_cast<int>(value)};
}

CurvePair NewCurvePair() {
  char public_key[41] = {};
  char secret_key[41] = {};
  CONCORDAT_CHECK(zmq_curve_keypair(public_key, secret_key) == 0);
  return {public_key, secret_key};
}

absl::Status SetCurveClient(ZmqSocket& socket, const CurvePair& own,
                            absl::string_view server_public_key) {
  absl::Status status = socket.Set(ZMQ_CURVE_SERVERKEY, server_public_key);
  if (status.ok()) status = socket.Set(ZMQ_CURVE_PUBLICKEY, own.public_key);
  if (status.ok()) status = socket.Set(ZMQ_CURVE_SECRETKEY, own.secret_key);
  return status;
}

Waker::Waker() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  CONCORDAT_CHECK(fd_ >= 0);
}

Waker::~Waker() { close(fd_); }

void Waker::Wake() {
  if (set_.exchange(true, std::memory_order_acq_rel)) return;
  const uint64_t one = 1;
  CONCORDAT_CHECK(write(fd_, &one, sizeof one) == sizeof one);
}

void Waker::Clear() {
  if (!set_.load(std::memory_order_acquire)) return;
  // First the descriptor: what a Wake() in between is about is seen by the
  // caller, who looks after this.
  uint64_t count = 0;
  if (read(fd_, &count, sizeof count) < 0) {
    CONCORDAT_CHECK(errno == EAGAIN);
    return;  // Set and not yet written: the next call clears it.
  }
  set_.store(false, std::memory_order_release);
}

}  // namespace concordat
