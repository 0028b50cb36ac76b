#include "services/bus/ingest/refusals.h"

namespace concordat::bus {

void Refusals::Add(absl::string_view principal, v1::Refusal refusal,
                   absl::string_view detail) {
  MutexLock lock(mu_);
  ++totals_[refusal];
  Key key(std::string(principal), refusal);
  const auto found = by_key_.find(key);
  if (found != by_key_.end()) {
    counts_.splice(counts_.begin(), counts_, found->second);
  } else {
    counts_.push_front({key.first, refusal, 0, ""});
    by_key_.emplace(std::move(key), counts_.begin());
  }
  ++counts_.front().count;
  counts_.front().last_detail = std::string(detail);
  if (counts_.size() > kKept) {
    by_key_.erase({counts_.back().principal, counts_.back().refusal});
    counts_.pop_back();
  }
}

std::vector<Refusals::Count> Refusals::List() const {
  MutexLock lock(mu_);
  return {counts_.begin(), counts_.end()};
}

std::map<v1::Refusal, uint64_t> Refusals::Totals() const {
  MutexLock lock(mu_);
  return totals_;
}

}  // namespace concordat::bus
