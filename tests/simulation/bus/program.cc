#include "tests/simulation/bus/program.h"

#include <utility>

namespace concordat::simulation {

Program::Program(World& world, Oracle& oracle, Network& network,
                 const Registrar& registrar, int member)
    : world_(world),
      oracle_(oracle),
      network_(network),
      registrar_(registrar),
      index_(member),
      member_(Members()[static_cast<size_t>(member)]),
      by_call_(world.dice.Chance(3000)) {
  TakeKey();
}

void Program::TakeKey() {
  if (client_ != nullptr) Crash();
  dialer_ = network_.DialerOf(
      index_, ProofOf(index_, registrar_.KeyOf(index_), by_call_), by_call_);
}

bool Program::AsksAgain(const absl::Status& why) {
  world_.Say(member_.name, ": ", why.ToString());
  if (absl::IsPermissionDenied(why) && registrar_.HasChanged(index_)) {
    shut_out_until_us_ = world_.now_us + 300'000;
    return true;
  }
  // Its own earlier session may hold the name for as long as a silence lasts.
  if (absl::IsFailedPrecondition(why) && !world_.healing) return true;
  world_.Fail(member_.name, ": ", why.ToString());
  return false;
}

void Program::Tick() {
  if (world_.now_us < starts_at_us_ || world_.now_us < stalled_until_us_) {
    return;
  }
  if (client_ == nullptr) {
    ++life_;
    ClientOptions options;
    options.identity = {member_.agency, member_.role, bus::v1::ENVIRONMENT_LIVE,
                        ""};
    options.ingest = [this] {
      return Door{network_.EndpointOf(bus::Port::kIngest)};
    };
    options.delivery = [this] {
      return Door{network_.EndpointOf(bus::Port::kDelivery)};
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
