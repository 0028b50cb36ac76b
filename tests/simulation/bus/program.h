// A program at an agency: it has what its own disk keeps, and dies and starts
// again with that.
#ifndef CONCORDAT_TESTS_SIMULATION_BUS_PROGRAM_H_
#define CONCORDAT_TESTS_SIMULATION_BUS_PROGRAM_H_

#include <cstdint>
#include <memory>

#include "services/common/bus_client/client_core.h"
#include "tests/simulation/bus/network.h"
#include "tests/simulation/bus/oracle.h"
#include "tests/simulation/bus/world.h"

namespace concordat::simulation {

// A process with a client of the bus in it.
class Program {
 public:
  Program(World& world, Oracle& oracle, Network& network, int member);
  virtual ~Program() = default;

  // Events handed to its client and not answered.
  static constexpr size_t kInFlightMax = 32;

  const Member& member() const { return member_; }
  // One turn of its thread, if it has one now.
  void Tick();
  void Crash();
  void Stall(uint64_t until_us) { stalled_until_us_ = until_us; }

 protected:
  virtual void Started() = 0;
  // What the process held in memory is gone.
  virtual void Died() = 0;
  virtual void Work() = 0;

  World& world_;
  Oracle& oracle_;
  Network& network_;
  const int index_;
  const Member& member_;
  std::unique_ptr<Dialer> dialer_;
  std::unique_ptr<ClientCore> client_;
  uint64_t life_ = 0;

 private:
  uint64_t starts_at_us_ = 0;
  uint64_t stalled_until_us_ = 0;
};

}  // namespace concordat::simulation

#endif  // CONCORDAT_TESTS_SIMULATION_BUS_PROGRAM_H_
