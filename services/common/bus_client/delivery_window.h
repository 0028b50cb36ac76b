// What a subscription has handed out and what the bus knows of that, over as
// many sessions as it takes: gives each delivery once, and says which of the
// bus's numbers may be acknowledged. PURE.
//
// Threads  One at a time.
#ifndef CONCORDAT_SERVICES_COMMON_BUS_CLIENT_DELIVERY_WINDOW_H_
#define CONCORDAT_SERVICES_COMMON_BUS_CLIENT_DELIVERY_WINDOW_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "services/common/base/ids.h"

namespace concordat {

class DeliveryWindow {
 public:
  // The place that a new session asks for when the subscription keeps its own.
  struct Place {
    Sequence after;
    Sequence backfilled_through;
  };

  explicit DeliveryWindow(Place start) : place_(start) {}

  // A new session: the bus counts anew, from the acknowledged place.
  void Restart();
  // The bus delivered this. Returns the number it is handed out with; none: it
  // was handed out before.
  std::optional<uint64_t> Take(uint64_t bus_number, Sequence sequence,
                               Sequence backfill_cause,
                               Sequence scanned_through);
  // The user is done with everything up to and with `number`.
  void Ack(uint64_t number);
  // The bus's number up to which all is done with; 0: none yet.
  uint64_t ackable() const { return ackable_; }
  // The bus has it on disk up to its `bus_number`.
  void Stored(uint64_t bus_number);

  // The bus says where a new subscription starts.
  void StartAfter(Sequence after) { place_.after = after; }

  const Place& place() const { return place_; }
  uint64_t handed_out() const { return handed_out_; }

 private:
  struct Item {
    uint64_t number = 0;
    uint64_t bus_number = 0;
    Sequence sequence;
    Sequence cause;
    Sequence scanned_through;
  };
  using Key = std::pair<uint64_t, uint64_t>;  // Sequence and cause.

  void Settle();

  Place place_;
  uint64_t handed_out_ = 0;
  uint64_t acked_ = 0;
  uint64_t ackable_ = 0;
  std::deque<Item> unacked_;   // Of this session, in the bus's order.
  std::deque<Item> unstored_;  // Acknowledged, and not known to be stored.
  // Of earlier sessions: what the bus may deliver again.
  absl::flat_hash_map<Key, uint64_t> earlier_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BUS_CLIENT_DELIVERY_WINDOW_H_
