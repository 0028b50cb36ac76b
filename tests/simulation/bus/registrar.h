// Whom the registry has at each moment: takes keys away, gives new ones, and knows
// what each port of the bus has seen of that.
#ifndef CONCORDAT_TESTS_SIMULATION_BUS_REGISTRAR_H_
#define CONCORDAT_TESTS_SIMULATION_BUS_REGISTRAR_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "services/bus/session/server_session.h"
#include "tests/simulation/bus/cast.h"
#include "tests/simulation/bus/world.h"

namespace concordat::simulation {

class Registrar {
 public:
  explicit Registrar(World& world);

  // As it is now. A port goes by it from then on.
  std::shared_ptr<const PrincipalRegistry> LookedAt(bus::Port port);
  uint64_t looked_at_us(bus::Port port) const { return looked_us_.at(port); }
  // As the port has seen it last, who proves this may speak.
  bool IsKnownTo(bus::Port port, const std::string& proof) const;
  // For a call that is being opened; null: nobody who may.
  const bus::v1::Principal* Admit(absl::string_view uri) const;

  // Draws what happens in this tick. The member whose program is to be told of a
  // new key; none: nobody.
  std::optional<int> Tick();
  // Everybody is enrolled; whose programs are to be told.
  std::vector<int> Heal();
  int KeyOf(int member) const { return Of(member).key; }
  // It was without a key at some time, and may have been told so.
  bool HasChanged(int member) const {
    return changed_[static_cast<size_t>(member)];
  }
  bool HasChanged(absl::string_view name) const;

 private:
  const Enrolment& Of(int member) const {
    return enrolments_[static_cast<size_t>(member)];
  }
  void Revoke(int member);
  // False: with the key that it had.
  bool Enrol(int member);
  void Renew();

  World& world_;
  std::vector<Enrolment> enrolments_;
  std::vector<bool> changed_;
  std::vector<uint64_t> back_at_us_;  // Of the revoked; 0: enrolled.
  std::shared_ptr<const PrincipalRegistry> registry_;
  std::map<bus::Port, std::shared_ptr<const PrincipalRegistry>> seen_;
  std::map<bus::Port, uint64_t> looked_us_;
};

}  // namespace concordat::simulation

#endif  // CONCORDAT_TESTS_SIMULATION_BUS_REGISTRAR_H_
