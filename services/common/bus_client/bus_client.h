// What a program does with the bus: publish, read a stream, subscribe.
// Implementations: ZmqBusClient (real), tests/support/fake_bus.h.
//
// Threads  Every method of BusClient may be called from any thread. Callbacks
//          run on the client's own thread and must not block. A Subscription
//          is for one thread at a time.
#ifndef CONCORDAT_SERVICES_COMMON_BUS_CLIENT_BUS_CLIENT_H_
#define CONCORDAT_SERVICES_COMMON_BUS_CLIENT_BUS_CLIENT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "concordat/bus/v1/session.pb.h"
#include "services/common/event/event.h"

namespace concordat {

struct PublishOutcome {
  bool accepted = false;
  bool duplicate = false;  // Accepted before; the original's receipt.
  Sequence sequence;
  uint64_t accepted_us = 0;
  Digest digest = {};
  bus::v1::Refusal refusal = bus::v1::REFUSAL_UNSPECIFIED;
  std::string detail;
  Sequence stream_version;  // With VERSION_CONFLICT.
  // Accepted in spite of these: field and rule of each. Mend the record.
  std::vector<std::string> faults;
};

// As the bus sends it.
PublishOutcome FromWire(const bus::v1::Outcome& wire);

// "READ_ONLY": as people read it.
std::string RefusalWord(bus::v1::Refusal refusal);

// The refusal is about the bus or the session as they are now, not about what was
// sent: the same events may be taken later.
bool IsPassing(bus::v1::Refusal refusal);

// Keeps ids and seeds across retries: an event handed over is sent until the
// bus has answered for it, over as many connections as that takes.
class Publisher {
 public:
  using Done = std::function<void(std::vector<PublishOutcome>)>;
  virtual ~Publisher() = default;

  // Sends one atomic set, in the order of calls. `done` runs once, whatever
  // happens, with an outcome for each event.
  //   RESOURCE_EXHAUSTED  the bound on what is in flight is reached; `done` is
  //                       not called. UNAVAILABLE  closed.
  virtual absl::Status Publish(std::vector<Event> set, Done done) = 0;
};

struct StreamSlice {
  std::vector<View> views;  // What the caller may see of it.
  Sequence version;         // The stream's last sequence, 0 for none.
};

struct Delivery {
  uint64_t number = 0;  // The subscription's own, gapless from 1.
  View view;
  // Not 0: an earlier event of a person, shown because of that policy event.
  Sequence backfill_cause;
  // The policy position up to which back-fill is complete once this is acked.
  // Who keeps an own place stores it beside the place.
  Sequence scanned_through;
  // Which one this is of the event. More than 1 only where deliveries are
  // settled singly: those before were nacked, or lost with who had them.
  uint32_t attempt = 1;
};

// How deliveries are done with.
enum class SettlementMode {
  kUpTo,    // Ack: everything up to a number.
  kSingly,  // Settle and Nack: each by itself. A durable name alone.
  kShared,  // The same, by all who subscribe under the name: each event goes to
            // one of them, and of a stream (else a person) one event at a time.
};

// Which log, and which life of it: a restore begins a new epoch.
struct LogEpoch {
  std::string log_id;  // 16 bytes.
  uint32_t epoch = 0;
  friend bool operator==(const LogEpoch&, const LogEpoch&) = default;
};

struct SubscribeOptions {
  std::string name;  // Durable; empty: a tail.
  // Of these alone; an empty list is everything. In a type "*" stands for any
  // characters; agencies are controllers.
  std::vector<std::string> types;
  std::vector<std::string> agencies;
  std::vector<PersonKey> persons;
  std::vector<std::string> streams;
  Sequence after;  // Where a new one starts.
  bool from_latest = false;
  // With the first event accepted at this time or later; 0: as above.
  uint64_t from_time_us = 0;
  // A tail ends with the event of this sequence, or with the last one accepted
  // before this time, once the log has one that was accepted then or later; with
  // the earlier of the two. 0: it goes on for ever.
  Sequence through;
  uint64_t to_time_us = 0;
  // A projection keeps its own place and always starts after `after`.
  bool own_place = false;
  // With own_place: `scanned_through` of the last delivery that was taken in.
  Sequence backfilled_through;
  SettlementMode settlement = SettlementMode::kUpTo;
  // With own_place: what Subscription::log_epoch() was when `after` was taken in;
  // empty: not known, and a position that was lost is not noticed.
  LogEpoch log_epoch;
  uint32_t credit_events = 4096;
  uint32_t credit_bytes = 8u << 20;
  // People wait for what comes of it (Subscribe.urgent). Of hub services alone.
  bool urgent = false;
};

// Survives restarts of the bus: it connects again by itself and goes on from
// the acknowledged place. What comes again after that and Next() has returned
// before, acknowledged or not, is dropped here: one Subscription gives a
// delivery once, and again only when policy has changed meanwhile and it shows
// more.
// Events up to `through` may be removed; 0: none is.
struct RemovedEvents {
  Sequence through;
  uint64_t at_us = 0;  // The last time, log time.
};
// "removed by retention on 4 January 2027".
std::string RemovedByRetention(uint64_t at_us);

class Subscription {
 public:
  virtual ~Subscription() = default;
  //   DEADLINE_EXCEEDED  nothing came in time (connected or not).
  //   OUT_OF_RANGE  the end that was asked for is reached: everything up to there
  //   was returned.
  //   PERMISSION_DENIED, DATA_LOSS (FORKED: what was returned is no longer in the
  //   log; build anew what came of it), FAILED_PRECONDITION (other holder),
  //   RESOURCE_EXHAUSTED (too many durable names), INVALID_ARGUMENT (no such
  //   subscription can be: name, filter, settlement):
  //   for good; the message says why.
  virtual absl::StatusOr<Delivery> Next(absl::Duration timeout) = 0;
  // Everything up to and with `number` is done with. Never blocks.
  virtual void Ack(uint64_t number) = 0;
  // Of one that settles singly: this delivery alone is done with, or could not
  // be dealt with and is to come again after `delay`, or when it is zero as the
  // bus backs off. After so many attempts (a setting of the bus) it is set aside
  // for the operator, who reads `reason`: printable, at most 128 bytes, nothing
  // of the event. Until it is done with or parked nothing of its stream, else its
  // person, is delivered. Never block.
  virtual void Settle(uint64_t number) = 0;
  virtual void Nack(uint64_t number, absl::Duration delay,
                    std::string reason) = 0;
  // The log's end as last heard from the bus. Once `scanned_through()`, which
  // counts what Next() has returned, is not less, the reader is up to date. Of
  // one that settles singly it counts what is settled or set aside, by anybody.
  virtual Sequence log_end() const = 0;
  virtual Sequence scanned_through() const = 0;
  virtual bool connected() const = 0;
  // The log that everything which Next() has returned is of. After a restore it
  // changes, unless something of that is lost: then Next() says FORKED. Empty
  // before the first connection.
  virtual LogEpoch log_epoch() const = 0;
  // What of that which was asked for retention had removed when it was subscribed:
  // it does not come.
  virtual RemovedEvents removed() const = 0;
};

// A stream is its source's own: two sources may have one of the same name.
struct StreamName {
  // Empty: the first that the registry lets the client publish from.
  std::string source;
  std::string name;
};

class BusClient : public Publisher {
 public:
  // All events of `stream` after `after` that the caller may see, and the
  // stream's version.
  //   UNAVAILABLE  no answer by the deadline, or the bus lets nobody in for now.
  //   PERMISSION_DENIED
  //   OUT_OF_RANGE  retention removed some of them: what is left does not add up
  //                 to what the stream says. Tells when.
  virtual absl::StatusOr<StreamSlice> ReadStream(const StreamName& stream,
                                                 Sequence after,
                                                 absl::Duration timeout) = 0;
  virtual absl::StatusOr<std::unique_ptr<Subscription>> Subscribe(
      SubscribeOptions options) = 0;
  // acceptedtime of the log's newest event, as last heard: at least once a
  // heartbeat, and never older than what an answer of before rests on. It never
  // steps back. 1970: nothing was heard yet.
  virtual absl::Time log_time() const = 0;
};

// Publishes and waits for the outcomes.
//   UNAVAILABLE  no answer in time; the events stay on their way, and a repeat
//                with the same ids gets the answer.
absl::StatusOr<std::vector<PublishOutcome>> PublishAndWait(
    Publisher& publisher, std::vector<Event> set, absl::Duration timeout);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BUS_CLIENT_BUS_CLIENT_H_
