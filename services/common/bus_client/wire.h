// What carries frames between a client and one port of the bus.
// Implementations: ZmqWire (real), a simulated one in tests.
//
// Threads  One thread, the client's, uses a Dialer and its wires.
// Order    Frames come in the order they were sent. A frame may be lost with
//          its connection, and sessions notice.
#ifndef CONCORDAT_SERVICES_COMMON_BUS_CLIENT_WIRE_H_
#define CONCORDAT_SERVICES_COMMON_BUS_CLIENT_WIRE_H_

#include <poll.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/bus_client/frame.h"

namespace concordat {

// One connection, made once: never mended behind its user's back. The destructor
// leaves; what was sent may still go out.
class Wire {
 public:
  enum class Fate {
    kUp,  // Or on its way up.
    kLost,
    kRefused,  // The bus does not know the key.
  };

  virtual ~Wire() = default;

  // Hands over one frame, without waiting. False: not taken.
  virtual bool Send(std::shared_ptr<const std::string> frame) = 0;
  bool Send(std::string frame) {
    return Send(std::make_shared<const std::string>(std::move(frame)));
  }
  // The next frame that came. Empty: nothing there.
  virtual std::optional<OwnedBytes> Receive() = 0;
  // What has become of the connection. What came before its end can still be
  // received.
  virtual Fate Watch() = 0;
  // What poll() is to wait for. True: do not wait, there is something to receive,
  // or, with `to_send`, it would take a frame.
  virtual bool AddPollItems(std::vector<pollfd>& items, bool to_send) const = 0;
};

// Where a port of the bus is, and by which CURVE keys (Z85) it is reached.
struct Door {
  std::string endpoint;
  std::string server_public_key = {};
  std::string own_public_key = {};
  std::string own_secret_key = {};
  friend bool operator==(const Door&, const Door&) = default;
};

class Dialer {
 public:
  virtual ~Dialer() = default;
  //   INVALID_ARGUMENT, UNAVAILABLE  no such address or keys, or no more sockets.
  virtual absl::StatusOr<std::unique_ptr<Wire>> Dial(const Door& door) = 0;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BUS_CLIENT_WIRE_H_
