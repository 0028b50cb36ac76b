#ifndef CONCORDAT_SERVICES_BUS_EVIDENCE_PRODUCER_LINK_H_
#define CONCORDAT_SERVICES_BUS_EVIDENCE_PRODUCER_LINK_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "services/bus/log/chain_log.h"
#include "services/bus/log/event_log.h"
#include "services/common/event/event.h"

namespace concordat::bus {

// The link of a producer's chain that names an event, and the digests of all events
// that it names, in its order.
struct ProducerLink {
  StoredLink stored;
  std::vector<Digest> digests;
};

// The one by which the event's producer signed it: of the producer's agency, for
// anybody can name an event in a link, and of these very events. Nothing: nobody
// did, so far. A producer signs within moments of its receipt, so that it is looked
// for in the next 64 MiB alone.
//   UNIMPLEMENTED  the log's store cannot be searched for it.
//   DATA_LOSS, UNAVAILABLE
absl::StatusOr<std::optional<ProducerLink>> FindProducerLink(
    const EventLog& log, const ChainLog& chains, const StoredEvent& event);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_EVIDENCE_PRODUCER_LINK_H_
