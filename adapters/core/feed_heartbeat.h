// Says of a source of single messages how far it has come: hub.v1.FeedReceived
// with the newest time that a message gave itself, rounded down so that it is
// said once in each stretch of so many minutes.
//
// Threads  One of its own; behind() any.
#ifndef CONCORDAT_ADAPTERS_CORE_FEED_HEARTBEAT_H_
#define CONCORDAT_ADAPTERS_CORE_FEED_HEARTBEAT_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "adapters/core/edge_events.h"
#include "services/common/base/ticker.h"
#include "services/common/bus_client/bus_client.h"

namespace concordat::edge {

class FeedHeartbeat {
 public:
  struct Options {
    std::string feed;
    uint32_t minutes = 60;
    // Microseconds; 0: none was heard yet. Any thread.
    std::function<uint64_t()> newest_message_us;
  };

  // Starts its thread. Borrows bus and events.
  FeedHeartbeat(Publisher& bus, const EdgeEvents& events, Options options);

  // Something is to be said that the log has not yet.
  bool behind() const { return Due() > told_us_; }

 private:
  uint64_t Due() const;
  // True: the log has it.
  bool Tell(uint64_t complete_to_us);

  Publisher& bus_;
  const EdgeEvents& events_;
  const Options options_;
  std::atomic<uint64_t> told_us_{0};
  Ticker ticker_;  // Last: it uses the others.
};

}  // namespace concordat::edge

#endif  // CONCORDAT_ADAPTERS_CORE_FEED_HEARTBEAT_H_
