// A Carrier over ZeroMQ: a ROUTER socket with CURVE, made safe. What ZeroMQ
// leaves open, and how each gap is closed, opens services/bus/PROTOCOL.md.
//
// Use, in main.cc; everything must be gone before the hub:
//
//   auto hub = ZmqHub::Start(keys, may_connect);   // ZAP first.
//   auto ingest = (*hub)->Bind({.name = "ingest", .endpoint = "tcp://…:0"});
//   auto delivery = (*hub)->Bind({.name = "delivery", …});
//   (*ingest)->endpoint();   // With the port that was found.
//
// Bind() proves, before it returns, that a key nobody registered is refused and
// that one that was registered passes; else it fails.
//
// Threads  The hub has ZeroMQ's two input/output threads, one for each port,
//          and one that answers ZAP. A carrier belongs to the thread that uses
//          it, which is not the one that made it if handed over before use.
#ifndef CONCORDAT_SERVICES_BUS_TRANSPORT_ZMQ_CARRIER_H_
#define CONCORDAT_SERVICES_BUS_TRANSPORT_ZMQ_CARRIER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/bus/session/carrier.h"

namespace concordat::bus {

struct PortOptions {
  std::string name;      // "ingest", "delivery": also the ZAP domain.
  std::string endpoint;  // "tcp://127.0.0.1:7401"; port 0: any.
  int io_thread = 0;     // 0 or 1.
  // Frames waiting from one peer, and for one peer: above what credit allows.
  int receive_frames_max = 8;
  int send_frames_max = 16384;
  // Connections at a time, and how long one may stay without a word.
  int connections_max = 1024;
  absl::Duration first_frame_within = absl::Seconds(10);
};

struct ServerKeys {
  std::string public_key;  // Z85.
  std::string secret_key;
};

// Since the start.
struct CarrierStats {
  uint64_t connections = 0;
  uint64_t refused_keys = 0;     // Of the whole hub.
  uint64_t claimed_ids = 0;      // Peers cut: they named themselves.
  uint64_t multipart = 0;        // Peers cut: more than one frame a message.
  uint64_t too_much_unread = 0;  // Peers cut: bytes that make no frame.
  uint64_t silent = 0;           // Peers cut: connected and said nothing.
  uint64_t too_many = 0;         // Peers cut: over connections_max.
  uint64_t cut = 0;              // All peers cut.
};

class ZmqCarrier : public Carrier {
 public:
  // The first one.
  virtual const std::string& endpoint() const = 0;
  // Any thread.
  virtual CarrierStats stats() const = 0;

  // The next three may be called from any thread but the carrier's own, and wait
  // until that comes to Receive().

  // Is reached at this endpoint too, by these keys, and proves it as Bind() does.
  // Returns the endpoint with its port.
  //   INVALID_ARGUMENT  not a key pair.  UNAVAILABLE  the endpoint is taken.
  //   INTERNAL          the self-test failed; it is not reached there.
  virtual absl::StatusOr<std::string> Listen(const std::string& endpoint,
                                             const ServerKeys& keys) = 0;
  // And no longer, which may be the first one too: connections there end.
  virtual void StopListening(const std::string& endpoint) = 0;
  virtual size_t ConnectionsAt(const std::string& endpoint) = 0;
};

class ZmqHub {
 public:
  // May a peer with this CURVE public key (Z85) connect at this moment? Called
  // on the ZAP thread.
  using MayConnect = std::function<bool(absl::string_view key)>;

  //   INVALID_ARGUMENT  not a key pair.  UNAVAILABLE  no threads or sockets.
  static absl::StatusOr<std::unique_ptr<ZmqHub>> Start(ServerKeys keys,
                                                       MayConnect may_connect);
  virtual ~ZmqHub() = default;
  //   UNAVAILABLE  the endpoint is taken.  INTERNAL  the self-test failed.
  virtual absl::StatusOr<std::unique_ptr<ZmqCarrier>> Bind(
      PortOptions options) = 0;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_TRANSPORT_ZMQ_CARRIER_H_
