// Peers that do not play by the rules, for attacks on the bus's ports.
#ifndef CONCORDAT_TESTS_SUPPORT_RAW_PEER_H_
#define CONCORDAT_TESTS_SUPPORT_RAW_PEER_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/common/bus_client/connection.h"
#include "services/common/bus_client/frame.h"
#include "services/common/bus_client/zmq_socket.h"

namespace concordat::testing {

// libzmq's own client, but what it says is up to the test.
class RawPeer {
 public:
  struct Options {
    std::optional<CurvePair> own;   // None: no CURVE at all.
    std::string server_public_key;  // Z85.
    std::string routing_id;         // Empty: none claimed.
    int receive_frames_max = 1000;
  };
  RawPeer(Options options, const std::string& endpoint);

  // False: it was not taken within `timeout`, for want of a connection.
  bool Send(std::string message, absl::Duration timeout = absl::Seconds(5));
  bool SendParts(const std::vector<std::string>& parts);
  // Empty: nothing came in time.
  std::optional<std::string> Receive(absl::Duration timeout);
  // The handshake has succeeded; false: not in time.
  bool Connected(absl::Duration timeout);

  // Says Hello and returns the session; 0: no Welcome.
  uint64_t Open(const ClientIdentity& identity,
                absl::Duration timeout = absl::Seconds(5));
  // The Closed that comes, after whatever else comes.
  std::optional<bus::v1::Closed> AwaitClosed(
      absl::Duration timeout = absl::Seconds(5));

 private:
  ZmqContext context_{1};
  ZmqSocket socket_;
  ZmqSocket monitor_;
};

// ZMTP 3.1 with CURVE written out, to say what libzmq would not: a message that
// never ends.
class RawConnection {
 public:
  // Connects and shakes hands; `ok()` tells.
  RawConnection(const std::string& endpoint, const CurvePair& own,
                absl::string_view server_public_key);
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  bool ok() const { return ok_; }
  // One frame of a message, with or without the promise of more. False: the
  // other side has ended the connection.
  bool Send(absl::string_view payload, bool more);

 private:
  using Key = std::array<uint8_t, 32>;

  bool Shake(const CurvePair& own, absl::string_view server_public_key);
  bool Write(absl::string_view bytes);
  std::optional<std::string> Read(size_t count);
  std::optional<std::string> ReadCommand();
  std::string Box(absl::string_view plain, absl::string_view nonce_prefix,
                  const Key& to, const Key& from);

  int socket_ = -1;
  bool ok_ = false;
  uint64_t nonce_ = 0;
  Key transient_public_ = {};
  Key transient_secret_ = {};
  Key server_transient_ = {};
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_RAW_PEER_H_
