// A network that loses connections, delays, cuts off, and, where a session must
// notice it, drops, doubles and swaps frames. A client comes over a connection with
// a key of its own or by a call of gRPC, whose host is a fake (SimCall) beneath the
// GrpcCarrier that ships.
//
// Threads  One.
#ifndef CONCORDAT_TESTS_SIMULATION_BUS_NETWORK_H_
#define CONCORDAT_TESTS_SIMULATION_BUS_NETWORK_H_

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "services/bus/session/carrier.h"
#include "services/bus/session/server_session.h"
#include "services/bus/transport/grpc_carrier.h"
#include "services/common/bus_client/wire.h"
#include "tests/simulation/bus/world.h"

namespace concordat::simulation {

class Network {
 public:
  // What waits for one peer beyond this is refused, as ZeroMQ's SNDHWM does.
  static constexpr size_t kFramesMax = 4096;

  struct Frame {
    uint64_t due_us = 0;
    std::shared_ptr<const std::string> bytes;  // By a call: a message.
  };
  class SimCall;
  struct Link {
    uint64_t id = 0;
    int client = 0;
    std::string proof;
    bool by_call = false;
    bus::Port port = bus::Port::kIngest;
    uint64_t bus_life = 0;
    uint64_t up_at_us = 0;
    bool refused = false;     // There is no bus at that address.
    bool client_open = true;  // The client holds its end.
    bool bus_open = true;     // The bus's carrier has not cut it.
    bool lost = false;        // Neither end hears from the other any more.
    uint64_t lost_at_us = 0;  // And is told so then.
    bool black_hole = false;  // The same, and nobody is told.
    bool told_gone = false;   // The bus was.
    bool known = false;       // To the bus.
    std::shared_ptr<SimCall> call;  // By a call, once the bus has it.
    std::deque<Frame> to_bus;
    std::deque<Frame> to_client;
  };

  explicit Network(World& world) : world_(world) {}

  // `proof` is a key of 32 bytes or, by a call, the URI of a certificate.
  std::unique_ptr<Dialer> DialerOf(int client, std::string proof, bool by_call);
  // Of the bus that runs now; its links end with BusDown().
  std::unique_ptr<bus::Carrier> CarrierOf(bus::Port port);
  // Where calls of a port go, and what of messages may wait for a caller. Whom
  // `admit` knows the principal of is let in.
  using Admit = std::function<const bus::v1::Principal*(absl::string_view uri)>;
  void SetCalls(bus::Port port, bus::GrpcCarrier* calls) {
    calls_[port] = calls;
  }
  void set_admit(Admit admit) { admit_ = std::move(admit); }
  void set_call_bytes_max(size_t bytes) { call_bytes_max_ = bytes; }
  void BusUp() { bus_is_up_ = true; }
  // `silent`: as when the power goes, nobody hears of it.
  void BusDown(bool silent);
  // What the bus says, before anything is done to it.
  void set_on_bus_says(
      std::function<void(const Link&, absl::string_view frame)> on_bus_says) {
    on_bus_says_ = std::move(on_bus_says);
  }
  // And what it hears.
  void set_on_bus_hears(
      std::function<void(const Link&, absl::string_view frame)> on_bus_hears) {
    on_bus_hears_ = std::move(on_bus_hears);
  }
  // And that it lets a connection go, or has lost it.
  void set_on_over(std::function<void(const Link&)> on_over) {
    on_over_ = std::move(on_over);
  }
  const std::map<uint64_t, std::shared_ptr<Link>>& all_links() const {
    return links_;
  }
  // The client's process is gone.
  void ClientDown(int client);

  // Draws what goes wrong in this tick.
  void Tick();
  void Heal();
  std::string EndpointOf(bus::Port port) const;
  void set_moves(bool moves) { moves_ = moves; }
  size_t frames() const;
  size_t links() const { return links_.size(); }

 private:
  class SimWire;
  class SimDialer;
  class SimCarrier;
  class CallWire;

  bool CutOff(const Link& link) const {
    return cut_off_.count(link.client) > 0;
  }
  // The next frame that has come; null: none.
  std::shared_ptr<const std::string> TakeDue(Link& link);
  void Said(const Link& link, absl::string_view frame) {
    if (on_bus_says_) on_bus_says_(link, frame);
  }
  void Heard(const Link& link, absl::string_view frame) {
    if (on_bus_hears_) on_bus_hears_(link, frame);
  }
  void Over(const Link& link) {
    if (on_over_) on_over_(link);
  }
  void Lose(Link& link, bool silent);
  void Push(Link& link, std::deque<Frame>& queue,
            std::shared_ptr<const std::string> bytes);
  uint64_t Latency();

  World& world_;
  std::map<uint64_t, std::shared_ptr<Link>> links_;
  std::set<int> clients_;
  std::map<int, uint64_t> cut_off_;  // Until then.
  uint64_t last_link_ = 0;
  uint64_t bus_life_ = 0;
  bool bus_is_up_ = false;
  bool moves_ = false;
  uint64_t latency_us_ = 300;
  std::map<bus::Port, bus::GrpcCarrier*> calls_;
  Admit admit_;
  size_t call_bytes_max_ = 0;
  std::function<void(const Link&, absl::string_view)> on_bus_says_;
  std::function<void(const Link&, absl::string_view)> on_bus_hears_;
  std::function<void(const Link&)> on_over_;
};

}  // namespace concordat::simulation

#endif  // CONCORDAT_TESTS_SIMULATION_BUS_NETWORK_H_
