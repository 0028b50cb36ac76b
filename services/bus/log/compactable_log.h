// What retention asks of a log: which segments are old, what is in them, and that
// the boxes of some of their events go. Of every event the spine stays: its
// sequence, id, stream and digest are judged by for ever. PURE.
//
// Threads  Any; Compact one at a time.
#ifndef CONCORDAT_SERVICES_BUS_LOG_COMPACTABLE_LOG_H_
#define CONCORDAT_SERVICES_BUS_LOG_COMPACTABLE_LOG_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/common/base/ids.h"
#include "services/common/event/event.h"

namespace concordat::bus {

// What the spine of an event says.
struct EventFacts {
  Sequence sequence;
  uint64_t accepted_us = 0;
  const HeaderView& header;
};

class CompactableLog {
 public:
  // A closed one.
  struct Segment {
    uint32_t number = 0;
    Sequence last;  // Of the log up to its end.
    uint64_t last_accepted_us = 0;
  };
  struct Outcome {
    uint64_t removed = 0;
    uint64_t freed_bytes = 0;
  };
  // Whether the event keeps its boxes.
  using Keep = std::function<bool(const EventFacts&)>;

  virtual ~CompactableLog() = default;

  // From the log's first on, as far as all that is in them was accepted before.
  virtual std::vector<Segment> ClosedBefore(uint64_t accepted_us) const = 0;

  // Each event that is not removed yet.  DATA_LOSS, UNAVAILABLE
  virtual absl::Status VisitKept(
      uint32_t segment,
      const std::function<void(const EventFacts&)>& visit) const = 0;

  // Removes the boxes of every event that `keep` does not want: all or nothing,
  // whenever the power is cut, and readers see the one or the other. When nothing
  // goes nothing is written. After an error the segment may be compacted on the
  // disk, and is read as it was until the next start.
  //   DATA_LOSS, UNAVAILABLE, RESOURCE_EXHAUSTED
  //   FAILED_PRECONDITION  the index does not have the segment yet.
  //   UNIMPLEMENTED        the log's store cannot do it.
  virtual absl::StatusOr<Outcome> Compact(uint32_t segment, const Keep& keep,
                                          uint64_t now_us) = 0;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_COMPACTABLE_LOG_H_
