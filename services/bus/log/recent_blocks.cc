#include "services/bus/log/recent_blocks.h"

#include <algorithm>
#include <utility>

namespace concordat::bus {

void RecentBlocks::Add(uint64_t first_sequence, uint64_t events,
                       std::string bytes) {
  MutexLock lock(mu_);
  if (events == 0) {
    GiveBack(std::move(bytes));
    return;
  }
  // Capacity: that is what it holds of memory.
  bytes_ += bytes.capacity();
  blocks_.push_back({first_sequence, events, std::move(bytes)});
  while (bytes_ > kBytes) {
    bytes_ -= blocks_.front().bytes.capacity();
    GiveBack(std::move(blocks_.front().bytes));
    blocks_.pop_front();
  }
}

std::optional<uint64_t> RecentBlocks::Copy(uint64_t sequence,
                                           std::string& bytes) const {
  MutexLock lock(mu_);
  const auto after = std::partition_point(
      blocks_.begin(), blocks_.end(), [sequence](const Block& block) {
        return block.first_sequence <= sequence;
      });
  if (after == blocks_.begin()) return std::nullopt;
  const Block& block = *std::prev(after);
  if (sequence - block.first_sequence >= block.events) return std::nullopt;
  bytes.assign(block.bytes);
  return block.first_sequence;
}

std::string RecentBlocks::TakeBuffer() {
  MutexLock lock(mu_);
  if (spare_.empty()) return {};
  std::string buffer = std::move(spare_.back());
  spare_.pop_back();
  return buffer;
}

void RecentBlocks::GiveBack(std::string bytes) {
  if (spare_.size() >= kSpare) return;
  bytes.clear();
  spare_.push_back(std::move(bytes));
}

}  // namespace concordat::bus
