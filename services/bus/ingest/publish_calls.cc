#include "services/bus/ingest/publish_calls.h"

#include <utility>

namespace concordat::bus {

absl::Status PublishCalls::Add(PublishCall call) {
  MutexLock lock(mu_);
  if (closed_) return absl::UnavailableError("the bus stops");
  if (calls_.size() >= kCallsMax || bytes_ + call.batch.size() > kBytesMax) {
    return absl::ResourceExhaustedError("too many calls wait; try again");
  }
  bytes_ += call.batch.size();
  calls_.emplace(++last_, std::move(call));
  return absl::OkStatus();
}

size_t PublishCalls::waiting() const {
  MutexLock lock(mu_);
  return calls_.size();
}

std::vector<PublishCalls::Taken> PublishCalls::Take() {
  std::vector<Taken> taken;
  MutexLock lock(mu_);
  for (auto at = calls_.upper_bound(taken_); at != calls_.end(); ++at) {
    taken.push_back({at->first, &at->second});
  }
  taken_ = last_;
  return taken;
}

void PublishCalls::Answer(uint64_t number, const absl::Status& status,
                          const v1::Receipts& receipts) {
  PublishCall call;
  {
    MutexLock lock(mu_);
    const auto found = calls_.find(number);
    if (found == calls_.end()) return;
    call = std::move(found->second);
    bytes_ -= call.batch.size();
    calls_.erase(found);
  }
  call.done(status, receipts);
}

void PublishCalls::Close() {
  std::map<uint64_t, PublishCall> left;
  {
    MutexLock lock(mu_);
    closed_ = true;
    left.swap(calls_);
    bytes_ = 0;
  }
  for (const auto& [number, call] : left) {
    call.done(absl::UnavailableError("the bus stops"), v1::Receipts());
  }
}

}  // namespace concordat::bus
