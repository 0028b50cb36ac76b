// In which order the frames of sessions are taken: what a session says in small
// before what another publishes in bulk. A session is bulk while it publishes more
// than so many events a second; whoever imports has a session of its own for that.
//
// Promises
//   - Frames of one session come in the order they were pushed.
//   - A frame of a session that is not bulk waits for no other session.
//   - Bulk goes on while nothing else is there, one frame at a time, the oldest
//     first. While it is held - the alerts service lags - it waits, so that its
//     sessions come to the end of their credit; but no frame for longer than
//     `wait_max`, so that nobody waits for ever.
//
// Threads  One.
// Bounds   What is held is within the credit of each session, and `held_bytes_max`
//          in all: beyond that bulk is held no longer.
#ifndef CONCORDAT_SERVICES_BUS_INGEST_LANES_H_
#define CONCORDAT_SERVICES_BUS_INGEST_LANES_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "absl/time/time.h"
#include "services/bus/session/session_server.h"

namespace concordat::bus {

struct LaneOptions {
  uint64_t bulk_events_per_s = 500;
  absl::Duration wait_max = absl::Seconds(1);
  size_t held_bytes_max = size_t{64} << 20;
};

class Lanes {
 public:
  explicit Lanes(LaneOptions options) : options_(options) {}

  void Push(SessionEvent event, absl::Duration now);
  struct Waiting {
    SessionEvent event;
    absl::Duration since;
    bool is_bulk = false;
  };
  // The next to take; none: nothing is there, or all of it is held.
  std::optional<Waiting> Next(absl::Duration now, bool bulk_is_held);
  // A frame of this session waits.
  bool Has(SessionId session) const;
  // Nothing waits.
  bool empty() const { return live_.empty() && bulk_.empty(); }
  size_t bulk_bytes() const { return bulk_bytes_; }

 private:
  struct Session {
    absl::Duration second = -absl::InfiniteDuration();  // Its begin.
    uint64_t published = 0;                             // In this second,
    uint64_t before = 0;  // and in the one before.
    size_t waiting = 0;   // Frames in the bulk lane.
    bool exempt = false;
  };
  void Count(Session& session, uint64_t events, absl::Duration now) const;
  bool IsBulk(const Session& session) const;

  const LaneOptions options_;
  std::map<SessionId, Session> sessions_;
  std::deque<Waiting> live_, bulk_;
  size_t bulk_bytes_ = 0;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_INGEST_LANES_H_
