#ifndef CONCORDAT_SERVICES_BUS_OVERSIGHT_DOUBTS_H_
#define CONCORDAT_SERVICES_BUS_OVERSIGHT_DOUBTS_H_

#include <map>
#include <string>
#include <vector>

#include "concordat/access/v1/report.pb.h"
#include "services/bus/log/event_log.h"
#include "services/common/event/type_table.h"

namespace concordat::bus {

// Whether it was in doubt who a person was: identity's reviews of links, folded from
// the person's events in order. PURE. Threads  One.
class Doubts {
 public:
  void Look(const StoredEvent& event, const TypeRegistry& types);
  // Those that nobody had decided.
  std::vector<access::v1::CouldNotKnow> Take();

 private:
  std::map<std::string, access::v1::CouldNotKnow> open_;  // By review.
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_OVERSIGHT_DOUBTS_H_
