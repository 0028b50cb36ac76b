// libzmq's C interface, owned and without leaks. The one place that calls it to
// make, set, send and receive.
//
// Threads  A socket is for one thread at a time. A context and a Waker are for
//          any.
// Errors   Failing calls of set-up answer INVALID_ARGUMENT or UNAVAILABLE with
//          libzmq's words; a failure that only a bug can cause stops the
//          process.
#ifndef CONCORDAT_SERVICES_COMMON_BUS_CLIENT_ZMQ_SOCKET_H_
#define CONCORDAT_SERVICES_COMMON_BUS_CLIENT_ZMQ_SOCKET_H_

#include <zmq.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/bus_client/frame.h"

namespace concordat {

class ZmqContext {
 public:
  explicit ZmqContext(int io_threads);
  ~ZmqContext();  // Waits until every socket has been closed.
  ZmqContext(const ZmqContext&) = delete;
  ZmqContext& operator=(const ZmqContext&) = delete;

  void* get() const { return context_; }
  // Every blocking call on its sockets returns; they can only be closed.
  void Shutdown();

 private:
  void* const context_;
};

class ZmqMessage {
 public:
  ZmqMessage() { zmq_msg_init(&message_); }
  ~ZmqMessage() { zmq_msg_close(&message_); }
  ZmqMessage(ZmqMessage&& other) noexcept : ZmqMessage() {
    zmq_msg_move(&message_, &other.message_);
  }
  ZmqMessage& operator=(ZmqMessage&& other) noexcept {
    zmq_msg_move(&message_, &other.message_);
    return *this;
  }

  static ZmqMessage Copy(absl::string_view bytes);
  // Without copying, unless they are few.
  static ZmqMessage Of(std::string bytes);
  static ZmqMessage Of(std::shared_ptr<const std::string> bytes);
  // Moves the message to where it stays.
  static OwnedBytes Own(ZmqMessage message);

  absl::string_view view() const {
    auto* message = const_cast<zmq_msg_t*>(&message_);
    return {static_cast<const char*>(zmq_msg_data(message)),
            zmq_msg_size(message)};
  }
  bool more() const { return zmq_msg_more(&message_) != 0; }
  // A property of the connection it came on; empty: none.
  absl::string_view Property(const char* name) const;
  zmq_msg_t* get() { return &message_; }

 private:
  zmq_msg_t message_;
};

class ZmqSocket {
 public:
  ZmqSocket() = default;
  ZmqSocket(const ZmqContext& context, int type);
  ~ZmqSocket() { Close(); }
  ZmqSocket(ZmqSocket&& other) noexcept
      : socket_(std::exchange(other.socket_, nullptr)) {}
  ZmqSocket& operator=(ZmqSocket&& other) noexcept {
    Close();
    socket_ = std::exchange(other.socket_, nullptr);
    return *this;
  }

  void* get() const { return socket_; }
  void Close();
  // For poll(), which is one system call where zmq_poll is many: readable when
  // something may have happened. What a call on the socket has noticed is not
  // told again, so ask Ready() or receive until there is nothing, and then
  // wait without another call in between.
  int fd() const;
  // ZMQ_POLLIN, ZMQ_POLLOUT: whether one of them would succeed now.
  bool Ready(short events) const;

  absl::Status Set(int option, int value);
  absl::Status Set(int option, int64_t value);
  absl::Status Set(int option, absl::string_view value);
  absl::Status Bind(const std::string& endpoint);
  // No more connections there, and those that there are end. `endpoint` is what
  // LastEndpoint() was after Bind().
  void Unbind(const std::string& endpoint);
  absl::Status Connect(const std::string& endpoint);
  std::string LastEndpoint() const;
  // Events `events` of this socket come to the PAIR that is returned.
  absl::StatusOr<ZmqSocket> Monitor(const ZmqContext& context, int events);

  // Never waits. Returns 0, or the error number: EAGAIN, EHOSTUNREACH.
  int Send(ZmqMessage message, bool more = false);
  // Never waits. Empty: nothing there.
  std::optional<ZmqMessage> Receive();

 private:
  void* socket_ = nullptr;
};

// What a monitor's PAIR received. Empty: nothing there.
struct ZmqEvent {
  int event = 0;
  int value = 0;  // Descriptor or error number, by event.
};
std::optional<ZmqEvent> ReceiveEvent(ZmqSocket& monitor);

struct CurvePair {
  std::string public_key;  // Z85.
  std::string secret_key;
};
CurvePair NewCurvePair();

// CURVE for a client's socket: itself, and the server it expects.
absl::Status SetCurveClient(ZmqSocket& socket, const CurvePair& own,
                            absl::string_view server_public_key);

// Ends another thread's zmq_poll.
class Waker {
 public:
  Waker();
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  void Wake();
  void Clear();  // By who polls, before it looks at what woke it.
  int fd() const { return fd_; }

 private:
  const int fd_;
  std::atomic<bool> set_{false};
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BUS_CLIENT_ZMQ_SOCKET_H_
