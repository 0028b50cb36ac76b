#include "services/common/bus_client/delivery_window.h"

#include <algorithm>

namespace concordat {
namespace {

constexpr size_t kEarlierMax = 64 * 1024;

}  // namespace

void DeliveryWindow::Restart() {
  for (const std::deque<Item>* items : {&unfinished_, &unstored_, &unacked_}) {
    for (const Item& item : *items) {
      earlier_[{item.sequence.value, item.cause.value}] = {item.number,
                                                           item.groups};
    }
  }
  unfinished_.clear();
  unstored_.clear();
  unacked_.clear();
  scanned_through_ = {};
  ackable_ = 0;
  // What was stored without our hearing of it never comes again.
  if (earlier_.size() > kEarlierMax) {
    absl::erase_if(
        earlier_, [&](const auto& one) { return one.second.number <= acked_; });
  }
}

std::optional<uint64_t> DeliveryWindow::Take(uint64_t bus_number,
                                             Sequence sequence,
                                             Sequence backfill_cause,
                                             Sequence scanned_through,
                                             uint32_t groups) {
  // One that begins at an older place has less behind it than one before.
  scanned_through_ = std::max(scanned_through_, scanned_through);
  Item item{0, bus_number, sequence, backfill_cause, scanned_through_, groups};
  const auto it = earlier_.find({sequence.value, backfill_cause.value});
  // The bus judges what comes again anew: it may show more now.
  const bool again = it != earlier_.end() && (groups & ~it->second.groups) == 0;
  item.number = again ? it->second.number : ++handed_out_;
  if (it != earlier_.end()) {
    item.groups |= it->second.groups;
    earlier_.erase(it);
  }
  unacked_.push_back(item);
  if (!again) return item.number;
  Settle();
  return std::nullopt;
}

void DeliveryWindow::Ack(uint64_t number) {
  acked_ = std::max(acked_, std::min(number, handed_out_));
  Settle();
}

void DeliveryWindow::Settle() {
  while (!unacked_.empty() && unacked_.front().number <= acked_) {
    const Item& item = unacked_.front();
    ackable_ = item.bus_number;
    if (item.cause.value == 0) {
      place_.after = std::max(place_.after, item.sequence);
    }
    place_.backfilled_through =
        std::max(place_.backfilled_through, item.scanned_through);
    if (keeps_place_) {
      Passed(item);
    } else {
      unstored_.push_back(item);
    }
    unacked_.pop_front();
  }
}

void DeliveryWindow::Stored(uint64_t bus_number) {
  while (!unstored_.empty() && unstored_.front().bus_number <= bus_number) {
    Passed(unstored_.front());
    unstored_.pop_front();
  }
}

void DeliveryWindow::Passed(const Item& item) {
  backfilled_through_ = std::max(backfilled_through_, item.scanned_through);
  if (item.cause > backfilled_through_) unfinished_.push_back(item);
  while (!unfinished_.empty() &&
         unfinished_.front().cause <= backfilled_through_) {
    unfinished_.pop_front();
  }
}

}  // namespace concordat
