#include "tests/simulation/bus/registrar.h"

namespace concordat::simulation {

Registrar::Registrar(World& world)
    : world_(world),
      enrolments_(Members().size()),
      changed_(Members().size()),
      back_at_us_(Members().size()) {
  Renew();
}

void Registrar::Renew() { registry_ = SimRegistry(enrolments_); }

std::shared_ptr<const PrincipalRegistry> Registrar::LookedAt(bus::Port port) {
  seen_[port] = registry_;
  looked_us_[port] = world_.now_us;
  return registry_;
}

bool Registrar::IsKnownTo(bus::Port port, const std::string& proof) const {
  const auto seen = seen_.find(port);
  if (seen == seen_.end()) return true;
  const bus::v1::Principal* principal = seen->second->FindByProof(proof);
  return principal != nullptr && !principal->revoked();
}

const bus::v1::Principal* Registrar::Admit(absl::string_view uri) const {
  const bus::v1::Principal* principal = registry_->FindByCertificateUri(uri);
  return principal != nullptr && !principal->revoked() ? principal : nullptr;
}

bool Registrar::HasChanged(absl::string_view name) const {
  for (size_t i = 0; i < Members().size(); ++i) {
    if (Members()[i].name == name) return changed_[i];
  }
  return false;
}

void Registrar::Revoke(int member) {
  const auto at = static_cast<size_t>(member);
  enrolments_[at].revoked = true;
  changed_[at] = true;
  back_at_us_[at] = world_.now_us + world_.dice.Between(30'000, 3'000'000);
  world_.Say("registry: ", Members()[at].name, " is revoked");
}

bool Registrar::Enrol(int member) {
  const auto at = static_cast<size_t>(member);
  const bool is_new = world_.dice.Chance(6000);
  enrolments_[at].revoked = false;
  if (is_new) ++enrolments_[at].key;
  changed_[at] = true;
  back_at_us_[at] = 0;
  world_.Say("registry: ", Members()[at].name, " is enrolled with key ",
             enrolments_[at].key);
  return is_new;
}

std::optional<int> Registrar::Tick() {
  Dice& dice = world_.dice;
  for (size_t i = 0; i < back_at_us_.size(); ++i) {
    if (back_at_us_[i] == 0 || world_.now_us < back_at_us_[i]) continue;
    const bool is_new = Enrol(static_cast<int>(i));
    Renew();
    if (is_new) return static_cast<int>(i);
    return std::nullopt;
  }
  if (!dice.Chance(world_.faults.revoke)) return std::nullopt;
  const auto member = static_cast<int>(dice.Below(Members().size()));
  if (Of(member).revoked) return std::nullopt;
  Revoke(member);
  Renew();
  return std::nullopt;
}

std::vector<int> Registrar::Heal() {
  std::vector<int> told;
  for (size_t i = 0; i < enrolments_.size(); ++i) {
    if (!enrolments_[i].revoked) continue;
    if (Enrol(static_cast<int>(i))) told.push_back(static_cast<int>(i));
  }
  Renew();
  return told;
}

}  // namespace concordat::simulation
