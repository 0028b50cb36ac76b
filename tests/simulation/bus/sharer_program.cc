#include "tests/simulation/bus/sharer_program.h"

#include <algorithm>
#include <utility>

namespace concordat::simulation {

SharerProgram::SharerProgram(World& world, Oracle& oracle, Network& network,
                             const Registrar& registrar, int member)
    : Program(world, oracle, network, registrar, member),
      credit_events_(static_cast<uint32_t>(world.dice.Between(1, 12))),
      credit_bytes_(static_cast<uint32_t>(world.dice.Between(2'000, 60'000))),
      eagerness_(world.dice.Chance(2500) ? world.dice.Between(50, 500)
                                         : world.dice.Between(2000, 9000)) {}

void SharerProgram::Subscribe() {
  held_.clear();
  SubscribeOptions options;
  options.name = kShared;
  options.settlement = SettlementMode::kShared;
  options.credit_events = credit_events_;
  options.credit_bytes = credit_bytes_;
  link_ = client_->Subscribe(std::move(options));
}

void SharerProgram::Died() {
  held_.clear();
  link_ = nullptr;
}

void SharerProgram::Work() {
  Dice& dice = world_.dice;
  if (is_shut_out()) return;
  const uint64_t eagerness = world_.healing ? 9000 : eagerness_;
  while (dice.Chance(eagerness) && held_.size() < credit_events_) {
    auto next = link_->Next(absl::ZeroDuration());
    if (next.ok()) {
      Take(*std::move(next));
      continue;
    }
    if (absl::IsDeadlineExceeded(next.status())) break;
    if (AsksAgain(next.status())) Subscribe();
    return;
  }
  while (!held_.empty() && dice.Chance(eagerness)) DealWithOne();
}

void SharerProgram::Take(Delivery delivery) {
  for (const Delivery& held : held_) {
    if (held.view.sequence == delivery.view.sequence &&
        held.backfill_cause == delivery.backfill_cause) {
      world_.Fail(member_.name, ": ", delivery.view.sequence.value,
                  " is handed out while it is held");
    }
  }
  held_.push_back(std::move(delivery));
}

bool SharerProgram::CannotDealWith(uint64_t sequence) const {
  return !world_.healing && (world_.seed + sequence * 7) % 11 < 2;
}

void SharerProgram::Effect(const Delivery& delivery) {
  uint32_t& groups = effects_[delivery.view.sequence.value];
  for (const View::Group& group : delivery.view.groups) {
    groups |= 1u << group.number;
  }
}

void SharerProgram::DealWithOne() {
  Dice& dice = world_.dice;
  const size_t at = dice.Below(held_.size());
  const uint64_t number = held_[at].number;
  if (CannotDealWith(held_[at].view.sequence.value) ||
      (!world_.healing && dice.Chance(800))) {
    const auto delay_ms =
        static_cast<int64_t>(dice.Chance(5000) ? 0 : dice.Between(1, 1500));
    link_->Nack(number, absl::Milliseconds(delay_ms), "cannot yet");
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(at));
    return;
  }
  // Now and then everything up to one.
  if (at > 0 && dice.Chance(1000)) {
    link_->Ack(number);
    std::erase_if(held_, [&](const Delivery& held) {
      if (held.number > number) return false;
      Effect(held);
      return true;
    });
    return;
  }
  Effect(held_[at]);
  link_->Settle(number);
  held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(at));
}

bool SharerProgram::settled() const {
  return client_ != nullptr && link_ != nullptr && link_->connected() &&
         held_.empty() && link_->scanned_through().value >= oracle_.end();
}

std::string SharerProgram::Where() const {
  return absl::StrCat(
      member_.name, ": ",
      link_ != nullptr && link_->connected() ? "connected" : "away", ", at ",
      link_ == nullptr ? 0 : link_->scanned_through().value, " of ",
      oracle_.end(), ", holds ", held_.size());
}

}  // namespace concordat::simulation
