#ifndef CONCORDAT_SERVICES_BUS_DAEMON_ACCESS_DISCLOSURES_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_ACCESS_DISCLOSURES_H_

#include <string>
#include <vector>

#include "services/bus/daemon/delivery_loop.h"
#include "services/bus/log/event_log.h"
#include "services/bus/oversight/person_lists.h"
#include "services/common/base/clock.h"
#include "services/common/event/type_table.h"
#include "services/common/rpc/access_log.h"
#include "services/common/rpc/access_service.h"

namespace concordat::bus {

// Writes what went out into the bus's access log. Threads  Any.
class AccessDisclosures : public DisclosureLog {
 public:
  // Both outlive it.
  AccessDisclosures(AccessStore& store, const Clock& clock)
      : store_(store), clock_(clock) {}

  absl::Status Record(const std::vector<Disclosure>& disclosures,
                      uint64_t log_us) override;

 private:
  AccessStore& store_;
  const Clock& clock_;
};

// Records, when it goes, that the bus ended in order.
class AccessEnd {
 public:
  AccessEnd(AccessStore& store, const Clock& clock)
      : store_(store), clock_(clock) {}
  AccessEnd(const AccessEnd&) = delete;
  AccessEnd& operator=(const AccessEnd&) = delete;
  ~AccessEnd() { EndAccess(store_, clock_.Now()).IgnoreError(); }

 private:
  AccessStore& store_;
  const Clock& clock_;
};

// What the log of events says of the s.62 operations: who told it of a person,
// altered it by a correction or retraction, or joined two persons; what retention
// removed, and that the person was erased; and whom a person's lists keep from it.
// Both outlive it. A part of a period is at most
// kPeriodEventsMax events that were looked at.
inline constexpr uint64_t kPeriodEventsMax = 16'384;
AccessEvents AccessEventsOf(const EventLog& log, PersonLists& lists,
                            std::string missing);

// What this process's access log does not have, in words: where several processes
// share the log, what the others delivered and answered. Empty: nothing.
std::string MissingAccess(bool shares_log);

// The record that the bus starts with.
access::v1::Record BeganOf(const LogStatus& log, absl::Time now);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_ACCESS_DISCLOSURES_H_
