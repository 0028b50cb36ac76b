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
//   - A correction or retraction is not held, nor what its session said before it;
//     but of no more than `bulk_events_per_s` events.
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
    // An event of it amends another; as far as it was looked at.
    bool amends = false;
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
  // Of what is held the first frame of a session that has one that amends; the end:
  // there is none, or enough of them went on in this second.
  std::deque<Waiting>::iterator FirstBeforeAmendment(absl::Duration now);
  Waiting TakeBulk(std::deque<Waiting>::iterator from);

  const LaneOptions options_;
  std::map<SessionId, Session> sessions_;
  std::deque<Waiting> live_, bulk_;
  size_t bulk_bytes_ = 0;
  // So many of it, from the first on, were looked at, and so many of them amend.
  size_t looked_ = 0;
  size_t amending_ = 0;
  // Events that were not held because of one that amends.
  Session passed_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_INGEST_LANES_H_
