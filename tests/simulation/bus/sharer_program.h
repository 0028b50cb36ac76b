#ifndef CONCORDAT_TESTS_SIMULATION_BUS_SHARER_PROGRAM_H_
#define CONCORDAT_TESTS_SIMULATION_BUS_SHARER_PROGRAM_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/bus/program.h"

namespace concordat::simulation {

// A member of a shared subscription: deals with what it gets one by one, in any
// order, and cannot deal with some of it until everything is whole again.
class SharerProgram : public Program {
 public:
  SharerProgram(World& world, Oracle& oracle, Network& network,
                const Registrar& registrar, int member);

  // All that is left to settle is settled, by whichever member.
  bool settled() const;
  // To the groups that it had when it dealt with each: by sequence.
  const std::map<uint64_t, uint32_t>& effects() const { return effects_; }
  std::string Where() const;

 private:
  void Started() override { Subscribe(); }
  void Died() override;
  void Work() override;
  void Subscribe();
  void Take(Delivery delivery);
  void DealWithOne();
  void Effect(const Delivery& delivery);
  bool CannotDealWith(uint64_t sequence) const;

  const uint32_t credit_events_;
  const uint32_t credit_bytes_;
  const uint64_t eagerness_;  // In ten thousand: looks in a tick.
  std::shared_ptr<SubscriptionLink> link_;
  std::vector<Delivery> held_;
  // On its disk.
  std::map<uint64_t, uint32_t> effects_;
};

}  // namespace concordat::simulation

#endif  // CONCORDAT_TESTS_SIMULATION_BUS_SHARER_PROGRAM_H_
