#include "tests/simulation/bus/program.h"

#include <utility>

namespace concordat::simulation {

Program::Program(World& world, Oracle& oracle, Network& network, int member)
    : world_(world),
      oracle_(oracle),
      network_(network),
      index_(member),
      member_(Members()[static_cast<size_t>(member)]),
      dialer_(network.DialerOf(member, KeyOf(member))) {}

void Program::Tick() {
  if (world_.now_us < starts_at_us_ || world_.now_us < stalled_until_us_) {
    return;
  }
  if (client_ == nullptr) {
    ++life_;
    ClientOptions options;
    options.identity = {member_.agency, member_.role, bus::v1::ENVIRONMENT_LIVE,
                        ""};
    options.ingest = [this] { return network_.EndpointOf(bus::Port::kIngest); };
    options.delivery = [this] {
      return network_.EndpointOf(bus::Port::kDelivery);
    };
    options.in_flight_events_max = kInFlightMax;
    client_ = std::make_unique<ClientCore>(std::move(options), *dialer_, [] {});
    Started();
  }
  client_->Step(world_.Elapsed());
  Work();
}

void Program::Crash() {
  if (client_ == nullptr) return;
  world_.Say(member_.name, ": crashes");
  Died();
  network_.ClientDown(index_);
  client_ = nullptr;
  starts_at_us_ = world_.now_us + world_.dice.Between(10'000, 3'000'000);
}

}  // namespace concordat::simulation
