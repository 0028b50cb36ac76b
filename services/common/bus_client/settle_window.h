// What a subscription that settles singly has handed out, over as many sessions
// as it takes: gives each attempt once, and says what is to be told to the bus.
// PURE.
//
// Threads  One at a time.
// Bounds   What is out, and 65,536 deliveries that were done with on a session
//          that was lost: the oldest may be handed out once more.
#ifndef CONCORDAT_SERVICES_COMMON_BUS_CLIENT_SETTLE_WINDOW_H_
#define CONCORDAT_SERVICES_COMMON_BUS_CLIENT_SETTLE_WINDOW_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "concordat/bus/v1/session.pb.h"
#include "services/common/base/ids.h"

namespace concordat {

class SettleWindow {
 public:
  // Of one Settle frame.
  static constexpr int kSettleMax = 4096;

  // A new session: the bus counts anew. What is out comes again, to whoever.
  void Restart();
  // The bus delivered this. Returns the number that it is handed out with; none:
  // it was handed out before.
  std::optional<uint64_t> Take(uint64_t bus_number, Sequence sequence,
                               Sequence backfill_cause);
  // The user is done with it, with all up to it, or could not deal with it.
  // Numbers that are not out mean nothing.
  void Done(uint64_t number);
  void DoneUpTo(uint64_t number);
  void Nack(uint64_t number, absl::Duration delay, std::string reason);

  // The next frame to send; none: there is nothing to say.
  std::optional<bus::v1::Settle> Next();
  // The bus has this many frames of the session on disk.
  void Stored(uint64_t settles);

 private:
  using Key = std::pair<uint64_t, uint64_t>;  // Sequence and cause.
  struct Item {
    uint64_t bus_number = 0;  // 0: of a session that is over.
    Key key;
  };

  void Remember(Key key);

  uint64_t handed_out_ = 0;
  std::map<uint64_t, Item> out_;     // By number.
  std::map<Key, uint64_t> earlier_;  // Of `out_`: what may come again.
  std::deque<std::pair<uint64_t, Key>> done_;  // Not told yet, by bus number.
  std::vector<bus::v1::Nack> nacks_;           // The same.
  uint64_t told_ = 0;                          // Frames of this session.
  std::deque<std::pair<uint64_t, Key>> unstored_;  // By the frame that told.
  // Done with, and the bus may not know.
  std::set<Key> settled_;
  std::deque<Key> settled_order_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BUS_CLIENT_SETTLE_WINDOW_H_
