// What a publisher has on its way: sets in the order they were handed over,
// made into batches, kept until the bus has answered. PURE.
//
//   Add → Next → Sent → Answer          Lost: everything unanswered goes again,
//                                       in order, the same bytes.
//
// Threads  One at a time: the client's core holds its lock.
#ifndef CONCORDAT_SERVICES_COMMON_BUS_CLIENT_PUBLISH_QUEUE_H_
#define CONCORDAT_SERVICES_COMMON_BUS_CLIENT_PUBLISH_QUEUE_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/event/codec.h"

namespace concordat {

class PublishQueue {
 public:
  // An answered set; call `done` with its outcomes.
  struct Answered {
    Publisher::Done done;
    std::vector<PublishOutcome> outcomes;
  };

  // `views` are of `set`, which is written into a batch at once and let go, by
  // the thread that made it; before Welcome it is kept.
  void Add(std::vector<Event> set, absl::Span<const EventView> views,
           Publisher::Done done);

  // What the bus allows, from Welcome.
  void SetCredit(uint32_t events, uint32_t bytes);
  // The next frame to send: room for its head, then a batch. Null: nothing to
  // send, no credit, or enough is out that waiting makes a fuller batch. Call
  // Sent() with its number before the next call.
  std::shared_ptr<std::string> Next();
  void Sent(uint64_t number);
  // Next() would give something.
  bool HasNext() const;

  // False: it answers no batch that is out, or not each of its events.
  bool Answer(const bus::v1::Receipts& receipts,
              std::vector<Answered>& answered);

  // The session has ended. `refused`: the bus closed it because of what was
  // sent, for which the oldest unanswered batch is made to answer when it
  // happens thrice. When the bus has answered READ_ONLY or DRAINING on this session,
  // so does everything else: a bus that takes events again would take it, before
  // that which whoever publishes has to repeat.
  void Lost(bool refused, const std::string& detail,
            std::vector<Answered>& answered);
  // Nothing that waits will be sent: each is refused. What was sent and not
  // answered stays, unless `everything`.
  void Refuse(bus::v1::Refusal refusal, const std::string& detail,
              bool everything, std::vector<Answered>& answered);

  bool empty() const {
    return waiting_.empty() && batches_.empty() && open_.parts.empty();
  }
  // Next() would give something if a little more were added.
  bool WantsMore() const;

 private:
  // Batches, and events, without an answer beyond which only a full batch is
  // sent: what comes meanwhile travels together. Were it fewer events, a bus that
  // answers late would get less than a slow publisher makes meanwhile.
  static constexpr size_t kOpenBatches = 4;
  static constexpr size_t kOpenEvents = kBatchEventsMax;
  static constexpr int kRefusedMax = 3;

  struct Set {
    std::vector<Event> events;
    Publisher::Done done;
  };
  struct Part {
    size_t events;
    Publisher::Done done;
  };
  struct Batch {
    std::shared_ptr<std::string> frame;
    std::vector<Part> parts;
    std::vector<Digest> digests;  // One for each event.
    uint64_t number = 0;          // 0: to be sent.
    bool was_sent = false;
    size_t events() const { return digests.size(); }
  };

  void Encode(absl::Span<const EventView> set, Publisher::Done done);
  // Ends the batch that is being filled.
  void Seal();
  size_t events_max() const;
  bool HasCredit(size_t events, size_t bytes) const;
  bool MaySendLittle() const;
  // The batch that is being filled has room for them.
  bool Fits(absl::Span<const EventView> set) const;
  static bool AnswersAll(const bus::v1::Receipts& receipts, size_t events);
  static void FailAll(std::vector<Part>& parts, bus::v1::Refusal refusal,
                      const std::string& detail,
                      std::vector<Answered>& answered);

  std::deque<Set> waiting_;    // For Welcome.
  std::deque<Batch> batches_;  // In order; those out come first.
  Batch open_;                 // Being filled; its bytes are the encoder's.
  BatchEncoder encoder_;
  uint32_t atomic_set_ = 0;  // The last of open_.
  size_t out_ = 0;           // Of batches_, sent on this session.
  size_t events_out_ = 0;
  size_t bytes_out_ = 0;
  size_t credit_events_ = 0;
  size_t credit_bytes_ = 0;
  int refused_in_a_row_ = 0;
  // What the bus said on this session, if it takes nothing, and why.
  bus::v1::Refusal takes_nothing_ = bus::v1::REFUSAL_UNSPECIFIED;
  std::string takes_nothing_because_;
  std::vector<EventView> views_;  // Kept for its memory.
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BUS_CLIENT_PUBLISH_QUEUE_H_
