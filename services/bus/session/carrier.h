// What carries frames between the bus and peers of whom it has proved who they are.
// Implementations: ZmqCarrier, GrpcCarrier (real), a fake one in tests.
//
// Threads  One thread calls everything; Wake() may be called from any.
// Order    Frames of one peer come in the order they were sent. A frame may be
//          lost with its connection, and sessions notice.
#ifndef CONCORDAT_SERVICES_BUS_SESSION_CARRIER_H_
#define CONCORDAT_SERVICES_BUS_SESSION_CARRIER_H_

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/common/bus_client/frame.h"

namespace concordat::bus {

// One connection. Never used again for another one.
struct PeerId {
  uint64_t value = 0;
  friend auto operator<=>(const PeerId&, const PeerId&) = default;
  template <typename H>
  friend H AbslHashValue(H h, PeerId peer) {
    return H::combine(std::move(h), peer.value);
  }
};

struct Inbound {
  PeerId peer;
  bool gone = false;  // The connection has ended; nothing more comes.
  // What the connection proved: a CURVE public key in Z85, or the URI of a
  // certificate.
  absl::string_view proof;
  OwnedBytes frame;  // `proof` lives as long as it.
};

class Carrier {
 public:
  virtual ~Carrier() = default;

  // Waits until something comes, Wake() was called, or `timeout` has passed,
  // and appends what came.
  virtual void Receive(absl::Duration timeout, std::vector<Inbound>& in) = 0;
  // Hands over one frame, without waiting.
  //   UNAVAILABLE  the peer is gone.  RESOURCE_EXHAUSTED  it does not read:
  //   its queue, which is above what credit allows, is full.
  virtual absl::Status Send(PeerId peer, std::string frame) = 0;
  // Ends the connection at once, losing what is queued on it.
  virtual void Cut(PeerId peer) = 0;
  // Makes Receive() return now, or the next call at once.
  virtual void Wake() = 0;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_SESSION_CARRIER_H_
