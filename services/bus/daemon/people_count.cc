#include "services/bus/daemon/people_count.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "absl/hash/hash.h"

namespace concordat::bus {
namespace {

// Its input is random, and so are the bits of it; absl's hash mixes them anew.
uint64_t HashOf(const PersonKey& person) {
  return absl::Hash<PersonKey>()(person);
}

}  // namespace

void PeopleCount::Add(const PersonKey& person) {
  const uint64_t hash = HashOf(person);
  if (!registers_.empty()) return AddHash(hash);
  exact_.insert(hash);
  if (exact_.size() <= kExactMax) return;
  registers_.assign(size_t{1} << kIndexBits, 0);
  for (const uint64_t each : exact_) AddHash(each);
  exact_ = {};
}

void PeopleCount::AddHash(uint64_t hash) {
  uint8_t& at = registers_[hash >> (64 - kIndexBits)];
  const uint64_t rest = hash << kIndexBits;
  const int zeros = std::min(std::countl_zero(rest), 64 - kIndexBits);
  at = std::max(at, static_cast<uint8_t>(zeros + 1));
}

uint64_t PeopleCount::count() const {
  if (registers_.empty()) return exact_.size();
  const auto size = static_cast<double>(registers_.size());
  double sum = 0;
  size_t empty = 0;
  for (const uint8_t each : registers_) {
    sum += std::ldexp(1.0, -each);
    if (each == 0) ++empty;
  }
  const double estimate = 0.7213 / (1 + 1.079 / size) * size * size / sum;
  // Few of them: how many registers none of them fell into says more.
  if (estimate <= 2.5 * size && empty > 0) {
    return static_cast<uint64_t>(
        std::llround(size * std::log(size / static_cast<double>(empty))));
  }
  return static_cast<uint64_t>(std::llround(estimate));
}

}  // namespace concordat::bus
