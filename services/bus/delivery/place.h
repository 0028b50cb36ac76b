// How far a durable subscription has come, as it is stored: a floor below which
// everything is done with, and, when deliveries are settled singly, what is done
// above it and what of all that is not. Values alone.
#ifndef CONCORDAT_SERVICES_BUS_DELIVERY_PLACE_H_
#define CONCORDAT_SERVICES_BUS_DELIVERY_PLACE_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "services/common/base/ids.h"

namespace concordat::bus {

// What is delivered, over whichever session: an event, live or shown later
// because of a policy event.
struct ItemId {
  Sequence sequence;
  Sequence cause;  // 0: live.
  friend auto operator<=>(const ItemId&, const ItemId&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const ItemId& id) {
    return H::combine(std::move(h), id.sequence.value, id.cause.value);
  }
};

// Stored by number.
enum class RowState : uint8_t {
  kWaiting = 1,   // To be delivered: after a delay, or when its turn comes.
  kSetAside = 2,  // After so many attempts; holds its ordering key back.
  kParked = 3,    // For people; holds nothing back.
};

// Of an event that could not be dealt with, or waits behind one of its ordering
// key. It holds nothing of the event.
struct Row {
  static constexpr size_t kReasonBytesMax = 128;

  ItemId id;
  uint64_t order = 0;  // Unique in the subscription; by it a key's rows go.
  uint64_t key = 0;    // Hash of the ordering key; 0: none.
  RowState state = RowState::kWaiting;
  uint32_t attempts = 0;  // That failed; ever.
  uint32_t round = 0;     // Of them, since it was redriven last.
  // Real time, microseconds: of the first failure and the last (0: none), and
  // before when it is not delivered.
  uint64_t first_us = 0;
  uint64_t last_us = 0;
  uint64_t due_us = 0;
  std::string reason = {};  // Of the last failure.
  friend bool operator==(const Row&, const Row&) = default;
};

// Done with, above the floor.
struct Settled {
  ItemId id;
  Sequence shown;  // Judged by the policy of this position when it was sent.
  friend bool operator==(const Settled&, const Settled&) = default;
};

struct Place {
  std::string log_id;  // 16 bytes.
  uint32_t epoch = 0;
  Sequence acknowledged;  // Everything up to here is done with, or a row.
  Sequence judged;        // And back-fill for policy events up to here.
  // Settled singly: live was looked at up to here, and of what is above the
  // floor these are done with.
  Sequence scanned = {};
  std::vector<Settled> settled = {};
  std::vector<Row> rows = {};  // Ascending by order.
  bool paused = false;
  uint64_t used_us = 0;  // Real time of the last session; 0: not known.
  friend bool operator==(const Place&, const Place&) = default;
};

// By "<agency>/<role>/<name>".
using Places = std::map<std::string, Place>;

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DELIVERY_PLACE_H_
