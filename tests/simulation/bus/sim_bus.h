// The bus as main.cc wires it, on fake disks and the simulated network; its
// threads are steps. It dies and starts again as often as the run likes.
#ifndef CONCORDAT_TESTS_SIMULATION_BUS_SIM_BUS_H_
#define CONCORDAT_TESTS_SIMULATION_BUS_SIM_BUS_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "services/bus/daemon/delivery_loop.h"
#include "services/bus/daemon/ingest_loop.h"
#include "services/bus/log/durable_event_log.h"
#include "tests/simulation/bus/network.h"
#include "tests/simulation/bus/oracle.h"
#include "tests/simulation/bus/registrar.h"
#include "tests/simulation/bus/world.h"
#include "tests/support/fake_disk.h"
#include "tests/support/log_fakes.h"

namespace concordat::simulation {

class SimBus {
 public:
  enum class End {
    kKilled,  // The system has what was written.
    kPowerCut,
    kStopped,  // In order.
  };

  SimBus(World& world, WallClock& clock, Oracle& oracle, Network& network,
         Registrar& registrar);
  ~SimBus();

  bool running() const { return life_ != nullptr; }
  // False: it did not start, for a fault that was made; try again.
  bool Start();
  void Stop(End how);
  // One turn of each thread, as far as the dice let it come.
  void Tick();
  // The disk will fail one of the next calls.
  void FailSoon();
  // While it is down: a bit of a block that is not the log's last, or of a file
  // that is derived. Another is flipped only when this one was reported.
  void FlipBit();
  // It takes no writes, or stores no places, until it is started again.
  bool is_hurt() const { return hurt_; }
  // The newest place of each subscription that is on disk. While it is down.
  absl::StatusOr<bus::Places> PlacesOnDisk();
  // As concordat-log-fsck does.
  void CheckLog();
  // An operator's act on the shared subscription, on the delivery thread, if it
  // comes to that.
  void Perform(std::function<absl::Status(bus::DeliveryCore&)> act);
  const bus::DeliveryOptions& delivery_options() const { return delivery_; }
  // How far the delivery loop has the log.
  uint64_t posted() const { return posted_; }
  void set_on_start(std::function<void(const bus::Places&)> on_start) {
    on_start_ = std::move(on_start);
  }

 private:
  struct Work {
    std::deque<std::function<void()>> jobs;
    bool at_once = false;  // What is posted is done there and then.
  };
  class Steps;
  struct Life;

  // After a turn of the port.
  void CheckLooks(bus::Port port);
  void DoSome(Work& work);
  void Drop(Work& work);
  absl::Status Open();
  // As concordat-log-fsck does: opening passes over what it need not look at.
  absl::Status ReadWhole();

  World& world_;
  WallClock& clock_;
  Oracle& oracle_;
  Network& network_;
  const std::shared_ptr<const TypeRegistry> types_ = SimTypes();
  Registrar& registrar_;
  bus::DeliveryOptions delivery_;
  DiceRandom random_;
  testing::FakeDisk log_disk_;
  testing::FakeDisk places_disk_;
  std::shared_ptr<testing::FakeIndexStore::Entries> index_;
  // By what would be threads: blocks, places, closed segments.
  Work blocks_, places_, closed_, reads_;
  std::unique_ptr<Life> life_;
  uint64_t segment_bytes_ = 0;
  uint32_t credit_events_ = 0;
  uint64_t posted_ = 0;
  // Links that the bus has open, by what their port has seen.
  std::map<uint64_t, uint64_t> unknown_since_;
  bool hurt_ = false;
  std::optional<std::pair<std::string, uint64_t>> flipped_;
  std::function<void(const bus::Places&)> on_start_;
};

}  // namespace concordat::simulation

#endif  // CONCORDAT_TESTS_SIMULATION_BUS_SIM_BUS_H_
