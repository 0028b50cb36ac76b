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

  // `keeps_place`: a new session asks for place(), not for the bus's.
  DeliveryWindow(Place start, bool keeps_place)
      : keeps_place_(keeps_place),
        place_(start),
        backfilled_through_(start.backfilled_through) {}

  // A new session: the bus counts anew, from the acknowledged place.
  void Restart();
  // The bus delivered this, and says that back-fill is complete up to
  // `scanned_through`; 0: says nothing of that. `groups` has a bit for each group
  // that it shows. Returns the number it is handed out with; none: it was handed
  // out before, and shows no more than then.
  std::optional<uint64_t> Take(uint64_t bus_number, Sequence sequence,
                               Sequence backfill_cause,
                               Sequence scanned_through, uint32_t groups);
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
    uint32_t groups = 0;
  };
  struct Earlier {
    uint64_t number = 0;
    uint32_t groups = 0;
  };
  using Key = std::pair<uint64_t, uint64_t>;  // Sequence and cause.

  void Settle();
  // The place from which a new session goes on has passed it.
  void Passed(const Item& item);

  const bool keeps_place_;
  Place place_;
  // As the place has it from which a new session goes on, as far as we know.
  Sequence backfilled_through_;
  Sequence scanned_through_;  // As this session has said.
  uint64_t handed_out_ = 0;
  uint64_t acked_ = 0;
  uint64_t ackable_ = 0;
  std::deque<Item> unacked_;   // Of this session, in the bus's order.
  std::deque<Item> unstored_;  // Acknowledged, and not known to be stored.
  // Stored, of a back-fill that is not known to be complete: until it is, a new
  // session begins it again.
  std::deque<Item> unfinished_;
  // Of earlier sessions: what the bus may deliver again.
  absl::flat_hash_map<Key, Earlier> earlier_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BUS_CLIENT_DELIVERY_WINDOW_H_
