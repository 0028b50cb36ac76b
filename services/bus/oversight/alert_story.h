#ifndef CONCORDAT_SERVICES_BUS_OVERSIGHT_ALERT_STORY_H_
#define CONCORDAT_SERVICES_BUS_OVERSIGHT_ALERT_STORY_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "concordat/access/v1/report.pb.h"
#include "services/bus/log/event_log.h"
#include "services/common/event/type_table.h"

namespace concordat::bus {

// What became of the alerts about a person, from their events in log order. It
// reads them by their types' JSON: the bus links no domain message.
class AlertStories {
 public:
  // False: it is no event of an alert.
  bool Take(const StoredEvent& event, const TypeRegistry& types);
  // Those that were addressed to the agency, or in which it acted; empty: all.
  void Fill(access::v1::WhoKnewReport& report, absl::string_view agency) const;

 private:
  access::v1::KnownAlert& Of(const std::string& alert_ref);

  std::vector<access::v1::KnownAlert> alerts_;  // As they were raised.
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_OVERSIGHT_ALERT_STORY_H_
