// A program at an agency: it has what its own disk keeps, and dies and starts
// again with that.
#ifndef CONCORDAT_TESTS_SIMULATION_BUS_PROGRAM_H_
#define CONCORDAT_TESTS_SIMULATION_BUS_PROGRAM_H_

#include <cstdint>
#include <memory>

#include "services/common/bus_client/client_core.h"
#include "tests/simulation/bus/network.h"
#include "tests/simulation/bus/oracle.h"
#include "tests/simulation/bus/registrar.h"
#include "tests/simulation/bus/world.h"

namespace concordat::simulation {

// A process with a client of the bus in it.
class Program {
 public:
  // Draws whether it comes by a connection of its own or by calls.
  Program(World& world, Oracle& oracle, Network& network,
          const Registrar& registrar, int member);
  virtual ~Program() = default;

  // Events handed to its client and not answered.
  static constexpr size_t kInFlightMax = 32;

  const Member& member() const { return member_; }
  // One turn of its thread, if it has one now.
  void Tick();
  void Crash();
  void Stall(uint64_t until_us) { stalled_until_us_ = until_us; }
  // It dies, and starts again with the key that it has now.
  void TakeKey();

 protected:
  virtual void Started() = 0;
  // What the process held in memory is gone.
  virtual void Died() = 0;
  virtual void Work() = 0;
  // A subscription has ended with `why`: whether to ask for it again, later. Else
  // the run has failed.
  bool AsksAgain(const absl::Status& why);
  bool is_shut_out() const { return world_.now_us < shut_out_until_us_; }

  World& world_;
  Oracle& oracle_;
  Network& network_;
  const Registrar& registrar_;
  const int index_;
  const Member& member_;
  std::unique_ptr<Dialer> dialer_;
  std::unique_ptr<ClientCore> client_;
  uint64_t life_ = 0;

 private:
  const bool by_call_;
  uint64_t shut_out_until_us_ = 0;
  uint64_t starts_at_us_ = 0;
  uint64_t stalled_until_us_ = 0;
};

}  // namespace concordat::simulation

#endif  // CONCORDAT_TESTS_SIMULATION_BUS_PROGRAM_H_
