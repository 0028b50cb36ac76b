// How many events of its person and of its stream there are with an event: the
// spine commits to that and does not tell it (services/bus/FORMAT.md). PURE.
#ifndef CONCORDAT_SERVICES_COMMON_EVENT_COUNTS_H_
#define CONCORDAT_SERVICES_COMMON_EVENT_COUNTS_H_

#include <cstdint>

#include "services/common/event/event.h"

namespace concordat {

struct EventCounts {
  uint64_t of_person = 0;
  uint64_t of_stream = 0;
};

// SHA-256("concordat/count/1" ‖ salt ‖ of_person:u64 ‖ of_stream:u64).
Digest CommitCounts(const Salt& salt, const EventCounts& counts);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_EVENT_COUNTS_H_
