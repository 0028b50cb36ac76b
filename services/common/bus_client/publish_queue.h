// What a publisher has on its way: sets in the order they were handed over,
// made into batches, kept until the bus has answered. PURE.
//
//   Add → Next → Sent → Answer          Lost: everything unanswered goes again,
//                                       in order, the same bytes.
//
// Threads  One thread, the client's, uses it.
#ifndef CONCORDAT_SERVICES_COMMON_BUS_CLIENT_PUBLISH_QUEUE_H_
#define CONCORDAT_SERVICES_COMMON_BUS_CLIENT_PUBLISH_QUEUE_H_

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/event/codec.h"

namespace concordat {

class PublishQueue {
 public:
  struct Set {
    std::vector<Event> events;
    Publisher::Done done;
  };
  // An answered set; call `done` with its outcomes.
  struct Answered {
    Publisher::Done done;
    std::vector<PublishOutcome> outcomes;
  };

  void Add(Set set) { waiting_.push_back(std::move(set)); }

  // What the bus allows, from Welcome.
  void SetCredit(uint32_t events, uint32_t bytes);
  // The next batch to send, or empty: nothing to send, no credit, or enough is
  // out that waiting makes a fuller batch. Call Sent() with its frame's number
  // before the next call.
  absl::string_view Next();
  void Sent(uint64_t number);

  // False: it answers no batch that is out, or not each of its events.
  bool Answer(const bus::v1::Receipts& receipts,
              std::vector<Answered>& answered);

  // The session has ended. `refused`: the bus closed it because of what was
  // sent, for which the oldest unanswered batch is made to answer when it
  // happens thrice.
  void Lost(bool refused, const std::string& detail,
            std::vector<Answered>& answered);
  // Nothing that waits will be sent: each is refused. What was sent and not
  // answered stays, unless `everything`.
  void Refuse(bus::v1::Refusal refusal, const std::string& detail,
              bool everything, std::vector<Answered>& answered);

  bool empty() const { return waiting_.empty() && batches_.empty(); }
  // Next() would give something if more were added.
  bool WantsMore() const;

 private:
  // Batches without an answer beyond which only a full one is sent: what comes
  // meanwhile travels together.
  static constexpr size_t kOpenBatches = 4;
  static constexpr int kRefusedMax = 3;

  struct Part {
    size_t events;
    Publisher::Done done;
  };
  struct Batch {
    std::string bytes;
    std::vector<Part> parts;
    size_t events = 0;
    uint64_t number = 0;  // 0: to be sent.
    bool was_sent = false;
  };

  bool Encode();
  // The batch that is being made has room for them.
  bool Fits(const std::vector<EventView>& set) const;
  static void FailAll(std::vector<Part>& parts, bus::v1::Refusal refusal,
                      const std::string& detail,
                      std::vector<Answered>& answered);

  std::deque<Set> waiting_;
  std::deque<Batch> batches_;  // In order; those out come first.
  size_t out_ = 0;             // Of batches_, sent on this session.
  size_t events_out_ = 0;
  size_t bytes_out_ = 0;
  size_t credit_events_ = 0;
  size_t credit_bytes_ = 0;
  int refused_in_a_row_ = 0;
  BatchEncoder encoder_;
  std::vector<EventView> views_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BUS_CLIENT_PUBLISH_QUEUE_H_
