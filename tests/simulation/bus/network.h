// A network that loses connections, delays, cuts off, and, where a session must
// notice it, drops, doubles and swaps frames.
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
#include "services/common/bus_client/wire.h"
#include "tests/simulation/bus/world.h"

namespace concordat::simulation {

class Network {
 public:
  // What waits for one peer beyond this is refused, as ZeroMQ's SNDHWM does.
  static constexpr size_t kFramesMax = 4096;

  struct Frame {
    uint64_t due_us = 0;
    std::shared_ptr<const std::string> bytes;
  };
  struct Link {
    uint64_t id = 0;
    int client = 0;
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
    std::deque<Frame> to_bus;
    std::deque<Frame> to_client;
  };

  explicit Network(World& world) : world_(world) {}

  // Keys are 32 bytes.
  std::unique_ptr<Dialer> DialerOf(int client, std::string key);
  // Of the bus that runs now; its links end with BusDown().
  std::unique_ptr<bus::Carrier> CarrierOf(bus::Port port);
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

  bool CutOff(const Link& link) const {
    return cut_off_.count(link.client) > 0;
  }
  void Lose(Link& link, bool silent);
  void Push(Link& link, std::deque<Frame>& queue,
            std::shared_ptr<const std::string> bytes);
  uint64_t Latency();

  World& world_;
  std::map<uint64_t, std::shared_ptr<Link>> links_;
  std::map<int, std::string> keys_;
  std::map<int, uint64_t> cut_off_;  // Until then.
  uint64_t last_link_ = 0;
  uint64_t bus_life_ = 0;
  bool bus_is_up_ = false;
  bool moves_ = false;
  uint64_t latency_us_ = 300;
  std::function<void(const Link&, absl::string_view)> on_bus_says_;
  std::function<void(const Link&, absl::string_view)> on_bus_hears_;
};

}  // namespace concordat::simulation

#endif  // CONCORDAT_TESTS_SIMULATION_BUS_NETWORK_H_
