// Who knew what of a person at a moment: from the log, refolded to that moment,
// and from the access log of what was delivered, acknowledged and opened by then.
//
// Threads  One at a time. It reads the whole log up to the moment.
#ifndef CONCORDAT_SERVICES_BUS_OVERSIGHT_WHO_KNEW_H_
#define CONCORDAT_SERVICES_BUS_OVERSIGHT_WHO_KNEW_H_

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "concordat/access/v1/who_knew.pb.h"
#include "concordat/bus/v1/registry.pb.h"
#include "services/bus/log/event_log.h"
#include "services/bus/oversight/person_lists.h"
#include "services/common/config/principal_registry.h"
#include "services/common/event/type_table.h"
#include "services/common/policy/policy.h"
#include "services/common/rpc/access_log.h"

namespace concordat::bus {

// A report, and what evidence of it is made from.
struct KnownThen {
  access::v1::WhoKnewReport report;
  PersonKey person;
  // The events that it reports, with those told later, and what of each whom it is
  // for may see.
  struct One {
    StoredEvent event;
    GroupMask shown = 0;
  };
  std::map<uint64_t, One> events;
  Recipient to;
};

class WhoKnew {
 public:
  // All outlive this. `missing`: what the access log does not have, in words;
  // empty: nothing.
  WhoKnew(const EventLog& log, std::shared_ptr<const TypeRegistry> types,
          const AccessStore& store, PersonLists& lists, std::string missing)
      : log_(log),
        types_(std::move(types)),
        store_(store),
        lists_(lists),
        missing_(std::move(missing)) {}

  //   As WhoKnewService.WhoKnew.
  absl::StatusOr<KnownThen> Ask(const PrincipalRegistry& registry,
                                const v1::Principal& caller,
                                absl::string_view purpose,
                                const access::v1::WhoKnewRequest& request);

 private:
  const EventLog& log_;
  const std::shared_ptr<const TypeRegistry> types_;
  const AccessStore& store_;
  PersonLists& lists_;
  const std::string missing_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_OVERSIGHT_WHO_KNEW_H_
