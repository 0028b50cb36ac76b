#ifndef CONCORDAT_SERVICES_BUS_DELIVERY_PERSON_READER_H_
#define CONCORDAT_SERVICES_BUS_DELIVERY_PERSON_READER_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/bus/v1/registry.pb.h"
#include "services/bus/delivery/policy_fold.h"
#include "services/bus/delivery/view_builder.h"
#include "services/bus/log/event_log.h"
#include "services/common/base/clock.h"
#include "services/common/base/ids.h"
#include "services/common/event/codec.h"

namespace concordat::bus {

// What of an event of this type a person's opening without an interest shows at that
// moment, beside what is granted: what is of no sealed category, and what an agreement
// gives to somebody; nothing of an internal one.
GroupMask ShownWhenOpened(const EventType& type, absl::string_view name,
                          const Agreements& agreements, uint64_t now_us);

// Reads a person's events as one principal may see them now. What it answers,
// more of them and the position too, is the same as if the events that the
// principal may not see were not in the log; but that some would be seen, had they
// not been removed or restricted, is said. For one thread. PURE.
class PersonReader {
 public:
  // `log` and `fold` outlive this; `fold` is caught up at each question.
  PersonReader(const EventLog& log, PolicyFold& fold,
               std::shared_ptr<const TypeRegistry> types, const Clock& clock)
      : log_(log),
        fold_(fold),
        types_(types),
        views_(std::move(types)),
        clock_(clock) {}

  struct Question {
    PersonKey person = {};
    Sequence after = {};
    size_t limit = 0;  // Views; 0: as many as a frame holds.
    absl::Time deadline = absl::InfiniteFuture();
    // The person is open to the reader without an interest: what is of no sealed
    // category, and shared with somebody, is shown beside what is granted.
    bool opened = false;
  };
  struct Answer {
    std::string views;  // `dictionary` and `views` of a bus.v1.StreamEvents.
    // Everything of the person up to here that may be seen is in this answer
    // and those before it.
    Sequence position;
    bool more = false;  // There are others after it that may be seen.
    // Those that would be, had retention not removed them; and when the last was.
    uint32_t removed = 0;
    uint64_t removed_us = 0;
    // Controllers of those that would be, had they not restricted them.
    std::set<std::string> restricted;
  };
  //   DEADLINE_EXCEEDED  the person has more events than could be judged.
  //   DATA_LOSS, UNAVAILABLE  the log cannot be read.
  absl::StatusOr<Answer> Read(const v1::Principal& principal,
                              absl::string_view purpose,
                              const Question& question);

 private:
  GroupMask ShownOf(const StoredEvent& event, const Recipient& to,
                    bool opened) const;

  const EventLog& log_;
  PolicyFold& fold_;
  const std::shared_ptr<const TypeRegistry> types_;
  ViewBuilder views_;
  ViewEncoder encoder_;
  const Clock& clock_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DELIVERY_PERSON_READER_H_
