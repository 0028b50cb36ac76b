#include "services/common/bus_client/settle_window.h"

#include <algorithm>

namespace concordat {
namespace {

constexpr size_t kSettledMax = 64 * 1024;

}  // namespace

void SettleWindow::Remember(Key key) {
  if (!settled_.insert(key).second) return;
  settled_order_.push_back(key);
  if (settled_order_.size() > kSettledMax) {
    settled_.erase(settled_order_.front());
    settled_order_.pop_front();
  }
}

void SettleWindow::Restart() {
  for (const auto& [frame, key] : unstored_) Remember(key);
  for (const auto& [bus_number, key] : done_) Remember(key);
  unstored_.clear();
  done_.clear();
  nacks_.clear();  // They count as an attempt when they come again, or not.
  told_ = 0;
  for (auto& [number, item] : out_) {
    item.bus_number = 0;
    earlier_[item.key] = number;
  }
}

std::optional<uint64_t> SettleWindow::Take(uint64_t bus_number,
                                           Sequence sequence,
                                           Sequence backfill_cause) {
  const Key key = {sequence.value, backfill_cause.value};
  if (settled_.erase(key) > 0) {
    std::erase(settled_order_, key);
    done_.push_back({bus_number, key});
    return std::nullopt;
  }
  const auto earlier = earlier_.find(key);
  if (earlier != earlier_.end()) {
    out_.at(earlier->second).bus_number = bus_number;
    earlier_.erase(earlier);
    return std::nullopt;
  }
  out_[++handed_out_] = {bus_number, key};
  return handed_out_;
}

void SettleWindow::Done(uint64_t number) {
  const auto item = out_.find(number);
  if (item == out_.end()) return;
  if (item->second.bus_number == 0) {
    earlier_.erase(item->second.key);
    Remember(item->second.key);
  } else {
    done_.push_back({item->second.bus_number, item->second.key});
  }
  out_.erase(item);
}

void SettleWindow::DoneUpTo(uint64_t number) {
  while (!out_.empty() && out_.begin()->first <= number) {
    Done(out_.begin()->first);
  }
}

void SettleWindow::Nack(uint64_t number, absl::Duration delay,
                        std::string reason) {
  const auto item = out_.find(number);
  if (item == out_.end()) return;
  if (item->second.bus_number == 0) {
    earlier_.erase(item->second.key);
  } else {
    bus::v1::Nack& nack = nacks_.emplace_back();
    nack.set_delivery(item->second.bus_number);
    nack.set_delay_ms(static_cast<uint32_t>(
        std::clamp<int64_t>(absl::ToInt64Milliseconds(delay), 0, UINT32_MAX)));
    nack.set_reason(std::move(reason));
  }
  out_.erase(item);
}

std::optional<bus::v1::Settle> SettleWindow::Next() {
  if (done_.empty() && nacks_.empty()) return std::nullopt;
  bus::v1::Settle settle;
  ++told_;
  while (!done_.empty() && settle.done_size() < kSettleMax) {
    settle.add_done(done_.front().first);
    unstored_.push_back({told_, done_.front().second});
    done_.pop_front();
  }
  const size_t nacks = std::min(
      nacks_.size(), static_cast<size_t>(kSettleMax - settle.done_size()));
  settle.mutable_nacks()->Assign(nacks_.begin(), nacks_.begin() + nacks);
  nacks_.erase(nacks_.begin(), nacks_.begin() + nacks);
  return settle;
}

void SettleWindow::Stored(uint64_t settles) {
  while (!unstored_.empty() && unstored_.front().first <= settles) {
    unstored_.pop_front();
  }
}

}  // namespace concordat
