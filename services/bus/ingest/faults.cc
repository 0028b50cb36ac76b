#include "services/bus/ingest/faults.h"

#include <algorithm>
#include <utility>

namespace concordat::bus {

void Faults::Add(FaultyEvent event) {
  MutexLock lock(mu_);
  ++total_;
  const auto found =
      std::find_if(counts_.begin(), counts_.end(), [&](const Count& each) {
        return each.last.source == event.source && each.last.type == event.type;
      });
  if (found != counts_.end()) {
    counts_.splice(counts_.begin(), counts_, found);
  } else {
    counts_.emplace_front();
    if (counts_.size() > kKept) counts_.pop_back();
  }
  ++counts_.front().count;
  counts_.front().last = std::move(event);
}

std::vector<Faults::Count> Faults::List() const {
  MutexLock lock(mu_);
  return {counts_.begin(), counts_.end()};
}

uint64_t Faults::total() const {
  MutexLock lock(mu_);
  return total_;
}

}  // namespace concordat::bus
